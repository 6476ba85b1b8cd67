#include "compiler/ir/dim.h"

#include <fmt/core.h>

#include <set>

#include "compiler/ir/dim_internal.h"
#include "compiler/ir/text_quote.h"

namespace o2w::ir {
namespace {

// A product of sums can grow without end; no model's shape arithmetic comes near.
constexpr std::size_t kMaxTerms = 2048;

[[noreturn]] void fail_overflow() {
  fail_model(
      "a size computed from the model's shapes does not fit into 64 bits; check the dimensions of its "
      "inputs");
}

std::size_t mix(std::size_t seed, std::size_t value) {
  return seed ^ (value + 0x9e3779b97f4a7c15ULL + (seed << 6) + (seed >> 2));
}

struct Bounds {
  int64_t lower, upper;
};

Bounds bounds_of_product(Bounds a, Bounds b) {
  const int64_t corners[] = {saturating_mul(a.lower, b.lower), saturating_mul(a.lower, b.upper),
                             saturating_mul(a.upper, b.lower), saturating_mul(a.upper, b.upper)};
  return {*std::min_element(corners, corners + 4), *std::max_element(corners, corners + 4)};
}

Bounds bounds_of(const DimTerm& term) {
  Bounds bounds{clamp_bound(term.coefficient), clamp_bound(term.coefficient)};
  for (const AtomRef& factor : term.factors) {
    // A symbol's bounds may have been narrowed since; those kept in an operation's atom then are only wider
    // than need be.
    const Symbol* symbol = factor->symbol.get();
    const Bounds own = symbol != nullptr ? Bounds{clamp_bound(symbol->lower), clamp_bound(symbol->upper)}
                                         : Bounds{factor->lower, factor->upper};
    bounds = bounds_of_product(bounds, own);
  }
  return bounds;
}

Bounds sum_bounds(const std::vector<DimTerm>& terms) {
  Bounds sum{0, 0};
  for (const DimTerm& term : terms) {
    const Bounds bounds = bounds_of(term);
    sum.lower = saturating_add(sum.lower, bounds.lower);
    sum.upper = saturating_add(sum.upper, bounds.upper);
  }
  return sum;
}

// Plain interval arithmetic forgets that x and floordiv(x, k) go together. Replaces one such atom (as a term
// of its own) by its linear bounds (a - k + 1)/k <= floordiv(a, k) <= a/k, everything times k, and bounds the
// result.
Bounds bounds_with_quotients(const Dim& dim, int depth) {
  Bounds best = sum_bounds(dim.terms());
  if (depth == 0 || dim.terms().size() < 2) return best;
  for (const DimTerm& term : dim.terms()) {
    if (term.factors.size() != 1 || term.factors[0]->symbol || term.factors[0]->op != DimOp::floordiv)
      continue;
    const Atom& atom = *term.factors[0];
    const std::optional<int64_t> divisor = atom.b.constant();
    if (!divisor || *divisor <= 0 || *divisor > (1 << 20)) continue;
    try {
      std::vector<DimTerm> others;
      for (const DimTerm& other : dim.terms()) {
        if (&other != &term) others.push_back({checked_mul(other.coefficient, *divisor), other.factors});
      }
      const Dim rest = DimAccess::from_terms(std::move(others));
      const Dim greatest = rest + atom.a * Dim(term.coefficient);
      const Dim least = rest + (atom.a - Dim(*divisor - 1)) * Dim(term.coefficient);
      const Dim& for_lower = term.coefficient > 0 ? least : greatest;
      const Dim& for_upper = term.coefficient > 0 ? greatest : least;
      best.lower =
          std::max(best.lower, -floor_quotient(-bounds_with_quotients(for_lower, depth - 1).lower, *divisor));
      best.upper =
          std::min(best.upper, floor_quotient(bounds_with_quotients(for_upper, depth - 1).upper, *divisor));
    } catch (const ModelError&) {
      // Too large to reason about: the plain bounds stand.
    }
    break;  // one at a time; the recursion meets the next
  }
  return best;
}

Bounds bounds_of_quotient(const Dim& a, const Dim& b) {
  const Bounds x{a.lower(), a.upper()}, y{b.lower(), b.upper()};
  if (y.lower >= 1) {
    return {std::min(floor_quotient(x.lower, y.lower), floor_quotient(x.lower, y.upper)),
            std::max(floor_quotient(x.upper, y.lower), floor_quotient(x.upper, y.upper)) + 1};
  }
  // The divisor may be 0, and the quotient then is 0.
  if (x.lower >= 0 && y.lower >= 0) return {0, x.upper};
  const int64_t magnitude = std::max(saturating_mul(x.lower, -1), x.upper);
  return {saturating_mul(std::max<int64_t>(magnitude, 0), -1), std::max<int64_t>(magnitude, 0)};
}

Bounds bounds_of_atom(DimOp op, const Dim& a, const Dim& b) {
  switch (op) {
    case DimOp::floordiv: {
      Bounds bounds = bounds_of_quotient(a, b);
      if (b.lower() >= 1) bounds.upper -= 1;  // the quotient's is exact; one more is for rounding up
      return bounds;
    }
    case DimOp::ceildiv:
      return bounds_of_quotient(a, b);
    case DimOp::mod: {
      const int64_t magnitude = std::max(b.upper(), saturating_mul(b.lower(), -1));
      Bounds bounds{b.lower() >= 0 ? 0 : 1 - magnitude, std::max<int64_t>(magnitude - 1, 0)};
      if (a.lower() >= 0 && b.lower() >= 0) bounds.upper = std::min(bounds.upper, a.upper());
      return bounds;
    }
    case DimOp::min:
      return {std::min(a.lower(), b.lower()), std::min(a.upper(), b.upper())};
    case DimOp::max:
      return {std::max(a.lower(), b.lower()), std::max(a.upper(), b.upper())};
    case DimOp::broadcast:
      // Where neither can be 0 the common size is the larger one.
      if (a.lower() >= 1 && b.lower() >= 1)
        return {std::max(a.lower(), b.lower()), std::max(a.upper(), b.upper())};
      return {std::min(a.lower(), b.lower()), std::max(a.upper(), b.upper())};
  }
  fail_internal("bounds of an unknown operation on sizes");
}

}  // namespace

int64_t checked_add(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) fail_overflow();
  return sum;
}

int64_t checked_mul(int64_t a, int64_t b) {
  int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) fail_overflow();
  return product;
}

int compare(const Atom& a, const Atom& b) {
  if (&a == &b) return 0;
  if (!a.symbol != !b.symbol) return a.symbol ? -1 : 1;
  if (a.symbol) return a.symbol->name.compare(b.symbol->name);
  if (a.op != b.op) return a.op < b.op ? -1 : 1;
  if (const int order = compare(a.a, b.a); order != 0) return order;
  return compare(a.b, b.b);
}

int compare_factors(const std::vector<AtomRef>& a, const std::vector<AtomRef>& b) {
  if (a.size() != b.size()) return a.size() > b.size() ? -1 : 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (const int order = compare(*a[i], *b[i]); order != 0) return order;
  }
  return 0;
}

int compare(const Dim& a, const Dim& b) {
  const std::vector<DimTerm>&x = a.terms(), &y = b.terms();
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    if (const int order = compare_factors(x[i].factors, y[i].factors); order != 0) return order;
    if (x[i].coefficient != y[i].coefficient) return x[i].coefficient < y[i].coefficient ? -1 : 1;
  }
  if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
  return 0;
}

std::vector<AtomRef> merge_factors(const std::vector<AtomRef>& a, const std::vector<AtomRef>& b) {
  std::vector<AtomRef> merged;
  merged.reserve(a.size() + b.size());
  std::merge(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(merged),
             [](const AtomRef& x, const AtomRef& y) { return compare(*x, *y) < 0; });
  return merged;
}

bool divide_factors(const std::vector<AtomRef>& a, const std::vector<AtomRef>& b,
                    std::vector<AtomRef>& quotient) {
  quotient.clear();
  std::size_t next = 0;
  for (const AtomRef& factor : a) {
    if (next < b.size() && compare(*factor, *b[next]) == 0) {
      ++next;
    } else {
      quotient.push_back(factor);
    }
  }
  return next == b.size();
}

Dim DimAccess::from_terms(std::vector<DimTerm> terms) {
  std::sort(terms.begin(), terms.end(),
            [](const DimTerm& a, const DimTerm& b) { return compare_factors(a.factors, b.factors) < 0; });
  Dim dim;
  for (DimTerm& term : terms) {
    if (!dim.terms_.empty() && compare_factors(dim.terms_.back().factors, term.factors) == 0) {
      dim.terms_.back().coefficient = checked_add(dim.terms_.back().coefficient, term.coefficient);
    } else {
      if (!dim.terms_.empty() && dim.terms_.back().coefficient == 0) dim.terms_.pop_back();
      dim.terms_.push_back(std::move(term));
    }
  }
  if (!dim.terms_.empty() && dim.terms_.back().coefficient == 0) dim.terms_.pop_back();
  if (dim.terms_.size() > kMaxTerms) fail_model("a size computed from the model's shapes has too many terms");
  return dim;
}

Dim DimAccess::from_term(DimTerm term) {
  Dim dim;
  if (term.coefficient != 0) dim.terms_.push_back(std::move(term));
  return dim;
}

Dim make_atom(DimOp op, const Dim& a, const Dim& b) {
  auto atom = std::make_shared<Atom>();
  atom->op = op;
  atom->a = a;
  atom->b = b;
  atom->hash = mix(mix(mix(1, static_cast<std::size_t>(op)), a.hash()), b.hash());
  const Bounds bounds = bounds_of_atom(op, a, b);
  atom->lower = bounds.lower;
  atom->upper = bounds.upper;
  return DimAccess::from_term({1, {std::move(atom)}});
}

Dim::Dim(int64_t value) {
  if (value != 0) terms_.push_back({value, {}});
}

Dim Dim::symbol(SymbolRef symbol) {
  ensure(symbol != nullptr, "a size without a symbol");
  auto atom = std::make_shared<Atom>();
  atom->hash = std::hash<std::string>{}(symbol->name);
  atom->lower = clamp_bound(symbol->lower);
  atom->upper = clamp_bound(symbol->upper);
  atom->symbol = std::move(symbol);
  if (atom->lower == atom->upper) return Dim(atom->lower);
  return DimAccess::from_term({1, {std::move(atom)}});
}

bool Dim::is_constant() const { return terms_.empty() || (terms_.size() == 1 && terms_[0].factors.empty()); }

std::optional<int64_t> Dim::constant() const {
  if (terms_.empty()) return 0;
  if (terms_.size() == 1 && terms_[0].factors.empty()) return terms_[0].coefficient;
  return std::nullopt;
}

int64_t Dim::value() const {
  const std::optional<int64_t> value = constant();
  if (!value) fail_internal("the size {} is not a constant", to_string());
  return *value;
}

SymbolRef Dim::as_symbol() const {
  if (terms_.size() != 1 || terms_[0].coefficient != 1 || terms_[0].factors.size() != 1) return nullptr;
  return terms_[0].factors[0]->symbol;
}

Dim operator+(const Dim& a, const Dim& b) {
  if (a.terms_.empty()) return b;
  if (b.terms_.empty()) return a;
  std::vector<DimTerm> terms = a.terms_;
  terms.insert(terms.end(), b.terms_.begin(), b.terms_.end());
  return DimAccess::from_terms(std::move(terms));
}

Dim operator-(const Dim& a, const Dim& b) {
  std::vector<DimTerm> terms = a.terms_;
  for (const DimTerm& term : b.terms_) terms.push_back({checked_mul(term.coefficient, -1), term.factors});
  return DimAccess::from_terms(std::move(terms));
}

Dim operator*(const Dim& a, const Dim& b) {
  if (a.is(1)) return b;
  if (b.is(1)) return a;
  if (a.terms_.size() * b.terms_.size() > kMaxTerms) {
    fail_model("a size computed from the model's shapes has too many terms");
  }
  std::vector<DimTerm> terms;
  for (const DimTerm& x : a.terms_) {
    for (const DimTerm& y : b.terms_) {
      terms.push_back({checked_mul(x.coefficient, y.coefficient), merge_factors(x.factors, y.factors)});
    }
  }
  return DimAccess::from_terms(std::move(terms));
}

bool operator==(const Dim& a, const Dim& b) { return compare(a, b) == 0; }
bool operator<(const Dim& a, const Dim& b) { return compare(a, b) < 0; }

int64_t Dim::lower() const { return bounds_with_quotients(*this, 4).lower; }
int64_t Dim::upper() const { return bounds_with_quotients(*this, 4).upper; }

namespace {

void collect_symbols(const Dim& dim, std::map<std::string, SymbolRef>& found, std::set<const Atom*>& seen) {
  for (const DimTerm& term : dim.terms()) {
    for (const AtomRef& factor : term.factors) {
      if (factor->symbol) {
        found.emplace(factor->symbol->name, factor->symbol);
      } else if (seen.insert(factor.get()).second) {
        collect_symbols(factor->a, found, seen);
        collect_symbols(factor->b, found, seen);
      }
    }
  }
}

using Values = std::map<std::string, int64_t>;
using AtomValues = std::map<const Atom*, std::optional<int64_t>>;

std::optional<int64_t> evaluate(const Dim& dim, const Values& values, AtomValues& known);

std::optional<int64_t> evaluate(const Atom& atom, const Values& values, AtomValues& known) {
  if (atom.symbol) {
    const auto found = values.find(atom.symbol->name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  }
  const auto a = evaluate(atom.a, values, known);
  const auto b = evaluate(atom.b, values, known);
  if (!a || !b) return std::nullopt;
  const bool divides = atom.op == DimOp::floordiv || atom.op == DimOp::ceildiv || atom.op == DimOp::mod;
  if (divides && (*b == 0 || (*b == -1 && *a == std::numeric_limits<int64_t>::min()))) return std::nullopt;
  switch (atom.op) {
    case DimOp::floordiv:
      return floor_quotient(*a, *b);
    case DimOp::ceildiv:
      return floor_quotient(*a, *b) + (*a % *b != 0 ? 1 : 0);
    case DimOp::mod:
      return floor_remainder(*a, *b);
    case DimOp::min:
      return std::min(*a, *b);
    case DimOp::max:
      return std::max(*a, *b);
    case DimOp::broadcast:
      return *a == 1 ? *b : *a;
  }
  return std::nullopt;
}

std::optional<int64_t> evaluate(const Dim& dim, const Values& values, AtomValues& known) {
  int64_t sum = 0;
  for (const DimTerm& term : dim.terms()) {
    int64_t product = term.coefficient;
    for (const AtomRef& factor : term.factors) {
      auto found = known.find(factor.get());
      if (found == known.end()) found = known.emplace(factor.get(), evaluate(*factor, values, known)).first;
      if (!found->second || __builtin_mul_overflow(product, *found->second, &product)) return std::nullopt;
    }
    if (__builtin_add_overflow(sum, product, &sum)) return std::nullopt;
  }
  return sum;
}

using AtomDims = std::map<const Atom*, Dim>;

Dim substitute_known(const Dim& dim, const std::map<std::string, Dim>& values, AtomDims& known) {
  Dim sum;
  for (const DimTerm& term : dim.terms()) {
    Dim product(term.coefficient);
    for (const AtomRef& factor : term.factors) {
      auto found = known.find(factor.get());
      if (found == known.end()) {
        Dim replacement;
        if (factor->symbol) {
          const auto value = values.find(factor->symbol->name);
          replacement = value == values.end() ? DimAccess::from_term({1, {factor}}) : value->second;
        } else {
          replacement = apply(factor->op, substitute_known(factor->a, values, known),
                              substitute_known(factor->b, values, known));
        }
        found = known.emplace(factor.get(), std::move(replacement)).first;
      }
      product *= found->second;
    }
    sum += product;
  }
  return sum;
}

std::string atom_to_string(const Atom& atom) {
  if (atom.symbol) return is_identifier(atom.symbol->name) ? atom.symbol->name : quoted(atom.symbol->name);
  return fmt::format("{}({}, {})", name(atom.op), atom.a.to_string(), atom.b.to_string());
}

}  // namespace

const char* name(DimOp op) {
  static constexpr const char* kNames[] = {"floordiv", "ceildiv", "mod", "min", "max", "broadcast"};
  return kNames[static_cast<std::size_t>(op)];
}

std::vector<SymbolRef> Dim::symbols() const {
  std::map<std::string, SymbolRef> found;
  std::set<const Atom*> seen;
  collect_symbols(*this, found, seen);
  std::vector<SymbolRef> list;
  for (auto& [symbol_name, symbol] : found) list.push_back(symbol);
  return list;
}

bool Dim::from_inputs() const {
  const std::vector<SymbolRef> all = symbols();
  return std::all_of(all.begin(), all.end(), [](const SymbolRef& symbol) { return symbol->from_input; });
}

std::optional<int64_t> Dim::evaluate(const std::map<std::string, int64_t>& values) const {
  AtomValues known;
  return ir::evaluate(*this, values, known);
}

Dim Dim::substitute(const std::map<std::string, Dim>& values) const {
  if (is_constant() || values.empty()) return *this;
  AtomDims known;
  return substitute_known(*this, values, known);
}

std::string Dim::to_string() const {
  if (terms_.empty()) return "0";
  std::string text;
  for (const DimTerm& term : terms_) {
    if (!text.empty()) text += " + ";
    const bool show_coefficient = term.coefficient != 1 || term.factors.empty();
    if (show_coefficient) text += fmt::format("{}", term.coefficient);
    bool first = !show_coefficient;
    for (const AtomRef& factor : term.factors) {
      if (!first) text += "*";
      first = false;
      text += atom_to_string(*factor);
    }
  }
  return text;
}

std::size_t Dim::hash() const {
  std::size_t seed = terms_.size();
  for (const DimTerm& term : terms_) {
    seed = mix(seed, static_cast<std::size_t>(term.coefficient));
    for (const AtomRef& factor : term.factors) seed = mix(seed, factor->hash);
  }
  return seed;
}

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + shape[i].to_string();
  return text + "]";
}

Dim element_count(const Shape& shape) {
  // An empty dimension first: the others' product may be beyond 64 bits and does not matter.
  for (const Dim& dim : shape) {
    if (dim.is(0)) return 0;
  }
  Dim count = 1;
  for (const Dim& dim : shape) count *= dim;
  return count;
}

bool is_static(const Shape& shape) {
  return std::all_of(shape.begin(), shape.end(), [](const Dim& dim) { return dim.is_constant(); });
}

}  // namespace o2w::ir
