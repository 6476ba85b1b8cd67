#include "compiler/codegen/kernels/tile.h"

#include "compiler/support/error.h"

namespace o2w::codegen {

Tile::Tile(FunctionBuilder& f, int rows, Factors factors)
    : f_(f),
      rows_(rows),
      factors_(factors),
      right_low_(f.local<V128>()),
      right_high_(f.local<V128>()),
      left_(f.local<V128>()) {
  for (int i = 0; i < 2 * rows; ++i) accumulators_.push_back(f.local<V128>());
  if (factors == Factors::i16_i8_offsets) {
    offset_low_ = f.local<V128>();
    offset_high_ = f.local<V128>();
  } else if (factors == Factors::f32_i8) {
    offset_low_ = f.local<V128>();
  }
}

void Tile::clear() {
  for (const Var<V128>& accumulator : accumulators_) accumulator.set(f32x4::splat(f_.f32(0)));
}

void Tile::begin_panel(const Var<I32>& head) {
  head_ = head;
  if (factors_ == Factors::i16_i8_offsets) {
    offset_low_.set(load_v128(head, 0));
    offset_high_.set(load_v128(head, 16));
  } else if (factors_ == Factors::f32_i8) {
    offset_low_.set(load_v128(head, 4 * kPanel));
  }
}

void Tile::load_right(const Var<I32>& right, uint32_t offset) {
  if (factors_ == Factors::f32) {
    right_low_.set(load_v128(right, offset));
    right_high_.set(load_v128(right, offset + 16));
  } else if (factors_ == Factors::f32_i8) {
    left_.set(i16x8::add(v128::load8x8_s(right, offset), offset_low_));
    right_low_.set(f32x4::convert_i32x4_s(i32x4::extend_low_i16x8_s(left_)));
    right_high_.set(f32x4::convert_i32x4_s(i32x4::extend_high_i16x8_s(left_)));
  } else if (factors_ == Factors::i16_i8) {
    right_low_.set(v128::load8x8_s(right, offset));
    right_high_.set(v128::load8x8_s(right, offset + 8));
  } else {
    right_low_.set(i16x8::add(v128::load8x8_s(right, offset), offset_low_));
    right_high_.set(i16x8::add(v128::load8x8_s(right, offset + 8), offset_high_));
  }
}

void Tile::multiply_add(const std::vector<Var<I32>>& lefts, const Var<I32>& right) {
  load_right(right);
  for (int row = 0; row < rows_; ++row)
    multiply_row(row, v128::load32_splat(lefts[static_cast<std::size_t>(row)]));
}

void Tile::multiply_add_packed(const Var<I32>& left, const Var<I32>& right, int step) {
  load_right(right, static_cast<uint32_t>(step * packed_step(factors_)));
  for (int row = 0; row < rows_; ++row)
    multiply_row(row, v128::load32_splat(left, static_cast<uint32_t>(4 * row)));
}

void Tile::multiply_add_rows(const std::vector<Var<I32>>& lefts, const Var<I32>& right,
                             const Var<I32>& right_step, bool odd) {
  // The left side's other element of an odd pair is any number; nothing times zero is left of it.
  const Var<V128>&first = right_low_, &second = right_high_;
  left_.set(load_v128(right, 0));
  second.set(odd ? i32x4::splat(f_.i32(0)) : load_v128(right + right_step));
  first.set(v128::shuffle(left_, second, {0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23}));
  second.set(v128::shuffle(left_, second, {8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31}));
  for (int row = 0; row < rows_; ++row)
    multiply_row(row, v128::load32_splat(lefts[static_cast<std::size_t>(row)]));
}

void Tile::multiply_row(int row, V128 left) {
  left_.set(std::move(left));  // loaded right before its use: engines that hoist it would spill
  const auto at = static_cast<std::size_t>(2 * row);
  const Var<V128>&low = accumulators_[at], &high = accumulators_[at + 1];
  if (sums_floats(factors_)) {
    low.set(f32x4::add(low, f32x4::mul(left_, right_low_)));
    high.set(f32x4::add(high, f32x4::mul(left_, right_high_)));
  } else {
    low.set(i32x4::add(low, i32x4::dot_i16x8(left_, right_low_)));
    high.set(i32x4::add(high, i32x4::dot_i16x8(left_, right_high_)));
  }
}

V128 Tile::finished(int row, uint32_t half, EpilogueEmitter& epilogue, const Var<I32>& offset,
                    const Var<I32>& column_offset) {
  const uint32_t bytes = 16 * half;
  V128 sum = accumulators_[static_cast<std::size_t>(2 * row) + half].get();
  if (factors_ == Factors::f32_i8) sum = f32x4::mul(std::move(sum), load_v128(head_, bytes));
  return epilogue.vector(std::move(sum), offset, column_offset, bytes, bytes);
}

void Tile::store(EpilogueEmitter& epilogue, const Var<I32>& out, const Var<I32>& offset,
                 const Var<I32>& row_step, const Var<I32>& column_offset) {
  const ir::DType type = epilogue.out_type();
  for (int row = 0; row < rows_; ++row) {
    const Var<V128> value = f_.local<V128>();
    const Var<I32> address = f_.local<I32>(out + scaled_offset(type, offset));
    for (uint32_t half = 0; half < 2; ++half) {
      value.set(finished(row, half, epilogue, offset, column_offset));
      store_elements(f_, type, value, address, 4 * half);
    }
    offset += row_step;
  }
}

namespace {

// store(low, high, address, columns): the first columns of two vectors (of more than 8, all). In a function,
// since it takes more code than what else a tile's row does, and few tiles need it.
std::string store_columns_function(BinaryenModuleRef module, ir::DType type) {
  const std::string name = std::string(ir::name(type)) + "_store_columns";
  if (BinaryenGetFunction(module, name.c_str()) != nullptr) return name;
  FunctionBuilder f(module, name);
  const Var<V128> low = f.param<V128>(), high = f.param<V128>();
  const Var<I32> address = f.param<I32>(), columns = f.param<I32>();
  f.if_(columns >= 4, [&] {
    store_elements(f, type, low, address, 0);
    address += 4 * ir::byte_size(type);
    columns -= 4;
    low.set(high);
  });
  f.if_(columns > 0, [&] { store_lanes(f, type, low, address, columns); });
  f.finish();
  return name;
}

}  // namespace

void Tile::store_some(EpilogueEmitter& epilogue, const Var<I32>& out, const Var<I32>& offset,
                      const Var<I32>& row_step, const Var<I32>& column_offset, const Var<I32>& columns,
                      const Var<I32>& real_rows) {
  const std::string function = store_columns_function(f_.module(), epilogue.out_type());
  for (int row = 0; row < rows_; ++row) {
    f_.if_(real_rows > row, [&] {
      std::vector<Tree> arguments;
      for (uint32_t half = 0; half < 2; ++half)
        arguments.push_back(finished(row, half, epilogue, offset, column_offset));
      arguments.push_back(out + scaled_offset(epilogue.out_type(), offset));
      arguments.push_back(columns.get());
      f_.call_statement(function, std::move(arguments));
      offset += row_step;
    });
  }
}

Transpose4x4::Transpose4x4(FunctionBuilder& f) {
  for (std::size_t i = 0; i < 4; ++i) {
    rows_[i] = f.local<V128>();
    mixed_[i] = f.local<V128>();
  }
}

void Transpose4x4::mix() {
  for (std::size_t i = 0; i < 4; i += 2) {
    mixed_[i].set(v128::shuffle32(rows_[i], rows_[i + 1], {0, 4, 1, 5}));
    mixed_[i + 1].set(v128::shuffle32(rows_[i], rows_[i + 1], {2, 6, 3, 7}));
  }
}

V128 Transpose4x4::column(int i) const {
  const auto half = static_cast<std::size_t>(i / 2);
  return i % 2 == 0 ? v128::shuffle32(mixed_[half], mixed_[half + 2], {0, 1, 4, 5})
                    : v128::shuffle32(mixed_[half], mixed_[half + 2], {2, 3, 6, 7});
}

I32 packed_steps(Factors factors, I32 count) {
  return sums_floats(factors) ? std::move(count) : (std::move(count) + 1) >> 1;
}

const char* name_of(Factors factors) {
  switch (factors) {
    case Factors::f32:
      return "f32";
    case Factors::f32_i8:
      return "f32_i8";
    case Factors::i16:
      return "i16";
    case Factors::i16_i8:
      return "i8";
    case Factors::i16_i8_offsets:
      return "i8_offsets";
  }
  fail_internal("unknown factors");
}

void store_elements(FunctionBuilder& f, ir::DType type, const Var<V128>& value, const Var<I32>& address,
                    uint32_t element) {
  const auto halves = [&] { return i16x8::narrow_i32x4_s(value, value); };
  switch (type) {
    case ir::DType::u8:
    case ir::DType::i8: {
      const Var<V128> narrow = f.local<V128>(halves());
      f.emit(v128::store32_lane(type == ir::DType::u8 ? i8x16::narrow_i16x8_u(narrow, narrow)
                                                      : i8x16::narrow_i16x8_s(narrow, narrow),
                                0, address, element));
      return;
    }
    case ir::DType::i16:
      f.emit(v128::store64_lane(halves(), 0, address, 2 * element));
      return;
    case ir::DType::u16:
      f.emit(v128::store64_lane(i16x8::narrow_i32x4_u(value, value), 0, address, 2 * element));
      return;
    default:
      f.store_v128(address, value, 4 * element);
  }
}

void store_lanes(FunctionBuilder& f, ir::DType type, const Var<V128>& value, const Var<I32>& address,
                 const Var<I32>& count) {
  const auto bytes = static_cast<uint32_t>(ir::byte_size(type));
  f.if_else(
      count >= 4, [&] { store_elements(f, type, value, address, 0); },
      [&] {
        if (bytes == 4) {
          f.if_((count & 2) != 0, [&] {
            f.emit(v128::store64_lane(value, 0, address));
            address += 8;
            value.set(v128::shuffle32(value, value, {2, 3, 2, 3}));
          });
          f.if_((count & 1) != 0, [&] { f.emit(v128::store32_lane(value, 0, address)); });
          return;
        }
        for (int lane = 0; lane < 3; ++lane) {
          f.if_(count > lane, [&] {
            f.store(static_cast<int>(bytes), address.get(), i32x4::extract(value, lane),
                    bytes * static_cast<uint32_t>(lane), bytes);
          });
        }
      });
}

I32 scaled_offset(ir::DType type, I32 offset) {
  const int bytes = ir::byte_size(type);
  if (bytes == 4) return offset;
  return std::move(offset) >> (bytes == 2 ? 1 : 2);
}

I32 min_i32(const Var<I32>& a, const Var<I32>& b) { return I32(select(a < b, a.get(), b.get())); }
I32 max_i32(const Var<I32>& a, const Var<I32>& b) { return I32(select(a > b, a.get(), b.get())); }

}  // namespace o2w::codegen
