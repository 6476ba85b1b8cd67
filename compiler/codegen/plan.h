// The plan: the program's steps as functions that call kernels. Long lists of steps are cut into several
// functions, since engines take disproportionate time to optimise a large one.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/codegen/codegen.h"
#include "compiler/codegen/dim_code.h"
#include "compiler/codegen/kernels/kernel.h"

namespace o2w::codegen {

class Plan {
 public:
  // Emits all kernels, which do not depend on the memory map, and collects the sizes that the plan reads.
  Plan(BinaryenModuleRef module, const schedule::Program& program, const Target& target = {});

  MemoryNeeds needs() const;
  const std::set<std::string>& copied() const { return functions_.copied(); }
  void emit(const MemoryMap& map);
  std::vector<StepFunction> emit_step_functions();
  const std::string& function_of(const schedule::Call& call) const { return calls_.at(&call).function; }

 private:
  // --- plan_kernels.cpp
  void collect(const schedule::Steps& steps);
  KernelCall kernel_call(const schedule::Call& call);
  int dim_count() const { return static_cast<int>(dims_.size()); }
  void need(const ir::Dim& dim);
  void need_all(const ir::Shape& dims);

  // --- plan.cpp: functions are () -> i32 errno.
  void emit_prepare();
  void emit_nn_strings();
  std::string steps_function(const schedule::Steps& steps, const std::string& name, bool top);
  void emit_step(FunctionBuilder& f, const schedule::Step& step);
  void emit(FunctionBuilder& f, const schedule::Call& call);
  void emit(FunctionBuilder& f, const schedule::Branch& branch);
  void emit(FunctionBuilder& f, const schedule::Repeat& repeat);
  void emit(FunctionBuilder& f, const schedule::BindSymbols& bind);
  void emit(FunctionBuilder& f, const schedule::SetSymbol& set);
  void emit(FunctionBuilder& f, const schedule::Check& check);
  void emit(FunctionBuilder& f, const schedule::Allocate& allocate);
  void emit(FunctionBuilder& f, const schedule::Free& free);
  void emit(FunctionBuilder& f, const schedule::MoveBuffer& move);
  void emit_routine(FunctionBuilder& f, const schedule::Call& call, const schedule::Routine& routine);
  void return_if_failed(FunctionBuilder& f, const std::string& function);
  void fail_if(FunctionBuilder& f, I32 condition, int32_t code, int error);
  void set_symbol(FunctionBuilder& f, const ir::Symbol& symbol, I64 value);
  // Brings the dim table up to date after these symbols have got their values.
  void update_dims(FunctionBuilder& f, const std::vector<ir::SymbolRef>& symbols);
  bool is_checked_on_entry(const schedule::Step& step) const;

  I32 size(FunctionBuilder& f, const ir::Dim& dim);  // from the dim table
  I32 address(FunctionBuilder& f, const schedule::Address& address);
  int64_t pointer_cell(int buffer) const { return map_.pointer_table + 4 * int64_t{buffer}; }

  BinaryenModuleRef module_;
  const schedule::Program& program_;
  FunctionTable functions_;
  DimCode dim_code_;
  MemoryMap map_;
  std::map<const schedule::Call*, KernelCall> calls_;
  std::map<std::string, int> dim_numbers_;  // by text
  std::vector<ir::Dim> dims_;
  int64_t zero_bytes_ = 0, workspace_bytes_ = 0;
  int bodies_ = 0;  // of branches and loops, for their functions' names
};

}  // namespace o2w::codegen
