#include "tests/property/case_file.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "compiler/ir/tensor.h"
#include "tests/property/write_model.h"
#include "tests/support/tensors.h"

namespace o2w::property {

using ir::Tensor;
using nlohmann::json;

namespace {

constexpr const char* notes_key = "property_test";

void write_file(const std::string& path, const char* data, std::size_t size) {
  std::ofstream file(path, std::ios::binary);
  file.write(data, static_cast<std::streamsize>(size));
  if (!file) throw std::runtime_error("cannot write " + path);
}

json numbers(const Tensor& tensor) {
  json list = json::array();
  for (int64_t i = 0; i < tensor.count(); ++i) list.push_back(tensor.as_int(i));
  return list;
}

}  // namespace

void save_case(const Case& made, const std::string& path) {
  json notes{{"seed", made.seed},
             {"scale", made.scale},
             {"precision", made.precision},
             {"specials", made.specials},
             {"bounded", made.bounded}};
  for (const Input& input : made.inputs) {
    json note{{"kind", static_cast<int>(input.recipe.kind)},
              {"low", input.recipe.low},
              {"high", input.recipe.high},
              {"dims", input.tensor.dims()}};
    if (input.recipe.kind == Recipe::Kind::fixed) note["values"] = numbers(input.tensor);
    notes["inputs"][input.name] = note;
  }
  for (const auto& [name, exact] : made.exact) {
    for (const auto& output : made.model.graph.outputs) {
      if (output.name == name) notes["exact"][name] = exact;
    }
  }
  ModelDef model = made.model;
  model.metadata[notes_key] = notes.dump();
  const std::vector<uint8_t> bytes = to_bytes(model);
  write_file(path, reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Case load_case(const std::string& path) {
  Diagnostics diagnostics;
  auto model = onnx_frontend::read_model(path, diagnostics);
  if (!model) throw std::runtime_error(diagnostics.to_string());
  Case made;
  // Models written by hand have none: their inputs are small multiples of 1/4, of size 3 where they are
  // dynamic.
  const auto found = model->metadata.find(notes_key);
  const json notes = found == model->metadata.end() ? json::object() : json::parse(found->second);
  made.seed = notes.value("seed", uint64_t{1});
  made.scale = notes.value("scale", 4.0);
  made.precision = notes.value("precision", 1e-4);
  made.specials = notes.value("specials", false);
  made.bounded = notes.value("bounded", false);
  if (notes.contains("exact")) made.exact = notes.at("exact").get<std::map<std::string, bool>>();
  Random random(made.seed);
  for (const auto& port : model->graph.inputs) {
    Input& input = made.inputs.emplace_back();
    input.name = port.name;
    if (!notes.contains("inputs")) {
      Dims dims;
      for (const auto& dim : *port.type.shape) dims.push_back(dim.value.value_or(3));
      input.recipe.low = 1;
      input.tensor = fill(random, port.type.element, dims, input.recipe, true, false);
      continue;
    }
    const json& note = notes.at("inputs").at(port.name);
    input.recipe = {static_cast<Recipe::Kind>(note.at("kind").get<int>()), note.at("low"), note.at("high")};
    const Dims dims = note.at("dims");
    if (input.recipe.kind == Recipe::Kind::fixed) {
      input.tensor = Tensor(port.type.element, dims);
      for (int64_t i = 0; i < input.tensor.count(); ++i)
        input.tensor.set_int(i, note.at("values").at(static_cast<std::size_t>(i)));
    } else {
      const bool exact = input.recipe.kind == Recipe::Kind::range || input.recipe.low != 0;
      input.tensor = fill(random, port.type.element, dims, input.recipe, exact, made.specials);
    }
  }
  made.model = std::move(*model);
  return made;
}

void write_answers(const Case& made, const std::vector<Tensor>& outputs, const std::string& folder,
                   const std::string& name) {
  const std::vector<uint8_t> bytes = to_bytes(made.model);
  write_file(folder + "/" + name + ".onnx", reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::string data;
  const auto describe_tensor = [&](const std::string& port, const Tensor& tensor) {
    data.resize((data.size() + 15) / 16 * 16);
    const json entry{{"name", port},
                     {"type", ir::user_name(tensor.type())},
                     {"dims", tensor.dims()},
                     {"offset", data.size()},
                     {"bytes", tensor.byte_count()}};
    data.append(reinterpret_cast<const char*>(tensor.bytes()), static_cast<std::size_t>(tensor.byte_count()));
    return entry;
  };
  json description{
      {"seed", made.seed}, {"specials", made.specials}, {"allowed", made.precision * made.scale}};
  for (const Input& input : made.inputs)
    description["inputs"].push_back(describe_tensor(input.name, input.tensor));
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::string& port = made.model.graph.outputs[i].name;
    json entry = describe_tensor(port, outputs[i]);
    const auto exact = made.exact.find(port);
    entry["exact"] = exact != made.exact.end() && exact->second;
    description["outputs"].push_back(entry);
  }
  const std::string text = description.dump();
  write_file(folder + "/" + name + ".bin", data.data(), data.size());
  write_file(folder + "/" + name + ".json", text.data(), text.size());
}

namespace {

std::string attribute_text(const AttributeDef& attribute) {
  switch (attribute.kind) {
    case AttributeDef::Kind::integer:
      return std::to_string(attribute.integer);
    case AttributeDef::Kind::real:
      return fmt::format("{}", attribute.real);
    case AttributeDef::Kind::text:
      return attribute.text;
    case AttributeDef::Kind::integers:
      return test::to_string(attribute.integers);
    case AttributeDef::Kind::graph:
      return "{...}";
    default:
      return "?";
  }
}

void describe(const GraphDef& graph, const std::string& indent, std::string& text) {
  for (const NodeDef& node : graph.nodes) {
    text += fmt::format("{}{} = {}({})", indent, fmt::join(node.outputs, ", "), node.op_type,
                        fmt::join(node.inputs, ", "));
    for (const auto& [name, attribute] : node.attributes)
      text += fmt::format(" {}={}", name, attribute_text(attribute));
    text += "\n";
    for (const auto& [name, attribute] : node.attributes) {
      if (!attribute.graph) continue;
      text += fmt::format("{}  {}(", indent, name);
      for (const auto& input : attribute.graph->inputs) text += input.name + " ";
      text += "):\n";
      describe(*attribute.graph, indent + "    ", text);
      for (const auto& output : attribute.graph->outputs)
        text += fmt::format("{}    -> {}\n", indent, output.name);
    }
  }
}

}  // namespace

std::string describe(const Case& made) {
  const GraphDef& graph = made.model.graph;
  std::string text = fmt::format("opset {}{}\n", made.model.opset_imports.at(""),
                                 made.specials ? ", with infinities and NaN" : "");
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    text += fmt::format("input {}: {}{}", graph.inputs[i].name, ir::user_name(graph.inputs[i].type.element),
                        test::to_string(made.inputs[i].tensor.dims()));
    for (const auto& dim : *graph.inputs[i].type.shape) {
      if (!dim.value) text += " " + dim.name;
    }
    text += "\n";
  }
  for (const auto& [name, tensor] : graph.initializers) {
    text +=
        fmt::format("constant {}: {}{}", name, ir::user_name(tensor.type()), test::to_string(tensor.dims()));
    if (tensor.count() <= 8) {
      text += " =";
      for (int64_t i = 0; i < tensor.count(); ++i) text += fmt::format(" {}", tensor.as_double(i));
    }
    text += "\n";
  }
  describe(graph, "", text);
  for (const auto& output : graph.outputs) text += fmt::format("output {}\n", output.name);
  return text;
}

}  // namespace o2w::property
