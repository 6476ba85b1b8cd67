// SIMD128 operations of the kernel DSL, named as in the WebAssembly specification, one namespace per lane
// shape.
#pragma once

#include <array>

#include "compiler/codegen/value.h"

namespace o2w::codegen {

// Any bits. Comparisons give all-ones or all-zeros lanes.
namespace v128 {
V128 not_(V128 a);
V128 and_(V128 a, V128 b);
V128 or_(V128 a, V128 b);
V128 xor_(V128 a, V128 b);
V128 andnot(V128 a, V128 b);                           // a & ~b
V128 bitselect(V128 then, V128 otherwise, V128 mask);  // mask ? then : otherwise
I32 any_true(V128 a);
// A constant. V8 builds constants anew in every round of a loop: keep them in a local outside.
V128 bytes(const std::array<uint8_t, 16>& lanes);
V128 f32(const std::array<float, 4>& lanes);
V128 i32(const std::array<int32_t, 4>& lanes);
// Bytes 0-15 of the mask choose from a, 16-31 from b.
V128 shuffle(V128 a, V128 b, const std::array<uint8_t, 16>& mask);
// The same by 32-bit lanes: 0-3 from a, 4-7 from b.
V128 shuffle32(V128 a, V128 b, const std::array<uint8_t, 4>& lanes);

V128 load8_splat(I32 address, uint32_t offset = 0);
V128 load16_splat(I32 address, uint32_t offset = 0);
V128 load32_splat(I32 address, uint32_t offset = 0);
V128 load64_splat(I32 address, uint32_t offset = 0);
V128 load32_zero(I32 address, uint32_t offset = 0);
V128 load64_zero(I32 address, uint32_t offset = 0);
V128 load8x8_s(I32 address, uint32_t offset = 0);
V128 load8x8_u(I32 address, uint32_t offset = 0);
V128 load16x4_s(I32 address, uint32_t offset = 0);
V128 load16x4_u(I32 address, uint32_t offset = 0);
V128 load32_lane(V128 vector, int lane, I32 address, uint32_t offset = 0);
V128 load64_lane(V128 vector, int lane, I32 address, uint32_t offset = 0);
// Statements (for FunctionBuilder::emit).
BinaryenExpressionRef store32_lane(V128 vector, int lane, I32 address, uint32_t offset = 0);
BinaryenExpressionRef store64_lane(V128 vector, int lane, I32 address, uint32_t offset = 0);
}  // namespace v128

namespace f32x4 {
V128 splat(F32 a);
V128 add(V128 a, V128 b);
V128 sub(V128 a, V128 b);
V128 mul(V128 a, V128 b);
V128 div(V128 a, V128 b);
V128 min(V128 a, V128 b);
V128 max(V128 a, V128 b);
V128 pmin(V128 a, V128 b);
V128 pmax(V128 a, V128 b);
V128 abs(V128 a);
V128 neg(V128 a);
V128 sqrt(V128 a);
V128 ceil(V128 a);
V128 floor(V128 a);
V128 trunc(V128 a);
V128 nearest(V128 a);
V128 eq(V128 a, V128 b);
V128 ne(V128 a, V128 b);
V128 lt(V128 a, V128 b);
V128 gt(V128 a, V128 b);
V128 le(V128 a, V128 b);
V128 ge(V128 a, V128 b);
F32 extract(V128 a, int lane);
V128 replace(V128 a, int lane, F32 value);
V128 convert_i32x4_s(V128 a);
V128 convert_i32x4_u(V128 a);
V128 demote_f64x2_zero(V128 a);
}  // namespace f32x4

namespace f64x2 {
V128 splat(F64 a);
V128 add(V128 a, V128 b);
V128 sub(V128 a, V128 b);
V128 mul(V128 a, V128 b);
V128 div(V128 a, V128 b);
V128 min(V128 a, V128 b);
V128 max(V128 a, V128 b);
V128 pmin(V128 a, V128 b);
V128 pmax(V128 a, V128 b);
V128 abs(V128 a);
V128 neg(V128 a);
V128 sqrt(V128 a);
V128 ceil(V128 a);
V128 floor(V128 a);
V128 trunc(V128 a);
V128 nearest(V128 a);
V128 eq(V128 a, V128 b);
V128 ne(V128 a, V128 b);
V128 lt(V128 a, V128 b);
V128 gt(V128 a, V128 b);
V128 le(V128 a, V128 b);
V128 ge(V128 a, V128 b);
F64 extract(V128 a, int lane);
V128 replace(V128 a, int lane, F64 value);
V128 convert_low_i32x4_s(V128 a);
V128 convert_low_i32x4_u(V128 a);
V128 promote_low_f32x4(V128 a);
}  // namespace f64x2

namespace i32x4 {
V128 splat(I32 a);
V128 add(V128 a, V128 b);
V128 sub(V128 a, V128 b);
V128 mul(V128 a, V128 b);
V128 min_s(V128 a, V128 b);
V128 min_u(V128 a, V128 b);
V128 max_s(V128 a, V128 b);
V128 max_u(V128 a, V128 b);
V128 eq(V128 a, V128 b);
V128 ne(V128 a, V128 b);
V128 lt_s(V128 a, V128 b);
V128 lt_u(V128 a, V128 b);
V128 gt_s(V128 a, V128 b);
V128 gt_u(V128 a, V128 b);
V128 le_s(V128 a, V128 b);
V128 le_u(V128 a, V128 b);
V128 ge_s(V128 a, V128 b);
V128 ge_u(V128 a, V128 b);
V128 abs(V128 a);
V128 neg(V128 a);
V128 shl(V128 a, I32 amount);
V128 shr_s(V128 a, I32 amount);
V128 shr_u(V128 a, I32 amount);
I32 all_true(V128 a);
I32 bitmask(V128 a);
I32 extract(V128 a, int lane);
V128 replace(V128 a, int lane, I32 value);
V128 trunc_sat_f32x4_s(V128 a);
V128 trunc_sat_f32x4_u(V128 a);
V128 extend_low_i16x8_s(V128 a);
V128 extend_high_i16x8_s(V128 a);
V128 extend_low_i16x8_u(V128 a);
V128 extend_high_i16x8_u(V128 a);
V128 dot_i16x8(V128 a, V128 b);
V128 extadd_pairwise_i16x8_s(V128 a);
V128 extadd_pairwise_i16x8_u(V128 a);
}  // namespace i32x4

namespace i64x2 {
V128 splat(I64 a);
V128 add(V128 a, V128 b);
V128 sub(V128 a, V128 b);
V128 mul(V128 a, V128 b);
V128 eq(V128 a, V128 b);
V128 ne(V128 a, V128 b);
V128 lt_s(V128 a, V128 b);
V128 gt_s(V128 a, V128 b);
V128 le_s(V128 a, V128 b);
V128 ge_s(V128 a, V128 b);
V128 abs(V128 a);
V128 neg(V128 a);
V128 shl(V128 a, I32 amount);
V128 shr_s(V128 a, I32 amount);
V128 shr_u(V128 a, I32 amount);
I32 all_true(V128 a);
I32 bitmask(V128 a);
I64 extract(V128 a, int lane);
V128 replace(V128 a, int lane, I64 value);
V128 extend_low_i32x4_s(V128 a);
V128 extend_high_i32x4_s(V128 a);
V128 extend_low_i32x4_u(V128 a);
V128 extend_high_i32x4_u(V128 a);
}  // namespace i64x2

namespace i16x8 {
V128 splat(I32 a);
V128 add(V128 a, V128 b);
V128 sub(V128 a, V128 b);
V128 mul(V128 a, V128 b);
V128 add_sat_s(V128 a, V128 b);
V128 add_sat_u(V128 a, V128 b);
V128 sub_sat_s(V128 a, V128 b);
V128 sub_sat_u(V128 a, V128 b);
V128 min_s(V128 a, V128 b);
V128 min_u(V128 a, V128 b);
V128 max_s(V128 a, V128 b);
V128 max_u(V128 a, V128 b);
V128 eq(V128 a, V128 b);
V128 ne(V128 a, V128 b);
V128 lt_s(V128 a, V128 b);
V128 lt_u(V128 a, V128 b);
V128 gt_s(V128 a, V128 b);
V128 gt_u(V128 a, V128 b);
V128 le_s(V128 a, V128 b);
V128 le_u(V128 a, V128 b);
V128 ge_s(V128 a, V128 b);
V128 ge_u(V128 a, V128 b);
V128 abs(V128 a);
V128 neg(V128 a);
V128 shl(V128 a, I32 amount);
V128 shr_s(V128 a, I32 amount);
V128 shr_u(V128 a, I32 amount);
I32 all_true(V128 a);
I32 bitmask(V128 a);
I32 extract_s(V128 a, int lane);
I32 extract_u(V128 a, int lane);
V128 replace(V128 a, int lane, I32 value);
V128 extend_low_i8x16_s(V128 a);
V128 extend_high_i8x16_s(V128 a);
V128 extend_low_i8x16_u(V128 a);
V128 extend_high_i8x16_u(V128 a);
V128 narrow_i32x4_s(V128 a, V128 b);
V128 narrow_i32x4_u(V128 a, V128 b);
V128 extmul_low_i8x16_s(V128 a, V128 b);
V128 extmul_high_i8x16_s(V128 a, V128 b);
}  // namespace i16x8

namespace i8x16 {
V128 splat(I32 a);
V128 add(V128 a, V128 b);
V128 sub(V128 a, V128 b);
V128 add_sat_s(V128 a, V128 b);
V128 add_sat_u(V128 a, V128 b);
V128 sub_sat_s(V128 a, V128 b);
V128 sub_sat_u(V128 a, V128 b);
V128 min_s(V128 a, V128 b);
V128 min_u(V128 a, V128 b);
V128 max_s(V128 a, V128 b);
V128 max_u(V128 a, V128 b);
V128 eq(V128 a, V128 b);
V128 ne(V128 a, V128 b);
V128 lt_s(V128 a, V128 b);
V128 lt_u(V128 a, V128 b);
V128 gt_s(V128 a, V128 b);
V128 gt_u(V128 a, V128 b);
V128 le_s(V128 a, V128 b);
V128 le_u(V128 a, V128 b);
V128 ge_s(V128 a, V128 b);
V128 ge_u(V128 a, V128 b);
V128 abs(V128 a);
V128 neg(V128 a);
V128 shl(V128 a, I32 amount);
V128 shr_s(V128 a, I32 amount);
V128 shr_u(V128 a, I32 amount);
I32 all_true(V128 a);
I32 bitmask(V128 a);
I32 extract_s(V128 a, int lane);
I32 extract_u(V128 a, int lane);
V128 replace(V128 a, int lane, I32 value);
V128 narrow_i16x8_s(V128 a, V128 b);
V128 narrow_i16x8_u(V128 a, V128 b);
V128 swizzle(V128 a, V128 b);
}  // namespace i8x16

}  // namespace o2w::codegen
