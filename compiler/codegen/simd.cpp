#include "compiler/codegen/simd.h"

#include <cstring>

#include "compiler/support/error.h"

namespace o2w::codegen {

namespace {

V128 one(BinaryenOp op, V128 a) { return V128(unary(op, WasmType::v128, std::move(a))); }
V128 two(BinaryenOp op, V128 a, V128 b) {
  return V128(binary(op, WasmType::v128, std::move(a), std::move(b)));
}
I32 test(BinaryenOp op, V128 a) { return I32(unary(op, WasmType::i32, std::move(a))); }

V128 shift(BinaryenOp op, V128 a, I32 amount) {
  BinaryenModuleRef module = a.module() != nullptr ? a.module() : amount.module();
  BinaryenExpressionRef vector = a.take(module);
  return V128(Tree(module, BinaryenSIMDShift(module, op, vector, amount.take(module)), WasmType::v128));
}

template <typename Scalar>
Scalar lane_of(BinaryenOp op, V128 a, int lane) {
  BinaryenModuleRef module = a.module();
  return Scalar(
      Tree(module, BinaryenSIMDExtract(module, op, a.take(), static_cast<uint8_t>(lane)), Scalar::wasm_type));
}

V128 with_lane(BinaryenOp op, V128 a, int lane, Tree value) {
  BinaryenModuleRef module = a.module() != nullptr ? a.module() : value.module();
  BinaryenExpressionRef vector = a.take(module);
  return V128(Tree(module,
                   BinaryenSIMDReplace(module, op, vector, static_cast<uint8_t>(lane), value.take(module)),
                   WasmType::v128));
}

V128 simd_load(BinaryenOp op, I32 address, uint32_t offset, uint32_t align) {
  BinaryenModuleRef module = address.module();
  return V128(Tree(module, BinaryenSIMDLoad(module, op, offset, align, address.take()), WasmType::v128));
}

BinaryenExpressionRef lane_access(BinaryenOp op, V128 vector, int lane, I32 address, uint32_t offset,
                                  uint32_t align) {
  BinaryenModuleRef module = vector.module() != nullptr ? vector.module() : address.module();
  BinaryenExpressionRef where = address.take(module);
  return BinaryenSIMDLoadStoreLane(module, op, offset, align, static_cast<uint8_t>(lane), where,
                                   vector.take(module));
}

}  // namespace

namespace v128 {

V128 not_(V128 a) { return one(BinaryenNotVec128(), std::move(a)); }
V128 and_(V128 a, V128 b) { return two(BinaryenAndVec128(), std::move(a), std::move(b)); }
V128 or_(V128 a, V128 b) { return two(BinaryenOrVec128(), std::move(a), std::move(b)); }
V128 xor_(V128 a, V128 b) { return two(BinaryenXorVec128(), std::move(a), std::move(b)); }
V128 andnot(V128 a, V128 b) { return two(BinaryenAndNotVec128(), std::move(a), std::move(b)); }
V128 bitselect(V128 then, V128 otherwise, V128 mask) {
  BinaryenModuleRef module = mask.module();
  if (module == nullptr) module = then.module() != nullptr ? then.module() : otherwise.module();
  BinaryenExpressionRef a = then.take(module);
  BinaryenExpressionRef b = otherwise.take(module);
  return V128(Tree(module, BinaryenSIMDTernary(module, BinaryenBitselectVec128(), a, b, mask.take(module)),
                   WasmType::v128));
}
I32 any_true(V128 a) { return test(BinaryenAnyTrueVec128(), std::move(a)); }

V128 bytes(const std::array<uint8_t, 16>& lanes) {
  return V128(Tree(BinaryenLiteralVec128(lanes.data()), WasmType::v128));
}
V128 f32(const std::array<float, 4>& lanes) {
  std::array<uint8_t, 16> raw;
  std::memcpy(raw.data(), lanes.data(), 16);
  return bytes(raw);
}
V128 i32(const std::array<int32_t, 4>& lanes) {
  std::array<uint8_t, 16> raw;
  std::memcpy(raw.data(), lanes.data(), 16);
  return bytes(raw);
}

V128 shuffle(V128 a, V128 b, const std::array<uint8_t, 16>& mask) {
  BinaryenModuleRef module = a.module() != nullptr ? a.module() : b.module();
  BinaryenExpressionRef left = a.take(module);
  BinaryenExpressionRef right = b.take(module);
  return V128(Tree(module, BinaryenSIMDShuffle(module, left, right, mask.data()), WasmType::v128));
}
V128 shuffle32(V128 a, V128 b, const std::array<uint8_t, 4>& lanes) {
  std::array<uint8_t, 16> mask;
  for (std::size_t i = 0; i < 16; ++i) mask[i] = static_cast<uint8_t>(lanes[i / 4] * 4 + i % 4);
  return v128::shuffle(std::move(a), std::move(b), mask);
}

V128 load8_splat(I32 address, uint32_t offset) {
  return simd_load(BinaryenLoad8SplatVec128(), std::move(address), offset, 1);
}
V128 load16_splat(I32 address, uint32_t offset) {
  return simd_load(BinaryenLoad16SplatVec128(), std::move(address), offset, 2);
}
V128 load32_splat(I32 address, uint32_t offset) {
  return simd_load(BinaryenLoad32SplatVec128(), std::move(address), offset, 4);
}
V128 load64_splat(I32 address, uint32_t offset) {
  return simd_load(BinaryenLoad64SplatVec128(), std::move(address), offset, 8);
}
V128 load32_zero(I32 address, uint32_t offset) {
  return simd_load(BinaryenLoad32ZeroVec128(), std::move(address), offset, 4);
}
V128 load64_zero(I32 address, uint32_t offset) {
  return simd_load(BinaryenLoad64ZeroVec128(), std::move(address), offset, 8);
}
V128 load8x8_s(I32 address, uint32_t offset) {
  return simd_load(BinaryenLoad8x8SVec128(), std::move(address), offset, 1);
}
V128 load8x8_u(I32 address, uint32_t offset) {
  return simd_load(BinaryenLoad8x8UVec128(), std::move(address), offset, 1);
}
V128 load16x4_s(I32 address, uint32_t offset) {
  return simd_load(BinaryenLoad16x4SVec128(), std::move(address), offset, 2);
}
V128 load16x4_u(I32 address, uint32_t offset) {
  return simd_load(BinaryenLoad16x4UVec128(), std::move(address), offset, 2);
}
V128 load32_lane(V128 vector, int lane, I32 address, uint32_t offset) {
  BinaryenModuleRef module = address.module();
  return V128(Tree(
      module, lane_access(BinaryenLoad32LaneVec128(), std::move(vector), lane, std::move(address), offset, 4),
      WasmType::v128));
}
V128 load64_lane(V128 vector, int lane, I32 address, uint32_t offset) {
  BinaryenModuleRef module = address.module();
  return V128(Tree(
      module, lane_access(BinaryenLoad64LaneVec128(), std::move(vector), lane, std::move(address), offset, 8),
      WasmType::v128));
}
BinaryenExpressionRef store32_lane(V128 vector, int lane, I32 address, uint32_t offset) {
  return lane_access(BinaryenStore32LaneVec128(), std::move(vector), lane, std::move(address), offset, 4);
}
BinaryenExpressionRef store64_lane(V128 vector, int lane, I32 address, uint32_t offset) {
  return lane_access(BinaryenStore64LaneVec128(), std::move(vector), lane, std::move(address), offset, 8);
}

}  // namespace v128

namespace f32x4 {

V128 splat(F32 a) { return V128(unary(BinaryenSplatVecF32x4(), WasmType::v128, std::move(a))); }
V128 add(V128 a, V128 b) { return two(BinaryenAddVecF32x4(), std::move(a), std::move(b)); }
V128 sub(V128 a, V128 b) { return two(BinaryenSubVecF32x4(), std::move(a), std::move(b)); }
V128 mul(V128 a, V128 b) { return two(BinaryenMulVecF32x4(), std::move(a), std::move(b)); }
V128 div(V128 a, V128 b) { return two(BinaryenDivVecF32x4(), std::move(a), std::move(b)); }
V128 min(V128 a, V128 b) { return two(BinaryenMinVecF32x4(), std::move(a), std::move(b)); }
V128 max(V128 a, V128 b) { return two(BinaryenMaxVecF32x4(), std::move(a), std::move(b)); }
V128 pmin(V128 a, V128 b) { return two(BinaryenPMinVecF32x4(), std::move(a), std::move(b)); }
V128 pmax(V128 a, V128 b) { return two(BinaryenPMaxVecF32x4(), std::move(a), std::move(b)); }
V128 abs(V128 a) { return one(BinaryenAbsVecF32x4(), std::move(a)); }
V128 neg(V128 a) { return one(BinaryenNegVecF32x4(), std::move(a)); }
V128 sqrt(V128 a) { return one(BinaryenSqrtVecF32x4(), std::move(a)); }
V128 ceil(V128 a) { return one(BinaryenCeilVecF32x4(), std::move(a)); }
V128 floor(V128 a) { return one(BinaryenFloorVecF32x4(), std::move(a)); }
V128 trunc(V128 a) { return one(BinaryenTruncVecF32x4(), std::move(a)); }
V128 nearest(V128 a) { return one(BinaryenNearestVecF32x4(), std::move(a)); }
V128 eq(V128 a, V128 b) { return two(BinaryenEqVecF32x4(), std::move(a), std::move(b)); }
V128 ne(V128 a, V128 b) { return two(BinaryenNeVecF32x4(), std::move(a), std::move(b)); }
V128 lt(V128 a, V128 b) { return two(BinaryenLtVecF32x4(), std::move(a), std::move(b)); }
V128 gt(V128 a, V128 b) { return two(BinaryenGtVecF32x4(), std::move(a), std::move(b)); }
V128 le(V128 a, V128 b) { return two(BinaryenLeVecF32x4(), std::move(a), std::move(b)); }
V128 ge(V128 a, V128 b) { return two(BinaryenGeVecF32x4(), std::move(a), std::move(b)); }
F32 extract(V128 a, int lane) { return lane_of<F32>(BinaryenExtractLaneVecF32x4(), std::move(a), lane); }
V128 replace(V128 a, int lane, F32 value) {
  return with_lane(BinaryenReplaceLaneVecF32x4(), std::move(a), lane, std::move(value));
}
V128 convert_i32x4_s(V128 a) { return one(BinaryenConvertSVecI32x4ToVecF32x4(), std::move(a)); }
V128 convert_i32x4_u(V128 a) { return one(BinaryenConvertUVecI32x4ToVecF32x4(), std::move(a)); }
V128 demote_f64x2_zero(V128 a) { return one(BinaryenDemoteZeroVecF64x2ToVecF32x4(), std::move(a)); }

}  // namespace f32x4

namespace f64x2 {

V128 splat(F64 a) { return V128(unary(BinaryenSplatVecF64x2(), WasmType::v128, std::move(a))); }
V128 add(V128 a, V128 b) { return two(BinaryenAddVecF64x2(), std::move(a), std::move(b)); }
V128 sub(V128 a, V128 b) { return two(BinaryenSubVecF64x2(), std::move(a), std::move(b)); }
V128 mul(V128 a, V128 b) { return two(BinaryenMulVecF64x2(), std::move(a), std::move(b)); }
V128 div(V128 a, V128 b) { return two(BinaryenDivVecF64x2(), std::move(a), std::move(b)); }
V128 min(V128 a, V128 b) { return two(BinaryenMinVecF64x2(), std::move(a), std::move(b)); }
V128 max(V128 a, V128 b) { return two(BinaryenMaxVecF64x2(), std::move(a), std::move(b)); }
V128 pmin(V128 a, V128 b) { return two(BinaryenPMinVecF64x2(), std::move(a), std::move(b)); }
V128 pmax(V128 a, V128 b) { return two(BinaryenPMaxVecF64x2(), std::move(a), std::move(b)); }
V128 abs(V128 a) { return one(BinaryenAbsVecF64x2(), std::move(a)); }
V128 neg(V128 a) { return one(BinaryenNegVecF64x2(), std::move(a)); }
V128 sqrt(V128 a) { return one(BinaryenSqrtVecF64x2(), std::move(a)); }
V128 ceil(V128 a) { return one(BinaryenCeilVecF64x2(), std::move(a)); }
V128 floor(V128 a) { return one(BinaryenFloorVecF64x2(), std::move(a)); }
V128 trunc(V128 a) { return one(BinaryenTruncVecF64x2(), std::move(a)); }
V128 nearest(V128 a) { return one(BinaryenNearestVecF64x2(), std::move(a)); }
V128 eq(V128 a, V128 b) { return two(BinaryenEqVecF64x2(), std::move(a), std::move(b)); }
V128 ne(V128 a, V128 b) { return two(BinaryenNeVecF64x2(), std::move(a), std::move(b)); }
V128 lt(V128 a, V128 b) { return two(BinaryenLtVecF64x2(), std::move(a), std::move(b)); }
V128 gt(V128 a, V128 b) { return two(BinaryenGtVecF64x2(), std::move(a), std::move(b)); }
V128 le(V128 a, V128 b) { return two(BinaryenLeVecF64x2(), std::move(a), std::move(b)); }
V128 ge(V128 a, V128 b) { return two(BinaryenGeVecF64x2(), std::move(a), std::move(b)); }
F64 extract(V128 a, int lane) { return lane_of<F64>(BinaryenExtractLaneVecF64x2(), std::move(a), lane); }
V128 replace(V128 a, int lane, F64 value) {
  return with_lane(BinaryenReplaceLaneVecF64x2(), std::move(a), lane, std::move(value));
}
V128 convert_low_i32x4_s(V128 a) { return one(BinaryenConvertLowSVecI32x4ToVecF64x2(), std::move(a)); }
V128 convert_low_i32x4_u(V128 a) { return one(BinaryenConvertLowUVecI32x4ToVecF64x2(), std::move(a)); }
V128 promote_low_f32x4(V128 a) { return one(BinaryenPromoteLowVecF32x4ToVecF64x2(), std::move(a)); }

}  // namespace f64x2

namespace i32x4 {

V128 splat(I32 a) { return V128(unary(BinaryenSplatVecI32x4(), WasmType::v128, std::move(a))); }
V128 add(V128 a, V128 b) { return two(BinaryenAddVecI32x4(), std::move(a), std::move(b)); }
V128 sub(V128 a, V128 b) { return two(BinaryenSubVecI32x4(), std::move(a), std::move(b)); }
V128 mul(V128 a, V128 b) { return two(BinaryenMulVecI32x4(), std::move(a), std::move(b)); }
V128 min_s(V128 a, V128 b) { return two(BinaryenMinSVecI32x4(), std::move(a), std::move(b)); }
V128 min_u(V128 a, V128 b) { return two(BinaryenMinUVecI32x4(), std::move(a), std::move(b)); }
V128 max_s(V128 a, V128 b) { return two(BinaryenMaxSVecI32x4(), std::move(a), std::move(b)); }
V128 max_u(V128 a, V128 b) { return two(BinaryenMaxUVecI32x4(), std::move(a), std::move(b)); }
V128 eq(V128 a, V128 b) { return two(BinaryenEqVecI32x4(), std::move(a), std::move(b)); }
V128 ne(V128 a, V128 b) { return two(BinaryenNeVecI32x4(), std::move(a), std::move(b)); }
V128 lt_s(V128 a, V128 b) { return two(BinaryenLtSVecI32x4(), std::move(a), std::move(b)); }
V128 lt_u(V128 a, V128 b) { return two(BinaryenLtUVecI32x4(), std::move(a), std::move(b)); }
V128 gt_s(V128 a, V128 b) { return two(BinaryenGtSVecI32x4(), std::move(a), std::move(b)); }
V128 gt_u(V128 a, V128 b) { return two(BinaryenGtUVecI32x4(), std::move(a), std::move(b)); }
V128 le_s(V128 a, V128 b) { return two(BinaryenLeSVecI32x4(), std::move(a), std::move(b)); }
V128 le_u(V128 a, V128 b) { return two(BinaryenLeUVecI32x4(), std::move(a), std::move(b)); }
V128 ge_s(V128 a, V128 b) { return two(BinaryenGeSVecI32x4(), std::move(a), std::move(b)); }
V128 ge_u(V128 a, V128 b) { return two(BinaryenGeUVecI32x4(), std::move(a), std::move(b)); }
V128 abs(V128 a) { return one(BinaryenAbsVecI32x4(), std::move(a)); }
V128 neg(V128 a) { return one(BinaryenNegVecI32x4(), std::move(a)); }
V128 shl(V128 a, I32 amount) { return shift(BinaryenShlVecI32x4(), std::move(a), std::move(amount)); }
V128 shr_s(V128 a, I32 amount) { return shift(BinaryenShrSVecI32x4(), std::move(a), std::move(amount)); }
V128 shr_u(V128 a, I32 amount) { return shift(BinaryenShrUVecI32x4(), std::move(a), std::move(amount)); }
I32 all_true(V128 a) { return test(BinaryenAllTrueVecI32x4(), std::move(a)); }
I32 bitmask(V128 a) { return test(BinaryenBitmaskVecI32x4(), std::move(a)); }
I32 extract(V128 a, int lane) { return lane_of<I32>(BinaryenExtractLaneVecI32x4(), std::move(a), lane); }
V128 replace(V128 a, int lane, I32 value) {
  return with_lane(BinaryenReplaceLaneVecI32x4(), std::move(a), lane, std::move(value));
}
V128 trunc_sat_f32x4_s(V128 a) { return one(BinaryenTruncSatSVecF32x4ToVecI32x4(), std::move(a)); }
V128 trunc_sat_f32x4_u(V128 a) { return one(BinaryenTruncSatUVecF32x4ToVecI32x4(), std::move(a)); }
V128 extend_low_i16x8_s(V128 a) { return one(BinaryenExtendLowSVecI16x8ToVecI32x4(), std::move(a)); }
V128 extend_high_i16x8_s(V128 a) { return one(BinaryenExtendHighSVecI16x8ToVecI32x4(), std::move(a)); }
V128 extend_low_i16x8_u(V128 a) { return one(BinaryenExtendLowUVecI16x8ToVecI32x4(), std::move(a)); }
V128 extend_high_i16x8_u(V128 a) { return one(BinaryenExtendHighUVecI16x8ToVecI32x4(), std::move(a)); }
V128 dot_i16x8(V128 a, V128 b) { return two(BinaryenDotSVecI16x8ToVecI32x4(), std::move(a), std::move(b)); }
V128 extadd_pairwise_i16x8_s(V128 a) { return one(BinaryenExtAddPairwiseSVecI16x8ToI32x4(), std::move(a)); }
V128 extadd_pairwise_i16x8_u(V128 a) { return one(BinaryenExtAddPairwiseUVecI16x8ToI32x4(), std::move(a)); }

}  // namespace i32x4

namespace i64x2 {

V128 splat(I64 a) { return V128(unary(BinaryenSplatVecI64x2(), WasmType::v128, std::move(a))); }
V128 add(V128 a, V128 b) { return two(BinaryenAddVecI64x2(), std::move(a), std::move(b)); }
V128 sub(V128 a, V128 b) { return two(BinaryenSubVecI64x2(), std::move(a), std::move(b)); }
V128 mul(V128 a, V128 b) { return two(BinaryenMulVecI64x2(), std::move(a), std::move(b)); }
V128 eq(V128 a, V128 b) { return two(BinaryenEqVecI64x2(), std::move(a), std::move(b)); }
V128 ne(V128 a, V128 b) { return two(BinaryenNeVecI64x2(), std::move(a), std::move(b)); }
V128 lt_s(V128 a, V128 b) { return two(BinaryenLtSVecI64x2(), std::move(a), std::move(b)); }
V128 gt_s(V128 a, V128 b) { return two(BinaryenGtSVecI64x2(), std::move(a), std::move(b)); }
V128 le_s(V128 a, V128 b) { return two(BinaryenLeSVecI64x2(), std::move(a), std::move(b)); }
V128 ge_s(V128 a, V128 b) { return two(BinaryenGeSVecI64x2(), std::move(a), std::move(b)); }
V128 abs(V128 a) { return one(BinaryenAbsVecI64x2(), std::move(a)); }
V128 neg(V128 a) { return one(BinaryenNegVecI64x2(), std::move(a)); }
V128 shl(V128 a, I32 amount) { return shift(BinaryenShlVecI64x2(), std::move(a), std::move(amount)); }
V128 shr_s(V128 a, I32 amount) { return shift(BinaryenShrSVecI64x2(), std::move(a), std::move(amount)); }
V128 shr_u(V128 a, I32 amount) { return shift(BinaryenShrUVecI64x2(), std::move(a), std::move(amount)); }
I32 all_true(V128 a) { return test(BinaryenAllTrueVecI64x2(), std::move(a)); }
I32 bitmask(V128 a) { return test(BinaryenBitmaskVecI64x2(), std::move(a)); }
I64 extract(V128 a, int lane) { return lane_of<I64>(BinaryenExtractLaneVecI64x2(), std::move(a), lane); }
V128 replace(V128 a, int lane, I64 value) {
  return with_lane(BinaryenReplaceLaneVecI64x2(), std::move(a), lane, std::move(value));
}
V128 extend_low_i32x4_s(V128 a) { return one(BinaryenExtendLowSVecI32x4ToVecI64x2(), std::move(a)); }
V128 extend_high_i32x4_s(V128 a) { return one(BinaryenExtendHighSVecI32x4ToVecI64x2(), std::move(a)); }
V128 extend_low_i32x4_u(V128 a) { return one(BinaryenExtendLowUVecI32x4ToVecI64x2(), std::move(a)); }
V128 extend_high_i32x4_u(V128 a) { return one(BinaryenExtendHighUVecI32x4ToVecI64x2(), std::move(a)); }

}  // namespace i64x2

namespace i16x8 {

V128 splat(I32 a) { return V128(unary(BinaryenSplatVecI16x8(), WasmType::v128, std::move(a))); }
V128 add(V128 a, V128 b) { return two(BinaryenAddVecI16x8(), std::move(a), std::move(b)); }
V128 sub(V128 a, V128 b) { return two(BinaryenSubVecI16x8(), std::move(a), std::move(b)); }
V128 mul(V128 a, V128 b) { return two(BinaryenMulVecI16x8(), std::move(a), std::move(b)); }
V128 add_sat_s(V128 a, V128 b) { return two(BinaryenAddSatSVecI16x8(), std::move(a), std::move(b)); }
V128 add_sat_u(V128 a, V128 b) { return two(BinaryenAddSatUVecI16x8(), std::move(a), std::move(b)); }
V128 sub_sat_s(V128 a, V128 b) { return two(BinaryenSubSatSVecI16x8(), std::move(a), std::move(b)); }
V128 sub_sat_u(V128 a, V128 b) { return two(BinaryenSubSatUVecI16x8(), std::move(a), std::move(b)); }
V128 min_s(V128 a, V128 b) { return two(BinaryenMinSVecI16x8(), std::move(a), std::move(b)); }
V128 min_u(V128 a, V128 b) { return two(BinaryenMinUVecI16x8(), std::move(a), std::move(b)); }
V128 max_s(V128 a, V128 b) { return two(BinaryenMaxSVecI16x8(), std::move(a), std::move(b)); }
V128 max_u(V128 a, V128 b) { return two(BinaryenMaxUVecI16x8(), std::move(a), std::move(b)); }
V128 eq(V128 a, V128 b) { return two(BinaryenEqVecI16x8(), std::move(a), std::move(b)); }
V128 ne(V128 a, V128 b) { return two(BinaryenNeVecI16x8(), std::move(a), std::move(b)); }
V128 lt_s(V128 a, V128 b) { return two(BinaryenLtSVecI16x8(), std::move(a), std::move(b)); }
V128 lt_u(V128 a, V128 b) { return two(BinaryenLtUVecI16x8(), std::move(a), std::move(b)); }
V128 gt_s(V128 a, V128 b) { return two(BinaryenGtSVecI16x8(), std::move(a), std::move(b)); }
V128 gt_u(V128 a, V128 b) { return two(BinaryenGtUVecI16x8(), std::move(a), std::move(b)); }
V128 le_s(V128 a, V128 b) { return two(BinaryenLeSVecI16x8(), std::move(a), std::move(b)); }
V128 le_u(V128 a, V128 b) { return two(BinaryenLeUVecI16x8(), std::move(a), std::move(b)); }
V128 ge_s(V128 a, V128 b) { return two(BinaryenGeSVecI16x8(), std::move(a), std::move(b)); }
V128 ge_u(V128 a, V128 b) { return two(BinaryenGeUVecI16x8(), std::move(a), std::move(b)); }
V128 abs(V128 a) { return one(BinaryenAbsVecI16x8(), std::move(a)); }
V128 neg(V128 a) { return one(BinaryenNegVecI16x8(), std::move(a)); }
V128 shl(V128 a, I32 amount) { return shift(BinaryenShlVecI16x8(), std::move(a), std::move(amount)); }
V128 shr_s(V128 a, I32 amount) { return shift(BinaryenShrSVecI16x8(), std::move(a), std::move(amount)); }
V128 shr_u(V128 a, I32 amount) { return shift(BinaryenShrUVecI16x8(), std::move(a), std::move(amount)); }
I32 all_true(V128 a) { return test(BinaryenAllTrueVecI16x8(), std::move(a)); }
I32 bitmask(V128 a) { return test(BinaryenBitmaskVecI16x8(), std::move(a)); }
I32 extract_s(V128 a, int lane) { return lane_of<I32>(BinaryenExtractLaneSVecI16x8(), std::move(a), lane); }
I32 extract_u(V128 a, int lane) { return lane_of<I32>(BinaryenExtractLaneUVecI16x8(), std::move(a), lane); }
V128 replace(V128 a, int lane, I32 value) {
  return with_lane(BinaryenReplaceLaneVecI16x8(), std::move(a), lane, std::move(value));
}
V128 extend_low_i8x16_s(V128 a) { return one(BinaryenExtendLowSVecI8x16ToVecI16x8(), std::move(a)); }
V128 extend_high_i8x16_s(V128 a) { return one(BinaryenExtendHighSVecI8x16ToVecI16x8(), std::move(a)); }
V128 extend_low_i8x16_u(V128 a) { return one(BinaryenExtendLowUVecI8x16ToVecI16x8(), std::move(a)); }
V128 extend_high_i8x16_u(V128 a) { return one(BinaryenExtendHighUVecI8x16ToVecI16x8(), std::move(a)); }
V128 narrow_i32x4_s(V128 a, V128 b) {
  return two(BinaryenNarrowSVecI32x4ToVecI16x8(), std::move(a), std::move(b));
}
V128 narrow_i32x4_u(V128 a, V128 b) {
  return two(BinaryenNarrowUVecI32x4ToVecI16x8(), std::move(a), std::move(b));
}
V128 extmul_low_i8x16_s(V128 a, V128 b) {
  return two(BinaryenExtMulLowSVecI16x8(), std::move(a), std::move(b));
}
V128 extmul_high_i8x16_s(V128 a, V128 b) {
  return two(BinaryenExtMulHighSVecI16x8(), std::move(a), std::move(b));
}

}  // namespace i16x8

namespace i8x16 {

V128 splat(I32 a) { return V128(unary(BinaryenSplatVecI8x16(), WasmType::v128, std::move(a))); }
V128 add(V128 a, V128 b) { return two(BinaryenAddVecI8x16(), std::move(a), std::move(b)); }
V128 sub(V128 a, V128 b) { return two(BinaryenSubVecI8x16(), std::move(a), std::move(b)); }
V128 add_sat_s(V128 a, V128 b) { return two(BinaryenAddSatSVecI8x16(), std::move(a), std::move(b)); }
V128 add_sat_u(V128 a, V128 b) { return two(BinaryenAddSatUVecI8x16(), std::move(a), std::move(b)); }
V128 sub_sat_s(V128 a, V128 b) { return two(BinaryenSubSatSVecI8x16(), std::move(a), std::move(b)); }
V128 sub_sat_u(V128 a, V128 b) { return two(BinaryenSubSatUVecI8x16(), std::move(a), std::move(b)); }
V128 min_s(V128 a, V128 b) { return two(BinaryenMinSVecI8x16(), std::move(a), std::move(b)); }
V128 min_u(V128 a, V128 b) { return two(BinaryenMinUVecI8x16(), std::move(a), std::move(b)); }
V128 max_s(V128 a, V128 b) { return two(BinaryenMaxSVecI8x16(), std::move(a), std::move(b)); }
V128 max_u(V128 a, V128 b) { return two(BinaryenMaxUVecI8x16(), std::move(a), std::move(b)); }
V128 eq(V128 a, V128 b) { return two(BinaryenEqVecI8x16(), std::move(a), std::move(b)); }
V128 ne(V128 a, V128 b) { return two(BinaryenNeVecI8x16(), std::move(a), std::move(b)); }
V128 lt_s(V128 a, V128 b) { return two(BinaryenLtSVecI8x16(), std::move(a), std::move(b)); }
V128 lt_u(V128 a, V128 b) { return two(BinaryenLtUVecI8x16(), std::move(a), std::move(b)); }
V128 gt_s(V128 a, V128 b) { return two(BinaryenGtSVecI8x16(), std::move(a), std::move(b)); }
V128 gt_u(V128 a, V128 b) { return two(BinaryenGtUVecI8x16(), std::move(a), std::move(b)); }
V128 le_s(V128 a, V128 b) { return two(BinaryenLeSVecI8x16(), std::move(a), std::move(b)); }
V128 le_u(V128 a, V128 b) { return two(BinaryenLeUVecI8x16(), std::move(a), std::move(b)); }
V128 ge_s(V128 a, V128 b) { return two(BinaryenGeSVecI8x16(), std::move(a), std::move(b)); }
V128 ge_u(V128 a, V128 b) { return two(BinaryenGeUVecI8x16(), std::move(a), std::move(b)); }
V128 abs(V128 a) { return one(BinaryenAbsVecI8x16(), std::move(a)); }
V128 neg(V128 a) { return one(BinaryenNegVecI8x16(), std::move(a)); }
V128 shl(V128 a, I32 amount) { return shift(BinaryenShlVecI8x16(), std::move(a), std::move(amount)); }
V128 shr_s(V128 a, I32 amount) { return shift(BinaryenShrSVecI8x16(), std::move(a), std::move(amount)); }
V128 shr_u(V128 a, I32 amount) { return shift(BinaryenShrUVecI8x16(), std::move(a), std::move(amount)); }
I32 all_true(V128 a) { return test(BinaryenAllTrueVecI8x16(), std::move(a)); }
I32 bitmask(V128 a) { return test(BinaryenBitmaskVecI8x16(), std::move(a)); }
I32 extract_s(V128 a, int lane) { return lane_of<I32>(BinaryenExtractLaneSVecI8x16(), std::move(a), lane); }
I32 extract_u(V128 a, int lane) { return lane_of<I32>(BinaryenExtractLaneUVecI8x16(), std::move(a), lane); }
V128 replace(V128 a, int lane, I32 value) {
  return with_lane(BinaryenReplaceLaneVecI8x16(), std::move(a), lane, std::move(value));
}
V128 narrow_i16x8_s(V128 a, V128 b) {
  return two(BinaryenNarrowSVecI16x8ToVecI8x16(), std::move(a), std::move(b));
}
V128 narrow_i16x8_u(V128 a, V128 b) {
  return two(BinaryenNarrowUVecI16x8ToVecI8x16(), std::move(a), std::move(b));
}
V128 swizzle(V128 a, V128 b) { return two(BinaryenSwizzleVecI8x16(), std::move(a), std::move(b)); }

}  // namespace i8x16

}  // namespace o2w::codegen
