#include "frontends/onnx/operator.h"

#include <algorithm>
#include <utility>

#include "compiler/support/error.h"

namespace o2w::onnx_frontend {
namespace {

// A function's static, so that it exists whatever the order in which files register their operators.
std::vector<Operator>& registered() {
  static std::vector<Operator> operators;
  return operators;
}

std::pair<std::string_view, std::string_view> key(const Operator& op) { return {op.domain, op.name}; }

}  // namespace

RegisterOperator::RegisterOperator(Operator op) { registered().push_back(std::move(op)); }

const std::vector<Operator>& all_operators() {
  // Sorted at the first use: registration happens before main() and is over by then.
  static const std::vector<Operator> sorted = [] {
    std::vector<Operator> operators = registered();
    std::sort(operators.begin(), operators.end(),
              [](const Operator& a, const Operator& b) { return key(a) < key(b); });
    for (std::size_t i = 0; i < operators.size(); ++i) {
      if (i > 0 && key(operators[i - 1]) == key(operators[i])) {
        fail_internal("operator {} {} is registered twice", operators[i].domain, operators[i].name);
      }
      std::sort(operators[i].versions.begin(), operators[i].versions.end());
    }
    return operators;
  }();
  return sorted;
}

OperatorMatch find_operator(std::string_view domain, std::string_view name, int64_t opset) {
  if (domain == "ai.onnx") domain = "";
  const std::vector<Operator>& operators = all_operators();
  const std::pair<std::string_view, std::string_view> wanted{domain, name};
  const auto found = std::lower_bound(operators.begin(), operators.end(), wanted,
                                      [](const Operator& op, const auto& other) { return key(op) < other; });
  if (found == operators.end() || key(*found) != wanted) return {};
  const auto newer = std::upper_bound(found->versions.begin(), found->versions.end(), opset);
  if (newer == found->versions.begin()) return {};
  return {&*found, *std::prev(newer)};
}

void check_input_types(const Operator& op, Lowering& l) {
  if (op.types.empty()) return;
  const std::vector<std::string>& names = l.node().inputs;
  for (int i = 0; i < l.input_count(); ++i) {
    if (l.optional_input(i) == nullptr) continue;
    const bool known = std::any_of(op.types.begin(), op.types.end(),
                                   [&](const TypeParameter& p) { return p.at.has_input(i); });
    if (!known) {
      l.fail("it has an input {} ('{}'), but the operator does not", i, names[static_cast<std::size_t>(i)]);
    }
  }
  for (const TypeParameter& parameter : op.types) {
    int first = -1;
    for (int i = 0; i < l.input_count(); ++i) {
      const ir::Value* value = parameter.at.has_input(i) ? l.optional_input(i) : nullptr;
      if (value == nullptr) continue;
      const std::string& name = names[static_cast<std::size_t>(i)];
      if (!parameter.types.contains(value->type)) {
        l.fail("input {} ('{}') has element type {}, but the operator takes {} there", i, name,
               ir::user_name(value->type), parameter.types.to_text());
      }
      if (first < 0) first = i;
      const ir::DType expected = l.optional_input(first)->type;
      if (!parameter.mixed && value->type != expected) {
        l.fail("inputs {} ('{}') and {} ('{}') must have one element type, but have {} and {}", first,
               names[static_cast<std::size_t>(first)], i, name, ir::user_name(expected),
               ir::user_name(value->type));
      }
    }
  }
}

void check_output_types(const Operator& op, const Lowering& l) {
  for (const TypeParameter& parameter : op.types) {
    for (int i = 0; i < l.output_count(); ++i) {
      const ir::Value* value =
          parameter.at.has_output(i) ? l.outputs()[static_cast<std::size_t>(i)] : nullptr;
      if (value != nullptr && !parameter.types.contains(value->type)) {
        l.fail("output {} ('{}') would have element type {}, but the operator gives {}", i,
               l.node().outputs[static_cast<std::size_t>(i)], ir::user_name(value->type),
               parameter.types.to_text());
      }
    }
  }
}

}  // namespace o2w::onnx_frontend
