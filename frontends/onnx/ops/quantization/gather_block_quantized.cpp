// com.microsoft GatherBlockQuantized: Gather from a tensor quantized in blocks along one axis; only what is
// gathered is dequantized.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/quantization/packed_numbers.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Value;

void lower(Lowering& l) {
  Value* data = l.input(0);
  Value* indices = l.input(1);
  Value* scales = l.input(2);
  Value* zeros = l.optional_input(3);
  const int rank = data->rank();
  const auto gather_axis = static_cast<std::size_t>(l.axis(l.int_attribute("gather_axis", 0), rank));
  const auto axis = static_cast<std::size_t>(l.axis(l.int_attribute("quantize_axis", 1), rank));
  int64_t block = l.int_attribute("block_size", 128);
  const bool is_float = ir::is_float(data->type);
  if (block < (is_float ? 0 : 16) || block > INT32_MAX || (block & (block - 1)) != 0)
    l.fail("attribute block_size is {}, expected a power of two from 16 on", block);
  // Bytes hold 8 / bits numbers along the last axis; other types are numbers of their own.
  const bool bytes = data->type == DType::u8;
  const int64_t bits = bytes ? l.int_attribute("bits", 4) : 8;
  if (bits != 2 && bits != 4 && bits != 8) l.fail("attribute bits is {}, expected 2, 4 or 8", bits);
  const int64_t per_byte = 8 / bits;
  if (bytes && (axis + 1 != data->shape.size() || gather_axis == axis))
    l.fail("data of bytes is quantized along its last axis and gathered along another");
  ir::Shape numbers = data->shape;
  numbers[axis] = numbers[axis] * Dim(per_byte);
  l.expect_rank(scales, rank, rank, "scales");
  if (zeros != nullptr) l.expect_rank(zeros, rank, rank, "zero_points");
  const auto blocks_of = [&](const Dim& size) { return block == 0 ? Dim(1) : ir::ceildiv(size, block); };
  for (std::size_t d = 0; d < numbers.size(); ++d) {
    const Dim expected = d == axis ? blocks_of(numbers[d]) : numbers[d];
    const bool broadcasts = is_float && d != axis && scales->shape[d].is(1);
    if (!broadcasts) require_equal(l, scales->shape[d], expected, "shapes of data and scales");
    if (zeros == nullptr) continue;
    require_equal(l, zeros->shape[d], d == axis ? ir::ceildiv(scales->shape[d], per_byte) : scales->shape[d],
                  "shapes of scales and zero_points");
  }

  ir::Shape shape(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(gather_axis));
  shape.insert(shape.end(), indices->shape.begin(), indices->shape.end());
  shape.insert(shape.end(), numbers.begin() + static_cast<std::ptrdiff_t>(gather_axis) + 1, numbers.end());
  const DType compute = is_float ? DType::f32 : DType::i32;
  // A number of a tensor packed along its last axis like data.
  const auto number = [&](ir::Body& body, Value* from, const std::vector<Expr>& place) {
    if (per_byte == 1) return ir::cast(compute, body.at(from, place));
    Expr row = Expr(0);
    for (std::size_t d = 0; d + 1 < place.size(); ++d) row = row * Expr(from->shape[d]) + place[d];
    Value* flat = l.b().view(from, {ir::element_count(from->shape)});
    return packed_number(body, flat, row, from->shape.back(), place.back(), bits);
  };
  l.output(0, l.b().tabulate(scales->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const auto index_rank = static_cast<std::ptrdiff_t>(indices->shape.size());
    const auto begin = i.begin() + static_cast<std::ptrdiff_t>(gather_axis);
    std::vector<Expr> place(i.begin(), begin);
    place.push_back(ir::checked_index(ir::cast(DType::index, body.at(indices, {begin, begin + index_rank})),
                                      numbers[gather_axis]));
    place.insert(place.end(), begin + index_rank, i.end());
    std::vector<Expr> parameter = place;
    parameter[axis] = block == 0 ? Expr(0) : floordiv(parameter[axis], Expr(block));
    Expr value = number(body, data, place);
    if (zeros != nullptr) {
      value = value - number(body, zeros, parameter);
    } else if (bytes) {
      value = value - ir::literal_int(DType::i32, 1 << (bits - 1));
    }
    for (std::size_t d = 0; d < parameter.size(); ++d) {
      if (scales->shape[d].is(1)) parameter[d] = Expr(0);
    }
    return ir::cast(DType::f32, value) * ir::cast(DType::f32, body.at(scales, parameter));
  }));
}

const RegisterOperator gather_block_quantized(
    {.domain = "com.microsoft",
     .name = "GatherBlockQuantized",
     .versions = {1},
     .types = {{"T1", kNarrowFloats | TypeSet{DType::u8, DType::u4, DType::i4}, inputs(0, 3)},
               {"T2", {DType::f32, DType::f16, DType::bf16}, inputs(2)},
               {"Tind", kIndices, inputs(1)}},
     .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
