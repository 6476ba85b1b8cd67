#include "tests/property/check_case.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "compiler/eval/evaluate.h"
#include "compiler/ir/verify.h"
#include "compiler/package/interpreted_model.h"
#include "compiler/package/package.h"
#include "compiler/passes/pass.h"
#include "compiler/schedule/schedule.h"
#include "compiler/support/error.h"
#include "frontends/onnx/import.h"
#include "tests/property/families.h"
#include "tests/property/write_model.h"
#include "tests/support/tensors.h"

namespace o2w::property {

using ir::Tensor;

namespace {

// The file's bytes are what is compiled, so that reading is a part of the test.
ModelDef reread(const ModelDef& model) {
  const std::vector<uint8_t> bytes = to_bytes(model);
  Diagnostics diagnostics;
  auto result = onnx_frontend::parse_model(bytes.data(), bytes.size(), ".", diagnostics);
  if (!result) throw ModelError(diagnostics.to_string());
  return std::move(*result);
}

ir::Graph import(const ModelDef& model, bool bounded, bool fold) {
  Diagnostics diagnostics;
  onnx_frontend::ImportOptions options;
  options.fold_constants = fold;
  for (const auto& input : model.graph.inputs) {
    for (const auto& dim : *input.type.shape) {
      if (bounded && !dim.value) options.dims[dim.name] = {1, 64};
    }
  }
  auto graph = onnx_frontend::import_model(model, options, diagnostics);
  if (!graph) throw ModelError(diagnostics.to_string());
  ir::verify(*graph, "import");
  return std::move(*graph);
}

struct Compiled {
  ir::Graph graph;  // after the passes
  std::vector<uint8_t> wasm;
};

// Winograd's algorithm makes NaN of infinities, as it subtracts them: `exact` does without.
Compiled compile(const ModelDef& model, bool bounded, int level, bool exact) {
  ir::Graph graph = import(model, bounded, true);
  passes::run_passes(graph, {.level = level},
                     [](const std::string& phase, const ir::Graph& now) { ir::verify(now, phase); });
  Diagnostics diagnostics;
  const auto program =
      schedule::make_program(graph, {.level = level, .exact = exact, .dump = nullptr}, diagnostics);
  if (!program) throw ModelError(diagnostics.to_string());
  // Level 3 costs Binaryen more time and differs in nothing else.
  auto package = package::make_package(*program, {.level = level, .version = "test"}, diagnostics);
  if (!package) throw ModelError(diagnostics.to_string());
  return {std::move(graph), package->wasm.joined()};
}

std::optional<std::string> compare(const Tensor& got, const Tensor& expected, bool exact, double allowed) {
  if (exact || !ir::is_float(expected.type())) {
    return test::difference(got, expected, {.relative = 0, .absolute = 0});
  }
  return test::difference(got, expected, {.relative = allowed, .absolute = allowed});
}

// The model with all values of the main graph as outputs, to see whether the numbers stay in bounds.
bool well_conditioned(const Case& made, const std::vector<Tensor>& inputs) {
  ModelDef model = made.model;
  model.graph.outputs.clear();
  std::vector<bool> exact;
  for (const NodeDef& node : model.graph.nodes) {
    for (const std::string& name : node.outputs) {
      const auto found = made.exact.find(name);
      if (found == made.exact.end()) continue;
      onnx_frontend::ValueDef def;
      def.name = name;
      def.type.kind = onnx_frontend::TypeDef::Kind::tensor;
      model.graph.outputs.push_back(def);
      exact.push_back(found->second);
    }
  }
  if (exact.empty()) return true;
  const std::vector<Tensor> values = eval::evaluate(import(model, made.bounded, true), inputs);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!ir::is_float(values[i].type())) continue;
    if (exact[i] ? !on_grid(values[i]) : magnitude(values[i]) > 4 * made.scale) return false;
  }
  return true;
}

struct Outcome {
  std::vector<Tensor> outputs;
  std::string error;
};

template <typename F>
Outcome outcome(F run) {
  try {
    return {run(), ""};
  } catch (const ModelError& error) {
    return {{}, error.what()};
  }
}

std::string compare_runs(const Case& made, const Outcome& got, const Outcome& expected, bool values) {
  if (!got.error.empty() || !expected.error.empty()) {
    if (got.error.empty()) return "the evaluator fails but the module does not: " + expected.error;
    if (expected.error.empty()) return "the module fails but the evaluator does not: " + got.error;
    return "";
  }
  if (got.outputs.size() != expected.outputs.size()) return "a different number of outputs";
  for (std::size_t i = 0; i < got.outputs.size(); ++i) {
    const std::string& name = made.model.graph.outputs[i].name;
    const Tensor& mine = got.outputs[i];
    const Tensor& reference = expected.outputs[i];
    if (mine.type() != reference.type() || mine.dims() != reference.dims()) {
      return fmt::format("output '{}' is {}{}, expected {}{}", name, ir::user_name(mine.type()),
                         test::to_string(mine.dims()), ir::user_name(reference.type()),
                         test::to_string(reference.dims()));
    }
    if (!values) continue;
    const auto exact = made.exact.find(name);
    const auto difference =
        compare(mine, reference, exact != made.exact.end() && exact->second, made.precision * made.scale);
    if (difference) return fmt::format("output '{}': {}", name, *difference);
  }
  return "";
}

std::vector<Tensor> redrawn(const Case& made, Random& random, bool resize) {
  std::map<std::string, int64_t> sizes;
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < made.inputs.size(); ++i) {
    const Input& input = made.inputs[i];
    if (input.recipe.kind == Recipe::Kind::fixed) {
      tensors.push_back(input.tensor);
      continue;
    }
    Dims dims = input.tensor.dims();
    const auto& shape = *made.model.graph.inputs[i].type.shape;
    for (std::size_t d = 0; d < dims.size(); ++d) {
      if (shape[d].value || !resize) continue;
      const auto [size, added] = sizes.try_emplace(shape[d].name, dims[d]);
      if (added && random.chance(0.7))
        size->second = random.chance(0.1) ? random.between(0, 1) : random.between(1, 9);
      dims[d] = size->second;
    }
    const bool exact = input.recipe.kind == Recipe::Kind::range || input.recipe.low != 0;
    tensors.push_back(fill(random, input.tensor.type(), dims, input.recipe, exact, made.specials));
  }
  return tensors;
}

}  // namespace

int level_of(uint64_t seed) {
  const auto draw = seed % 16;
  return draw == 3 || draw == 11 ? 0 : draw == 5 ? 1 : draw == 13 ? 3 : 2;
}

Checked check_case(const Case& made, int level) {
  Checked result;
  try {
    const ModelDef model = reread(made.model);
    const Compiled compiled = compile(model, made.bounded, level, made.specials);
    const ir::Graph reference = import(model, made.bounded, false);
    package::InterpretedModel module(compiled.wasm);
    std::vector<Tensor> inputs;
    for (const Input& input : made.inputs) inputs.push_back(input.tensor);

    const Outcome first = outcome([&] { return module.run(inputs); });
    result.problem =
        compare_runs(made, first, outcome([&] { return eval::evaluate(reference, inputs); }), true);
    if (!result.problem.empty()) return result;
    result.outputs = first.outputs;

    Random random(made.seed + 77);
    for (int round = 0; round < 2; ++round) {
      const std::vector<Tensor> other = redrawn(made, random, round > 0);
      Outcome expected = outcome([&] { return eval::evaluate(reference, other); });
      // A branch or loop whose results nothing needs is not part of the module, nor are its checks.
      if (!expected.error.empty()) expected = outcome([&] { return eval::evaluate(compiled.graph, other); });
      bool values = expected.error.empty();
      try {
        values = values && well_conditioned(made, other);
      } catch (const ModelError&) {
        values = false;  // a part that nothing needs fails for these sizes
      }
      result.problem = compare_runs(made, outcome([&] { return module.run(other); }), expected, values);
      if (!result.problem.empty()) {
        result.problem = (round == 0 ? "other inputs: " : "other sizes: ") + result.problem;
        return result;
      }
    }
    const Outcome again = outcome([&] { return module.run(inputs); });
    if (again.error != first.error) {
      result.problem = "the first inputs again: " + again.error;
      return result;
    }
    for (std::size_t i = 0; i < first.outputs.size(); ++i) {
      if (!again.outputs[i].same_bits(first.outputs[i])) {
        result.problem = fmt::format("the first inputs again: other bits in output '{}'",
                                     made.model.graph.outputs[i].name);
      }
    }
  } catch (const InternalError& error) {
    result.problem = std::string("internal error: ") + error.what();
  } catch (const ModelError& error) {
    result.problem = std::string("does not compile: ") + error.what();
  } catch (const std::exception& error) {
    result.problem = std::string("exception: ") + error.what();
  }
  return result;
}

Case make_case(uint64_t seed) {
  Random choice(seed ^ 0x5eed);
  const int64_t opset = choice.pick({13, 17, 18, 20, 21, 21, 21, 21});
  const auto steps = choice.chance(0.1) ? choice.between(10, 24) : choice.between(1, 9);
  Maker maker(seed, opset);
  std::string rejected;
  for (int64_t step = 0; step < steps && rejected.empty(); ++step) {
    try {
      grow(maker);
    } catch (const Rejected& error) {
      rejected = error.what();
    } catch (const ModelError&) {
      // The operator is not in the table for this opset.
    } catch (const InternalError& error) {
      rejected = std::string("internal error: ") + error.what();
    } catch (const std::runtime_error&) {
      // Nothing suited.
    }
  }
  while (maker.depth() > 0) maker.close({});
  Case made = maker.finish();
  // Not where the inputs themselves lie outside of the bounds.
  made.bounded =
      choice.chance(0.25) && std::all_of(made.inputs.begin(), made.inputs.end(),
                                         [](const Input& input) { return input.tensor.count() > 0; });
  made.rejected = rejected;
  return made;
}

}  // namespace o2w::property
