#include "frontends/onnx/ops/quantization/blocks_product.h"

#include <cmath>
#include <cstring>

namespace o2w::onnx_frontend {

using ir::DType;
using ir::Expr;
using ir::ExprNode;
using ir::ExprOp;
using ir::Tensor;
using ir::Value;

namespace {

constexpr int64_t kColumns = 8;  // of a panel

void put_float(uint8_t* to, double value) {
  const auto narrow = static_cast<float>(value);
  std::memcpy(to, &narrow, sizeof narrow);
}

Tensor packed(const BlockWeights& weights) {
  const int64_t head = kColumns * (weights.float_zeros ? 8 : 5), per_byte = 8 / weights.bits,
                data = weights.block / per_byte * kColumns;
  const int64_t panels = (weights.n + kColumns - 1) / kColumns, blocks = weights.blocks();
  Tensor result(DType::u8, {panels * blocks * (head + data)});
  uint8_t* to = result.mutable_bytes();
  for (int64_t panel = 0; panel < panels; ++panel) {
    for (int64_t block = 0; block < blocks; ++block, to += head + data) {
      for (int64_t lane = 0; lane < kColumns && panel * kColumns + lane < weights.n; ++lane) {
        const int64_t column = panel * kColumns + lane;
        put_float(to + 4 * lane, weights.scale(block, column));
        const double zero = weights.zero(block, column);
        if (weights.float_zeros) {
          put_float(to + 4 * (kColumns + lane), zero);
        } else {
          to[4 * kColumns + lane] = static_cast<uint8_t>(zero);
        }
        const int64_t first = block * weights.block, end = std::min(first + weights.block, weights.k);
        for (int64_t k = first; k < end; ++k) {
          const int64_t i = k - first;
          to[head + i / per_byte * kColumns + lane] |=
              static_cast<uint8_t>(weights.number(k, column) << (i % per_byte * weights.bits));
        }
      }
    }
  }
  return result;
}

int bits_of(DType type) {
  switch (type) {
    case DType::u2:
    case DType::i2:
      return 2;
    case DType::u4:
    case DType::i4:
      return 4;
    case DType::u8:
    case DType::i8:
      return 8;
    default:
      return 0;
  }
}

const ExprNode* read_below_casts(const Expr& e) {
  if (e->op == ExprOp::read) return e.get();
  return e->op == ExprOp::cast ? read_below_casts(e->args[0]) : nullptr;
}

// Read at [row, column].
bool is_whole(const ExprNode& read) {
  return read.args.size() == 2 && ir::is_index(read.args[0], 0) && ir::is_index(read.args[1], 1);
}
// Read at [row / block, column]; the block, or 0.
int64_t block_of(const ExprNode& read) {
  if (read.args.size() != 2 || !ir::is_index(read.args[1], 1)) return 0;
  const Expr& row = read.args[0];
  const bool divides =
      row->op == ExprOp::floordiv && ir::is_index(row->args[0], 0) && ir::is_literal(row->args[1]);
  return divides ? row->args[1]->literal.integer : 0;
}

}  // namespace

Value* blocks_product(Lowering& l, Value* a, const BlockWeights& weights, Value* bias,
                      const std::string& name) {
  std::vector<Value*> operands = {a, l.b().constant(packed(weights), name)};
  if (bias != nullptr) operands.push_back(bias);
  ir::Opaque call;
  call.routine = fmt::format("blocks_product_{}{}", weights.bits, weights.float_zeros ? "_float_zeros" : "");
  call.ints = {weights.block, weights.k, weights.n};
  ir::Shape shape = a->shape;
  shape.back() = weights.n;
  return l.b().opaque(std::move(call), std::move(operands), {{DType::f32, shape}})[0];
}

std::optional<BlockWeights> block_weights_of(const Value* value) {
  const ir::Node* node = value->producer;
  const auto* tabulate = node != nullptr ? node->as<ir::Tabulate>() : nullptr;
  if (tabulate == nullptr || value->type != DType::f32 || value->rank() != 2 ||
      tabulate->body->op != ExprOp::mul || tabulate->body->args[0]->op != ExprOp::cast) {
    return std::nullopt;
  }
  const Expr& difference = tabulate->body->args[0]->args[0];
  const bool has_zeros = difference->op == ExprOp::sub;
  const ExprNode* numbers = read_below_casts(has_zeros ? difference->args[0] : difference);
  const ExprNode* zeros = has_zeros ? read_below_casts(difference->args[1]) : nullptr;
  const ExprNode* scales = read_below_casts(tabulate->body->args[1]);
  if (numbers == nullptr || scales == nullptr || (has_zeros && zeros == nullptr) || !is_whole(*numbers))
    return std::nullopt;
  const int64_t block = block_of(*scales);
  if (block < 1 || (zeros != nullptr && block_of(*zeros) != block)) return std::nullopt;
  const auto tensor = [&](const ExprNode* read) {
    return read == nullptr ? nullptr : ir::constant_of(node->inputs[static_cast<std::size_t>(read->slot)]);
  };
  const Tensor *q = tensor(numbers), *s = tensor(scales), *z = tensor(zeros);
  if (q == nullptr || s == nullptr || (has_zeros && z == nullptr) || !ir::is_float(s->type()))
    return std::nullopt;
  BlockWeights result;
  result.bits = bits_of(q->type());
  if (result.bits == 0 || block * result.bits % 8 != 0 || (z != nullptr && z->type() != q->type()))
    return std::nullopt;
  result.k = q->dims()[0];
  result.n = q->dims()[1];
  result.block = block;
  // Signed numbers are shifted together with their zero points.
  const int shift = ir::is_signed(q->type()) ? 1 << (result.bits - 1) : 0;
  const int64_t n = result.n;
  result.number = [q = *q, n, shift](int64_t k, int64_t column) {
    return static_cast<int>(q.as_int(k * n + column)) + shift;
  };
  result.scale = [s = *s, n](int64_t b, int64_t column) { return s.as_double(b * n + column); };
  if (z == nullptr) {
    result.zero = [shift](int64_t, int64_t) { return static_cast<double>(shift); };
  } else {
    result.zero = [z = *z, n, shift](int64_t b, int64_t column) {
      return static_cast<double>(z.as_int(b * n + column) + shift);
    };
  }
  return result;
}

}  // namespace o2w::onnx_frontend
