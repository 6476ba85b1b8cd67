# Flags for every target of the project: warnings are errors in CI, sanitizers on request.
add_library(o2w_settings INTERFACE)
target_include_directories(o2w_settings INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_compile_options(o2w_settings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers)
# GCC 12 warns of impossible lengths inside of std::string when "text" + std::to_string(n) is inlined (its bug 105651, mended in 13).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(o2w_settings INTERFACE "$<$<CONFIG:Release>:-Wno-restrict;-Wno-stringop-overflow>")
endif()
option(ONNX2WASM_WERROR "Treat warnings as errors" OFF)
if(ONNX2WASM_WERROR)
  target_compile_options(o2w_settings INTERFACE -Werror)
endif()
if(ONNX2WASM_SANITIZE)
  target_compile_options(o2w_settings INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(o2w_settings INTERFACE -fsanitize=address,undefined)
endif()
# A quicker linker where there is one.
find_program(MOLD mold)
if(MOLD)
  target_link_options(o2w_settings INTERFACE -fuse-ld=mold)
endif()
find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

# Most of the time that a file of an operator takes to compile goes to headers. Off where ccache is to share results between folders: a precompiled
# header is not the same in two of them.
option(ONNX2WASM_PRECOMPILED_HEADERS "Precompile headers: for builds from scratch" $ENV{ONNX2WASM_PRECOMPILED_HEADERS})
set(precompiled_std <algorithm> <array> <cmath> <cstdint> <cstring> <functional> <limits> <map> <memory> <numeric> <optional> <set> <span> <string>
    <string_view> <tuple> <unordered_map> <utility> <variant> <vector> <fmt/core.h>)

# o2w_component(name DIR dir LINKS ... [PRECOMPILE headers]): an object library of all .cpp below `dir`; a new file needs no entry anywhere.
# Object libraries, so that self-registering files are never dropped by the linker.
function(o2w_component name)
  cmake_parse_arguments(ARG "" "DIR" "LINKS;PRECOMPILE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${ARG_DIR}/*.cpp)
  if(NOT sources)
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE o2w_settings ${ARG_LINKS})
    return()
  endif()
  add_library(${name} OBJECT ${sources})
  if(ONNX2WASM_PRECOMPILED_HEADERS AND ARG_PRECOMPILE)
    list(TRANSFORM ARG_PRECOMPILE PREPEND ${PROJECT_SOURCE_DIR}/)
    target_precompile_headers(${name} PRIVATE ${precompiled_std} ${ARG_PRECOMPILE})
  endif()
  target_link_libraries(${name} PUBLIC o2w_settings ${ARG_LINKS})
endfunction()
