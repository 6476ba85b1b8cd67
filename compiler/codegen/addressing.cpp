// The leaves of a nest's expressions: loop variables, addresses, loads.
#include <set>

#include "compiler/codegen/nest_emitter.h"
#include "compiler/support/error.h"

namespace o2w::codegen {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::ExprNode;
using ir::ExprOp;

namespace {
constexpr int kLanes = 4;
}

std::vector<int> NestEmitter::accesses_of(const CanonicalStage& stage) const {
  std::set<int> found;
  const auto collect = [&](const Expr& e) {
    if (e.get() == nullptr) return;
    ir::walk(e, [&](const ExprNode& node) {
      if (node.op == ExprOp::read) found.insert(node.slot);
    });
  };
  collect(stage.guard);
  collect(stage.body);
  for (const Expr& extra : stage.target_extras) collect(extra);
  if (stage.target >= 0) found.insert(stage.target);
  return {found.begin(), found.end()};
}

std::vector<int> NestEmitter::all_accesses() const {
  std::vector<int> all;
  for (std::size_t k = 0; k < nest_.accesses.size(); ++k) all.push_back(static_cast<int>(k));
  return all;
}

Tree NestEmitter::dim(const Dim& dim) {
  if (const auto constant = dim.constant()) return f_.i32(static_cast<int32_t>(*constant));
  const ir::SymbolRef symbol = dim.as_symbol();
  ensure(symbol != nullptr && symbol->name.front() == 'p', "a size that is not a parameter of the nest");
  return parameters_.at(static_cast<std::size_t>(std::stoi(symbol->name.substr(1)))).get();
}

I32 NestEmitter::step_of(const Dim& stride, int bytes) {
  if (const auto constant = stride.constant()) return f_.i32(static_cast<int32_t>(*constant * bytes));
  return steps_.at(stride.to_string() + "*" + std::to_string(bytes)).get();
}

// Everything that addresses need of parameters, once, before the loops.
void NestEmitter::prepare_addresses() {
  const auto prepare = [&](const Dim& stride, int bytes) {
    if (stride.is_constant()) return;
    const std::string name = stride.to_string() + "*" + std::to_string(bytes);
    if (steps_.contains(name)) return;
    steps_[name] = f_.local<I32>(I32(dim(stride)) * bytes);
  };
  for (const Access& access : nest_.accesses) {
    const int bytes = ir::byte_size(access.type);
    for (const auto& [variable, stride] : access.strides) prepare(stride, bytes);
    for (const Dim& scale : access.scales) prepare(scale, bytes);
    const Var<I32>& pointer = pointers_[static_cast<std::size_t>(access.operand)];
    addresses_.push_back(access.base.is(0) ? pointer
                                           : f_.local<I32>(pointer + I32(dim(access.base)) * bytes));
  }
}

// Offsets are added, not put into the instruction: lane 0 of an access that a condition guards may lie before
// the operand, and the engine adds an instruction's offset without wrapping around.
I32 NestEmitter::address(int number, const std::vector<Expr>& extras, int lane) {
  const Access& access = nest_.accesses[static_cast<std::size_t>(number)];
  const int bytes = ir::byte_size(access.type);
  I32 result = addresses_[static_cast<std::size_t>(number)].get();
  for (std::size_t k = 0; k < extras.size(); ++k) {
    result = std::move(result) + I32(gen_.scalar(extras[k], lane)) * step_of(access.scales[k], bytes);
  }
  if (lane != 0) {
    if (const auto stride = access.strides.find(vector_variable_); stride != access.strides.end()) {
      result = std::move(result) + step_of(stride->second, bytes) * lane;
    }
  }
  return result;
}

bool NestEmitter::varies(const ExprNode& leaf) {
  if (vector_variable_ < 0) return false;
  switch (leaf.op) {
    case ExprOp::index:
      return leaf.slot == vector_variable_;
    case ExprOp::temp:
      return outer_vectors_;
    default:
      return nest_.accesses[static_cast<std::size_t>(leaf.slot)].strides.contains(vector_variable_);
  }
}

Tree NestEmitter::index(int number, int lane) {
  I32 value = variables_.at(number).get();
  return number == vector_variable_ ? std::move(value) + lane : std::move(value);
}

Tree NestEmitter::temp(const ExprNode& node, int lane) {
  if (outer_vectors_)
    return lane_of(node.type, V128(temp_vectors_.at({node.slot, lane / 4}).get()), lane % 4);
  return temps_.at(node.slot).get();
}

Tree NestEmitter::read(const ExprNode& node, int lane) {
  const Access& access = nest_.accesses[static_cast<std::size_t>(node.slot)];
  return gen_.ops().load(access.type, address(node.slot, node.args, lane));
}

Tree NestEmitter::index_vector(int number, int part) {
  const int first = 4 * part;
  return i32x4::add(i32x4::splat(variables_.at(number).get()),
                    v128::i32({first, first + 1, first + 2, first + 3}));
}

Tree NestEmitter::temp_vector(const ExprNode& node, int part) {
  return temp_vectors_.at({node.slot, part}).get();
}

bool NestEmitter::steps_by_one(const Access& access) const {
  const auto stride = access.strides.find(vector_variable_);
  return stride != access.strides.end() && stride->second.is(1);
}

bool NestEmitter::can_read_vector(const ExprNode& node) {
  const Access& access = nest_.accesses[static_cast<std::size_t>(node.slot)];
  if (const int times = repetitions(node, vector_variable_);
      times == 2 || (times > 0 && times % kLanes == 0)) {
    return access.type == DType::f32 || access.type == DType::i32 || access.type == DType::u32;
  }
  for (const Expr& extra : node.args) {
    if (gen_.varies(extra)) return false;
  }
  return steps_by_one(access) && ExprGenerator::is_vector_type(access.type) && access.type != DType::index;
}

Tree NestEmitter::read_vector(const ExprNode& node, int part) {
  const Access& access = nest_.accesses[static_cast<std::size_t>(node.slot)];
  I32 where = address(node.slot, node.args, kLanes * part);
  // Vectors begin at multiples of four.
  const int times = repetitions(node, vector_variable_);
  if (times == 2) {
    const Var<V128> both = f_.local<V128>(v128::load64_zero(std::move(where)));
    return v128::shuffle32(both, both, {0, 0, 1, 1});
  }
  if (times > 1) return v128::load32_splat(std::move(where));
  switch (access.type) {
    case DType::i8:
      return i32x4::extend_low_i16x8_s(i16x8::extend_low_i8x16_s(v128::load32_zero(std::move(where))));
    case DType::u8:
      return i32x4::extend_low_i16x8_u(i16x8::extend_low_i8x16_u(v128::load32_zero(std::move(where))));
    case DType::boolean: {
      V128 bytes = i32x4::extend_low_i16x8_u(i16x8::extend_low_i8x16_u(v128::load32_zero(std::move(where))));
      return i32x4::ne(std::move(bytes), v128::i32({0, 0, 0, 0}));
    }
    case DType::i16:
      return v128::load16x4_s(std::move(where));
    case DType::u16:
      return v128::load16x4_u(std::move(where));
    default:
      return load_v128(std::move(where));
  }
}

void NestEmitter::raise() { functions_.raise_error(f_, error_.get()); }

}  // namespace o2w::codegen
