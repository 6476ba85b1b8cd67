# onnx2wasm_add_model(TARGET name MODEL model.onnx [OPTIONS ...] [OUTPUT_DIRECTORY dir])
#
# Compiles a model when the project is built, and again when the model, its options or the compiler change. Makes a library target `name`:
#   #include "<name>.h"      std::span-free, plain C: `extern const unsigned char <name>_wasm[]; extern const unsigned long <name>_wasm_size;`
# and sets the target properties ONNX2WASM_MODULE (path of the .wasm) and ONNX2WASM_LOADER (path of the .mjs), for those who ship the files.
# OPTIONS go to the compiler as they are: OPTIONS --dim batch=1 -O3
# With OPTIONS --weights=sidecar the weights are a file of their own: the header has `<name>_weights` and `<name>_weights_size` as well, and the
# property ONNX2WASM_WEIGHTS is its path.

# Here and not in the function: CMake enables languages for a whole directory, from file scope only.
enable_language(ASM)

function(onnx2wasm_add_model)
  cmake_parse_arguments(ARG "" "TARGET;MODEL;OUTPUT_DIRECTORY" "OPTIONS" ${ARGN})
  if(NOT ARG_TARGET OR NOT ARG_MODEL OR ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "onnx2wasm_add_model(TARGET name MODEL model.onnx [OPTIONS ...] [OUTPUT_DIRECTORY dir])")
  endif()
  if(NOT ARG_TARGET MATCHES "^[A-Za-z_][A-Za-z0-9_]*$")
    message(FATAL_ERROR "onnx2wasm_add_model: TARGET '${ARG_TARGET}' names a C symbol too, so it must be an identifier")
  endif()
  cmake_path(ABSOLUTE_PATH ARG_MODEL BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  if(NOT ARG_OUTPUT_DIRECTORY)
    set(ARG_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/${ARG_TARGET}.onnx2wasm)
  endif()
  file(MAKE_DIRECTORY ${ARG_OUTPUT_DIRECTORY})
  set(module ${ARG_OUTPUT_DIRECTORY}/${ARG_TARGET}.wasm)
  set(loader ${ARG_OUTPUT_DIRECTORY}/${ARG_TARGET}.mjs)
  set(weights "")
  set(before "")
  set(after "")
  set(weights_assembly "")
  set(weights_declaration "")
  if("--weights=sidecar" IN_LIST ARG_OPTIONS OR ARG_OPTIONS MATCHES "(^|;)--weights;sidecar(;|$)")
    if(ARG_OPTIONS MATCHES "--weights-part")
      message(FATAL_ERROR "onnx2wasm_add_model: --weights-part does not go with a library, whose weights are one array")
    endif()
    list(APPEND ARG_OPTIONS --weights-part 4G)
    set(weights ${ARG_OUTPUT_DIRECTORY}/${ARG_TARGET}.weights)
    # A model without weights has no such file: the array is empty then, not an older model's.
    set(before COMMAND ${CMAKE_COMMAND} -E rm -f ${weights})
    set(after COMMAND ${CMAKE_COMMAND} -E touch ${weights})
    set(weights_assembly [[
        .balign 64
        .globl @ARG_TARGET@_weights
@ARG_TARGET@_weights:
        .incbin "@weights@"
2:
        .balign 8
        .globl @ARG_TARGET@_weights_size
@ARG_TARGET@_weights_size:
        .quad 2b - @ARG_TARGET@_weights
]])
    set(weights_declaration [[
extern const unsigned char @ARG_TARGET@_weights[];
extern const unsigned long @ARG_TARGET@_weights_size;
]])
    string(CONFIGURE "${weights_assembly}" weights_assembly @ONLY)
    string(CONFIGURE "${weights_declaration}" weights_declaration @ONLY)
  endif()

  add_custom_command(
    OUTPUT ${module} ${loader} ${weights}
    ${before}
    COMMAND onnx2wasm::onnx2wasm compile ${ARG_MODEL} -o ${module} --emit wasm,js --quiet ${ARG_OPTIONS}
    ${after}
    DEPENDS ${ARG_MODEL} onnx2wasm::onnx2wasm
    COMMENT "Compiling ${ARG_MODEL} to WebAssembly"
    VERBATIM)

  # The bytes go in by the assembler's .incbin: quick for models of any size.
  file(CONFIGURE OUTPUT ${ARG_OUTPUT_DIRECTORY}/${ARG_TARGET}.S @ONLY CONTENT [[
        .section .rodata
        .balign 16
        .globl @ARG_TARGET@_wasm
@ARG_TARGET@_wasm:
        .incbin "@module@"
1:
        .balign 8
        .globl @ARG_TARGET@_wasm_size
@ARG_TARGET@_wasm_size:
        .quad 1b - @ARG_TARGET@_wasm
@weights_assembly@        .section .note.GNU-stack,"",%progbits
]])
  file(CONFIGURE OUTPUT ${ARG_OUTPUT_DIRECTORY}/${ARG_TARGET}.h @ONLY CONTENT [[
/* The module compiled from @ARG_TARGET@'s model. */
#pragma once
#ifdef __cplusplus
extern "C" {
#endif
extern const unsigned char @ARG_TARGET@_wasm[];
extern const unsigned long @ARG_TARGET@_wasm_size;
@weights_declaration@#ifdef __cplusplus
}
#endif
]])
  set_source_files_properties(${ARG_OUTPUT_DIRECTORY}/${ARG_TARGET}.S PROPERTIES OBJECT_DEPENDS "${module};${weights}")
  add_library(${ARG_TARGET} STATIC ${ARG_OUTPUT_DIRECTORY}/${ARG_TARGET}.S)
  set_target_properties(${ARG_TARGET} PROPERTIES LINKER_LANGUAGE C ONNX2WASM_MODULE ${module} ONNX2WASM_LOADER ${loader})
  if(weights)
    set_target_properties(${ARG_TARGET} PROPERTIES ONNX2WASM_WEIGHTS ${weights})
  endif()
  target_include_directories(${ARG_TARGET} INTERFACE ${ARG_OUTPUT_DIRECTORY})
endfunction()
