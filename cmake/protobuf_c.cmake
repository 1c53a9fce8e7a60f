# protobuf_c_sources(OUT_SOURCES OUT_HEADERS PROTO...): C generated at build time from files below proto/.
find_program(PROTOC_C protoc-c REQUIRED)

function(protobuf_c_sources out_sources out_headers)
    set(sources)
    set(headers)
    foreach(proto IN LISTS ARGN)
        string(REGEX REPLACE "\\.proto$" ".pb-c" stem "${proto}")
        set(source "${CMAKE_CURRENT_BINARY_DIR}/${stem}.c")
        set(header "${CMAKE_CURRENT_BINARY_DIR}/${stem}.h")
        set(imports ${ARGN})
        list(TRANSFORM imports PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
        add_custom_command(OUTPUT "${source}" "${header}"
            COMMAND "${PROTOC_C}" "--proto_path=${CMAKE_CURRENT_SOURCE_DIR}" "--c_out=${CMAKE_CURRENT_BINARY_DIR}"
                    "${CMAKE_CURRENT_SOURCE_DIR}/${proto}"
            DEPENDS ${imports}
            COMMENT "Generating ${stem}.c"
            VERBATIM)
        list(APPEND sources "${source}")
        list(APPEND headers "${header}")
    endforeach()
    set(${out_sources} ${sources} PARENT_SCOPE)
    set(${out_headers} ${headers} PARENT_SCOPE)
endfunction()
