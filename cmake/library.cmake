# Seconds for one test of ctest. The slowest takes some of them; a loaded machine, a slow disk and sanitizers do not come near:
# only what hangs ends so.
set(ZMESOS_TEST_TIMEOUT 900)

# zmesos_library(NAME SOURCES ... MAY_KNOW ...): the static library of one folder of src. Its headers are below
# include/NAME; what it may include is what MAY_KNOW links, nothing else.
function(zmesos_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;MAY_KNOW;PRIVATELY" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    target_include_directories(${name} PUBLIC "${CMAKE_CURRENT_SOURCE_DIR}/include"
                                       PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
    target_link_libraries(${name} PUBLIC ${ARG_MAY_KNOW} PRIVATE ${ARG_PRIVATELY} zmesos_warnings)
endfunction()

# zmesos_must_be_built(FILE): `cmake --install` installs nothing, and says what to do, where FILE of the build is not there.
function(zmesos_must_be_built file)
    set_property(GLOBAL APPEND PROPERTY ZMESOS_MUST_BE_BUILT "${file}")
endfunction()

# Before all that is installed. The list is complete when the whole configuration has been read.
install(SCRIPT "${PROJECT_BINARY_DIR}/check_built.cmake")
function(zmesos_write_check_built)
    get_property(files GLOBAL PROPERTY ZMESOS_MUST_BE_BUILT)
    list(JOIN files "\"\n    \"" files)
    file(GENERATE OUTPUT "${PROJECT_BINARY_DIR}/check_built.cmake" CONTENT "set(missing \"\")
foreach(file IN ITEMS
    \"${files}\")
    if(NOT EXISTS \"\${file}\")
        string(APPEND missing \"\\n  \${file}\")
    endif()
endforeach()
if(missing)
    message(FATAL_ERROR \"Not built yet:\${missing}\\nBefore the installing:\\n  cmake --build ${PROJECT_BINARY_DIR}\")
endif()
")
endfunction()
cmake_language(DEFER DIRECTORY "${PROJECT_SOURCE_DIR}" CALL zmesos_write_check_built)

# zmesos_program(NAME SOURCES ... LINKS ...): an installed program.
function(zmesos_program name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE ${ARG_LINKS} zmesos_warnings)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
    zmesos_must_be_built("$<TARGET_FILE:${name}>")
    install(TARGETS ${name} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endfunction()

# zmesos_unit_test(NAME SOURCES ... LINKS ...): one cmocka program, one ctest entry, with a time limit.
function(zmesos_unit_test name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
    add_executable(test_${name} ${ARG_SOURCES})
    target_link_libraries(test_${name} PRIVATE ${ARG_LINKS} PkgConfig::CMOCKA zmesos_warnings)
    add_test(NAME unit/${name} COMMAND test_${name})
    set_tests_properties(unit/${name} PROPERTIES TIMEOUT ${ZMESOS_TEST_TIMEOUT} LABELS unit
        ENVIRONMENT "ASAN_OPTIONS=allow_user_segv_handler=0:detect_leaks=1;ZMESOS_SHARED=${PROJECT_SOURCE_DIR}/../shared")
endfunction()

# zmesos_python_test(NAME FILE [TOOL]): a pytest file that drives the program TOOL, if one is named (its path is in
# the environment as ZMESOS_<TOOL>), with protobuf's own messages as the judge. Left out, with a word, where no Python
# has google.protobuf and pytest, or there is no protoc.
function(zmesos_python_test name file)
    find_program(ZMESOS_PROTOC protoc)
    foreach(candidate IN ITEMS /usr/bin/python3 python3)
        execute_process(COMMAND "${candidate}" -c "import google.protobuf, pytest"
            RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
        if(result EQUAL 0)
            set(python "${candidate}")
            break()
        endif()
    endforeach()
    if(NOT python OR NOT ZMESOS_PROTOC)
        message(STATUS "unit/${name} is left out: no Python with google.protobuf and pytest, or no protoc")
        return()
    endif()
    set(environment "ZMESOS_PROTOC=${ZMESOS_PROTOC};PYTHONDONTWRITEBYTECODE=1;ZMESOS_SHARED=${PROJECT_SOURCE_DIR}/../shared")
    foreach(tool IN LISTS ARGN)
        string(TOUPPER "${tool}" variable)
        list(APPEND environment "ZMESOS_${variable}=$<TARGET_FILE:${tool}>")
    endforeach()
    add_test(NAME unit/${name} COMMAND "${python}" -m pytest -q -p no:cacheprovider "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
    set_tests_properties(unit/${name} PROPERTIES TIMEOUT ${ZMESOS_TEST_TIMEOUT} LABELS unit
        ENVIRONMENT "${environment}")
endfunction()
