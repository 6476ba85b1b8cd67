// A tensor dimension: an integer expression over symbols, in a canonical form. A constant is the simplest.
//
// Canonical form: a sum of terms, each an integer coefficient times a product of atoms; an atom is a symbol
// or one of floordiv, ceildiv, mod, min, max, broadcast over Dims. Terms and factors are ordered, so two
// Dims that the algebra knows to be equal compare equal, hash equal and print equal. Symbols carry bounds,
// with which min, max and comparisons simplify.
//
// Arithmetic that leaves 64 bits is a ModelError: only a model with absurd sizes gets there.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace o2w::ir {

// A size not known when the graph is built. Unique by name within a graph. Never negative.
struct Symbol {
  std::string name;
  int64_t lower = 0;                                    // inclusive
  int64_t upper = std::numeric_limits<int32_t>::max();  // inclusive
  // Known when the inputs' shapes are; otherwise a node defines it while the model runs.
  bool from_input = true;
};
using SymbolRef = std::shared_ptr<const Symbol>;

enum class DimOp : uint8_t { floordiv, ceildiv, mod, min, max, broadcast };

class Dim;
// A symbol (then `op` and operands mean nothing) or an operation on two Dims.
struct Atom;
using AtomRef = std::shared_ptr<const Atom>;

// coefficient * product of factors (sorted; empty for the constant term).
struct DimTerm {
  int64_t coefficient = 0;
  std::vector<AtomRef> factors;
};

class Dim {
 public:
  Dim(int64_t value = 0);  // NOLINT(google-explicit-constructor): a number is a Dim
  static Dim symbol(SymbolRef symbol);

  bool is_constant() const;
  std::optional<int64_t> constant() const;
  int64_t value() const;  // the constant; InternalError if it is not one
  bool is(int64_t value) const { return constant() == value; }
  // The symbol, when the Dim is one symbol alone.
  SymbolRef as_symbol() const;

  friend Dim operator+(const Dim& a, const Dim& b);
  friend Dim operator-(const Dim& a, const Dim& b);
  friend Dim operator*(const Dim& a, const Dim& b);
  friend bool operator==(const Dim& a, const Dim& b);
  friend bool operator!=(const Dim& a, const Dim& b) { return !(a == b); }
  // A total order without arithmetic meaning (for maps).
  friend bool operator<(const Dim& a, const Dim& b);
  Dim& operator+=(const Dim& b) { return *this = *this + b; }
  Dim& operator*=(const Dim& b) { return *this = *this * b; }

  // The exact quotient when every term divides; nothing when that is not known.
  std::optional<Dim> exact_div(const Dim& divisor) const;

  // Bounds that hold for all values of the symbols (saturating at +-2^62).
  int64_t lower() const;
  int64_t upper() const;

  // All symbols in it, in name order.
  std::vector<SymbolRef> symbols() const;
  // True when it is a constant or all its symbols come from the inputs.
  bool from_inputs() const;
  // The value under the given symbol values; nothing if a symbol is missing or a divisor is 0.
  std::optional<int64_t> evaluate(const std::map<std::string, int64_t>& values) const;
  // Replaces symbols by Dims, by name (all at once).
  Dim substitute(const std::map<std::string, Dim>& values) const;

  // "4", "seq", "2*batch + -1", "floordiv(w + 3, 4)". Symbol names that are not identifiers are quoted.
  std::string to_string() const;
  std::size_t hash() const;

  const std::vector<DimTerm>& terms() const { return terms_; }

 private:
  friend struct DimAccess;      // the algebra's files
  std::vector<DimTerm> terms_;  // sorted by factors, no zero coefficients; empty is 0
};

struct Atom {
  SymbolRef symbol;  // set for a symbol
  DimOp op = DimOp::floordiv;
  Dim a, b;
  // Computed once, when the atom is made.
  std::size_t hash = 0;
  int64_t lower = 0, upper = 0;
};

const char* name(DimOp op);
// The operation, simplified; floordiv, ceildiv and mod by the constant 0 are a ModelError.
Dim apply(DimOp op, const Dim& a, const Dim& b);
Dim floordiv(const Dim& a, const Dim& b);  // towards minus infinity
Dim ceildiv(const Dim& a, const Dim& b);   // towards plus infinity
Dim mod(const Dim& a, const Dim& b);       // sign of the divisor
Dim min(const Dim& a, const Dim& b);
Dim max(const Dim& a, const Dim& b);
// The common size of two dimensions that are equal or of which one is 1 (ONNX broadcasting): a == 1 ? b : a.
// When that cannot be decided now, the graph also carries a `require` node that checks it at run time.
Dim broadcast(const Dim& a, const Dim& b);

// What is known about a comparison for all symbol values.
bool provably_equal(const Dim& a, const Dim& b);
bool provably_different(const Dim& a, const Dim& b);
bool provably_less_equal(const Dim& a, const Dim& b);

using Shape = std::vector<Dim>;
std::string to_string(const Shape& shape);  // "[batch, 3, 224]"
Dim element_count(const Shape& shape);
bool is_static(const Shape& shape);

}  // namespace o2w::ir

template <>
struct std::hash<o2w::ir::Dim> {
  std::size_t operator()(const o2w::ir::Dim& dim) const { return dim.hash(); }
};
