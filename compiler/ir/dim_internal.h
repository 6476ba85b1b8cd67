// Shared by the files of the Dim algebra; not an interface.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "compiler/ir/dim.h"
#include "compiler/support/error.h"

namespace o2w::ir {

struct DimAccess {
  static Dim from_terms(std::vector<DimTerm> terms);  // sorted, merged, no zeros
  static Dim from_term(DimTerm term);
};

// Total order of atoms: symbols by name before operations; by structure.
int compare(const Atom& a, const Atom& b);
int compare(const Dim& a, const Dim& b);
// Order of terms within a Dim: more factors first, then by factors; so the constant is last. Compatible with
// multiplication (a graded order of monomials), which is what division of polynomials needs.
int compare_factors(const std::vector<AtomRef>& a, const std::vector<AtomRef>& b);
std::vector<AtomRef> merge_factors(const std::vector<AtomRef>& a, const std::vector<AtomRef>& b);
// a without the factors of b; false if b has one that a lacks.
bool divide_factors(const std::vector<AtomRef>& a, const std::vector<AtomRef>& b,
                    std::vector<AtomRef>& quotient);

// An operation that nothing simplifies.
Dim make_atom(DimOp op, const Dim& a, const Dim& b);

constexpr int64_t kDimInfinity = (int64_t{1} << 62) - 1;  // twice of it still fits

inline int64_t clamp_bound(int64_t value) { return std::clamp(value, -kDimInfinity, kDimInfinity); }
inline int64_t saturating_add(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return a < 0 ? -kDimInfinity : kDimInfinity;
  return clamp_bound(sum);
}
inline int64_t saturating_mul(int64_t a, int64_t b) {
  int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return (a < 0) == (b < 0) ? kDimInfinity : -kDimInfinity;
  return clamp_bound(product);
}

int64_t checked_add(int64_t a, int64_t b);
int64_t checked_mul(int64_t a, int64_t b);
// Quotients of constants; the divisor is not 0 and the pair not (INT64_MIN, -1).
inline int64_t floor_quotient(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}
inline int64_t floor_remainder(int64_t a, int64_t b) {
  const int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

}  // namespace o2w::ir
