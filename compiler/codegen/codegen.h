// Program -> functions of a Binaryen module.
#pragma once

#include <binaryen-c.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "compiler/schedule/program.h"

namespace o2w::codegen {

// Where things lie in linear memory; the packager decides, the code generator bakes the numbers in.
struct MemoryMap {
  std::vector<int64_t>
      buffer_address;         // absolute, for weights buffers and (static plans) arena buffers; -1 otherwise
  int64_t pointer_table = 0;  // one u32 per buffer: run-time addresses of buffers that are not absolute
                              // (inputs, outputs, dynamic arena, heap)
  int64_t symbol_table = 0;   // one i64 per Program::symbols entry
  int64_t dim_table = 0;      // one i32 per distinct non-constant Dim that generated code reads (see dims())
  int64_t scratch = 0;        // descriptors for Routine calls, 4 KiB
};

// Adds to `module` (which holds the runtime-lib) every kernel the program needs and the entry points, all ()
// -> i32 errno:
//   o2w_model_prepare  input symbols are set: computes all Dims that depend on inputs alone, checks entry
//   constraints, plans and allocates the arena,
//                      and fills in the byte sizes of inputs and outputs
//   o2w_model_run      pointer table is filled in: runs all steps
class CodeGenerator {
 public:
  CodeGenerator(BinaryenModuleRef module, const schedule::Program& program);
  ~CodeGenerator();
  CodeGenerator(const CodeGenerator&) = delete;
  CodeGenerator& operator=(const CodeGenerator&) = delete;

  // Number of entries the dim table needs; known before emit().
  int dim_count() const;
  void emit(const MemoryMap& map);

 private:
  struct Impl;
  Impl* impl_;
};

}  // namespace o2w::codegen
