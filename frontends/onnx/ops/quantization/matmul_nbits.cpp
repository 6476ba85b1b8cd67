// com.microsoft MatMulNBits: A times a matrix of 2, 4 or 8 bits per weight, quantized in blocks along the
// summed dimension. Constant weights stay packed in the module; others are unpacked while the model runs.
#include <algorithm>
#include <numeric>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"
#include "frontends/onnx/ops/quantization/blocks_product.h"
#include "frontends/onnx/ops/quantization/packed_numbers.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Tensor;
using ir::Value;

// The node: B is [N, blocks, block_size * bits / 8] bytes, numbers lowest bits first.
struct Node {
  explicit Node(Lowering& l)
      : k(l.int_attribute("K")),
        n(l.int_attribute("N")),
        bits(l.int_attribute("bits", 4)),
        block(l.int_attribute("block_size")) {
    if (bits != 2 && bits != 4 && bits != 8) l.fail("attribute bits is {}, expected 2, 4 or 8", bits);
    if (block < 16 || (block & (block - 1)) != 0 || block > INT32_MAX)
      l.fail("attribute block_size is {}, expected a power of two from 16 on", block);
    if (k < 1 || n < 1 || k > INT32_MAX || n > INT32_MAX) l.fail("attributes K and N are {} and {}", k, n);
    blocks = (k + block - 1) / block;
    a = l.input(0);
    b = l.input(1);
    scales = l.input(2);
    zeros = l.optional_input(3);
    groups = l.optional_input(4);
    bias = l.optional_input(5);
    l.expect_rank(a, 1, 64, "input A");
    require_equal(l, a->shape.back(), k, "last size of A and attribute K");
    require_equal(l, ir::element_count(b->shape), n * blocks * blob(), "bytes of B");
    require_equal(l, ir::element_count(scales->shape), n * blocks, "number of scales");
    if (zeros != nullptr)
      require_equal(l, ir::element_count(zeros->shape), n * (packed_zeros() ? zero_bytes() : blocks),
                    "elements of the zero points");
    if (bias != nullptr) require_equal(l, ir::element_count(bias->shape), n, "size of the bias and N");
    if (groups != nullptr) {
      l.expect_rank(groups, 1, 1, "g_idx");
      l.b().require(ir::Require::Relation::less_equal, k, groups->shape[0],
                    "g_idx needs one entry for each k");
    }
  }

  int64_t blob() const { return block * bits / 8; }
  // Zero points are packed like the weights, each column's from a new byte on, or floats.
  bool packed_zeros() const { return zeros != nullptr && zeros->type == DType::u8; }
  int64_t zero_bytes() const { return (blocks * bits + 7) / 8; }
  int default_zero() const { return 1 << (bits - 1); }

  int64_t k, n, bits, block, blocks = 0;
  Value *a = nullptr, *b = nullptr, *scales = nullptr, *zeros = nullptr, *groups = nullptr, *bias = nullptr;
};

int number_at(const uint8_t* bytes, int64_t i, int64_t bits) {
  return (bytes[i * bits / 8] >> (i * bits % 8)) & ((1 << bits) - 1);
}

// --- Constant weights.

// Where each block of the packed matrix takes its weights from: positions along k, -1 for none.
std::vector<int64_t> positions(const Node& node, const Tensor* groups) {
  std::vector<int64_t> result(static_cast<std::size_t>(node.blocks * node.block), -1);
  if (groups == nullptr) {
    std::iota(result.begin(), result.begin() + node.k, 0);
    return result;
  }
  // g_idx names the block of parameters of every k: those of one block come together.
  std::vector<int64_t> count(static_cast<std::size_t>(node.blocks), 0);
  for (int64_t i = 0; i < node.k; ++i) {
    const int64_t group = groups->as_int(i);
    if (group < 0 || group >= node.blocks) return {};
    const int64_t place = count[static_cast<std::size_t>(group)]++;
    if (place == node.block) return {};  // more than a block holds
    result[static_cast<std::size_t>(group * node.block + place)] = i;
  }
  return result;
}

// A with its columns in the order of the packed weights; 0 where there is none.
Value* reordered(Lowering& l, const Node& node, Value* a, const std::vector<int64_t>& from) {
  Tensor order(DType::i32, {static_cast<int64_t>(from.size())});
  std::transform(from.begin(), from.end(), order.mutable_data<int32_t>(),
                 [](int64_t k) { return static_cast<int32_t>(k); });
  Value* index = l.b().constant(std::move(order));
  ir::Shape shape = a->shape;
  shape.back() = node.blocks * node.block;
  return l.b().tabulate(DType::f32, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr k = body.at(index, {i.back()});
    std::vector<Expr> place(i.begin(), i.end());
    place.back() = ir::cast(DType::index, max(k, 0));
    return select(lt(k, 0), ir::literal_of(DType::f32, 0), body.at(a, std::move(place)));
  });
}

// Null where something of the weights is not known when compiling.
Value* from_packed(Lowering& l, const Node& node) {
  const Tensor* b = l.constant(node.b);
  const Tensor* scales = l.constant(node.scales);
  const Tensor* zeros = node.zeros != nullptr ? l.constant(node.zeros) : nullptr;
  const Tensor* groups = node.groups != nullptr ? l.constant(node.groups) : nullptr;
  if (b == nullptr || scales == nullptr || (node.zeros != nullptr && zeros == nullptr) ||
      (node.groups != nullptr && groups == nullptr)) {
    return nullptr;
  }
  const std::vector<int64_t> from = positions(node, groups);
  if (from.empty()) return nullptr;
  BlockWeights weights{.k = groups != nullptr ? node.blocks * node.block : node.k,
                       .n = node.n,
                       .bits = node.bits,
                       .block = node.block,
                       .float_zeros = zeros != nullptr && !node.packed_zeros()};
  weights.number = [&](int64_t k, int64_t column) {
    const int64_t place = from[static_cast<std::size_t>(k)];
    return place < 0 ? 0 : number_at(b->bytes() + column * node.blocks * node.blob(), place, node.bits);
  };
  weights.scale = [&](int64_t block, int64_t column) {
    return scales->as_double(column * node.blocks + block);
  };
  weights.zero = [&](int64_t block, int64_t column) -> double {
    if (zeros == nullptr) return node.default_zero();
    if (!node.packed_zeros()) return zeros->as_double(column * node.blocks + block);
    return number_at(zeros->bytes() + column * node.zero_bytes(), block, node.bits);
  };
  Value* a = l.b().cast(node.a, DType::f32);
  if (groups != nullptr) a = reordered(l, node, a, from);
  return blocks_product(l, a, weights, node.bias != nullptr ? l.b().cast(node.bias, DType::f32) : nullptr,
                        node.b->name);
}

// --- Weights that are computed.

Value* from_unpacked(Lowering& l, const Node& node) {
  ir::Builder& b = l.b();
  const auto flat = [&](Value* x, const Dim& size) { return b.view(x, {size}); };
  Value* bytes = flat(node.b, node.n * node.blocks * node.blob());
  Value* scales = flat(node.scales, node.n * node.blocks);
  Value* zeros = node.zeros == nullptr
                     ? nullptr
                     : flat(node.zeros, node.n * (node.packed_zeros() ? node.zero_bytes() : node.blocks));
  Value* weights = b.tabulate(DType::f32, {node.n, node.k}, [&](ir::Body& body, ir::Builder::Indices i) {
    const Expr block =
        node.groups != nullptr
            ? ir::checked_index(ir::cast(DType::index, body.at(node.groups, {i[1]})), node.blocks)
            : floordiv(i[1], Expr(node.block));
    const Expr parameter = i[0] * Expr(node.blocks) + block;
    const Expr number =
        ir::cast(DType::f32, packed_number(body, bytes, i[0], node.blocks * node.blob(), i[1], node.bits));
    Expr zero = ir::literal_of(DType::f32, node.default_zero());
    if (zeros != nullptr) {
      zero = node.packed_zeros() ? packed_number(body, zeros, i[0], node.zero_bytes(), block, node.bits)
                                 : body.at(zeros, {parameter});
      zero = ir::cast(DType::f32, zero);
    }
    return (number - zero) * ir::cast(DType::f32, body.at(scales, {parameter}));
  });
  Value* product = b.matmul(b.cast(node.a, DType::f32), b.transpose(weights, {1, 0}), DType::f32);
  if (node.bias == nullptr) return product;
  return b.tabulate(DType::f32, product->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    return body.at(product, {i.begin(), i.end()}) + ir::cast(DType::f32, body.at(node.bias, {i.back()}));
  });
}

// accuracy_level is the least that the product must be computed in; f32 satisfies all.
void lower(Lowering& l) {
  const Node node(l);
  Value* y = from_packed(l, node);
  if (y == nullptr) y = from_unpacked(l, node);
  l.output(0, l.b().cast(y, node.a->type));
}

constexpr TypeSet kSources{DType::f32, DType::f16, DType::bf16};
const RegisterOperator matmul_nbits({.domain = "com.microsoft",
                                     .name = "MatMulNBits",
                                     .versions = {1},
                                     .types = {{"T1", kSources, inputs(0, 2, 5)},
                                               {"T2", {DType::u8}, inputs(1)},
                                               {"T3", kSources | TypeSet{DType::u8}, inputs(3)},
                                               {"T4", {DType::i32}, inputs(4)}},
                                     .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
