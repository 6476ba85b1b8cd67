// What the plan needs of the program before it is laid out: its kernels, and the sizes that are read at run
// time.
#include <algorithm>

#include "compiler/codegen/efforts.h"
#include "compiler/codegen/epilogue.h"
#include "compiler/codegen/plan.h"
#include "compiler/schedule/step_work.h"
#include "compiler/support/error.h"

namespace o2w::codegen {

using namespace schedule;  // NOLINT(google-build-using-namespace): the steps and kernels of the program

namespace {

// A kernel for an epilogue of its own takes some 4 KB. The epilogues that have the least to do, together up
// to this part of a model's multiplications, leave their products the kernels of those without one, which
// costs these a tenth of their time.
constexpr double kMinorShare = 0.1;

}  // namespace

Plan::Plan(BinaryenModuleRef module, const Program& program, const Target& target)
    : module_(module), program_(program), functions_(module, target), dim_bytes_(program.symbols) {
  find_minor_epilogues();
  functions_.set_efforts(nest_efforts(program, target.small));
  collect(program.setup);
  collect(program.steps);
  make_table();
}

MemoryNeeds Plan::needs() const {
  return {dim_count(), zero_bytes_, workspace_bytes_, static_cast<int64_t>(table_.bytes().size()),
          static_cast<int64_t>(table_.constant_count())};
}

void Plan::need(const ir::Dim& dim) {
  if (dim.is_constant()) return;
  const auto [place, is_new] = dim_numbers_.try_emplace(dim.to_string(), dim_count());
  if (is_new) dims_.push_back(dim);
}

void Plan::need_all(const ir::Shape& dims) {
  for (const ir::Dim& dim : dims) need(dim);
}

namespace {

const Epilogue* epilogue_of(const Call& call) {
  if (const auto* matmul = std::get_if<Matmul>(&call.kernel)) return &matmul->epilogue;
  if (const auto* conv = std::get_if<Conv2d>(&call.kernel)) return &conv->epilogue;
  return nullptr;
}

}  // namespace

void Plan::find_minor_epilogues() {
  std::map<std::string, double> work;
  double all = 0;
  for_each_step(program_.steps, [&](const Step& step) {
    const auto* call = std::get_if<Call>(&step.what);
    const Epilogue* epilogue = call == nullptr ? nullptr : epilogue_of(*call);
    if (epilogue == nullptr) return;
    const double own = multiplications_of(*call);
    all += own;
    if (epilogue->body) work[EpilogueEmitter::key(*epilogue)] += own;
  });
  std::vector<std::pair<double, std::string>> ascending;
  for (const auto& [key, own] : work) ascending.emplace_back(own, key);
  std::sort(ascending.begin(), ascending.end());
  double shared = 0;
  for (const auto& [own, key] : ascending) {
    shared += own;
    if (shared > kMinorShare * all) break;
    minor_epilogues_.insert(key);
  }
}

KernelCall Plan::kernel_call(const Call& call) {
  const Epilogue* epilogue = epilogue_of(call);
  functions_.set_minor(epilogue != nullptr && minor_epilogues_.contains(EpilogueEmitter::key(*epilogue)));
  if (const auto* nest = std::get_if<LoopNest>(&call.kernel)) return emit_loop_nest(functions_, *nest);
  if (const auto* matmul = std::get_if<Matmul>(&call.kernel)) return emit_matmul(functions_, *matmul);
  if (const auto* conv = std::get_if<Conv2d>(&call.kernel)) return emit_conv2d(functions_, *conv);
  if (const auto* transpose = std::get_if<Transpose2d>(&call.kernel))
    return emit_transpose2d(functions_, *transpose);
  if (const auto* copy = std::get_if<CopyBytes>(&call.kernel)) return {"", {copy->bytes}, false};
  return routine_call(std::get<Routine>(call.kernel), call.error >= 0);
}

void Plan::collect(const Steps& steps) {
  for (const Step& step : steps) {
    if (const auto* call = std::get_if<Call>(&step.what)) {
      KernelCall made = kernel_call(*call);
      need_all(made.arguments);
      zero_bytes_ = std::max(zero_bytes_, made.zero_bytes);
      workspace_bytes_ = std::max(workspace_bytes_, made.workspace_bytes);
      for (const Address& pointer : call->pointers) need(pointer.byte_offset);
      calls_[call] = std::move(made);
    } else if (const auto* branch = std::get_if<Branch>(&step.what)) {
      need(branch->condition.byte_offset);
      if (branch->then_steps) collect(*branch->then_steps);
      if (branch->else_steps) collect(*branch->else_steps);
    } else if (const auto* repeat = std::get_if<Repeat>(&step.what)) {
      need(repeat->iteration.byte_offset);
      need(repeat->condition.byte_offset);
      if (repeat->body) collect(*repeat->body);
    } else if (const auto* bind = std::get_if<BindSymbols>(&step.what)) {
      need(bind->source.byte_offset);
    }
  }
}

}  // namespace o2w::codegen
