// Einsum and convolution against loops that are written down from their definitions.
#include <gtest/gtest.h>

#include <map>

#include "compiler/eval/evaluate.h"
#include "compiler/ir/builder.h"
#include "tests/eval/graph_text.h"
#include "tests/support/tensors.h"

namespace o2w::test {
namespace {

using ir::DType;
using ir::Tensor;
using Sizes = std::vector<int64_t>;

int64_t offset(const Sizes& dims, const Sizes& at) {
  int64_t flat = 0;
  for (std::size_t k = 0; k < dims.size(); ++k) flat = flat * dims[k] + at[k];
  return flat;
}

// Calls `visit` with every point of a box.
void for_each_point(const Sizes& dims, const std::function<void(const Sizes&)>& visit) {
  for (const int64_t size : dims) {
    if (size == 0) return;
  }
  Sizes at(dims.size(), 0);
  for (;;) {
    visit(at);
    std::size_t k = dims.size();
    while (k > 0 && ++at[k - 1] == dims[k - 1]) at[--k] = 0;
    if (k == 0) return;
  }
}

Tensor naive_einsum(const Tensor& a, const Tensor& b, const std::string& lhs, const std::string& rhs,
                    const std::string& out) {
  std::map<char, int64_t> sizes;
  for (std::size_t k = 0; k < lhs.size(); ++k) sizes[lhs[k]] = a.dims()[k];
  for (std::size_t k = 0; k < rhs.size(); ++k) sizes[rhs[k]] = b.dims()[k];
  std::string labels = out;
  for (const auto& [label, size] : sizes) {
    if (out.find(label) == std::string::npos) labels += label;
  }
  const auto pick = [&](const std::string& which, const Sizes& from) {
    Sizes picked;
    for (const char label : which) picked.push_back(from[labels.find(label)]);
    return picked;
  };
  Sizes all, kept;
  for (const char label : labels) all.push_back(sizes[label]);
  for (const char label : out) kept.push_back(sizes[label]);
  Tensor y(a.type(), kept);
  for_each_point(all, [&](const Sizes& at) {
    const int64_t to = offset(kept, pick(out, at));
    y.set_int(to, y.as_int(to) +
                      a.as_int(offset(a.dims(), pick(lhs, at))) * b.as_int(offset(b.dims(), pick(rhs, at))));
  });
  return y;
}

ir::Shape shape_of(const Sizes& dims) { return {dims.begin(), dims.end()}; }

// A graph of two inputs and the node that `make` builds, on these inputs.
Tensor evaluate(const Tensor& a, const Tensor& b,
                const std::function<ir::Value*(ir::Builder&, ir::Value*, ir::Value*)>& make) {
  ir::Graph graph;
  std::vector<ir::Value*> values;
  for (const Tensor* tensor : {&a, &b}) {
    values.push_back(graph.new_value(tensor->type(), shape_of(tensor->dims())));
    graph.region.parameters.push_back(values.back());
    graph.inputs.push_back({"x" + std::to_string(values.size()), values.back()});
  }
  ir::Builder builder(graph);
  ir::Value* y = make(builder, values[0], values[1]);
  graph.region.results.push_back(y);
  graph.outputs.push_back({"y", y});
  return eval::evaluate(graph, {a, b}).at(0);
}

TEST(Einsum, IsTheSumOfProducts) {
  struct Form {
    const char *lhs, *rhs, *out;
    Sizes a, b;
  };
  const std::vector<Form> forms = {
      {"mk", "kn", "mn", {5, 7}, {7, 3}},                    // a matrix product
      {"bmk", "bnk", "bmn", {4, 5, 6}, {4, 3, 6}},           // batched, with a transposed operand
      {"bhqd", "bhkd", "bqhk", {2, 3, 4, 5}, {2, 3, 6, 5}},  // a permuted result
      {"i", "j", "ji", {4}, {5}},                            // an outer product
      {"ij", "ij", "", {4, 5}, {4, 5}},                      // a full contraction
      {"ij", "j", "j", {4, 5}, {5}},                         // a sum of one operand alone
      {"mk", "kn", "mn", {5, 0}, {0, 3}},                    // nothing to sum
      {"mk", "kn", "mn", {0, 4}, {4, 3}},                    // nothing to make
  };
  for (const Form& form : forms) {
    SCOPED_TRACE(std::string(form.lhs) + "," + form.rhs + "->" + form.out);
    for (const DType type : {DType::f32, DType::i32}) {
      const Tensor a = small_numbers(type, form.a, 1), b = small_numbers(type, form.b, 2);
      const Tensor got = evaluate(a, b, [&](ir::Builder& builder, ir::Value* x, ir::Value* y) {
        return builder.einsum(x, y, form.lhs, form.rhs, form.out, type);
      });
      const auto wrong = difference(got, naive_einsum(a, b, form.lhs, form.rhs, form.out), {0, 0});
      EXPECT_FALSE(wrong.has_value()) << *wrong;
    }
  }
}

struct Window {
  const char* name;
  Sizes x, w, strides, dilations, pads, out;  // out: spatial sizes
  int64_t group = 1;
  bool transposed = false;
};

// Definitions: docs of Conv and ConvTranspose in ONNX's Operators.md.
Tensor naive_convolution(const Tensor& x, const Tensor& w, const Window& window) {
  const int64_t group = window.group;
  const int64_t channels = x.dims()[1] / group;
  const int64_t maps = window.transposed ? w.dims()[1] : w.dims()[0] / group;
  const std::size_t rank = window.out.size();
  Sizes dims = {x.dims()[0], maps * group};
  dims.insert(dims.end(), window.out.begin(), window.out.end());
  Tensor y(x.type(), dims);
  // The box: image, group, channel in the group, map in the group, kernel point, point of the operand that
  // is walked (the output; transposed, the input).
  Sizes box = {dims[0], group, channels, maps};
  box.insert(box.end(), w.dims().begin() + 2, w.dims().end());
  const Sizes& walked = window.transposed ? x.dims() : dims;
  box.insert(box.end(), walked.begin() + 2, walked.end());
  for_each_point(box, [&](const Sizes& at) {
    Sizes from = {at[0], at[1] * channels + at[2]}, to = {at[0], at[1] * maps + at[3]};
    Sizes weight = window.transposed ? Sizes{from[1], at[3]} : Sizes{to[1], at[2]};
    for (std::size_t k = 0; k < rank; ++k) {
      const int64_t tap = at[4 + k], point = at[4 + rank + k];
      const int64_t other = point * window.strides[k] + tap * window.dilations[k] - window.pads[k];
      if (other < 0 || other >= (window.transposed ? dims : x.dims())[2 + k]) return;
      weight.push_back(tap);
      from.push_back(window.transposed ? point : other);
      to.push_back(window.transposed ? other : point);
    }
    const int64_t flat = offset(dims, to);
    y.set_int(flat, y.as_int(flat) + x.as_int(offset(x.dims(), from)) * w.as_int(offset(w.dims(), weight)));
  });
  return y;
}

class ConvolutionTest : public ::testing::TestWithParam<Window> {};

TEST_P(ConvolutionTest, IsTheSumOverTheWindow) {
  const Window& window = GetParam();
  for (const DType type : {DType::f32, DType::f64, DType::i32}) {
    const Tensor x = small_numbers(type, window.x, 3), w = small_numbers(type, window.w, 4);
    const Tensor expected = naive_convolution(x, w, window);
    const Tensor got = evaluate(x, w, [&](ir::Builder& builder, ir::Value* in, ir::Value* weights) {
      ir::Convolution attributes;
      attributes.strides = window.strides;
      attributes.dilations = window.dilations;
      attributes.pads_begin = shape_of(window.pads);
      attributes.group = window.group;
      attributes.transposed = window.transposed;
      return builder.convolution(in, weights, attributes, shape_of(expected.dims()), type);
    });
    const auto wrong = difference(got, expected, {0, 0});
    EXPECT_FALSE(wrong.has_value()) << *wrong;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Windows, ConvolutionTest,
    ::testing::Values(
        Window{"plain", {2, 3, 6, 7}, {4, 3, 3, 2}, {1, 1}, {1, 1}, {0, 0}, {4, 6}},
        Window{"padded", {1, 2, 5, 5}, {3, 2, 3, 3}, {1, 1}, {1, 1}, {1, 1}, {5, 5}},
        Window{"strided_dilated", {1, 2, 9, 10}, {3, 2, 3, 2}, {2, 3}, {2, 1}, {1, 0}, {4, 3}},
        Window{"grouped", {2, 6, 4, 4}, {4, 3, 2, 2}, {1, 1}, {1, 1}, {0, 0}, {3, 3}, 2},
        Window{"depthwise", {1, 5, 6, 6}, {5, 1, 3, 3}, {2, 2}, {1, 1}, {1, 1}, {3, 3}, 5},
        Window{"sequence", {2, 3, 11}, {2, 3, 4}, {2}, {1}, {3}, {6}},
        Window{"volume", {1, 2, 4, 3, 5}, {2, 2, 2, 2, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 0}, {3, 4, 3}},
        Window{"larger_than_image", {1, 1, 2, 2}, {1, 1, 5, 5}, {1, 1}, {1, 1}, {2, 2}, {2, 2}},
        Window{"transposed", {2, 3, 4, 3}, {3, 2, 3, 3}, {2, 1}, {1, 1}, {0, 0}, {9, 5}, 1, true},
        Window{"transposed_cut", {1, 2, 4, 4}, {2, 3, 3, 3}, {2, 2}, {1, 2}, {1, 1}, {8, 9}, 1, true},
        Window{"transposed_grouped", {1, 4, 3, 3}, {4, 3, 2, 2}, {1, 2}, {1, 1}, {0, 0}, {4, 6}, 2, true}),
    [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace o2w::test
