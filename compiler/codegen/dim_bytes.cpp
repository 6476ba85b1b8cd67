#include "compiler/codegen/dim_bytes.h"

#include "compiler/support/error.h"

namespace o2w::codegen {

namespace {

abi::DimOp op_of(ir::DimOp op) {
  switch (op) {
    case ir::DimOp::floordiv:
      return abi::DimOp::kFloorDiv;
    case ir::DimOp::ceildiv:
      return abi::DimOp::kCeilDiv;
    case ir::DimOp::mod:
      return abi::DimOp::kMod;
    case ir::DimOp::min:
      return abi::DimOp::kMin;
    case ir::DimOp::max:
      return abi::DimOp::kMax;
    case ir::DimOp::broadcast:
      return abi::DimOp::kBroadcast;
  }
  fail_internal("unknown operation in a dim");
}

}  // namespace

void append_leb(std::vector<uint8_t>& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<uint8_t>(value | 0x80));
  out.push_back(static_cast<uint8_t>(value));
}

DimBytes::DimBytes(const std::vector<ir::SymbolRef>& symbols) {
  for (std::size_t i = 0; i < symbols.size(); ++i) numbers_[symbols[i]->name] = static_cast<int64_t>(i);
}

std::vector<uint8_t> DimBytes::code(const ir::Dim& dim) {
  code_.clear();
  depth_ = 0;
  add(dim);
  emit(abi::DimOp::kEnd);
  return std::move(code_);
}

int64_t DimBytes::number(const ir::Symbol& symbol) const {
  const auto found = numbers_.find(symbol.name);
  ensure(found != numbers_.end(), "a dim uses a symbol that the program does not list");
  return found->second;
}

void DimBytes::push(abi::DimOp op) {
  if (++depth_ > abi::kMaxDimStack) fail_model("a size of this model is too deep an expression");
  emit(op);
}

void DimBytes::combine(abi::DimOp op) {
  --depth_;
  emit(op);
}

void DimBytes::add_constant(int64_t value) {
  constexpr int64_t last = abi::kFirstSymbolByte - abi::kZeroByte;
  if (value >= abi::kFirstConstantByte - abi::kZeroByte && value < last) {
    push(static_cast<abi::DimOp>(value + abi::kZeroByte));
    return;
  }
  // The sign goes to the lowest bit, so that numbers near 0 are short.
  push(abi::DimOp::kConstant);
  append_leb(code_, (static_cast<uint64_t>(value) << 1) ^ (value < 0 ? ~uint64_t{0} : 0));
}

void DimBytes::add(const ir::Dim& dim) {
  if (dim.terms().empty()) return add_constant(0);
  bool first_term = true;
  for (const ir::DimTerm& term : dim.terms()) {
    bool first_factor = true;
    const auto multiply = [&] {
      if (!first_factor) combine(abi::DimOp::kMul);
      first_factor = false;
    };
    if (term.coefficient != 1 || term.factors.empty()) {
      add_constant(term.coefficient);
      multiply();
    }
    for (const ir::AtomRef& atom : term.factors) {
      add(*atom);
      multiply();
    }
    if (!first_term) combine(abi::DimOp::kAdd);
    first_term = false;
  }
}

void DimBytes::add(const ir::Atom& atom) {
  if (atom.symbol) {
    const int64_t symbol = number(*atom.symbol);
    if (symbol <= UINT8_MAX - abi::kFirstSymbolByte)
      return push(static_cast<abi::DimOp>(symbol + abi::kFirstSymbolByte));
    push(abi::DimOp::kSymbol);
    return append_leb(code_, static_cast<uint64_t>(symbol));
  }
  add(atom.a);
  add(atom.b);
  combine(op_of(atom.op));
}

}  // namespace o2w::codegen
