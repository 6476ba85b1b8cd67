#include "runtime-lib/dims.h"

#include "runtime-lib/platform.h"

namespace o2w::runtime {
namespace {

// Rounds towards minus infinity.
int64_t floor_divide(int64_t a, int64_t b) {
  if (b == 0) return 0;
  if (b == -1) return a == INT64_MIN ? INT64_MAX : -a;
  const int64_t quotient = a / b;
  return quotient - (a % b != 0 && (a < 0) != (b < 0));
}

int64_t ceiling_divide(int64_t a, int64_t b) {
  if (b == 0) return 0;
  if (b == -1) return a == INT64_MIN ? INT64_MAX : -a;
  const int64_t quotient = a / b;
  return quotient + (a % b != 0 && (a < 0) == (b < 0));
}

int64_t modulo(int64_t a, int64_t b) {
  if (b == 0 || b == -1) return 0;
  const int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

int64_t apply(abi::DimOp op, int64_t a, int64_t b) {
  switch (op) {
    case abi::DimOp::kAdd:
      return add_saturating(a, b);
    case abi::DimOp::kMul:
      return multiply_saturating(a, b);
    case abi::DimOp::kFloorDiv:
      return floor_divide(a, b);
    case abi::DimOp::kCeilDiv:
      return ceiling_divide(a, b);
    case abi::DimOp::kMod:
      return modulo(a, b);
    case abi::DimOp::kMin:
      return a < b ? a : b;
    case abi::DimOp::kMax:
      return a > b ? a : b;
    case abi::DimOp::kBroadcast:
      return a == 1 ? b : a;
    case abi::DimOp::kEnd:
    case abi::DimOp::kConstant:
    case abi::DimOp::kSymbol:
      break;
  }
  return 0;
}

}  // namespace

int64_t add_saturating(int64_t a, int64_t b) {
  int64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? (a < 0 ? INT64_MIN : INT64_MAX) : sum;
}

int64_t multiply_saturating(int64_t a, int64_t b) {
  // Not __builtin_mul_overflow, which would need 128-bit multiplication from compiler-rt.
  if (a == 0 || b == 0) return 0;
  const bool negative = (a < 0) != (b < 0);
  const uint64_t size_a = a < 0 ? 0 - static_cast<uint64_t>(a) : static_cast<uint64_t>(a);
  const uint64_t size_b = b < 0 ? 0 - static_cast<uint64_t>(b) : static_cast<uint64_t>(b);
  const bool narrow = (size_a | size_b) >> 32 == 0;
  if (!narrow && size_a > static_cast<uint64_t>(INT64_MAX) / size_b) return negative ? INT64_MIN : INT64_MAX;
  const uint64_t product = size_a * size_b;
  if (product > static_cast<uint64_t>(INT64_MAX)) return negative ? INT64_MIN : INT64_MAX;
  return negative ? -static_cast<int64_t>(product) : static_cast<int64_t>(product);
}

uint64_t read_number(const uint8_t*& place) {
  uint64_t number = 0;
  for (int shift = 0;; shift += 7) {
    const uint8_t byte = *place++;
    number |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return number;
  }
}

int64_t read_signed_number(const uint8_t*& place) {
  const uint64_t number = read_number(place);
  return static_cast<int64_t>(number >> 1 ^ (0 - (number & 1)));
}

int64_t evaluate(const uint8_t* code, const int64_t* symbols) {
  int64_t stack[abi::kMaxDimStack];
  int depth = 0;  // the compiler has checked that code stays within the stack
  for (;;) {
    const int byte = *code++;
    const auto op = static_cast<abi::DimOp>(byte);
    if (op == abi::DimOp::kEnd) break;
    if (byte >= abi::kFirstSymbolByte) {
      stack[depth++] = symbols[byte - abi::kFirstSymbolByte];
    } else if (byte >= abi::kFirstConstantByte) {
      stack[depth++] = byte - abi::kZeroByte;
    } else if (op == abi::DimOp::kConstant) {
      stack[depth++] = read_signed_number(code);
    } else if (op == abi::DimOp::kSymbol) {
      stack[depth++] = symbols[read_number(code)];
    } else {
      --depth;
      stack[depth - 1] = apply(op, stack[depth - 1], stack[depth]);
    }
  }
  return depth > 0 ? stack[depth - 1] : 0;
}

int64_t evaluate(const abi::DimSpec& dim, const int64_t* symbols) {
  switch (dim.kind) {
    case abi::DimKind::kFixed:
      return dim.value;
    case abi::DimKind::kSymbol:
      return symbols[dim.value];
    case abi::DimKind::kExpression:
      break;
  }
  return evaluate(at<const uint8_t>(static_cast<uint32_t>(dim.value)), symbols);
}

}  // namespace o2w::runtime

O2W_EXPORT int64_t o2w_add_sat(int64_t a, int64_t b) { return o2w::runtime::add_saturating(a, b); }
O2W_EXPORT int64_t o2w_mul_sat(int64_t a, int64_t b) { return o2w::runtime::multiply_saturating(a, b); }
