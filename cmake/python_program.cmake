# zmesos_python_program(NAME PACKAGE package): a program in Python whose package is the calling folder's PACKAGE/, with
# main() in its main.py. In the build it is bin/NAME beside the others; installed it finds its package, and the zmesos
# package, in share/zmesos/python, so that it needs no wheel. Left out, with a word, where the zmesos package cannot be made.
function(zmesos_python_program name)
    cmake_parse_arguments(ARG "" "PACKAGE" "" ${ARGN})
    if(NOT TARGET python_bindings)
        message(WARNING "${name} is left out: there is no Python package")
        return()
    endif()
    set(interpreter "${ZMESOS_PYTHON}")
    if(NOT interpreter)
        set(interpreter /usr/bin/python3)
    endif()
    set(package "${ARG_PACKAGE}")
    set(launcher "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/python_program.in")
    set(executable OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

    set(packages ../python)
    file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/bin" "${PROJECT_BINARY_DIR}/python")
    file(CREATE_LINK "${CMAKE_CURRENT_SOURCE_DIR}/${package}" "${PROJECT_BINARY_DIR}/python/${package}" SYMBOLIC)
    configure_file("${launcher}" "${PROJECT_BINARY_DIR}/bin/${name}" @ONLY FILE_PERMISSIONS ${executable})

    file(RELATIVE_PATH packages "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_DATADIR}/zmesos/python")
    configure_file("${launcher}" "${CMAKE_CURRENT_BINARY_DIR}/installed/${name}" @ONLY FILE_PERMISSIONS ${executable})
    install(PROGRAMS "${CMAKE_CURRENT_BINARY_DIR}/installed/${name}" DESTINATION "${CMAKE_INSTALL_BINDIR}")
    install(DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/${package}" DESTINATION "${CMAKE_INSTALL_DATADIR}/zmesos/python"
        PATTERN __pycache__ EXCLUDE)
endfunction()
