// Channels-last storage for what convolutions read and write (measured on SIMD128: convolutions with the
// channels innermost need no im2col and no gathers).
//
// Tensors that one operation relates position by position form groups; a group goes channels-last when a
// convolution with a kernel is in it, or a nest that cannot go over rows in vectors. Shapes and expressions
// stay as ONNX has them: only strides change, and the order of a loop nest's outer loops with them.
#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "compiler/schedule/kernel_choice.h"
#include "compiler/schedule/nest_layout.h"
#include "compiler/schedule/pack_weights.h"
#include "compiler/support/error.h"

namespace o2w::schedule {
namespace {

using ir::Dim;

std::vector<int> row_major_order(int rank) {
  std::vector<int> order(static_cast<std::size_t>(rank));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

class LayoutAssignment {
 public:
  explicit LayoutAssignment(Draft& draft)
      : draft_(draft), parent_(draft.tensors.size()), fixed_(draft.tensors.size(), false) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }

  void run() {
    for (std::size_t t = 0; t < draft_.tensors.size(); ++t) {
      const DraftTensor& tensor = draft_.tensors[t];
      const bool slice = is_slice(static_cast<int>(t));
      if (tensor.home == DraftTensor::Home::input || tensor.port >= 0 || (tensor.host >= 0 && !slice) ||
          tensor.carried || tensor.on_heap || tensor.shape.size() < 3) {
        fix(static_cast<int>(t));
      }
      if (tensor.host >= 0 && !slice) fix(tensor.host);
    }
    for (const int tensor : draft_.output_tensors) fix(tensor);
    for_each_operation(draft_.block, [&](Operation& operation, Block&) { fix_operands(operation); });
    spread_fixed_to_slices();
    for_each_operation(draft_.block, [&](Operation& operation, Block&) { relate(operation); });
    for (std::size_t t = 0; t < parent_.size(); ++t) {
      if (is_slice(static_cast<int>(t))) unite(static_cast<int>(t), draft_.tensors[t].host);
    }
    std::set<int> groups;
    for (const int tensor : wanted_) groups.insert(find(tensor));
    for (std::size_t t = 0; t < parent_.size(); ++t) {
      if (!fixed_[t] && groups.contains(find(static_cast<int>(t)))) make_channels_last(static_cast<int>(t));
    }
    convert_operands(draft_.block);
    for_each_operation(draft_.block, [&](Operation& operation, Block&) {
      if (NestOp* nest = operation.as<NestOp>()) reorder_loops(*nest);
    });
  }

 private:
  int find(int t) {
    while (parent_[static_cast<std::size_t>(t)] != t) t = parent_[static_cast<std::size_t>(t)];
    return t;
  }
  void unite(int a, int b) {
    if (fixed_[static_cast<std::size_t>(a)] || fixed_[static_cast<std::size_t>(b)]) return;
    parent_[static_cast<std::size_t>(find(a))] = find(b);
  }
  void fix(int t) {
    if (t >= 0) fixed_[static_cast<std::size_t>(t)] = true;
  }

  // A part of its host along one dimension: what concatenations write.
  bool is_slice(int t) const {
    const DraftTensor& tensor = draft_.at(t);
    if (tensor.host < 0) return false;
    const DraftTensor& host = draft_.at(tensor.host);
    return host.shape.size() == tensor.shape.size() && host.type == tensor.type && sliced_dimension(t) >= 0;
  }
  // The dimension in which a slice is shorter than its host; -1 if not exactly one.
  int sliced_dimension(int t) const {
    const DraftTensor &tensor = draft_.at(t), &host = draft_.at(tensor.host);
    int found = -1;
    for (std::size_t d = 0; d < tensor.shape.size(); ++d) {
      if (tensor.shape[d] == host.shape[d]) continue;
      if (found >= 0) return -1;
      found = static_cast<int>(d);
    }
    return found;
  }
  // A slice and its host have one layout: where one is fixed, so are all.
  void spread_fixed_to_slices() {
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t t = 0; t < parent_.size(); ++t) {
        if (!is_slice(static_cast<int>(t))) continue;
        const auto host = static_cast<std::size_t>(draft_.tensors[t].host);
        if (fixed_[t] == fixed_[host]) continue;
        fixed_[t] = fixed_[host] = true;
        changed = true;
      }
    }
  }

  void make_channels_last(int t) {
    DraftTensor& tensor = draft_.at(t);
    const std::vector<int> order = channels_last_order(static_cast<int>(tensor.shape.size()));
    if (is_slice(t)) {
      // The host's layout was row-major when the slice was made: its position follows from the old stride,
      // its place from the new one.
      const DraftTensor& host = draft_.at(tensor.host);
      const auto d = static_cast<std::size_t>(sliced_dimension(t));
      const Dim element = ir::byte_size(tensor.type);
      const std::optional<Dim> position =
          tensor.host_offset.exact_div(dense_layout(host.shape).strides[d] * element);
      ensure(position.has_value(), "a slice that does not begin at an element of its host");
      tensor.layout = dense_layout(host.shape, order);
      tensor.host_offset = *position * tensor.layout.strides[d] * element;
      return;
    }
    tensor.layout = dense_layout(tensor.shape, order);
    if (tensor.home == DraftTensor::Home::constant) tensor.contents = reordered(tensor.contents, order);
  }

  // Whatever an operation other than those that can take any strides touches stays row-major.
  void fix_operands(const Operation& operation) {
    if (const auto* nest = operation.as<NestOp>()) {
      if (reorderable_store(nest->nest) != nullptr) return;
    } else if (const auto* convolution = operation.as<ConvolutionOp>()) {
      if (has_kernel(draft_, *convolution)) {
        fix(convolution->w);
        return;
      }
    }
    for (const int tensor : reads_of(operation)) fix(tensor);
    for (const int tensor : writes_of(operation)) fix(tensor);
  }

  void relate(const Operation& operation) {
    if (const auto* convolution = operation.as<ConvolutionOp>();
        convolution != nullptr && has_kernel(draft_, *convolution)) {
      if (!takes_planes(draft_, *convolution)) want(convolution->x);
      want(convolution->out);
      for (std::size_t i = 0; i < convolution->epilogue_tensors.size(); ++i) {
        if (convolution->epilogue.operands[i].access == EpilogueOperand::Access::same)
          unite(convolution->epilogue_tensors[i], convolution->out);
      }
    } else if (const auto* nest = operation.as<NestOp>()) {
      const Stage* store = reorderable_store(nest->nest);
      if (store != nullptr) relate(*nest, *store);
    }
  }
  void want(int t) {
    if (!fixed_[static_cast<std::size_t>(t)]) wanted_.insert(t);
  }

  // Joins the stored tensor with the operands whose channels run with its own.
  void relate(const NestOp& nest, const Stage& store) {
    const int out = nest.tensors[static_cast<std::size_t>(store.target)];
    for_each_channel_read(draft_, nest, store, [&](const ir::ExprNode& read) {
      unite(nest.tensors[static_cast<std::size_t>(read.slot)], out);
    });
    if (!wants_channels_last(draft_, nest)) return;
    want(out);
    for_each_channel_read(draft_, nest, store, [&](const ir::ExprNode& read) {
      want(nest.tensors[static_cast<std::size_t>(read.slot)]);
    });
  }

  bool channels_contiguous(int t) const {
    const DraftTensor& tensor = draft_.at(t);
    return tensor.shape[1].is(1) || tensor.layout.strides[1].is(1);
  }

  // Gives convolutions, and nests that want them, channels-last operands where they are not, by copies around
  // them.
  void convert_operands(Block& block) {
    Block result;
    std::map<int, int> converted;  // row-major tensor -> its channels-last copy, in this block
    const auto new_channels_last = [&](int t) {
      const int copy = draft_.add(draft_.at(t).type, draft_.at(t).shape, draft_.at(t).name);
      draft_.at(copy).layout =
          dense_layout(draft_.at(t).shape, channels_last_order(static_cast<int>(draft_.at(t).shape.size())));
      return copy;
    };
    const auto copy_of = [&](int t) {
      if (const auto found = converted.find(t); found != converted.end()) return found->second;
      const int copy = new_channels_last(t);
      result.push_back(copy_operation(draft_, t, copy));
      converted[t] = copy;
      return copy;
    };
    const auto channels_last_of = [&](int t) { return channels_contiguous(t) ? t : copy_of(t); };
    // What the operation writes goes into a channels-last tensor, and from there to where it belongs.
    const auto push = [&](Operation operation, int out, int now) {
      const std::shared_ptr<const ir::Origin> origin = operation.origin;
      result.push_back(std::move(operation));
      converted.erase(out);
      if (now == out) return;
      result.push_back(copy_operation(draft_, now, out));
      result.back().origin = origin;
      converted[out] = now;
    };
    for (Operation& operation : block) {
      for (Block* inner : blocks_of(operation)) convert_operands(*inner);
      if (NestOp* nest = operation.as<NestOp>();
          nest != nullptr &&
          (wants_channels_last(draft_, *nest) || stores_windows_channels_last(draft_, *nest))) {
        const Stage& store = *reorderable_store(nest->nest);
        for_each_channel_read(draft_, *nest, store, [&](const ir::ExprNode& read) {
          int& tensor = nest->tensors[static_cast<std::size_t>(read.slot)];
          tensor = channels_last_of(tensor);
        });
        int& target = nest->tensors[static_cast<std::size_t>(store.target)];
        const int out = target;
        if (!channels_contiguous(out)) target = new_channels_last(out);
        const int now = target;
        push(std::move(operation), out, now);
        continue;
      }
      ConvolutionOp* convolution = operation.as<ConvolutionOp>();
      if (convolution == nullptr || !has_kernel(draft_, *convolution)) {
        for (const int written : all_writes_of(operation)) converted.erase(written);
        result.push_back(std::move(operation));
        continue;
      }
      if (!takes_planes(draft_, *convolution)) convolution->x = channels_last_of(convolution->x);
      const int out = convolution->out;
      if (!channels_contiguous(out)) convolution->out = new_channels_last(out);
      for (std::size_t i = 0; i < convolution->epilogue_tensors.size(); ++i) {
        int& tensor = convolution->epilogue_tensors[i];
        if (convolution->epilogue.operands[i].access != EpilogueOperand::Access::same) continue;
        if (draft_.at(tensor).layout.strides != draft_.at(convolution->out).layout.strides)
          tensor = copy_of(tensor);
      }
      const int now = convolution->out;
      push(std::move(operation), out, now);
    }
    block = std::move(result);
  }

  // The outer loops in the order in which the stored tensor lies in memory.
  void reorder_loops(NestOp& nest) {
    const Stage* store = reorderable_store(nest.nest);
    if (store == nullptr) return;
    const DraftTensor& out = draft_.at(nest.tensors[static_cast<std::size_t>(store->target)]);
    const int rank = static_cast<int>(out.shape.size()), loops = static_cast<int>(nest.nest.outer.size());
    if (rank < 3 || !out.layout.strides[1].is(1) || rank != loops) return;
    std::vector<int> new_order;  // old loop numbers
    for (const int dimension : channels_last_order(rank)) {
      const int variable = lone_variable(store->target_indices[static_cast<std::size_t>(dimension)]);
      if (variable < 0 || variable >= loops ||
          std::find(new_order.begin(), new_order.end(), variable) != new_order.end())
        return;
      new_order.push_back(variable);
    }
    std::vector<ir::Expr> values(static_cast<std::size_t>(loops));
    ir::Shape outer;
    for (int position = 0; position < loops; ++position) {
      const auto old = static_cast<std::size_t>(new_order[static_cast<std::size_t>(position)]);
      values[old] = ir::index_var(position);
      outer.push_back(nest.nest.outer[old]);
    }
    nest.nest.outer = std::move(outer);
    for (Stage& stage : nest.nest.stages) {
      if (stage.body.get() != nullptr) stage.body = ir::substitute_indices(stage.body, values);
      if (stage.guard.get() != nullptr) stage.guard = ir::substitute_indices(stage.guard, values);
      for (ir::Expr& index : stage.target_indices) index = ir::substitute_indices(index, values);
    }
  }

  Draft& draft_;
  std::vector<int> parent_;
  std::vector<bool> fixed_;
  std::set<int> wanted_;  // tensors that a convolution reads or writes
};

}  // namespace

std::vector<int> channels_last_order(int rank) {
  std::vector<int> order = row_major_order(rank);
  std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  return order;
}

Operation copy_operation(const Draft& draft, int from, int to) {
  const DraftTensor &source = draft.at(from), &target = draft.at(to);
  const auto rank = source.shape.size();
  Operation operation;
  operation.what = copy_nest(draft, from, to);
  if (ir::byte_size(source.type) != 4 || rank < 3) return operation;
  // Pixels of a plane follow each other at one distance.
  const auto is_plane = [&](const DraftTensor& tensor) {
    for (std::size_t d = 2; d + 1 < rank; ++d) {
      if (tensor.layout.strides[d] != tensor.layout.strides[d + 1] * tensor.shape[d + 1]) return false;
    }
    return tensor.layout.offset.is(0);
  };
  const auto is_rows = [](const DraftTensor& tensor) {
    return tensor.layout.strides.back().is(1) && !tensor.layout.strides[1].is(1);
  };
  const auto is_channels_last = [](const DraftTensor& tensor) {
    return tensor.layout.strides[1].is(1) && !tensor.layout.strides.back().is(1);
  };
  const bool to_last = is_rows(source) && is_channels_last(target);
  const bool to_rows = is_channels_last(source) && is_rows(target);
  if (!is_plane(source) || !is_plane(target) || !(to_last || to_rows)) return operation;
  Dim pixels = 1;
  for (std::size_t d = 2; d < rank; ++d) pixels *= source.shape[d];
  const Dim channels = source.shape[1];
  const Layout &x = source.layout, &out = target.layout;
  operation.what = KernelOp{Transpose2d{.batch = source.shape[0],
                                        .rows = to_last ? channels : pixels,
                                        .columns = to_last ? pixels : channels,
                                        .x_batch_stride = x.strides[0],
                                        .x_row_stride = to_last ? x.strides[1] : x.strides.back(),
                                        .out_batch_stride = out.strides[0],
                                        .out_row_stride = to_last ? out.strides.back() : out.strides[1]},
                            {from, to},
                            1};
  return operation;
}

void assign_layouts(Draft& draft) { LayoutAssignment(draft).run(); }

}  // namespace o2w::schedule
