// Simplification of the operations on Dims that are not polynomial, and what is provable about comparisons.
#include <numeric>
#include <optional>

#include "compiler/ir/dim_internal.h"

namespace o2w::ir {
namespace {

// Nested quotients are merged while the divisors stay in this range; deeper ones stay nested instead of
// overflowing.
constexpr int64_t kMaxMergedDivisor = int64_t{1} << 31;

void expect_divisor(const Dim& b) {
  if (b.is(0)) fail_model("a size computed from the model's shapes is divided by zero");
}

// The only atom of a term `1 * atom`, if it is this operation.
const Atom* lone_atom(const DimTerm& term, DimOp op) {
  if (term.factors.size() != 1) return nullptr;
  const Atom& atom = *term.factors[0];
  return !atom.symbol && atom.op == op ? &atom : nullptr;
}

const Atom* as_atom(const Dim& dim, DimOp op) {
  if (dim.terms().size() != 1 || dim.terms()[0].coefficient != 1) return nullptr;
  return lone_atom(dim.terms()[0], op);
}

Dim without_term(const Dim& dim, std::size_t position) {
  std::vector<DimTerm> terms = dim.terms();
  terms.erase(terms.begin() + static_cast<std::ptrdiff_t>(position));
  return DimAccess::from_terms(std::move(terms));
}

// a = divisor * quotient + rest, coefficient by coefficient, 0 <= coefficients of rest < divisor.
struct Split {
  Dim quotient, rest;
};
Split split_by(const Dim& a, int64_t divisor) {
  std::vector<DimTerm> quotient, rest;
  for (const DimTerm& term : a.terms()) {
    quotient.push_back({floor_quotient(term.coefficient, divisor), term.factors});
    rest.push_back({floor_remainder(term.coefficient, divisor), term.factors});
  }
  std::erase_if(quotient, [](const DimTerm& term) { return term.coefficient == 0; });
  std::erase_if(rest, [](const DimTerm& term) { return term.coefficient == 0; });
  return {DimAccess::from_terms(std::move(quotient)), DimAccess::from_terms(std::move(rest))};
}

// Greatest common divisor of the non-constant terms' coefficients and `with`.
int64_t common_coefficient(const Dim& dim, int64_t with) {
  for (const DimTerm& term : dim.terms()) {
    if (!term.factors.empty()) with = std::gcd(with, term.coefficient);
  }
  return with;
}

Dim floordiv_by_constant(const Dim& a, int64_t divisor);

// The part of the quotient that remains after whole multiples of the divisor are split off.
Dim quotient_of_rest(const Dim& rest, int64_t divisor) {
  if (floor_quotient(rest.lower(), divisor) == floor_quotient(rest.upper(), divisor)) {
    return floor_quotient(rest.lower(), divisor);
  }
  // floor((g q + c) / (g k)) = floor((q + floor(c / g)) / k)
  const int64_t common = common_coefficient(rest, divisor);
  if (common > 1) return floordiv_by_constant(split_by(rest, common).quotient, divisor / common);
  // floor((floor(x / m) + y) / k) = floor((x + m y) / (m k))
  for (std::size_t i = 0; i < rest.terms().size(); ++i) {
    const Atom* inner = lone_atom(rest.terms()[i], DimOp::floordiv);
    if (inner == nullptr || rest.terms()[i].coefficient != 1) continue;
    const std::optional<int64_t> factor = inner->b.constant();
    if (!factor || *factor <= 0 || *factor > kMaxMergedDivisor / divisor) continue;
    return floordiv_by_constant(inner->a + without_term(rest, i) * Dim(*factor), *factor * divisor);
  }
  return make_atom(DimOp::floordiv, rest, divisor);
}

Dim floordiv_by_constant(const Dim& a, int64_t divisor) {
  if (divisor == 1) return a;
  const Split split = split_by(a, divisor);
  if (split.rest.is(0)) return split.quotient;
  return split.quotient + quotient_of_rest(split.rest, divisor);
}

// Divides both by what all of their terms have in common.
void cancel_common(Dim& a, Dim& b) {
  std::vector<AtomRef> common = b.terms()[0].factors;
  int64_t coefficient = 0;
  for (const Dim* dim : {&a, &b}) {
    for (const DimTerm& term : dim->terms()) {
      if (term.coefficient == std::numeric_limits<int64_t>::min()) return;  // has no absolute value
      coefficient = std::gcd(coefficient, term.coefficient);
      std::vector<AtomRef> shared, rest = term.factors;
      for (const AtomRef& factor : common) {
        const auto found = std::find_if(rest.begin(), rest.end(),
                                        [&](const AtomRef& other) { return compare(*factor, *other) == 0; });
        if (found == rest.end()) continue;
        shared.push_back(factor);
        rest.erase(found);
      }
      common = std::move(shared);
    }
  }
  if (coefficient <= 1 && common.empty()) return;
  const Dim divisor = DimAccess::from_term({std::max<int64_t>(coefficient, 1), common});
  a = *a.exact_div(divisor);
  b = *b.exact_div(divisor);
}

// Splits off the terms that a divisor of one term divides: floor((b q + r) / b) = q + floor(r / b).
Split split_by(const Dim& a, const Dim& divisor) {
  Split split{0, 0};
  for (const DimTerm& term : a.terms()) {
    const Dim part = DimAccess::from_term(term);
    const std::optional<Dim> quotient = divisor.terms().size() == 1 ? part.exact_div(divisor) : std::nullopt;
    if (quotient) {
      split.quotient += *quotient;
    } else {
      split.rest += part;
    }
  }
  return split;
}

bool within(const Dim& a, const Dim& b) { return a.lower() >= 0 && provably_less_equal(a + Dim(1), b); }

bool is_never_one(const Dim& dim) { return dim.lower() > 1 || dim.upper() < 1; }

// min, max and broadcast are associative, commutative and idempotent: kept as a chain over a sorted set of
// operands.
void collect_operands(DimOp op, const Dim& dim, std::vector<Dim>& operands) {
  if (const Atom* atom = as_atom(dim, op)) {
    collect_operands(op, atom->a, operands);
    collect_operands(op, atom->b, operands);
  } else {
    operands.push_back(dim);
  }
}

// Whether the Dim is min(whole, ...) that is 1 only where `whole` is: of two sizes that are equal or 1, such
// a one is never the smaller.
bool is_capped(const Dim& dim, const Dim& whole) {
  std::vector<Dim> operands;
  if (as_atom(dim, DimOp::min) == nullptr) return false;
  collect_operands(DimOp::min, dim, operands);
  bool found = false;
  for (const Dim& operand : operands) {
    if (operand == whole) {
      found = true;
    } else if (operand.lower() <= 1) {
      return false;
    }
  }
  return found;
}

// The one of two operands that makes the other superfluous: -1 neither, 0 the first stays, 1 the second.
int dominant(DimOp op, const Dim& a, const Dim& b) {
  if (a == b) return 0;
  if (op == DimOp::broadcast) {
    if (a.is(1)) return 1;
    if (b.is(1)) return 0;
    if (is_never_one(a) || is_capped(b, a)) return 0;
    return is_never_one(b) || is_capped(a, b) ? 1 : -1;
  }
  const bool first_less = provably_less_equal(a, b);
  if (!first_less && !provably_less_equal(b, a)) return -1;
  return first_less == (op == DimOp::min) ? 0 : 1;
}

Dim chain(DimOp op, const Dim& a, const Dim& b) {
  std::vector<Dim> operands, kept;
  collect_operands(op, a, operands);
  collect_operands(op, b, operands);
  std::sort(operands.begin(), operands.end());
  for (const Dim& operand : operands) {
    bool superfluous = false;
    for (std::size_t i = 0; i < kept.size() && !superfluous;) {
      const int stays = dominant(op, kept[i], operand);
      superfluous = stays == 0;
      if (stays == 1) {
        kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        ++i;
      }
    }
    if (!superfluous) kept.push_back(operand);
  }
  Dim result = kept.front();
  for (std::size_t i = 1; i < kept.size(); ++i) result = make_atom(op, result, kept[i]);
  return result;
}

}  // namespace

std::optional<Dim> Dim::exact_div(const Dim& divisor) const {
  if (divisor.is(0)) return std::nullopt;
  if (divisor.is(1)) return *this;
  // Division of polynomials, leading terms first; each round must divide exactly.
  const DimTerm& leading = divisor.terms_.front();
  if (leading.coefficient == -1) return (Dim(0) - *this).exact_div(Dim(0) - divisor);
  Dim rest = *this;
  std::vector<DimTerm> quotient;
  constexpr int kMaxRounds = 64;
  for (int round = 0; !rest.terms_.empty(); ++round) {
    const DimTerm& term = rest.terms_.front();
    DimTerm part;
    if (round == kMaxRounds || term.coefficient % leading.coefficient != 0 ||
        !divide_factors(term.factors, leading.factors, part.factors)) {
      return std::nullopt;
    }
    part.coefficient = term.coefficient / leading.coefficient;
    quotient.push_back(part);
    rest = rest - DimAccess::from_term(std::move(part)) * divisor;
  }
  return DimAccess::from_terms(std::move(quotient));
}

Dim floordiv(const Dim& a, const Dim& b) {
  expect_divisor(b);
  if (a.is(0)) return 0;
  if (const std::optional<int64_t> divisor = b.constant()) {
    return *divisor > 0 ? floordiv_by_constant(a, *divisor)
                        : floordiv_by_constant(Dim(0) - a, checked_mul(*divisor, -1));
  }
  if (const std::optional<Dim> quotient = a.exact_div(b)) return *quotient;
  Dim x = a, y = b;
  cancel_common(x, y);
  if (y.is_constant()) return floordiv(x, y);
  const Split split = split_by(x, y);
  if (split.rest.is(0)) return split.quotient;
  if (within(split.rest, y)) return split.quotient;
  return split.quotient + make_atom(DimOp::floordiv, split.rest, y);
}

Dim ceildiv(const Dim& a, const Dim& b) {
  expect_divisor(b);
  if (a.is(0)) return 0;
  if (const std::optional<Dim> quotient = a.exact_div(b)) return *quotient;
  if (b.lower() >= 0) return floordiv(a + b - Dim(1), b);
  if (b.upper() <= 0) return floordiv(Dim(0) - a - b - Dim(1), Dim(0) - b);
  return make_atom(DimOp::ceildiv, a, b);
}

Dim mod(const Dim& a, const Dim& b) {
  expect_divisor(b);
  if (a.is(0)) return 0;
  const std::optional<int64_t> divisor = b.constant();
  if (!divisor) {
    if (a.exact_div(b)) return 0;
    const Split split = split_by(a, b);
    if (within(split.rest, b)) return split.rest;
    return make_atom(DimOp::mod, split.rest, b);
  }
  if (*divisor < 0) return Dim(0) - mod(Dim(0) - a, checked_mul(*divisor, -1));
  // A remainder of a multiple of the divisor counts as what it is the remainder of.
  Dim inner = a;
  for (const DimTerm& term : a.terms()) {
    const Atom* atom = lone_atom(term, DimOp::mod);
    const std::optional<int64_t> modulus = atom != nullptr ? atom->b.constant() : std::nullopt;
    if (!modulus || saturating_mul(*modulus, term.coefficient) % *divisor != 0) continue;
    inner = inner - DimAccess::from_term(term) + Dim(term.coefficient) * atom->a;
  }
  const Dim rest = split_by(inner, *divisor).rest;
  const int64_t whole = floor_quotient(rest.lower(), *divisor);
  if (whole == floor_quotient(rest.upper(), *divisor)) return rest - Dim(whole) * Dim(*divisor);
  // (g q + r) mod (g k) = g (q mod k) + r for 0 <= r < g
  const int64_t common = common_coefficient(rest, *divisor);
  if (common > 1) {
    const Split split = split_by(rest, common);
    return Dim(common) * mod(split.quotient, *divisor / common) + split.rest;
  }
  return make_atom(DimOp::mod, rest, b);
}

Dim min(const Dim& a, const Dim& b) { return chain(DimOp::min, a, b); }
Dim max(const Dim& a, const Dim& b) { return chain(DimOp::max, a, b); }
Dim broadcast(const Dim& a, const Dim& b) { return chain(DimOp::broadcast, a, b); }

Dim apply(DimOp op, const Dim& a, const Dim& b) {
  switch (op) {
    case DimOp::floordiv:
      return floordiv(a, b);
    case DimOp::ceildiv:
      return ceildiv(a, b);
    case DimOp::mod:
      return mod(a, b);
    case DimOp::min:
      return min(a, b);
    case DimOp::max:
      return max(a, b);
    case DimOp::broadcast:
      return broadcast(a, b);
  }
  fail_internal("an unknown operation on sizes");
}

bool provably_equal(const Dim& a, const Dim& b) {
  return a == b || (a.lower() == a.upper() && b.is(a.lower()));
}

bool provably_different(const Dim& a, const Dim& b) {
  if (a == b) return false;
  const Dim difference = a - b;
  return difference.lower() > 0 || difference.upper() < 0;
}

bool provably_less_equal(const Dim& a, const Dim& b) {
  if (a == b || a.upper() <= b.lower()) return true;
  if (const Atom* smallest = as_atom(a, DimOp::min)) {
    if (provably_less_equal(smallest->a, b) || provably_less_equal(smallest->b, b)) return true;
  }
  if (const Atom* largest = as_atom(b, DimOp::max)) {
    if (provably_less_equal(a, largest->a) || provably_less_equal(a, largest->b)) return true;
  }
  return (b - a).lower() >= 0;
}

}  // namespace o2w::ir
