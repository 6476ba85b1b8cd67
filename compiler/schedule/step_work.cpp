#include "compiler/schedule/step_work.h"

#include <algorithm>
#include <set>

namespace o2w::schedule {
namespace {

using Count = std::optional<int64_t>;

Count product(std::initializer_list<ir::Dim> dims) {
  int64_t result = 1;
  for (const ir::Dim& dim : dims) {
    if (!dim.is_constant()) return std::nullopt;
    result *= dim.value();
  }
  return result;
}

Count sum(Count a, Count b) {
  if (!a || !b) return std::nullopt;
  return *a + *b;
}

Count flops_of(const LoopNest& nest) {
  Count total = 0;
  const Count outer = ir::element_count(nest.outer).constant();
  for (const Stage& stage : nest.stages) {
    const Count loops = ir::element_count(stage.loops).constant();
    if (!outer || !loops) return std::nullopt;
    const int operations =
        (stage.body ? ir::op_count(stage.body) : 0) + (stage.combiner == ir::Combiner::none ? 0 : 1);
    total = sum(total, *outer * *loops * operations);
  }
  return total;
}

Count flops_of(const Matmul& matmul) {
  Count total = product({2, matmul.m, matmul.n, matmul.k});
  for (const BatchLoop& loop : matmul.batch) {
    if (!total || !loop.extent.is_constant()) return std::nullopt;
    total = *total * loop.extent.value();
  }
  return total;
}

Count flops_of(const Conv2d& c) {
  const Count all = product({2, c.n, c.oh, c.ow, c.m, c.kh, c.kw, c.c});
  return all ? Count(*all / c.group) : std::nullopt;
}

Count flops_of(const Transpose2d&) { return 0; }
Count flops_of(const CopyBytes&) { return 0; }
Count flops_of(const Routine&) { return std::nullopt; }

}  // namespace

void for_each_step(const Steps& steps, const std::function<void(const Step&)>& visit) {
  const auto inner = [&](const std::unique_ptr<Steps>& list) {
    if (list) for_each_step(*list, visit);
  };
  for (const Step& step : steps) {
    visit(step);
    if (const auto* branch = std::get_if<Branch>(&step.what)) {
      inner(branch->then_steps);
      inner(branch->else_steps);
    } else if (const auto* repeat = std::get_if<Repeat>(&step.what)) {
      inner(repeat->body);
    }
  }
}

StepWork work_of(const Program& program, const Call& call) {
  StepWork work;
  work.flops = std::visit([](const auto& kernel) { return flops_of(kernel); }, call.kernel);
  if (const auto* copy = std::get_if<CopyBytes>(&call.kernel)) {
    work.bytes = product({2, copy->bytes});
    return work;
  }
  work.bytes = 0;
  std::set<int> counted;
  for (std::size_t k = 0; k < call.pointers.size(); ++k) {
    const int number = call.pointers[k].buffer;
    if (number < 0 || !counted.insert(number).second) continue;
    Count bytes = program.buffers[static_cast<std::size_t>(number)].bytes.constant();
    // An operand of a nest may be a part of its buffer.
    if (const auto* nest = std::get_if<LoopNest>(&call.kernel);
        nest != nullptr && k < nest->operands.size()) {
      const Operand& operand = nest->operands[k];
      const Count own = product({ir::element_count(operand.shape), ir::byte_size(operand.type)});
      if (own && bytes) bytes = std::min(*own, *bytes);
    }
    work.bytes = sum(work.bytes, bytes);
  }
  return work;
}

std::string family_of(const Kernel& kernel) {
  struct Name {
    std::string operator()(const LoopNest&) const { return "nest"; }
    std::string operator()(const Matmul&) const { return "matmul"; }
    std::string operator()(const Conv2d& c) const {
      if (c.depthwise()) return "depthwise";
      return c.algorithm == Conv2d::Algorithm::winograd ? "winograd" : "conv2d";
    }
    std::string operator()(const Transpose2d&) const { return "transpose2d"; }
    std::string operator()(const CopyBytes&) const { return "copy"; }
    std::string operator()(const Routine& routine) const { return "routine " + routine.name; }
  };
  return std::visit(Name(), kernel);
}

}  // namespace o2w::schedule
