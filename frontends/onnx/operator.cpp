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

}  // namespace o2w::onnx_frontend
