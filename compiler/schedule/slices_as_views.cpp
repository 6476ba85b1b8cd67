// Slices that a nest would copy out of their source become views of it.
//
// By now slices whose readers are all loop nests are gone (inline_elementwise); those left are read by
// convolutions and products, which take an offset and strides as well. A residual must lie like the result
// that it is added to; whether it does is not known before parts of concatenations have found their places.
#include <algorithm>

#include "compiler/schedule/kernel_choice.h"
#include "compiler/schedule/nest_rewriting.h"
#include "compiler/schedule/storage.h"

namespace o2w::schedule {
namespace {

using ir::Dim;

class SliceViews {
 public:
  SliceViews(Draft& draft, Block& block)
      : draft_(draft), block_(block), uses_(draft, block), dead_(block.size(), false) {}

  void run() {
    for (std::size_t k = 0; k < block_.size(); ++k) {
      if (const NestOp* nest = block_[k].as<NestOp>()) look_at(*nest, static_cast<int>(k));
    }
    erase_operations(block_, dead_);
  }

 private:
  void look_at(const NestOp& nest, int position) {
    const std::optional<SliceRead> slice = slice_read(draft_, nest);
    if (!slice) return;
    const int view = slice->to;
    const std::set<int> readers = uses_.readers(view);
    const DraftTensor &source = draft_.at(slice->from), &root = draft_.at(draft_.root(slice->from));
    // State of a loop is written again while the slice may still be read.
    if (!uses_.is_intermediate(view) || !uses_.views(view).empty() || readers.empty() ||
        *readers.begin() <= position || root.carried || root.on_heap || root.allocated_by_op ||
        !uses_.same_at({slice->from}, symbols_of(draft_, block_[static_cast<std::size_t>(position)]),
                       position, *readers.rbegin())) {
      return;
    }
    DraftTensor& tensor = draft_.at(view);
    const DraftTensor before = tensor;
    for (std::size_t k = 0; k < tensor.shape.size(); ++k) {
      if (slice->dimensions[k] < 0) continue;
      tensor.layout.strides[k] =
          slice->steps[k] * source.layout.strides[static_cast<std::size_t>(slice->dimensions[k])];
      // What reads it walks along the dimension that was contiguous.
      if (!tensor.shape[k].is(1) && before.layout.strides[k].is(1) != tensor.layout.strides[k].is(1)) {
        tensor = before;
        return;
      }
    }
    Dim start = source.layout.offset;
    for (std::size_t d = 0; d < slice->origin.size(); ++d)
      start += slice->origin[d] * source.layout.strides[d];
    tensor.host = slice->from;
    tensor.host_offset = start * Dim(ir::byte_size(tensor.type));
    const auto all_fit = [&](bool (*fit)(const Draft&, const Operation&)) {
      return std::all_of(readers.begin(), readers.end(),
                         [&](int reader) { return fit(draft_, block_[static_cast<std::size_t>(reader)]); });
    };
    if (!all_fit(layouts_fit_but_residuals)) {
      tensor = before;
      return;
    }
    if (!all_fit(layouts_fit)) return;  // the copy stays until views are settled
    uses_.forget(block_[static_cast<std::size_t>(position)], position);
    dead_[static_cast<std::size_t>(position)] = true;
  }

  Draft& draft_;
  Block& block_;
  BlockUses uses_;
  std::vector<bool> dead_;
};

// Copies of tensors onto themselves, from a view that is not settled to its source's storage.
bool is_onto_itself(const Draft& draft, const Operation& operation) {
  const NestOp* nest = operation.as<NestOp>();
  const std::optional<SliceRead> slice = nest != nullptr ? slice_read(draft, *nest) : std::nullopt;
  if (!slice || draft.at(slice->to).host != slice->from) return false;
  const DraftTensor &view = draft.at(slice->to), &source = draft.at(slice->from);
  Dim start = source.layout.offset;
  for (std::size_t d = 0; d < slice->origin.size(); ++d) start += slice->origin[d] * source.layout.strides[d];
  for (std::size_t k = 0; k < view.shape.size(); ++k) {
    if (slice->dimensions[k] < 0) continue;
    const Dim stride = source.layout.strides[static_cast<std::size_t>(slice->dimensions[k])];
    if (!view.shape[k].is(1) && view.layout.strides[k] != slice->steps[k] * stride) return false;
  }
  return view.host_offset == start * Dim(ir::byte_size(view.type));
}

void settle(Draft& draft, Block& block) {
  std::vector<bool> dead(block.size(), false);
  for (std::size_t k = 0; k < block.size(); ++k) {
    if (!is_onto_itself(draft, block[k])) continue;
    DraftTensor& view = draft.at(writes_of(block[k])[0]);
    const auto reads = [&](const Operation& operation) {
      const std::vector<int> tensors = reads_of(operation);
      return std::any_of(tensors.begin(), tensors.end(), [&](int t) { return &draft.at(t) == &view; });
    };
    dead[k] = std::all_of(block.begin(), block.end(), [&](const Operation& operation) {
      return !reads(operation) || layouts_fit(draft, operation);
    });
    if (dead[k]) continue;
    // As it was: all its elements, in the order in which they lie in the source.
    const bool channels_last = view.shape.size() >= 3 && view.layout.strides[1].is(1);
    view.host = -1;
    view.host_offset = 0;
    view.layout = channels_last
                      ? dense_layout(view.shape, channels_last_order(static_cast<int>(view.shape.size())))
                      : dense_layout(view.shape);
  }
  erase_operations(block, dead);
}

}  // namespace

void settle_views(Draft& draft) {
  for_each_block(draft.block, [&](Block& block) { settle(draft, block); });
}

void slices_as_views(Draft& draft) {
  for_each_block(draft.block, [&](Block& block) { SliceViews(draft, block).run(); });
  renew_transposes(draft);
}

}  // namespace o2w::schedule
