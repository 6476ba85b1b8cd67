// Program -> functions of a Binaryen module.
#pragma once

#include <binaryen-c.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/codegen/function_table.h"
#include "compiler/schedule/program.h"

namespace o2w::codegen {

inline constexpr int64_t kScratchBytes = 4096;

// Where things lie in linear memory; the packager decides, the code generator bakes the numbers in.
struct MemoryMap {
  std::vector<int64_t>
      buffer_address;         // absolute, for weights buffers and (static plans) arena buffers; -1 otherwise
  int64_t symbol_table = 0;   // one i64 per Program::symbols entry
  int64_t dim_table = 0;      // one i32 per distinct non-constant Dim that generated code reads (see dims())
  int64_t pointer_table = 0;  // behind it, one u32 per buffer: run-time addresses of buffers that are not
                              // absolute (inputs, outputs, dynamic arena, heap)
  int64_t steps = 0, constants = 0;  // CodeGenerator::step_bytes(), step_constants()
  int64_t scratch = 0;               // descriptors for Routine calls, kScratchBytes
  int64_t setup_cell = 0;            // an i32: not 0 once the program's setup has run
  int64_t zeros = 0, workspace = 0;  // of the kernels, as large as needs() says
};

// A step that can be run apart, and the function that does its work (empty: the step is no call).
struct StepFunction {
  const schedule::Step* step = nullptr;
  std::string name, kernel;
};

// Memory that generated code needs beside the program's buffers.
struct MemoryNeeds {
  int dim_count = 0;                            // entries of the dim table
  int64_t zero_bytes = 0, workspace_bytes = 0;  // see KernelCall
  // Of the steps (step_table.h).
  int64_t step_bytes = 0, constant_count = 0;
};

// Adds to `module` (which holds the runtime-lib) every kernel the program needs and the entry points, all ()
// -> i32 errno:
//   o2w_model_prepare  input symbols are set: computes all Dims that depend on inputs alone, checks entry
//   constraints, plans and allocates the arena,
//                      and fills in the byte sizes of inputs and outputs
//   o2w_model_run      pointer table is filled in: runs all steps
class CodeGenerator {
 public:
  CodeGenerator(BinaryenModuleRef module, const schedule::Program& program, const Target& target = {});
  ~CodeGenerator();
  CodeGenerator(const CodeGenerator&) = delete;
  CodeGenerator& operator=(const CodeGenerator&) = delete;

  // Known before emit().
  MemoryNeeds needs() const;
  // Functions of the runtime library whose code stands in generated functions, and which themselves may be
  // gone in the end; what they read must stay. After emit().
  const std::set<std::string>& copied_functions() const;
  void emit(const MemoryMap& map);
  // What is to lie at MemoryMap::steps and ::constants. After emit().
  const std::vector<uint8_t>& step_bytes() const;
  std::vector<int32_t> step_constants() const;
  // Adds a function of its own for every step at the top of the program, () -> i32 errno, for profiles:
  // called in order they do what o2w_model_run does. After emit().
  std::vector<StepFunction> emit_step_functions();
  // The module's functions have been merged where they are alike: function_of() says which is left.
  void functions_were_merged();
  // The function that a call of the program has become: a kernel or a routine; empty for copies.
  std::string function_of(const schedule::Call& call) const;

 private:
  struct Impl;
  Impl* impl_;
};

}  // namespace o2w::codegen
