// The ONNX model as plain C++: what the protobuf messages say, checked and with tensors decoded. Only
// read_model.cpp sees protobuf.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/tensor.h"
#include "compiler/support/diagnostics.h"

namespace o2w::onnx_frontend {

struct GraphDef;
struct TypeDef;

struct AttributeDef {
  enum class Kind : uint8_t {
    none,
    real,
    integer,
    text,
    tensor,
    graph,
    reals,
    integers,
    texts,
    tensors,
    graphs,
    type,
    other
  };
  std::string name;
  Kind kind = Kind::none;
  double real = 0;
  int64_t integer = 0;
  std::string text;
  ir::Tensor tensor;
  std::shared_ptr<GraphDef> graph;
  std::vector<double> reals;
  std::vector<int64_t> integers;
  std::vector<std::string> texts;
  std::vector<ir::Tensor> tensors;
  std::vector<std::shared_ptr<GraphDef>> graphs;
  std::shared_ptr<const TypeDef> type;
  std::string reference;  // in a function body: the function's attribute that gives the value
};

struct NodeDef {
  std::string name;    // never empty: "#12" (position in its graph) when the model has none
  std::string domain;  // "" for ai.onnx
  std::string op_type;
  std::string overload;
  std::vector<std::string> inputs, outputs;  // "" = absent
  std::map<std::string, AttributeDef> attributes;
};

// One dimension of a declared type.
struct DimDef {
  std::optional<int64_t> value;  // absent when unknown (also for -1 and 0-with-name)
  std::string name;              // dim_param; may be empty
};

struct TypeDef {
  enum class Kind : uint8_t { tensor, sequence, optional, map, sparse, unknown } kind = Kind::unknown;
  ir::DType element = ir::DType::f32;
  std::optional<std::vector<DimDef>> shape;  // absent: rank unknown
  std::shared_ptr<TypeDef> inner;            // element of a sequence or optional
};

struct ValueDef {
  std::string name;
  TypeDef type;
};

struct GraphDef {
  std::string name;
  std::vector<ValueDef> inputs, outputs, value_info;
  std::map<std::string, ir::Tensor> initializers;
  std::vector<NodeDef> nodes;
};

struct FunctionDef {
  std::string domain, name, overload;
  std::vector<std::string> inputs, outputs, attributes;
  std::map<std::string, AttributeDef> attribute_defaults;
  std::vector<NodeDef> nodes;
  std::map<std::string, int64_t> opset_imports;
};

struct ModelDef {
  int64_t ir_version = 0;
  std::map<std::string, int64_t> opset_imports;  // domain ("" for ai.onnx) -> version
  std::string producer;
  GraphDef graph;
  std::vector<FunctionDef> functions;
  std::map<std::string, std::string> metadata;
  std::string sha256;  // of the file's bytes
};

// Reads a binary .onnx file, external data beside it included (paths that leave the model's folder are
// errors). Bad files give errors, never a crash.
Result<ModelDef> read_model(const std::string& path, Diagnostics& diagnostics);
Result<ModelDef> parse_model(const uint8_t* bytes, std::size_t size,
                             const std::string& folder_of_external_data, Diagnostics& diagnostics);
// A TensorProto file (conformance data's input_0.pb).
Result<ir::Tensor> read_tensor_file(const std::string& path, Diagnostics& diagnostics);
// The same for a value of any type: a TensorProto, SequenceProto or OptionalProto as `type` says.
Result<ir::Tensor> read_value_file(const std::string& path, const TypeDef& type, Diagnostics& diagnostics);
// Serializes to a TensorProto file.
bool write_tensor_file(const std::string& path, const std::string& name, const ir::Tensor& tensor,
                       Diagnostics& diagnostics);

}  // namespace o2w::onnx_frontend
