#include "tests/property/write_model.h"

#include <onnx/onnx_pb.h>

#include "compiler/support/error.h"

namespace o2w::property {

using onnx_frontend::AttributeDef;
using Kind = AttributeDef::Kind;

namespace {

void write(const onnx_frontend::GraphDef& graph, onnx::GraphProto& proto);

// Types of less than a byte are packed in files, the first element in the low bits.
int bits_in_file(ir::DType type) {
  switch (type) {
    case ir::DType::i4:
    case ir::DType::u4:
    case ir::DType::f4e2m1:
      return 4;
    case ir::DType::i2:
    case ir::DType::u2:
      return 2;
    default:
      return 8;
  }
}

void write(const ir::Tensor& tensor, onnx::TensorProto& proto) {
  proto.set_data_type(ir::onnx_code(tensor.type()));
  for (const int64_t dim : tensor.dims()) proto.add_dims(dim);
  const int bits = bits_in_file(tensor.type());
  std::string raw(reinterpret_cast<const char*>(tensor.bytes()),
                  static_cast<std::size_t>(tensor.byte_count()));
  if (bits < 8) {
    const auto per_byte = static_cast<std::size_t>(8 / bits);
    std::string packed((raw.size() + per_byte - 1) / per_byte, '\0');
    for (std::size_t i = 0; i < raw.size(); ++i) {
      const unsigned element = static_cast<unsigned char>(raw[i]) & ((1U << bits) - 1);
      packed[i / per_byte] = static_cast<char>(static_cast<unsigned char>(packed[i / per_byte]) |
                                               (element << (bits * static_cast<int>(i % per_byte))));
    }
    raw = std::move(packed);
  }
  proto.set_raw_data(std::move(raw));
}

void write(const AttributeDef& attribute, onnx::AttributeProto& proto) {
  proto.set_name(attribute.name);
  switch (attribute.kind) {
    case Kind::real:
      proto.set_type(onnx::AttributeProto::FLOAT);
      proto.set_f(static_cast<float>(attribute.real));
      break;
    case Kind::integer:
      proto.set_type(onnx::AttributeProto::INT);
      proto.set_i(attribute.integer);
      break;
    case Kind::text:
      proto.set_type(onnx::AttributeProto::STRING);
      proto.set_s(attribute.text);
      break;
    case Kind::tensor:
      proto.set_type(onnx::AttributeProto::TENSOR);
      write(attribute.tensor, *proto.mutable_t());
      break;
    case Kind::graph:
      proto.set_type(onnx::AttributeProto::GRAPH);
      write(*attribute.graph, *proto.mutable_g());
      break;
    case Kind::reals:
      proto.set_type(onnx::AttributeProto::FLOATS);
      for (const double number : attribute.reals) proto.add_floats(static_cast<float>(number));
      break;
    case Kind::integers:
      proto.set_type(onnx::AttributeProto::INTS);
      for (const int64_t number : attribute.integers) proto.add_ints(number);
      break;
    case Kind::texts:
      proto.set_type(onnx::AttributeProto::STRINGS);
      for (const std::string& text : attribute.texts) proto.add_strings(text);
      break;
    default:
      fail_internal("an attribute of a kind that the property test does not make");
  }
}

void write(const onnx_frontend::ValueDef& value, onnx::ValueInfoProto& proto) {
  proto.set_name(value.name);
  auto* type = proto.mutable_type()->mutable_tensor_type();
  type->set_elem_type(ir::onnx_code(value.type.element));
  if (!value.type.shape) return;
  auto* shape = type->mutable_shape();
  for (const onnx_frontend::DimDef& dim : *value.type.shape) {
    auto* written = shape->add_dim();
    if (dim.value) {
      written->set_dim_value(*dim.value);
    } else if (!dim.name.empty()) {
      written->set_dim_param(dim.name);
    }
  }
}

void write(const onnx_frontend::GraphDef& graph, onnx::GraphProto& proto) {
  proto.set_name(graph.name);
  for (const auto& input : graph.inputs) write(input, *proto.add_input());
  for (const auto& output : graph.outputs) write(output, *proto.add_output());
  for (const auto& [name, tensor] : graph.initializers) {
    auto* initializer = proto.add_initializer();
    initializer->set_name(name);
    write(tensor, *initializer);
  }
  for (const auto& node : graph.nodes) {
    auto* written = proto.add_node();
    written->set_name(node.name);
    written->set_op_type(node.op_type);
    written->set_domain(node.domain);
    for (const std::string& input : node.inputs) written->add_input(input);
    for (const std::string& output : node.outputs) written->add_output(output);
    for (const auto& [name, attribute] : node.attributes) write(attribute, *written->add_attribute());
  }
}

}  // namespace

std::vector<uint8_t> to_bytes(const onnx_frontend::ModelDef& model) {
  onnx::ModelProto proto;
  proto.set_ir_version(model.ir_version);
  proto.set_producer_name(model.producer);
  for (const auto& [domain, version] : model.opset_imports) {
    auto* import = proto.add_opset_import();
    import->set_domain(domain);
    import->set_version(version);
  }
  for (const auto& [key, text] : model.metadata) {
    auto* entry = proto.add_metadata_props();
    entry->set_key(key);
    entry->set_value(text);
  }
  write(model.graph, *proto.mutable_graph());
  const std::string bytes = proto.SerializeAsString();
  return {bytes.begin(), bytes.end()};
}

}  // namespace o2w::property
