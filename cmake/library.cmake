# zmesos_library(NAME SOURCES ... MAY_KNOW ...): the static library of one folder of src. Its headers are below
# include/NAME; what it may include is what MAY_KNOW links, nothing else.
function(zmesos_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;MAY_KNOW;PRIVATELY" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    target_include_directories(${name} PUBLIC "${CMAKE_CURRENT_SOURCE_DIR}/include"
                                       PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
    target_link_libraries(${name} PUBLIC ${ARG_MAY_KNOW} PRIVATE ${ARG_PRIVATELY} zmesos_warnings)
endfunction()

# zmesos_program(NAME SOURCES ... LINKS ...): an installed program.
function(zmesos_program name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE ${ARG_LINKS} zmesos_warnings)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
    install(TARGETS ${name} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endfunction()

# zmesos_unit_test(NAME SOURCES ... LINKS ...): one cmocka program, one ctest entry, with a time limit.
function(zmesos_unit_test name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
    add_executable(test_${name} ${ARG_SOURCES})
    target_link_libraries(test_${name} PRIVATE ${ARG_LINKS} PkgConfig::CMOCKA zmesos_warnings)
    add_test(NAME unit/${name} COMMAND test_${name})
    set_tests_properties(unit/${name} PROPERTIES TIMEOUT 120 LABELS unit
        ENVIRONMENT "ASAN_OPTIONS=allow_user_segv_handler=0:detect_leaks=1;ZMESOS_SHARED=${PROJECT_SOURCE_DIR}/../shared")
endfunction()
