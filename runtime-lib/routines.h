// Irregular operators on dense row-major tensors: what no loop nest expresses. All have the signature of
// O2W_ROUTINE, return an errno and leave a text behind on failure: scratch memory ran out, or contents that
// the operator does not allow.
//
// sort: x -> values, indices (i64). ints: axis, largest.
//   The first k elements in order, k being the outputs' size along the axis. Ties keep the lower index first,
//   NaN is the largest.
// compact: mask -> positions [rank, n] (i64). counts: n.
//   Positions of the non-zero elements, row-major. The output has room for as many as its descriptor says.
// random_uniform: -> y. ints: seed, whether the model gives it. floats: a, b. Uniform in [a, b); numbers are
//   those of random_numbers.h. random_normal: the same with mean a and deviation b.
// random_bernoulli: x -> y, with the chances x. random_classes: x [rows, classes] -> y [rows, samples], drawn
//   from rows of unnormalised log-probabilities. ints: the same.
// tree_ensemble: x [rows, features], nodes (i32, trees::Node of x's type), roots (i32), weight targets (i32),
// weights, set starts (i32), set members -> scores [rows, targets], scored (bool). ints: trees::Aggregate,
// mode.
//   What the leaves of all trees give each row's targets; see tree_walk.h.
// time_warping: costs [rows, columns] (f32) -> path [2, n] (i32). counts: n.
//   Rows and columns of the cheapest path; see time_warping.h.
// non_max_suppression: boxes [batch, n, 4], scores [batch, classes, n], most per class (i64), IoU threshold,
//   score threshold -> rows of batch, class, box (i64). ints: boxes by centre and size, whether the score
//   threshold counts. counts: rows. The output has room for as many as its descriptor says.
// blocks_product_{2,4,8}[_float_zeros]: a [.., k] (f32), weights (u8), [bias (f32)] -> y [.., n] (f32).
//   ints: block, k, n. Weights of so many bits in panels of 8 columns, [ceil(n/8)][ceil(k/block)]: 8 scales
//   (f32), 8 zero points (u8, or f32), then bytes of the weights of one column that follow each other along
//   k, lowest bits first: [block * bits/8][8]. A weight is (number - zero point) * scale.
//
// On strings (strings.h; the first input and the output have one shape unless it says otherwise):
// string_from_number: x (f64, i64, u64) -> text. ints: significant digits of f64.
// number_from_string: text -> y (f64, i64, u64). A text that begins with no number is an error.
// string_concat: a, b -> a followed by b.
// string_split_count: text, delimiter [1] -> number of parts (i64). ints: most splits, or negative.
// string_split: text, delimiter [1] -> parts [.., n], empty ones behind those that there are. ints: the same.
// string_case: text, case ranges (letter_case.h) -> text. Text that is no UTF-8 is an error.
// string_rank: text -> place in the order of all distinct ones, by bytes (i64).
// find_string, find_number: x, keys, slots (key_table.h) -> number of the key (i64), or -1.
// count_ngrams: tokens [rows, n] (i64), nodes, edges (ngrams.h) -> counts [rows, columns] (f32).
//   ints: shortest and longest n-gram, most tokens skipped.
// match_table: text, classes, table, accepting (regex_run.h) -> whether the whole text matches (bool).
// match_program: text, program (regex_run.h) -> the same. ints: where the program starts.
//
// Lists (lists.h; an argument of type kListType is a handle):
// list_construct: elements... -> list.
// list_insert: list, element, [position] -> list.
// list_erase: list, [position] -> list.
// list_length: list -> n (i64).
// list_dims: list, position -> dims (i64[rank]) of an element. ints: 1 where the list is an optional.
// list_get: list, position -> the element, a tensor of just these dims or a list. ints: as list_dims.
// list_split: x, [sizes] -> list of parts. ints: axis, 1 to keep the axis where there are no sizes.
//   Sizes are those of the parts, or as a scalar that of all but the last.
// list_concat_dims: list -> dims (i64[rank]) of its elements' concatenation. ints: axis, 1 for a new axis.
// list_concat: list -> the concatenation. ints: axis, 1 for a new axis.
// list_input: list -> list, after checking what a host gave. ints: number of the input; its type as levels,
// -1 a
//   sequence of, -2 an optional of, ending with an element type.
#pragma once

#include <stdint.h>

#include "runtime-lib/model_abi.h"
#include "runtime-lib/platform.h"

#define O2W_ROUTINE(name)                                                           \
  O2W_EXPORT int32_t o2w_routine_##name(                                            \
      [[maybe_unused]] o2w::abi::TensorArg* args, [[maybe_unused]] uint32_t inputs, \
      [[maybe_unused]] uint32_t outputs, [[maybe_unused]] const int64_t* ints,      \
      [[maybe_unused]] const double* floats, [[maybe_unused]] int64_t* counts)

namespace o2w::runtime {

// ONNX TensorProto.DataType.
enum class DType : int32_t {
  f32 = 1,
  u8 = 2,
  i8 = 3,
  u16 = 4,
  i16 = 5,
  i32 = 6,
  i64 = 7,
  string = 8,
  boolean = 9,
  f16 = 10,
  f64 = 11,
  u32 = 12,
  u64 = 13,
  c64 = 14,
  c128 = 15,
  bf16 = 16,
  f8e4m3fn = 17,
  f8e4m3fnuz = 18,
  f8e5m2 = 19,
  f8e5m2fnuz = 20,
  u4 = 21,
  i4 = 22,
  f4e2m1 = 23,
  f8e8m0 = 24,
  u2 = 25,
  i2 = 26,
};

uint32_t element_bytes(DType type);
inline DType dtype_of(const abi::TensorArg& tensor) { return static_cast<DType>(tensor.dtype); }

uint64_t element_count(const abi::TensorArg& tensor);

// Element as a number, and back (floats round to nearest even, integers wrap).
double load_element(const abi::TensorArg& tensor, uint64_t index);
void store_element(const abi::TensorArg& tensor, uint64_t index, double value);

// A tensor seen from one axis: [outer, length, inner].
struct AxisView {
  AxisView(const abi::TensorArg& tensor, int64_t axis);
  uint64_t outer = 1, length = 1, inner = 1;
};

// Scratch memory for the time of a routine.
class Scratch {
 public:
  explicit Scratch(uint64_t bytes);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  explicit operator bool() const { return address_ != 0; }
  template <typename T>
  T* data() const {
    return at<T>(address_);
  }

 private:
  uint32_t address_;
};

// The random numbers of a run begin anew: the same for nodes with a seed, others for the rest.
void restart_random_numbers();

}  // namespace o2w::runtime
