#include "compiler/codegen/kernels/tile.h"

namespace o2w::codegen {

Tile::Tile(FunctionBuilder& f, int rows)
    : f_(f), rows_(rows), right_low_(f.local<V128>()), right_high_(f.local<V128>()), left_(f.local<V128>()) {
  for (int i = 0; i < 2 * rows; ++i) accumulators_.push_back(f.local<V128>());
}

void Tile::clear() {
  for (const Var<V128>& accumulator : accumulators_) accumulator.set(f32x4::splat(f_.f32(0)));
}

void Tile::multiply_add(const std::vector<Var<I32>>& lefts, const Var<I32>& right) {
  right_low_.set(load_v128(right, 0));
  right_high_.set(load_v128(right, 16));
  for (int row = 0; row < rows_; ++row) {
    left_.set(v128::load32_splat(lefts[row]));  // right before its use: engines that hoist it would spill
    const Var<V128>&low = accumulators_[2 * row], &high = accumulators_[2 * row + 1];
    low.set(f32x4::add(low, f32x4::mul(left_, right_low_)));
    high.set(f32x4::add(high, f32x4::mul(left_, right_high_)));
  }
}

void Tile::store(EpilogueEmitter& epilogue, const Var<I32>& out, const Var<I32>& offset,
                 const Var<I32>& row_step, const Var<I32>& column_offset, const Var<I32>* columns) {
  const Var<I32> address = f_.local<I32>();
  const Var<V128> finished = f_.local<V128>();
  for (int row = 0; row < rows_; ++row) {
    address.set(out + offset);
    for (uint32_t half = 0; half < 2; ++half) {
      const uint32_t bytes = 16 * half;
      V128 value = epilogue.vector(accumulators_[2 * row + half], offset, column_offset, bytes, bytes);
      if (columns == nullptr) {
        f_.store_v128(address, std::move(value), bytes);
      } else {
        finished.set(std::move(value));
        store_lanes(f_, finished, address, bytes, *columns - static_cast<int32_t>(4 * half));
      }
    }
    offset += row_step;
  }
}

void store_lanes(FunctionBuilder& f, const Var<V128>& value, const Var<I32>& address, uint32_t offset,
                 I32 count) {
  const Var<I32> left = f.local<I32>(std::move(count));
  f.if_else(
      left >= 4, [&] { f.store_v128(address, value, offset); },
      [&] {
        for (int lane = 0; lane < 3; ++lane) {
          f.if_(left > lane, [&] { f.emit(v128::store32_lane(value, lane, address, offset + 4 * lane)); });
        }
      });
}

I32 min_i32(const Var<I32>& a, const Var<I32>& b) { return I32(select(a < b, a.get(), b.get())); }
I32 max_i32(const Var<I32>& a, const Var<I32>& b) { return I32(select(a > b, a.get(), b.get())); }

}  // namespace o2w::codegen
