#include "compiler/package/metadata.h"

#include <nlohmann/json.hpp>

namespace o2w::package {

namespace {

using Json = nlohmann::ordered_json;

Json describe(const std::vector<schedule::ProgramPort>& ports) {
  Json list = Json::array();
  for (const schedule::ProgramPort& port : ports) {
    Json shape = Json::array();
    for (const ir::Dim& dim : port.shape) {
      if (dim.is_constant()) {
        shape.push_back(dim.value());
      } else if (const ir::SymbolRef symbol = dim.as_symbol()) {
        shape.push_back(symbol->name);
      } else {
        shape.push_back(dim.to_string());
      }
    }
    list.push_back({{"name", port.name},
                    {"dtype", ir::user_name(port.type)},
                    {"onnx_dtype", ir::onnx_code(port.type)},
                    {"shape", std::move(shape)}});
  }
  return list;
}

}  // namespace

std::string metadata_json(const schedule::Program& program, const std::string& compiler_version,
                          int64_t weight_bytes) {
  Json dims = Json::object();
  for (const ir::SymbolRef& symbol : program.symbols) {
    if (symbol->from_input) dims[symbol->name] = {{"min", symbol->lower}, {"max", symbol->upper}};
  }
  const Json json = {
      {"format", 1},
      {"compiler", "onnx2wasm " + compiler_version},
      {"model", {{"name", program.name}, {"opset", program.opset}, {"sha256", program.source_sha256}}},
      {"inputs", describe(program.inputs)},
      {"outputs", describe(program.outputs)},
      {"dims", std::move(dims)},
      {"memory",
       {{"weights", weight_bytes}, {"arena", program.is_static ? Json(program.arena_bytes) : Json(nullptr)}}},
  };
  // Names come from the model's file: bytes that are no UTF-8 must not stop the compilation.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace o2w::package
