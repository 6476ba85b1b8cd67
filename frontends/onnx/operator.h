// The operator table. An operator is one Operator object in one file of ops/, and that is all there is to
// know of it: lowering, versions, documentation. docs/operators.md and `onnx2wasm list-ops` are made from it.
// See docs/add-an-operator.md.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "frontends/onnx/lowering.h"
#include "frontends/onnx/type_set.h"

namespace o2w::onnx_frontend {

struct Operator {
  const char* domain = "";  // "" is ai.onnx
  const char* name = "";
  // Every opset version in which ONNX changed the operator and which `lower` implements (it can ask
  // Lowering::version()).
  std::vector<int> versions;
  // What is not supported, for the docs; empty when all of the operator's specification is.
  const char* limits = "";
  // Which element types its inputs take, over all versions: checked before `lower` runs, which therefore need
  // not. One entry for every type parameter; every input that a node may have belongs to one. `{{"T",
  // kFloats}}` is all inputs, of one type. Outputs are listed only where their type is no input's.
  std::vector<TypeParameter> types = {};
  void (*lower)(Lowering&) = nullptr;
};

// Registers at static initialisation: `static const RegisterOperator relu({.name = "Relu", ...});`
class RegisterOperator {
 public:
  explicit RegisterOperator(Operator op);
};

// Sorted by domain and name.
const std::vector<Operator>& all_operators();
// The operator and the newest of its versions that is not above `opset`; null if the table has none.
struct OperatorMatch {
  const Operator* op = nullptr;
  int version = 0;
};
OperatorMatch find_operator(std::string_view domain, std::string_view name, int64_t opset);

// Before the lowering: inputs that the operator does not have, or that are not of its types, are a ModelError
// naming the input, its type and those allowed.
void check_input_types(const Operator& op, Lowering& lowering);
// After it: outputs whose type an attribute chose.
void check_output_types(const Operator& op, const Lowering& lowering);

}  // namespace o2w::onnx_frontend
