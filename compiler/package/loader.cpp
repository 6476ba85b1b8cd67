// The loader beside a module: one ES module without dependencies, and its types. Nothing of the model is in
// it but the files' names, and code only for the kinds of ports that the model has: ports come from the
// module's own metadata, so a loader and a module cannot disagree. Its text is templates/loader.mjs and
// templates/loader.d.ts.
#include <fmt/core.h>
#include <loader_text.h>

#include <nlohmann/json.hpp>

#include "compiler/package/loader_template.h"
#include "compiler/package/metadata.h"
#include "compiler/package/package.h"

namespace o2w::package {

namespace {

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

// "model.wasm" -> "model.mjs".
std::string loader_name(const std::string& wasm_name) {
  const std::string ending = ".wasm";
  const bool has_ending = wasm_name.size() > ending.size() && wasm_name.ends_with(ending);
  return (has_ending ? wasm_name.substr(0, wasm_name.size() - ending.size()) : wasm_name) + ".mjs";
}

const char* array_type(ir::DType type) {
  switch (type) {
    case ir::DType::string:
      return "string[]";
    case ir::DType::f64:
    case ir::DType::c128:
      return "Float64Array";
    case ir::DType::f32:
    case ir::DType::c64:
      return "Float32Array";
    case ir::DType::i8:
    case ir::DType::i4:
    case ir::DType::i2:
      return "Int8Array";
    case ir::DType::i16:
      return "Int16Array";
    case ir::DType::i32:
      return "Int32Array";
    case ir::DType::i64:
      return "BigInt64Array";
    case ir::DType::u16:
    case ir::DType::f16:
    case ir::DType::bf16:
      return "Uint16Array";
    case ir::DType::u32:
      return "Uint32Array";
    case ir::DType::u64:
      return "BigUint64Array";
    default:
      return "Uint8Array";
  }
}

// A comment must not be closed by a name.
std::string in_comment(const std::string& text) { return replace_all(text, "*/", "* /"); }

std::string list_type(const ir::ListType& type, bool is_input) {
  std::string element;
  if (type.inner) {
    element = list_type(*type.inner, is_input);
  } else {
    const char* array = array_type(type.element);
    element = is_input ? fmt::format("Tensor<{}> | {}", array, array) : fmt::format("Tensor<{}>", array);
  }
  if (!type.is_optional()) return fmt::format("({})[]", element);
  return fmt::format("{} | null{}", element, is_input ? " | undefined" : "");
}

std::string fields(const std::vector<schedule::ProgramPort>& ports, bool are_inputs) {
  std::string text;
  for (const schedule::ProgramPort& port : ports) {
    if (port.list && port.list->kind == ir::ListType::Kind::tensor) {
      text +=
          fmt::format("  /** {}, of a rank that the run tells */\n  {}: Tensor<{}>;\n",
                      ir::user_name(port.list->element), quoted(port.name), array_type(port.list->element));
      continue;
    }
    if (port.list) {
      text += fmt::format("  /** {} */\n  {}: {};\n", in_comment(ir::to_string(*port.list)),
                          quoted(port.name), list_type(*port.list, are_inputs));
      continue;
    }
    const char* array = array_type(port.type);
    text += fmt::format("  /** {}{} */\n", ir::user_name(port.type), in_comment(ir::to_string(port.shape)));
    text += are_inputs ? fmt::format("  {}: Tensor<{}> | {};\n", quoted(port.name), array, array)
                       : fmt::format("  {}: Tensor<{}>;\n", quoted(port.name), array);
  }
  return text;
}

}  // namespace

std::string loader_js(const Package& package, const std::string& wasm_name) {
  std::set<std::string> features = package.loader_features;
  if (!package.weights.empty()) features.insert("sidecar");
  std::string text = replace_all(text_for(loader_text, features), "@SECTION@", kMetadataSection);
  text = replace_all(text, "@FILE@", quoted(wasm_name));
  std::string weights;
  for (const WeightsFile& file : package.weights)
    weights += (weights.empty() ? "" : ", ") + quoted(file.name);
  text = replace_all(text, "@WEIGHTS@", "[" + weights + "]");
  // A file name may hold anything but must not end the comment it is mentioned in.
  std::string shown = replace_all(replace_all(wasm_name, "\n", " "), "\r", " ");
  return replace_all(replace_all(text, "@WASM@", shown), "@MODULE@", loader_name(shown));
}

std::set<std::string> loader_features(const schedule::Program& program) {
  std::set<std::string> features;
  const auto add_type = [&](ir::DType type) {
    if (type == ir::DType::string) features.insert("strings");
    if (type == ir::DType::c64 || type == ir::DType::c128) features.insert("complex");
    if (type == ir::DType::f16) features.insert("float16");
    // Those that ONNX has added since.
    if (type != ir::DType::list && ir::onnx_code(type) >= ir::onnx_code(ir::DType::bf16))
      features.insert("bits");
  };
  for (const auto* ports : {&program.inputs, &program.outputs}) {
    for (const schedule::ProgramPort& port : *ports) {
      add_type(port.type);
      for (const ir::ListType* list = port.list.get(); list != nullptr; list = list->inner.get()) {
        if (list->kind != ir::ListType::Kind::tensor) features.insert("lists");
        if (!list->inner) add_type(list->element);
      }
    }
  }
  return features;
}

std::string loader_dts(const schedule::Program& program, const std::string& wasm_name) {
  std::string text =
      replace_all(loader_types_text, "@WASM@", replace_all(replace_all(wasm_name, "\n", " "), "\r", " "));
  text = replace_all(text, "@INPUTS@", fields(program.inputs, true));
  return replace_all(text, "@OUTPUTS@", fields(program.outputs, false));
}

}  // namespace o2w::package
