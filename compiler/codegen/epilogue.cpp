#include "compiler/codegen/epilogue.h"

#include <algorithm>

#include "compiler/codegen/canonical_nest.h"
#include "compiler/codegen/expr_generator.h"
#include "compiler/support/error.h"

namespace o2w::codegen {

using ir::Expr;
using ir::ExprNode;
using ir::ExprOp;
using Extent = schedule::EpilogueOperand::Access;

// The epilogue's leaves at one place of the output.
class EpilogueLeaves : public Leaves {
 public:
  EpilogueLeaves(const EpilogueEmitter& emitter, ScalarOps& ops, Local accumulator,
                 const EpilogueEmitter::Place& place)
      : emitter_(emitter), ops_(ops), accumulator_(accumulator), place_(place) {}

  bool varies(const ExprNode& leaf) override {
    if (accumulator_.type() != WasmType::v128) return false;
    return leaf.op == ExprOp::temp || (leaf.op == ExprOp::read && operand(leaf).access != Extent::scalar);
  }
  Tree temp(const ExprNode& node, int lane) override {
    if (accumulator_.type() == WasmType::v128) return lane_of(node.type, V128(accumulator_.get()), lane);
    return accumulator_.get();
  }
  Tree temp_vector(const ExprNode&, int) override { return accumulator_.get(); }
  Tree read(const ExprNode& node, int lane) override {
    const auto slot = static_cast<std::size_t>(node.slot);
    if (operand(node).access == Extent::scalar) return emitter_.scalars_[slot].get();
    return ops_.load(operand(node).type, address(node, lane));
  }
  bool can_read_vector(const ExprNode& node) override { return ir::byte_size(operand(node).type) == 4; }
  Tree read_vector(const ExprNode& node, int) override {
    if (operand(node).access == Extent::column) {
      const auto found =
          emitter_.columns_.find({static_cast<std::size_t>(node.slot), place_.column_constant});
      if (found != emitter_.columns_.end()) return found->second.get();
      return place_.row_step ? v128::load32_splat(address(node, 0)) : load_v128(address(node, 0));
    }
    if (!place_.row_step) return load_v128(address(node, 0));
    V128 lanes = v128::load32_zero(address(node, 0));
    for (int lane = 1; lane < 4; ++lane)
      lanes = v128::load32_lane(std::move(lanes), lane, address(node, lane));
    return lanes;
  }
  bool reads_are_safe() const override { return true; }
  Tree index(int, int) override { fail_internal("a loop variable in an epilogue"); }
  Tree index_vector(int, int) override { fail_internal("a loop variable in an epilogue"); }
  Tree dim(const ir::Dim& dim) override {
    // Sizes in an epilogue are numbers: what is dynamic stays a kernel of its own.
    return emitter_.f_.i32(static_cast<int32_t>(dim.value()));
  }
  void raise() override { fail_internal("a checked index in an epilogue"); }

 private:
  const schedule::EpilogueOperand& operand(const ExprNode& node) const {
    return emitter_.epilogue_.operands.at(static_cast<std::size_t>(node.slot));
  }
  // The offsets count elements of 4 bytes.
  I32 address(const ExprNode& node, int lane) const {
    const schedule::EpilogueOperand& from = operand(node);
    const int bytes = ir::byte_size(from.type);
    const bool column = from.access == Extent::column;
    I32 offset = column ? place_.column_offset->get() : place_.out_offset->get();
    auto constant = static_cast<int32_t>(column ? place_.column_constant : place_.out_constant);
    if (place_.row_step == nullptr) {
      constant += 4 * lane;
    } else if (!column && lane > 0) {
      offset = std::move(offset) + *place_.row_step * lane;
    }
    const Var<I32>& pointer = emitter_.pointers_[static_cast<std::size_t>(node.slot)];
    if (bytes == 4) return pointer + std::move(offset) + constant;
    if (bytes == 8) return pointer + ((std::move(offset) + constant) << 1);
    return pointer + ((std::move(offset) + constant) >> (bytes == 2 ? 1 : 2));
  }

  const EpilogueEmitter& emitter_;
  ScalarOps& ops_;
  Local accumulator_;
  const EpilogueEmitter::Place& place_;
};

namespace {

bool uses(const schedule::Epilogue& epilogue, Extent access) {
  for (const schedule::EpilogueOperand& operand : epilogue.operands) {
    if (operand.access == access) return true;
  }
  return false;
}

}  // namespace

EpilogueEmitter::EpilogueEmitter(FunctionTable& functions, FunctionBuilder& f,
                                 const schedule::Epilogue& epilogue, std::vector<Var<I32>> pointers,
                                 Loads loads)
    : functions_(functions), f_(f), epilogue_(epilogue), pointers_(std::move(pointers)) {
  ensure(pointers_.size() == epilogue.operands.size(), "epilogue operands and pointers do not match");
  scalars_.resize(epilogue.operands.size());
  if (epilogue.body.get() != nullptr) {
    body_ = Interner().intern(epilogue.body->type == epilogue.out ? epilogue.body
                                                                  : ir::cast(epilogue.out, epilogue.body));
  }
  if (loads == Loads::once) load_numbers();
}

void EpilogueEmitter::load_numbers() {
  ScalarOps ops(functions_, f_);
  for (std::size_t k = 0; k < epilogue_.operands.size(); ++k) {
    if (epilogue_.operands[k].access == Extent::scalar)
      scalars_[k] = f_.keep(ops.load(epilogue_.operands[k].type, pointers_[k].get()));
  }
  constants_.clear();
  if (body_.get() == nullptr) return;
  // Numbers stay in locals: engines build vector constants anew wherever they occur.
  ir::walk(body_, [&](const ExprNode& node) {
    if (node.op != ExprOp::literal || !ExprGenerator::is_vector_type(node.type)) return;
    Local value = f_.keep(ops.literal(node.type, node.literal));
    if (node.type == ir::DType::boolean) value = f_.keep(f_.i32(0) - I32(value.get()));
    constants_.emplace_back(&node, f_.keep(node.type == ir::DType::f32 ? f32x4::splat(F32(value.get()))
                                                                       : i32x4::splat(I32(value.get()))));
  });
}

std::string EpilogueEmitter::key(const schedule::Epilogue& epilogue) {
  if (epilogue.body.get() == nullptr) return "";
  std::string key = "epilogue " + std::string(ir::name(epilogue.accumulator)) + " to " +
                    std::string(ir::name(epilogue.out)) + " ";
  for (const schedule::EpilogueOperand& operand : epilogue.operands) {
    key += std::to_string(static_cast<int>(operand.access)) + std::string(ir::name(operand.type)) + ",";
  }
  return key + key_of(epilogue.body);
}

std::string EpilogueEmitter::name(const schedule::Epilogue& epilogue) {
  if (epilogue.body.get() == nullptr) return "";
  const bool residual = uses(epilogue, Extent::same);
  return std::string(uses(epilogue, Extent::column) ? "_bias" : "") + (residual ? "_add" : "") +
         (ir::op_count(epilogue.body) > static_cast<int>(epilogue.operands.size()) ? "_act" : "");
}

V128 EpilogueEmitter::vector(V128 accumulator, const Var<I32>& out_offset, const Var<I32>& column_offset,
                             uint32_t out_constant, uint32_t column_constant) {
  if (body_.get() == nullptr) return accumulator;
  return V128(apply(std::move(accumulator), {&out_offset, &column_offset, out_constant, column_constant}));
}

V128 EpilogueEmitter::column_vector(V128 accumulator, const Var<I32>& out_offset, const Var<I32>& row_step,
                                    const Var<I32>& column_offset, uint32_t column_constant) {
  if (body_.get() == nullptr) return accumulator;
  return V128(apply(std::move(accumulator),
                    {&out_offset, &column_offset, column_constant, column_constant, &row_step}));
}

F32 EpilogueEmitter::scalar(F32 accumulator, const Var<I32>& out_offset, const Var<I32>& column_offset,
                            uint32_t out_constant, uint32_t column_constant) {
  if (body_.get() == nullptr) return accumulator;
  return F32(apply(std::move(accumulator), {&out_offset, &column_offset, out_constant, column_constant}));
}

void EpilogueEmitter::load_columns(const Var<I32>& column_offset, const std::vector<uint32_t>& constants) {
  for (std::size_t k = 0; k < epilogue_.operands.size(); ++k) {
    const schedule::EpilogueOperand& operand = epilogue_.operands[k];
    if (operand.access != Extent::column || ir::byte_size(operand.type) != 4) continue;
    for (const uint32_t constant : constants)
      columns_[{k, constant}] = f_.keep(load_v128(pointers_[k] + column_offset, constant));
  }
}

// One column operand and no numbers: two vectors, beside the twelve of a tile of 4 x 8.
bool EpilogueEmitter::fits_beside_sums() const {
  if (body_.get() == nullptr) return true;
  bool has_numbers = false;
  ir::walk(body_, [&](const ExprNode& node) { has_numbers = has_numbers || node.op == ExprOp::literal; });
  const auto count = [&](Extent access) {
    return std::count_if(epilogue_.operands.begin(), epilogue_.operands.end(),
                         [&](const auto& operand) { return operand.access == access; });
  };
  return !has_numbers && count(Extent::column) <= 1 && count(Extent::scalar) == 0;
}

void EpilogueEmitter::begin_panel(const Var<I32>& column_offset, const std::vector<uint32_t>& constants) {
  if (fits_beside_sums()) load_columns(column_offset, constants);
}

void EpilogueEmitter::begin_tile(const Var<I32>& column_offset, const std::vector<uint32_t>& constants) {
  if (fits_beside_sums()) return;
  load_numbers();
  load_columns(column_offset, constants);
}

Tree EpilogueEmitter::apply(Tree accumulator, const Place& place) {
  const Local kept = f_.keep(std::move(accumulator));
  ScalarOps ops(functions_, f_);
  EpilogueLeaves leaves(*this, ops, kept, place);
  ExprGenerator generator(functions_, f_, leaves);
  generator.announce(body_);
  if (!calls_in_place_) generator.keep_calls();
  if (kept.type() != WasmType::v128) return generator.scalar(body_);
  for (const auto& [node, vector] : constants_) generator.provide_vector(node, vector);
  return generator.vector(body_);
}

bool EpilogueEmitter::uses_same() const { return uses(epilogue_, Extent::same); }
bool EpilogueEmitter::uses_column() const { return uses(epilogue_, Extent::column); }

}  // namespace o2w::codegen
