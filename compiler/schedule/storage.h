// Storage: steps that let tensors lie in the storage of others, so that nothing is copied and less memory is
// used, and what these steps share.
#pragma once

#include "compiler/schedule/draft.h"

namespace o2w::schedule {

// Slices (what Split and Slice give) are read where they lie, if all that read them can.
void slices_as_views(Draft& draft);
// Slices that became views in the hope that results computed with them as residuals would come to lie like
// them get storage of their own again where this has not happened.
void settle_views(Draft& draft);

// The parts of concatenations, and of outputs, are computed where they lie, if what computes and reads them
// can; a concatenation whose parts lie side by side already is no copy either.
void place_parts(Draft& draft);

// What depends on constants alone goes to the setup.
void hoist_constants(Draft& draft);

// Results take the storage of operands that nobody needs afterwards, where elements are read before they are
// written.
void compute_in_place(Draft& draft);

// What element i of a nest's result is a plain copy of: element origin + step * i of `from`, dimension k of
// the result running along dimension `dimensions[k]` of it (-1: of size 1, along none).
struct SliceRead {
  int from = -1, to = -1;
  std::vector<int> dimensions;
  std::vector<ir::Dim> steps;   // per dimension of the result
  std::vector<ir::Dim> origin;  // per dimension of `from`, not negative
  // The result is a box of `from`: the same dimensions, without steps.
  bool is_box() const;
};
std::optional<SliceRead> slice_read(const Draft& draft, const NestOp& nest);

// Equal where it matters: a dimension of size 1 has no stride to speak of.
bool same_strides(const ir::Shape& shape, const Layout& a, const Layout& b);
bool is_dense(const DraftTensor& tensor);
// The layout of the same elements, in the order of their indices, under another shape; nothing where
// dimensions that the other shape makes one do not follow each other without gaps.
std::optional<Layout> reshaped(const ir::Shape& from, const Layout& layout, const ir::Shape& to);

// True when the operation's code can take its operands as they lie: steps change layouts, and ask.
bool layouts_fit(const Draft& draft, const Operation& operation);
// The same, but for residuals, which may still come to lie like the result.
bool layouts_fit_but_residuals(const Draft& draft, const Operation& operation);
// Kernels of blocked transposes know strides: after layouts have changed, they are made anew.
void renew_transposes(Draft& draft);

}  // namespace o2w::schedule
