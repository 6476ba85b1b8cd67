#include "compiler/package/metadata.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

namespace o2w::package {

namespace {

using Json = nlohmann::ordered_json;

// What a list holds: {"kind", "dtype", "onnx_dtype", "shape"} of tensors, {"kind", "list"} of lists. Sizes
// that differ from element to element are null, and so is the shape where ranks do.
Json describe(const ir::ListType& type) {
  Json json = {{"kind", type.is_optional() ? "optional" : "sequence"}};
  if (type.inner) {
    json["list"] = describe(*type.inner);
    return json;
  }
  json["dtype"] = ir::user_name(type.element);
  json["onnx_dtype"] = ir::onnx_code(type.element);
  const std::optional<int> rank = type.mixed_ranks ? std::nullopt : type.rank->get();
  if (!rank) {
    json["shape"] = nullptr;
    return json;
  }
  Json shape = Json::array();
  for (int d = 0; d < *rank; ++d) {
    const std::optional<ir::Dim> dim = ir::known_dim(type, d);
    if (!dim) {
      shape.push_back(nullptr);
    } else if (dim->is_constant()) {
      shape.push_back(dim->value());
    } else {
      shape.push_back(dim->to_string());
    }
  }
  json["shape"] = std::move(shape);
  return json;
}

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
    const bool rank_by_run = port.list && port.list->kind == ir::ListType::Kind::tensor;
    const ir::DType type = rank_by_run ? port.list->element : port.type;
    list.push_back({{"name", port.name},
                    {"dtype", ir::user_name(type)},
                    {"onnx_dtype", ir::onnx_code(type)},
                    {"shape", rank_by_run ? Json(nullptr) : std::move(shape)}});
    if (port.list && !rank_by_run) list.back()["list"] = describe(*port.list);
  }
  return list;
}

}  // namespace

std::string metadata_json(const schedule::Program& program, const std::string& compiler_version,
                          int64_t weight_bytes, const abi::WeightsDescriptor& sidecar,
                          const std::vector<WeightsFile>& files) {
  Json dims = Json::object();
  for (const ir::SymbolRef& symbol : program.symbols) {
    if (symbol->from_input) dims[symbol->name] = {{"min", symbol->lower}, {"max", symbol->upper}};
  }
  Json json = {
      {"format", 1},
      {"compiler", "onnx2wasm " + compiler_version},
      {"model", {{"name", program.name}, {"opset", program.opset}, {"sha256", program.source_sha256}}},
      {"inputs", describe(program.inputs)},
      {"outputs", describe(program.outputs)},
      {"dims", std::move(dims)},
      {"memory",
       {{"weights", weight_bytes}, {"arena", program.is_static ? Json(program.arena_bytes) : Json(nullptr)}}},
  };
  if (!files.empty()) {
    Json list = Json::array();
    for (const WeightsFile& file : files) {
      list.push_back({{"name", file.name}, {"bytes", file.bytes.size()}, {"sha256", file.sha256}});
    }
    json["weights"] = {{"address", sidecar.address},
                       {"bytes", sidecar.bytes},
                       {"hash", fmt::format("{:08x}{:08x}", sidecar.hash[1], sidecar.hash[0])},
                       {"files", std::move(list)}};
  }
  // Names come from the model's file: bytes that are no UTF-8 must not stop the compilation.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace o2w::package
