#include "compiler/schedule/nest_layout.h"

#include <algorithm>

#include "compiler/schedule/kernel_costs.h"

namespace o2w::schedule {
namespace {

// Fewer channels do not fill vectors.
constexpr int64_t kLeastChannels = 8;

bool depends_on(const ir::Expr& e, int variable) {
  bool found = false;
  ir::walk(e, [&](const ir::ExprNode& node) {
    found = found || (node.op == ir::ExprOp::index && node.slot == variable);
  });
  return found;
}

bool steps_by_one(const ir::Expr& index, int variable) {
  const std::optional<ir::Affine> affine = ir::as_affine(index);
  if (!affine) return false;
  const auto found = affine->coefficients.find(variable);
  return found != affine->coefficients.end() && found->second.is(1);
}

}  // namespace

int lone_variable(const ir::Expr& index) {
  const std::optional<ir::Affine> affine = ir::as_affine(index);
  if (!affine || affine->coefficients.size() != 1 || !affine->coefficients.begin()->second.is(1)) return -1;
  return affine->coefficients.begin()->first;
}

const Stage* reorderable_store(const LoopNest& nest) {
  const Stage* store = nullptr;
  for (const Stage& stage : nest.stages) {
    if (stage.sequential || stage.combine != ir::Combiner::none) return nullptr;
    if (stage.target < 0) continue;
    if (store != nullptr || !stage.loops.empty()) return nullptr;
    store = &stage;
  }
  return store;
}

void for_each_channel_read(const Draft& draft, const NestOp& nest, const Stage& store,
                           const std::function<void(const ir::ExprNode&)>& visit) {
  const std::size_t rank = draft.at(nest.tensors[static_cast<std::size_t>(store.target)]).shape.size();
  if (rank < 3) return;
  const int channel = lone_variable(store.target_indices[1]);
  if (channel < 0) return;
  for (const Stage& stage : nest.nest.stages) {
    for (const ir::Expr& e : {stage.body, stage.guard}) {
      if (e.get() == nullptr) continue;
      ir::walk(e, [&](const ir::ExprNode& node) {
        if (node.op == ir::ExprOp::read && node.args.size() == rank && lone_variable(node.args[1]) == channel)
          visit(node);
      });
    }
  }
}

bool wants_channels_last(const Draft& draft, const NestOp& nest) {
  const Stage* store = reorderable_store(nest.nest);
  if (store == nullptr) return false;
  const DraftTensor& out = draft.at(nest.tensors[static_cast<std::size_t>(store->target)]);
  if (out.shape.size() < 3 || out.shape.size() != nest.nest.outer.size() ||
      typical_size(out.shape[1]) < kLeastChannels || ir::byte_size(out.type) != 4) {
    return false;
  }
  const int last = lone_variable(store->target_indices.back());
  if (last < 0) return false;
  bool windows = false, scattered = false;
  for (const Stage& stage : nest.nest.stages) {
    windows = windows || !stage.loops.empty();
    scattered = scattered || (stage.guard.get() != nullptr && depends_on(stage.guard, last));
  }
  int reads = 0;
  bool all_fit = true;
  for_each_channel_read(draft, nest, *store, [&](const ir::ExprNode& read) {
    if (!depends_on(read.args.back(), last)) return;
    ++reads;
    scattered = scattered || !steps_by_one(read.args.back(), last);
    all_fit = all_fit && ir::byte_size(draft.at(nest.tensors[static_cast<std::size_t>(read.slot)]).type) == 4;
  });
  return scattered && all_fit && (reads > 1 || (reads == 1 && windows));
}

bool stores_windows_channels_last(const Draft& draft, const NestOp& nest) {
  const Stage* store = reorderable_store(nest.nest);
  if (store == nullptr) return false;
  const DraftTensor& out = draft.at(nest.tensors[static_cast<std::size_t>(store->target)]);
  if (out.shape.size() < 3 || out.shape.size() != nest.nest.outer.size() || out.shape[1].is(1) ||
      !out.layout.strides[1].is(1) || out.layout.strides.back().is(1)) {
    return false;
  }
  const auto count = [](const ir::Shape& shape) {
    double product = 1;
    for (const ir::Dim& dim : shape) product *= static_cast<double>(typical_size(dim));
    return product;
  };
  double rounds = 0;
  for (const Stage& stage : nest.nest.stages) {
    if (!stage.loops.empty()) rounds = std::max(rounds, count(nest.nest.outer) * count(stage.loops));
  }
  bool overlap = false, all_fit = true;
  for_each_channel_read(draft, nest, *store, [&](const ir::ExprNode& read) {
    const DraftTensor& from = draft.at(nest.tensors[static_cast<std::size_t>(read.slot)]);
    overlap = overlap || rounds > 2 * count(from.shape);
    all_fit = all_fit && ir::byte_size(from.type) == 4;
  });
  return overlap && all_fit;
}

}  // namespace o2w::schedule
