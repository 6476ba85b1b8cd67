// Einsum: any equation with ellipses, diagonals, any number of operands.
//
// Operands are combined pairwise from the left; what no later operand nor the output needs is summed as early
// as it can be.
#include <algorithm>
#include <cctype>
#include <map>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/common/sizes.h"

namespace o2w::onnx_frontend {
namespace {

using ir::Dim;
using ir::DType;
using ir::Expr;
using ir::Value;

// One label per dimension. Letters of the equation keep their code; the dimensions of the ellipsis, counted
// from its end, are negative.
using Labels = std::vector<int>;

struct Operand {
  Value* value = nullptr;
  Labels labels;
};

struct Term {
  Labels before, after;  // around the ellipsis
  bool ellipsis = false;
};

Term parse_term(Lowering& l, const std::string& text) {
  Term term;
  for (std::size_t k = 0; k < text.size(); ++k) {
    const auto c = static_cast<unsigned char>(text[k]);
    if (std::isspace(c) != 0) continue;
    if (std::isalpha(c) != 0) {
      (term.ellipsis ? term.after : term.before).push_back(c);
    } else if (text.compare(k, 3, "...") == 0 && !term.ellipsis) {
      term.ellipsis = true;
      k += 2;
    } else {
      l.fail("attribute equation has an unexpected '{}' in the term '{}'", static_cast<char>(c), text);
    }
  }
  return term;
}

Labels labels_of(const Term& term, int ellipsis_rank) {
  Labels labels = term.before;
  if (term.ellipsis) {
    for (int k = ellipsis_rank; k > 0; --k) labels.push_back(-k);
  }
  labels.insert(labels.end(), term.after.begin(), term.after.end());
  return labels;
}

bool contains(const Labels& labels, int label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

// Repeated labels of one operand read its diagonal.
Operand diagonal(Lowering& l, const Operand& operand) {
  Operand result;
  ir::Shape shape;
  for (std::size_t d = 0; d < operand.labels.size(); ++d) {
    const Dim& size = operand.value->shape[d];
    auto found = std::find(result.labels.begin(), result.labels.end(), operand.labels[d]);
    if (found == result.labels.end()) {
      result.labels.push_back(operand.labels[d]);
      shape.push_back(size);
    } else {
      require_equal(l, shape[static_cast<std::size_t>(found - result.labels.begin())], size,
                    "sizes of a repeated label");
    }
  }
  if (result.labels.size() == operand.labels.size()) return operand;
  result.value = l.b().tabulate(operand.value->type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    std::vector<Expr> indices;
    for (int label : operand.labels) {
      auto at = std::find(result.labels.begin(), result.labels.end(), label) - result.labels.begin();
      indices.push_back(i[static_cast<std::size_t>(at)]);
    }
    return body.at(operand.value, std::move(indices));
  });
  return result;
}

// Sums over the labels that `needed` does not hold.
Operand sum_out(Lowering& l, const Operand& operand, const Labels& needed) {
  Operand result;
  std::vector<int> axes;
  for (std::size_t d = 0; d < operand.labels.size(); ++d) {
    if (contains(needed, operand.labels[d])) {
      result.labels.push_back(operand.labels[d]);
    } else {
      axes.push_back(static_cast<int>(d));
    }
  }
  if (axes.empty()) return operand;
  result.value = l.b().reduce_axes(
      ir::Combiner::sum, l.b().cast(operand.value, ir::compute_type(operand.value->type)), axes, false);
  return result;
}

Dim* size_of(std::map<int, Dim>& sizes, int label) {
  auto found = sizes.find(label);
  return found == sizes.end() ? nullptr : &found->second;
}

// Drops dimensions of size 1 whose label is larger elsewhere, and expands those that may be 1 or not, so that
// equal labels have equal sizes.
Operand align(Lowering& l, const Operand& operand, std::map<int, Dim>& sizes) {
  Operand result;
  ir::Shape expanded;
  std::vector<int> dropped;
  bool expand = false;
  for (std::size_t d = 0; d < operand.labels.size(); ++d) {
    const Dim& have = operand.value->shape[d];
    const Dim& want = *size_of(sizes, operand.labels[d]);
    if (have.is(1) && !want.is(1)) {
      dropped.push_back(static_cast<int>(d));
      continue;
    }
    if (!ir::provably_equal(have, want)) {
      // Sizes that the algebra cannot equate but that cannot be 1 are checked and taken for equal.
      if (have.lower() > 1) {
        require_equal(l, have, want, "sizes of an einsum label");
      } else {
        expand = true;
      }
    }
    result.labels.push_back(operand.labels[d]);
    expanded.push_back(want);
  }
  result.value = dropped.empty() ? operand.value : l.b().squeeze(operand.value, dropped);
  if (expand) result.value = l.b().expand(result.value, expanded);
  return result;
}

// The elementwise product over the union of labels, `out` giving their order.
Value* multiply(Lowering& l, const Operand& a, const Operand& b, const Labels& out, std::map<int, Dim>& sizes,
                DType type) {
  ir::Shape shape;
  for (int label : out) shape.push_back(*size_of(sizes, label));
  return l.b().tabulate(type, shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const auto read = [&](const Operand& operand) {
      std::vector<Expr> indices;
      for (int label : operand.labels) {
        indices.push_back(
            i[static_cast<std::size_t>(std::find(out.begin(), out.end(), label) - out.begin())]);
      }
      return ir::cast(type, body.at(operand.value, std::move(indices)));
    };
    return read(a) * read(b);
  });
}

Operand contract(Lowering& l, Operand a, Operand b, const Labels& needed, std::map<int, Dim>& sizes,
                 DType type) {
  const auto needed_with = [&](const Labels& other) {
    Labels all = needed;
    all.insert(all.end(), other.begin(), other.end());
    return all;
  };
  a = align(l, sum_out(l, a, needed_with(b.labels)), sizes);
  b = align(l, sum_out(l, b, needed_with(a.labels)), sizes);
  Labels all = a.labels;
  for (int label : b.labels) {
    if (!contains(all, label)) all.push_back(label);
  }
  Operand result;
  // The output's order where the labels are the output's, so that no transpose follows.
  for (int label : needed) {
    if (contains(all, label) && !contains(result.labels, label)) result.labels.push_back(label);
  }
  if (result.labels.size() == all.size()) {
    result.value = multiply(l, a, b, result.labels, sizes, type);
    return result;
  }
  if (all.size() > 26) l.fail("attribute equation has more than 26 dimensions in one product");
  const auto text = [&](const Labels& labels) {
    std::string letters;
    for (int label : labels) {
      letters += static_cast<char>('a' + (std::find(all.begin(), all.end(), label) - all.begin()));
    }
    return letters;
  };
  if (a.value->type != b.value->type) {  // one of them was summed before, in the compute type
    a.value = l.b().cast(a.value, type);
    b.value = l.b().cast(b.value, type);
  }
  result.value = l.b().einsum(a.value, b.value, text(a.labels), text(b.labels), text(result.labels), type);
  return result;
}

void lower(Lowering& l) {
  std::string equation = l.string_attribute("equation", "");
  std::string output_text;
  const auto arrow = equation.find("->");
  const bool explicit_output = arrow != std::string::npos;
  if (explicit_output) {
    output_text = equation.substr(arrow + 2);
    equation.resize(arrow);
  }
  std::vector<Term> terms;
  for (std::size_t start = 0;;) {
    const auto comma = equation.find(',', start);
    terms.push_back(
        parse_term(l, equation.substr(start, comma == std::string::npos ? comma : comma - start)));
    if (comma == std::string::npos) break;
    start = comma + 1;
  }
  if (static_cast<int>(terms.size()) != l.input_count()) {
    l.fail("attribute equation has {} terms for {} inputs", terms.size(), l.input_count());
  }

  int ellipsis_rank = 0;
  std::vector<Operand> operands;
  for (std::size_t k = 0; k < terms.size(); ++k) {
    Value* value = l.input(static_cast<int>(k));
    const int rest = value->rank() - static_cast<int>(terms[k].before.size() + terms[k].after.size());
    if (rest < 0 || (rest > 0 && !terms[k].ellipsis)) {
      l.fail("term {} of attribute equation does not fit input {} of rank {}", k, k, value->rank());
    }
    ellipsis_rank = std::max(ellipsis_rank, rest);
    operands.push_back(diagonal(l, {value, labels_of(terms[k], rest)}));
  }
  Labels output;
  if (explicit_output) {
    output = labels_of(parse_term(l, output_text), ellipsis_rank);
  } else {
    // numpy's implicit form: the ellipsis, then the letters that occur once, in alphabetical order.
    std::map<int, int> uses;
    for (const Term& term : terms) {
      for (int label : term.before) ++uses[label];
      for (int label : term.after) ++uses[label];
    }
    for (int k = ellipsis_rank; k > 0; --k) output.push_back(-k);
    for (const auto& [label, count] : uses) {
      if (count == 1) output.push_back(label);
    }
  }
  std::map<int, Dim> sizes;
  for (const Operand& operand : operands) {
    ir::Shape shape = operand.value->shape;
    for (std::size_t d = 0; d < operand.labels.size(); ++d) {
      if (Dim* known = size_of(sizes, operand.labels[d])) {
        *known = l.b().broadcast_shapes({*known}, {shape[d]}, "an einsum label")[0];
      } else {
        sizes.emplace(operand.labels[d], shape[d]);
      }
    }
  }
  for (std::size_t d = 0; d < output.size(); ++d) {
    if (size_of(sizes, output[d]) == nullptr)
      l.fail("the output of attribute equation has a label that no input has");
    if (std::count(output.begin(), output.end(), output[d]) > 1)
      l.fail("the output of attribute equation repeats a label");
  }

  const DType type = l.input(0)->type, compute = ir::compute_type(type);
  Operand result = operands[0];
  for (std::size_t k = 1; k < operands.size(); ++k) {
    Labels needed = output;
    for (std::size_t later = k + 1; later < operands.size(); ++later) {
      for (int label : operands[later].labels) {
        if (!contains(needed, label)) needed.push_back(label);
      }
    }
    result = contract(l, result, operands[k], needed, sizes, compute);
  }
  result = sum_out(l, result, output);
  std::vector<int> order;
  for (int label : output) {
    auto found = std::find(result.labels.begin(), result.labels.end(), label);
    ensure(found != result.labels.end(), "einsum lost a label of its output");
    order.push_back(static_cast<int>(found - result.labels.begin()));
  }
  Value* y = order == axis_range(0, static_cast<int>(order.size())) ? result.value
                                                                    : l.b().transpose(result.value, order);
  l.output(0, l.b().cast(y, type));
}

const RegisterOperator einsum(
    {.name = "Einsum", .versions = {12}, .types = {{"T", kNumeric}}, .lower = lower});

}  // namespace
}  // namespace o2w::onnx_frontend
