// What the operators of ai.onnx.ml share: inputs as rows of features, transformations of scores, class
// labels. Where ONNX's specification is silent, all of it follows ONNX Runtime.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "frontends/onnx/lowering.h"
#include "frontends/onnx/type_set.h"

namespace o2w::onnx_frontend::ml {

// The element types of features.
inline constexpr TypeSet kFeatures{ir::DType::f32, ir::DType::f64, ir::DType::i64, ir::DType::i32};

// An input of rank 1 or 2 as rows of features, [rows, features], converted to `type`; a vector is one row.
ir::Value* rows_input(Lowering& l, int i, ir::DType type);
// f64 for an input of doubles, else f32: what ONNX Runtime compares thresholds in.
ir::DType threshold_type(Lowering& l, int i);

// A constant from numbers.
ir::Value* constant_numbers(Lowering& l, ir::DType type, std::vector<int64_t> dims,
                            const std::vector<double>& numbers);
ir::Value* constant_integers(Lowering& l, ir::DType type, const std::vector<int64_t>& numbers);

// In the order of TreeEnsemble-5's numbers.
enum class PostTransform : uint8_t { none, softmax, logistic, softmax_zero, probit };
PostTransform post_transform_attribute(Lowering& l);
ir::Expr probit(const ir::Expr& x);  // f32
// Scores of two or more classes, f32 [rows, classes].
ir::Value* transformed(Lowering& l, ir::Value* scores, PostTransform transform);

// The classes of a classifier.
class Labels {
 public:
  Labels(Lowering& l, const char* strings_attribute, const char* integers_attribute);
  explicit Labels(std::vector<int64_t> integers) : integers_(std::move(integers)) {}
  explicit Labels(std::vector<std::string> strings) : strings_(std::move(strings)) {}

  bool are_strings() const { return !strings_.empty(); }
  std::size_t count() const { return are_strings() ? strings_.size() : integers_.size(); }
  // Of two classes, these labels where there are two; else 0 and 1, as numbers or texts.
  Labels for_two_classes() const;
  // [count], i64 or strings.
  ir::Value* all(Lowering& l) const;
  // The labels at positions i64 [rows], which are in range.
  ir::Value* at(Lowering& l, ir::Value* positions) const;

 private:
  std::vector<std::string> strings_;
  std::vector<int64_t> integers_;
};

}  // namespace o2w::onnx_frontend::ml
