# One place for what the compilers are asked to say. Interface target `zmesos_warnings` is linked privately by
# every target of ours; generated code does not link it.
add_library(zmesos_warnings INTERFACE)
target_compile_options(zmesos_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
    -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wimplicit-fallthrough
    -Wunused-result -Wdouble-promotion)
option(ZMESOS_WERROR "Treat warnings as errors" OFF)
if(ZMESOS_WERROR)
    target_compile_options(zmesos_warnings INTERFACE -Werror)
endif()
