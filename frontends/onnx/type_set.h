// Sets of element types, and which of an operator's inputs and outputs take which.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "compiler/ir/dtype.h"

namespace o2w::onnx_frontend {

class TypeSet {
 public:
  constexpr TypeSet() = default;
  constexpr TypeSet(std::initializer_list<ir::DType> types) {
    for (const ir::DType type : types) bits_ |= bit(type);
  }

  constexpr bool contains(ir::DType type) const { return (bits_ & bit(type)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool includes(TypeSet other) const { return (other.bits_ & ~bits_) == 0; }
  friend constexpr TypeSet operator|(TypeSet a, TypeSet b) { return TypeSet(a.bits_ | b.bits_); }
  friend constexpr TypeSet operator-(TypeSet a, TypeSet b) { return TypeSet(a.bits_ & ~b.bits_); }
  friend constexpr bool operator==(TypeSet, TypeSet) = default;

  std::vector<ir::DType> list() const;  // in the order of the enum
  std::string to_text() const;          // "float32, int64": every type by its name
  // "floats, bool": the names of sets (see named_type_sets) where all of a set is in, single types otherwise.
  std::string to_short_text() const;

 private:
  constexpr explicit TypeSet(uint32_t bits) : bits_(bits) {}
  static constexpr uint32_t bit(ir::DType type) { return uint32_t{1} << static_cast<unsigned>(type); }
  uint32_t bits_ = 0;
};

inline constexpr TypeSet kFloats{ir::DType::f16, ir::DType::bf16, ir::DType::f32, ir::DType::f64};
inline constexpr TypeSet kSigned{ir::DType::i8, ir::DType::i16, ir::DType::i32, ir::DType::i64};
inline constexpr TypeSet kUnsigned{ir::DType::u8, ir::DType::u16, ir::DType::u32, ir::DType::u64};
inline constexpr TypeSet kIntegers = kSigned | kUnsigned;
inline constexpr TypeSet kNumeric = kFloats | kIntegers;
inline constexpr TypeSet kBool{ir::DType::boolean};
inline constexpr TypeSet kBytes{ir::DType::i8, ir::DType::u8};      // quantized numbers
inline constexpr TypeSet kIndices{ir::DType::i32, ir::DType::i64};  // positions
inline constexpr TypeSet kInt64{ir::DType::i64};                    // sizes, axes
inline constexpr TypeSet kFloat32{ir::DType::f32};
// Of less than 16 bits: floats, and integers that files pack several to a byte.
inline constexpr TypeSet kNarrowFloats{ir::DType::f8e4m3fn,   ir::DType::f8e4m3fnuz, ir::DType::f8e5m2,
                                       ir::DType::f8e5m2fnuz, ir::DType::f8e8m0,     ir::DType::f4e2m1};
inline constexpr TypeSet kNarrowIntegers{ir::DType::i4, ir::DType::u4, ir::DType::i2, ir::DType::u2};
// What the quantizing operators make of floats.
inline constexpr TypeSet kQuantized =
    kBytes | TypeSet{ir::DType::i16, ir::DType::u16} | kNarrowFloats | kNarrowIntegers;
inline constexpr TypeSet kComplex{ir::DType::c64, ir::DType::c128};
inline constexpr TypeSet kStrings{ir::DType::string};
inline constexpr TypeSet kLists{ir::DType::list};  // sequences and optionals
// Whose elements have a fixed size in memory and can be moved about and computed with.
inline constexpr TypeSet kMovable = kNumeric | kBool | kNarrowFloats | kNarrowIntegers;
inline constexpr TypeSet kAny = kMovable | kComplex | kStrings;

// A set by the name that the documentation gives it.
struct NamedTypeSet {
  const char* name;
  TypeSet set;
};
const std::vector<NamedTypeSet>& named_type_sets();

// Positions of a node's inputs and outputs.
class Operands {
 public:
  constexpr Operands() = default;
  constexpr bool has_input(int i) const { return i < 32 ? ((inputs_ >> i) & 1U) != 0 : rest_; }
  constexpr bool has_output(int i) const { return i < 32 && ((outputs_ >> i) & 1U) != 0; }
  constexpr bool has_inputs() const { return inputs_ != 0; }
  std::string to_text() const;  // "inputs 0, 1"

  friend constexpr Operands operator|(Operands a, Operands b) {
    a.inputs_ |= b.inputs_;
    a.outputs_ |= b.outputs_;
    a.rest_ = a.rest_ || b.rest_;
    return a;
  }
  template <typename... Ints>
  friend constexpr Operands inputs(Ints... positions);
  template <typename... Ints>
  friend constexpr Operands outputs(Ints... positions);
  friend constexpr Operands inputs_from(int first);

 private:
  uint32_t inputs_ = 0, outputs_ = 0;
  bool rest_ = false;  // inputs from the 32nd on
};

template <typename... Ints>
constexpr Operands inputs(Ints... positions) {
  Operands result;
  ((result.inputs_ |= uint32_t{1} << positions), ...);
  return result;
}
template <typename... Ints>
constexpr Operands outputs(Ints... positions) {
  Operands result;
  ((result.outputs_ |= uint32_t{1} << positions), ...);
  return result;
}
// `first` and all after it, as many as the node has.
constexpr Operands inputs_from(int first) {
  Operands result;
  result.inputs_ = ~uint32_t{0} << first;
  result.rest_ = true;
  return result;
}

// A type parameter of an operator, ONNX's "T": the values at these positions have an element type of the set,
// and all the same one unless `mixed`.
struct TypeParameter {
  const char* name = "T";
  TypeSet types = {};
  Operands at = inputs_from(0);
  bool mixed = false;
};
inline constexpr bool kMixed = true;

}  // namespace o2w::onnx_frontend
