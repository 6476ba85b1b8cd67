// The plan: the program's steps. Those that are calls with addresses and sizes, nearly all, are rows of a
// table (step_table.h); functions hold the others, and walk the rows between them. Long ones are cut into
// several, since engines take disproportionate time to optimise a large function.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/codegen/codegen.h"
#include "compiler/codegen/dim_bytes.h"
#include "compiler/codegen/kernels/kernel.h"
#include "compiler/codegen/step_table.h"
#include "compiler/support/error.h"

namespace o2w::codegen {

class Plan {
 public:
  // Emits all kernels, which do not depend on the memory map, and collects the sizes that the plan reads.
  Plan(BinaryenModuleRef module, const schedule::Program& program, const Target& target = {});

  MemoryNeeds needs() const;
  const std::set<std::string>& copied() const { return functions_.copied(); }
  void emit(const MemoryMap& map);
  const std::vector<uint8_t>& step_bytes() const { return table_.bytes(); }
  std::vector<int32_t> step_constants() const { return table_.constants(map_); }
  void functions_were_merged();
  std::vector<StepFunction> emit_step_functions();
  std::string function_of(const schedule::Call& call) const;

 private:
  using Rows = std::pair<std::size_t, std::size_t>;  // the first and the last row of a step

  // --- plan_kernels.cpp
  void collect(const schedule::Steps& steps);
  KernelCall kernel_call(const schedule::Call& call);
  // A function that describes its arguments to a routine of the runtime library and calls it.
  KernelCall routine_call(const schedule::Routine& routine, bool has_error);
  // Finds the epilogues of products that have little to do.
  void find_minor_epilogues();
  int dim_count() const { return static_cast<int>(dims_.size()); }
  void need(const ir::Dim& dim);
  void need_all(const ir::Shape& dims);

  // --- plan_rows.cpp: steps as rows of the table.
  void make_table();
  void sort_dims();
  void add_rows(const schedule::Steps& steps, bool top);
  void add_row(const schedule::Step& step);
  void add_row(const schedule::Step& step, const schedule::Call& call);
  void add_rows(const schedule::Step& step, const schedule::BindSymbols& bind);
  // One more row of a step, behind those that it has.
  void put_row(const schedule::Step& step, const std::string& function, bool returns_errno,
               std::vector<StepArgument> arguments);
  void announce_updates(const schedule::Step& step);
  // Where the rows begin and end among the table's bytes.
  std::pair<int64_t, int64_t> range_of(const Rows& rows) const {
    return {table_.range(rows.first).first, table_.range(rows.second).second};
  }
  StepArgument size_argument(const ir::Dim& dim);
  StepArgument address_argument(const schedule::Address& address);
  bool is_placed(int buffer) const;
  StepValue code_of(const ir::Dim& dim);
  // A list of the sizes that depend on these symbols, as o2w_update_dims takes it; where it lies among the
  // bytes.
  int64_t update_list(const std::vector<ir::SymbolRef>& symbols);
  int64_t update_list(const std::function<bool(const ir::Dim&)>& is_member);

  // --- plan.cpp: functions are () -> i32 errno.
  void emit_prepare();
  void emit_nn_strings();
  std::string steps_function(const schedule::Steps& steps, const std::string& name, bool top);
  void emit_step(FunctionBuilder& f, const schedule::Step& step);
  void walk(FunctionBuilder& f, std::pair<int64_t, int64_t> rows);
  void emit(FunctionBuilder& f, const schedule::Branch& branch);
  void emit(FunctionBuilder& f, const schedule::Repeat& repeat);
  void emit(FunctionBuilder& f, const schedule::BindSymbols& bind);
  template <typename Row>
  void emit(FunctionBuilder&, const Row&) {
    fail_internal("a step that should be a row of the table");
  }
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
  MemoryMap map_;
  std::map<const schedule::Call*, KernelCall> calls_;
  std::set<std::string> minor_epilogues_;  // their keys
  StepTable table_;
  DimBytes dim_bytes_;
  std::map<const schedule::Step*, Rows> rows_;
  std::map<std::string, std::string> merged_;  // functions that are others now
  int64_t entry_list_ = 0;                     // of the sizes that follow from the inputs'
  std::map<std::string, int> dim_numbers_;     // by text
  std::vector<ir::Dim> dims_;
  int64_t zero_bytes_ = 0, workspace_bytes_ = 0;
  int bodies_ = 0;  // of branches and loops, for their functions' names
};

}  // namespace o2w::codegen
