#include "compiler/schedule/kernel_costs.h"

#include <algorithm>
#include <cmath>

#include "compiler/schedule/kernel_shapes.h"

namespace o2w::schedule {
namespace {

constexpr int64_t kTypicalSize = 64;

double size(const ir::Dim& dim) { return static_cast<double>(typical_size(dim)); }

double ceil_div(double a, double b) { return std::ceil(a / b); }

struct Product {
  double rows, columns, depth;
  double row_blocks() const { return ceil_div(rows, kTileRows); }
  double panels() const { return ceil_div(columns, kPanel); }
  double tiles() const { return row_blocks() * panels(); }
  // Of packed rows, which are multiplied with all panels before the next are packed.
  double blocks() const { return std::max(1.0, 4 * rows * depth / kPackedBlockBytes); }
};

void add_packed(KernelWork& work, const Product& product, double times) {
  if (product.columns <= kNarrowColumns) {
    work.narrow_steps += times * product.row_blocks() * product.columns * product.depth;
  } else {
    work.packed_steps += times * product.tiles() * product.depth;
  }
  work.tiles += times * product.tiles();
  work.packed_units += times * product.row_blocks() * product.depth;
  work.panels += times * product.blocks() * product.panels();
}

}  // namespace

int64_t typical_size(const ir::Dim& dim) {
  if (const auto constant = dim.constant()) return *constant;
  return std::clamp<int64_t>(dim.upper(), 1, kTypicalSize);
}

KernelWork work_of(const Conv2d& kernel) {
  KernelWork work;
  const double c = size(kernel.c), m = size(kernel.m), oh = size(kernel.oh), ow = size(kernel.ow),
               n = size(kernel.n);
  if (kernel.algorithm == Conv2d::Algorithm::winograd) {
    const double outputs = winograd_outputs(kernel.kh),
                 picture = ceil_div(oh, outputs) * ceil_div(ow, outputs), tiles = n * picture;
    const auto block =
        static_cast<double>(winograd_block_tiles(static_cast<int64_t>(c), static_cast<int64_t>(picture)));
    add_packed(work, {tiles, m, c}, kWinogradPoints);
    work.winograd_filters =
        n * ceil_div(picture, block) * ceil_div(m, kPanel) * c * static_cast<double>(kernel.kh * kernel.kw);
    work.winograd_inputs = tiles * ceil_div(c, 4);
    work.winograd_outputs = tiles * ceil_div(m, 4);
    work.winograd_tiles = tiles;
    return work;
  }
  const double groups = static_cast<double>(kernel.group), taps = static_cast<double>(kernel.kh * kernel.kw);
  add_packed(work, {n * oh * ow, m / groups, taps * c / groups}, groups);
  work.runs = groups * ceil_div(n * oh * ow, kTileRows) * static_cast<double>(kernel.kh);
  return work;
}

KernelWork work_of(const Matmul& kernel) {
  KernelWork work;
  double times = 1;
  for (const BatchLoop& loop : kernel.batch) times *= size(loop.extent);
  const Product product{size(kernel.m), size(kernel.n), size(kernel.k)};
  if (kernel.pack_lhs) {
    add_packed(work, product, times);
    if (kernel.rhs != Matmul::Rhs::packed)
      work.right_units = times * product.blocks() * product.panels() * product.depth;
    return work;
  }
  (kernel.rhs == Matmul::Rhs::columns ? work.column_steps : work.direct_steps) =
      times * product.tiles() * product.depth;
  work.tiles = times * product.tiles();
  work.panels = times * product.panels();
  return work;
}

double cost_of(const KernelWork& work) {
  double cost = 0;
#define O2W_KERNEL_COST(what, nanoseconds) cost += work.what * (nanoseconds);
#include "compiler/schedule/kernel_costs.inc"
#undef O2W_KERNEL_COST
  return cost;
}

}  // namespace o2w::schedule
