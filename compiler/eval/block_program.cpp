#include "compiler/eval/block_program.h"

#include <algorithm>
#include <cstring>

#include "compiler/eval/scalar.h"
#include "compiler/support/error.h"

namespace o2w::eval {

using ir::DType;
using ir::Expr;
using ir::ExprNode;
using ir::ExprOp;
using ir::Tensor;

namespace {

std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

// out[i] = source[positions[i]] for elements of any size.
void gather(const uint8_t* source, int size, const int64_t* positions, int64_t count, void* out) {
  auto copy = [&]<typename T>(T*) {
    const T* from = reinterpret_cast<const T*>(source);
    T* to = static_cast<T*>(out);
    for (int64_t i = 0; i < count; ++i) to[i] = from[positions[i]];
  };
  switch (size) {
    case 1:
      return copy(static_cast<uint8_t*>(nullptr));
    case 2:
      return copy(static_cast<uint16_t*>(nullptr));
    case 4:
      return copy(static_cast<uint32_t*>(nullptr));
    case 8:
      return copy(static_cast<uint64_t*>(nullptr));
    default:
      break;
  }
  auto* to = static_cast<uint8_t*>(out);
  for (int64_t i = 0; i < count; ++i) std::memcpy(to + i * size, source + positions[i] * size, at(size));
}

}  // namespace

bool BlockProgram::Affine::is_constant() const {
  return std::all_of(coefficients.begin(), coefficients.end(), [](int64_t c) { return c == 0; });
}

BlockProgram::BlockProgram(const SymbolValues& symbols, std::vector<int64_t> space,
                           std::vector<const Tensor*> inputs)
    : symbols_(&symbols), space_(std::move(space)), inputs_(std::move(inputs)) {
  for (const int64_t extent : space_) {
    if (extent < 0) fail_model("a size is negative ({})", extent);
    points_ *= extent;
  }
  room_ = std::clamp<int64_t>(points_, 1, block);
}

int BlockProgram::add(const Expr& expression) {
  kept_.push_back(expression);
  return compile(expression);
}

int64_t BlockProgram::dim(const ir::Dim& dim) const {
  const std::optional<int64_t> value = dim.evaluate(*symbols_);
  if (!value) fail_model("the size {} is not known", dim.to_string());
  return *value;
}

int BlockProgram::new_register(DType type, bool can_fail) {
  if (element_size(type) == 0) fail_internal("an element of {} in an expression", ir::name(type));
  Register reg;
  reg.type = type;
  reg.storage.resize(at((room_ * element_size(type) + 7) / 8));
  reg.data = reg.storage.data();
  if (can_fail) reg.failures.resize(at(room_));
  registers_.push_back(std::move(reg));
  // Moving a vector keeps its buffer, so `data` stays right when registers_ grows.
  return static_cast<int>(registers_.size()) - 1;
}

int BlockProgram::emit(Instruction instruction, DType type, bool fails) {
  for (const int arg : instruction.args) fails = fails || can_fail(arg);
  instruction.target = new_register(type, fails);
  instructions_.push_back(std::move(instruction));
  return instructions_.back().target;
}

// ---- Affine index expressions: computed by counting, not by arithmetic.

std::optional<BlockProgram::Affine> BlockProgram::affine_binary(const ExprNode& node) {
  std::optional<Affine> a = affine_of(node.args[0]);
  std::optional<Affine> b = affine_of(node.args[1]);
  if (!a || !b) return std::nullopt;
  if (node.op == ExprOp::mul) {
    if (!b->is_constant()) std::swap(a, b);
    if (!b->is_constant()) return std::nullopt;
    for (int64_t& c : a->coefficients) c = scalar::mul(c, b->base);
    a->base = scalar::mul(a->base, b->base);
    return a;
  }
  const bool negate = node.op == ExprOp::sub;
  a->base = negate ? scalar::sub(a->base, b->base) : scalar::add(a->base, b->base);
  for (std::size_t k = 0; k < space_.size(); ++k) {
    int64_t& c = a->coefficients[k];
    c = negate ? scalar::sub(c, b->coefficients[k]) : scalar::add(c, b->coefficients[k]);
  }
  return a;
}

std::optional<BlockProgram::Affine> BlockProgram::affine_of(const Expr& e) {
  const ExprNode& node = *e;
  if (node.type != DType::index) return std::nullopt;
  if (auto known = affine_.find(&node); known != affine_.end()) return known->second;
  std::optional<Affine> result;
  Affine constant{0, std::vector<int64_t>(space_.size())};
  switch (node.op) {
    case ExprOp::index:
      ensure(node.slot >= 0 && at(node.slot) < space_.size(),
             "an expression uses an index variable of no loop");
      constant.coefficients[at(node.slot)] = 1;
      result = std::move(constant);
      break;
    case ExprOp::literal:
      constant.base = node.literal.integer;
      result = std::move(constant);
      break;
    case ExprOp::dim:
      constant.base = dim(node.dim);
      result = std::move(constant);
      break;
    case ExprOp::neg:
      if (auto a = affine_of(node.args[0])) {
        a->base = scalar::neg(a->base);
        for (int64_t& c : a->coefficients) c = scalar::neg(c);
        result = std::move(a);
      }
      break;
    case ExprOp::broadcast_index:
      if (dim(node.dim) == 1)
        result = std::move(constant);
      else
        result = affine_of(node.args[0]);
      break;
    case ExprOp::add:
    case ExprOp::sub:
    case ExprOp::mul:
      result = affine_binary(node);
      break;
    default:
      break;
  }
  affine_.emplace(&node, result);
  return result;
}

// True when every value of the affine expression lies in 0..size-1.
bool BlockProgram::within(const Affine& affine, int64_t size) const {
  int64_t low = affine.base, high = affine.base;
  for (std::size_t k = 0; k < space_.size(); ++k) {
    int64_t reach = 0;
    int64_t& end = affine.coefficients[k] < 0 ? low : high;
    const int64_t last = std::max<int64_t>(space_[k] - 1, 0);
    if (__builtin_mul_overflow(affine.coefficients[k], last, &reach) ||
        __builtin_add_overflow(end, reach, &end)) {
      return false;
    }
  }
  return low >= 0 && high < size;
}

void BlockProgram::fill_affine(const Affine& affine, int64_t first, int64_t count, int64_t* out) const {
  if (affine.is_constant() || space_.empty()) {
    std::fill_n(out, count, affine.base);
    return;
  }
  const std::size_t last = space_.size() - 1;
  std::vector<int64_t> index(space_.size());
  int64_t rest = first;
  int64_t value = affine.base;
  for (std::size_t k = space_.size(); k-- > 0;) {
    index[k] = rest % space_[k];
    rest /= space_[k];
    value = scalar::add(value, scalar::mul(index[k], affine.coefficients[k]));
  }
  const int64_t step = affine.coefficients[last];
  while (count > 0) {
    const int64_t run = std::min(count, space_[last] - index[last]);
    for (int64_t i = 0; i < run; ++i) out[i] = scalar::add(value, scalar::mul(i, step));
    out += run;
    count -= run;
    index[last] += run;
    value = scalar::add(value, scalar::mul(run, step));
    for (std::size_t k = last; k > 0 && index[k] == space_[k]; --k) {
      value = scalar::sub(value, scalar::mul(space_[k], affine.coefficients[k]));
      index[k] = 0;
      ++index[k - 1];
      value = scalar::add(value, affine.coefficients[k - 1]);
    }
  }
}

// ---- Compilation

int BlockProgram::constant(const ExprNode& node) {
  const int reg = new_register(node.type, false);
  void* out = room(reg);
  if (ir::is_opaque(node.type)) return reg;  // zeros: the only literal of such a type
  if (ir::is_float(node.type)) {
    const std::vector<double> values(at(room_), node.literal.real);
    cast_elements(DType::f64, node.type, values.data(), out, room_);
  } else {
    const std::vector<int64_t> values(at(room_), node.literal.integer);
    cast_elements(DType::i64, node.type, values.data(), out, room_);
  }
  return reg;
}

int BlockProgram::compile_read(const ExprNode& node) {
  ensure(node.slot >= 0 && at(node.slot) < inputs_.size(),
         "an expression reads an input that the node does not have");
  const Tensor* tensor = inputs_[at(node.slot)];
  ensure(tensor->dims().size() == node.args.size(),
         "a read has as many indices as the tensor has dimensions");
  ensure(tensor->type() == node.type, "a read has the type of its tensor");

  Instruction read;
  read.tensor = tensor;
  Affine position{0, std::vector<int64_t>(space_.size())};
  bool affine = true;
  for (std::size_t k = 0; k < node.args.size() && affine; ++k) {
    const int64_t size = tensor->dims()[k];
    const std::optional<Affine> index = affine_of(node.args[k]);
    affine = index && within(*index, size);
    if (!affine) break;
    position.base = position.base * size + index->base;
    for (std::size_t i = 0; i < space_.size(); ++i) {
      position.coefficients[i] = position.coefficients[i] * size + index->coefficients[i];
    }
  }
  if (!affine || points_ == 0) {
    for (const Expr& arg : node.args) read.args.push_back(compile(arg));
    read.kind = Kind::read;
    return emit(std::move(read), node.type, true);
  }
  // Point n of the space is element base + n: no gathering needed.
  bool direct = true;
  int64_t stride = 1;
  for (std::size_t k = space_.size(); k-- > 0;) {
    direct = direct && (space_[k] == 1 || position.coefficients[k] == stride);
    stride *= space_[k];
  }
  read.kind = direct ? Kind::read_direct : Kind::read_affine;
  read.affine = std::move(position);
  return emit(std::move(read), node.type, false);
}

int BlockProgram::compile(const Expr& e) {
  const ExprNode& node = *e;
  if (auto known = compiled_.find(&node); known != compiled_.end()) return known->second;
  int reg = -1;
  Instruction instruction;
  if (const std::optional<Affine> affine = affine_of(e)) {
    instruction.kind = Kind::affine;
    instruction.affine = *affine;
    reg = emit(std::move(instruction), DType::index, false);
    compiled_.emplace(&node, reg);
    return reg;
  }
  switch (node.op) {
    case ExprOp::literal:
      reg = constant(node);
      break;
    case ExprOp::read:
      reg = compile_read(node);
      break;
    case ExprOp::index:
    case ExprOp::dim:
      fail_internal("an index expression of type {}", ir::name(node.type));
    case ExprOp::temp:
      fail_internal("a temp of scheduled code in a graph expression");
    case ExprOp::broadcast_index:
      reg = compile(node.args[0]);
      break;  // of size 1 is affine
    default: {
      for (const Expr& arg : node.args) instruction.args.push_back(compile(arg));
      const DType operand = node.args.at(0)->type;
      bool fails = false;
      if (node.op == ExprOp::cast) {
        instruction.kind = Kind::cast;
      } else if (node.op == ExprOp::bitcast) {
        ensure(element_size(operand) == element_size(node.type), "a bitcast keeps the size");
        instruction.kind = Kind::copy;
      } else if (node.op == ExprOp::select) {
        instruction.kind = Kind::select;
      } else if (node.op == ExprOp::checked_index) {
        instruction.kind = Kind::checked_index;
        instruction.size = dim(node.dim);
        fails = true;
      } else if (node.args.size() == 1) {
        instruction.kind = Kind::unary;
        instruction.unary = unary_kernel(node.op, operand);
      } else {
        instruction.kind = Kind::binary;
        instruction.binary = binary_kernel(node.op, operand);
      }
      const bool has_kernel = instruction.kind == Kind::unary    ? instruction.unary != nullptr
                              : instruction.kind == Kind::binary ? instruction.binary != nullptr
                                                                 : true;
      if (!has_kernel) fail_internal("no {} of {}", ir::name(node.op), ir::name(operand));
      reg = emit(std::move(instruction), node.type, fails);
    }
  }
  compiled_.emplace(&node, reg);
  return reg;
}

// ---- Running

const uint8_t* BlockProgram::failures(int reg) const {
  const auto& flags = registers_[at(reg)].failures;
  return flags.empty() ? nullptr : flags.data();
}

// Failures of the arguments are failures of the result (`select` is different, and does its own).
void BlockProgram::merge_failures(const Instruction& instruction, int64_t count) {
  auto& target = registers_[at(instruction.target)].failures;
  if (target.empty()) return;
  std::fill_n(target.begin(), count, uint8_t{0});
  for (const int arg : instruction.args) {
    const auto& source = registers_[at(arg)].failures;
    if (source.empty()) continue;
    for (int64_t i = 0; i < count; ++i) target[at(i)] |= source[at(i)];
  }
}

void BlockProgram::run_read(const Instruction& instruction, int64_t count) {
  const Tensor& tensor = *instruction.tensor;
  auto& failures = registers_[at(instruction.target)].failures;
  positions_.assign(at(count), 0);
  for (std::size_t k = 0; k < instruction.args.size(); ++k) {
    const auto* index = static_cast<const int64_t*>(values(instruction.args[k]));
    const int64_t size = tensor.dims()[k];
    for (int64_t i = 0; i < count; ++i) {
      const bool inside = index[i] >= 0 && index[i] < size;
      if (!inside) failures[at(i)] |= static_cast<uint8_t>(Failure::stray_read);
      positions_[at(i)] = positions_[at(i)] * size + (inside ? index[i] : 0);
    }
  }
  if (tensor.count() == 0) {
    std::memset(room(instruction.target), 0, at(count * element_size(tensor.type())));
    for (int64_t i = 0; i < count; ++i) failures[at(i)] |= static_cast<uint8_t>(Failure::stray_read);
    return;
  }
  gather(tensor.bytes(), element_size(tensor.type()), positions_.data(), count, room(instruction.target));
}

void BlockProgram::run_select(const Instruction& instruction, int64_t count) {
  Register& target = registers_[at(instruction.target)];
  const auto* condition = static_cast<const uint8_t*>(values(instruction.args[0]));
  auto choose = [&]<typename T>(T*) {
    const T* then = static_cast<const T*>(values(instruction.args[1]));
    const T* otherwise = static_cast<const T*>(values(instruction.args[2]));
    T* out = static_cast<T*>(room(instruction.target));
    for (int64_t i = 0; i < count; ++i) out[i] = condition[i] != 0 ? then[i] : otherwise[i];
  };
  struct Wide {
    uint64_t a, b;
  };
  switch (element_size(target.type)) {
    case 1:
      choose(static_cast<uint8_t*>(nullptr));
      break;
    case 2:
      choose(static_cast<uint16_t*>(nullptr));
      break;
    case 4:
      choose(static_cast<uint32_t*>(nullptr));
      break;
    case 8:
      choose(static_cast<uint64_t*>(nullptr));
      break;
    default:
      choose(static_cast<Wide*>(nullptr));
      break;
  }
  if (target.failures.empty()) return;
  auto flag = [&](int arg, int64_t i) {
    const auto& flags = registers_[at(instruction.args[at(arg)])].failures;
    return flags.empty() ? uint8_t{0} : flags[at(i)];
  };
  for (int64_t i = 0; i < count; ++i) {
    target.failures[at(i)] = static_cast<uint8_t>(flag(0, i) | flag(condition[i] != 0 ? 1 : 2, i));
  }
}

void BlockProgram::run_checked_index(const Instruction& instruction, int64_t count) {
  const auto* position = static_cast<const int64_t*>(values(instruction.args[0]));
  auto* out = static_cast<int64_t*>(room(instruction.target));
  auto& failures = registers_[at(instruction.target)].failures;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t index = position[i] < 0 ? position[i] + instruction.size : position[i];
    const bool inside = index >= 0 && index < instruction.size;
    out[i] = inside ? index : 0;
    if (!inside) failures[at(i)] |= static_cast<uint8_t>(Failure::index_out_of_range);
  }
}

void BlockProgram::run(int64_t first, int64_t count) {
  for (const Instruction& instruction : instructions_) {
    const auto arg = [&](std::size_t k) { return values(instruction.args[k]); };
    void* out = room(instruction.target);
    if (instruction.kind != Kind::select) merge_failures(instruction, count);
    switch (instruction.kind) {
      case Kind::unary:
        instruction.unary(arg(0), out, count);
        break;
      case Kind::binary:
        instruction.binary(arg(0), arg(1), out, count);
        break;
      case Kind::cast:
        cast_elements(registers_[at(instruction.args[0])].type, registers_[at(instruction.target)].type,
                      arg(0), out, count);
        break;
      case Kind::copy:
        std::memcpy(out, arg(0), at(count * element_size(registers_[at(instruction.target)].type)));
        break;
      case Kind::affine:
        fill_affine(instruction.affine, first, count, static_cast<int64_t*>(out));
        break;
      case Kind::read_direct:
        registers_[at(instruction.target)].data =
            instruction.tensor->bytes() +
            (instruction.affine.base + first) * element_size(instruction.tensor->type());
        break;
      case Kind::read_affine:
        positions_.resize(at(block));
        fill_affine(instruction.affine, first, count, positions_.data());
        gather(instruction.tensor->bytes(), element_size(instruction.tensor->type()), positions_.data(),
               count, out);
        break;
      case Kind::read:
        run_read(instruction, count);
        break;
      case Kind::select:
        run_select(instruction, count);
        break;
      case Kind::checked_index:
        run_checked_index(instruction, count);
        break;
    }
  }
}

}  // namespace o2w::eval
