#include "compiler/codegen/dim_code.h"

#include <cmath>
#include <optional>

#include "compiler/codegen/scalar_ops.h"
#include "compiler/support/error.h"

namespace o2w::codegen {

using ir::Dim;
using ir::DimOp;
using ir::DType;
using ir::ExprOp;

DimCode::DimCode(FunctionTable& functions, const std::vector<ir::SymbolRef>& symbols)
    : functions_(functions) {
  for (std::size_t k = 0; k < symbols.size(); ++k) numbers_[symbols[k]->name] = static_cast<int64_t>(k);
}

int64_t DimCode::address_of(const ir::Symbol& symbol) const {
  const auto found = numbers_.find(symbol.name);
  if (found == numbers_.end()) fail_internal("symbol '{}' is not in the program's table", symbol.name);
  return table_ + 8 * found->second;
}

namespace {

double largest(const Dim& dim) {
  return std::max(std::fabs(static_cast<double>(dim.lower())), std::fabs(static_cast<double>(dim.upper())));
}

// Whether no step of the evaluation can pass what an i64 holds.
bool cannot_overflow(const Dim& dim) {
  double sum = 0;
  for (const ir::DimTerm& term : dim.terms()) {
    double product = std::fabs(static_cast<double>(term.coefficient));
    for (const ir::AtomRef& factor : term.factors) {
      const double bound = factor->symbol != nullptr ? static_cast<double>(factor->symbol->upper)
                                                     : largest(factor->a) * 2 + largest(factor->b) * 2;
      product *= std::max(1.0, bound);
    }
    sum += product;
  }
  return sum < 4e18;
}

}  // namespace

I64 DimCode::binary(FunctionBuilder& f, const char* saturating, I64 a, I64 b) {
  auto arguments = f.arguments(std::move(a), std::move(b));
  return I64(f.call(saturating, std::move(arguments), WasmType::i64));
}

I64 DimCode::value(FunctionBuilder& f, const Dim& dim) {
  const bool plain = cannot_overflow(dim);
  std::optional<I64> sum;
  for (const ir::DimTerm& term : dim.terms()) {
    std::optional<I64> product;
    if (term.coefficient != 1 || term.factors.empty()) product = f.i64(term.coefficient);
    for (const ir::AtomRef& factor : term.factors) {
      I64 next = atom(f, *factor);
      if (!product) {
        product = std::move(next);
      } else {
        product = plain ? std::move(*product) * std::move(next)
                        : binary(f, "o2w_mul_sat", std::move(*product), std::move(next));
      }
    }
    if (!sum) {
      sum = std::move(product);
    } else {
      sum = plain ? std::move(*sum) + std::move(*product)
                  : binary(f, "o2w_add_sat", std::move(*sum), std::move(*product));
    }
  }
  return sum ? std::move(*sum) : f.i64(0);
}

I64 DimCode::atom(FunctionBuilder& f, const ir::Atom& atom) {
  if (atom.symbol != nullptr) return load_i64(f.i32(static_cast<int32_t>(address_of(*atom.symbol))));
  ScalarOps ops(functions_, f);
  I64 a = value(f, atom.a);
  I64 b = value(f, atom.b);
  const ir::Expr literal = atom.b.is_constant() ? ir::literal_int(DType::i64, atom.b.value()) : ir::Expr();
  const auto apply = [&](ExprOp op, I64 x, I64 y) {
    return I64(ops.binary(op, DType::i64, std::move(x), std::move(y), literal));
  };
  switch (atom.op) {
    case DimOp::floordiv:
      return apply(ExprOp::floordiv, std::move(a), std::move(b));
    case DimOp::ceildiv:
      return f.i64(0) - apply(ExprOp::floordiv, f.i64(0) - std::move(a), std::move(b));
    case DimOp::mod:
      return apply(ExprOp::mod, std::move(a), std::move(b));
    case DimOp::min:
      return apply(ExprOp::min, std::move(a), std::move(b));
    case DimOp::max:
      return apply(ExprOp::max, std::move(a), std::move(b));
    case DimOp::broadcast: {
      const Local size = f.keep(std::move(a));
      return I64(select(I64(size.get()) == 1, std::move(b), size.get()));
    }
  }
  fail_internal("bad dim operator");
}

}  // namespace o2w::codegen
