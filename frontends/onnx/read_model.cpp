// The only file that sees protobuf: messages in, ModelDef out. Fields newer than the installed onnx.proto are
// read from the unknown fields.
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/unknown_field_set.h>
#include <onnx/onnx-data_pb.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <utility>

#include "compiler/support/error.h"
#include "frontends/onnx/file.h"
#include "frontends/onnx/model.h"
#include "frontends/onnx/tensor_data.h"

namespace o2w::onnx_frontend {

using ir::DType;
using ir::Tensor;

namespace {

// Sparse initializers are stored small but become dense: all of a model's together may not take more than
// this.
constexpr int64_t sparse_budget = int64_t{1} << 30;

// Field numbers that onnx.proto got after ONNX 1.12.
constexpr int node_overload = 8;
constexpr int function_attribute_proto = 11;
constexpr int function_overload = 13;

std::string unknown_text(const google::protobuf::UnknownFieldSet& fields, int number) {
  for (int i = 0; i < fields.field_count(); ++i) {
    const google::protobuf::UnknownField& field = fields.field(i);
    if (field.number() == number && field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
      return field.length_delimited();
    }
  }
  return {};
}

// Gives the typed field's memory back as soon as its contents have been taken.
template <typename Stored, typename Field>
Tensor from_field(DType type, std::vector<int64_t> dims, Field* field, int per_element) {
  const int64_t count = checked_element_count(dims);
  if (field->size() != count * per_element) {
    fail_model("has {} values, but its dimensions need {}", field->size(), count * per_element);
  }
  std::vector<uint8_t> bytes(count * per_element * sizeof(Stored));
  auto* out = bytes.data();
  for (const auto value : *field) {
    const auto stored = static_cast<Stored>(value);
    std::memcpy(out, &stored, sizeof(Stored));
    out += sizeof(Stored);
  }
  Field().Swap(field);
  return Tensor(type, std::move(dims), std::move(bytes));
}

TypeDef type_def(const onnx::TypeProto& proto);

template <typename TensorType>
void tensor_type(const TensorType& proto, TypeDef& result, TypeDef::Kind kind) {
  const std::optional<DType> element = ir::dtype_from_onnx(proto.elem_type());
  if (!element) return;  // stays unknown
  result.kind = kind;
  result.element = *element;
  if (!proto.has_shape()) return;
  result.shape.emplace();
  for (const auto& dim : proto.shape().dim()) {
    DimDef& def = result.shape->emplace_back();
    if (dim.has_dim_value() && dim.dim_value() >= 0) def.value = dim.dim_value();
    if (dim.has_dim_param()) def.name = dim.dim_param();
  }
}

TypeDef type_def(const onnx::TypeProto& proto) {
  TypeDef result;
  switch (proto.value_case()) {
    case onnx::TypeProto::kTensorType:
      tensor_type(proto.tensor_type(), result, TypeDef::Kind::tensor);
      break;
    case onnx::TypeProto::kSparseTensorType:
      tensor_type(proto.sparse_tensor_type(), result, TypeDef::Kind::sparse);
      break;
    case onnx::TypeProto::kSequenceType:
      result.kind = TypeDef::Kind::sequence;
      result.inner = std::make_shared<TypeDef>(type_def(proto.sequence_type().elem_type()));
      break;
    case onnx::TypeProto::kOptionalType:
      result.kind = TypeDef::Kind::optional;
      result.inner = std::make_shared<TypeDef>(type_def(proto.optional_type().elem_type()));
      break;
    case onnx::TypeProto::kMapType: {
      // The keys' type is `inner`. Values that are no tensors leave the type unknown.
      const std::optional<DType> key = ir::dtype_from_onnx(proto.map_type().key_type());
      if (!key || !proto.map_type().value_type().has_tensor_type()) break;
      tensor_type(proto.map_type().value_type().tensor_type(), result, TypeDef::Kind::map);
      result.inner = std::make_shared<TypeDef>();
      result.inner->element = *key;
      break;
    }
    default:
      break;
  }
  return result;
}

class Reader {
 public:
  Reader(std::string folder, Diagnostics& diagnostics)
      : external_(std::move(folder)), diagnostics_(&diagnostics) {}

  ModelDef model(onnx::ModelProto& proto);
  Tensor tensor(onnx::TensorProto& proto);

 private:
  GraphDef graph(onnx::GraphProto& proto);
  void initializers(onnx::GraphProto& proto, GraphDef& graph);
  NodeDef node(onnx::NodeProto& proto, int position);
  AttributeDef attribute(onnx::AttributeProto& proto);
  FunctionDef function(onnx::FunctionProto& proto);
  Tensor sparse(onnx::SparseTensorProto& proto);
  Tensor packed_int32(DType type, std::vector<int64_t> dims, onnx::TensorProto& proto);

  ExternalData external_;
  Diagnostics* diagnostics_;
  int64_t sparse_left_ = sparse_budget;
};

Tensor Reader::packed_int32(DType type, std::vector<int64_t> dims, onnx::TensorProto& proto) {
  // int32_data holds one byte of the packed form in each entry.
  std::string bytes;
  bytes.reserve(proto.int32_data_size());
  for (const int32_t value : proto.int32_data()) bytes.push_back(static_cast<char>(value));
  return tensor_from_raw(type, std::move(dims), nullptr, reinterpret_cast<const uint8_t*>(bytes.data()),
                         bytes.size());
}

Tensor Reader::tensor(onnx::TensorProto& proto) {
  const std::optional<DType> found = ir::dtype_from_onnx(proto.data_type());
  if (!found) fail_model("has the unknown data type {}", proto.data_type());
  const DType type = *found;
  std::vector<int64_t> dims(proto.dims().begin(), proto.dims().end());
  const int64_t count = checked_element_count(dims);
  if (proto.has_segment()) fail_model("is stored in segments, which is not supported");

  if (proto.data_location() == onnx::TensorProto::EXTERNAL) {
    if (type == DType::string) fail_model("holds strings, which cannot be stored as external data");
    std::map<std::string, std::string> entries;
    for (const auto& entry : proto.external_data()) entries[entry.key()] = entry.value();
    return external_.read(type, std::move(dims), entries);
  }
  if (type == DType::string) {
    if (proto.string_data_size() != count) {
      fail_model("has {} strings, but its dimensions need {}", proto.string_data_size(), count);
    }
    return Tensor::of_strings(std::move(dims), {proto.string_data().begin(), proto.string_data().end()});
  }
  if (proto.has_raw_data()) {
    // Moved out of the message and owned by the tensor: weights are not copied.
    auto bytes = std::make_shared<std::string>(std::move(*proto.mutable_raw_data()));
    const auto* data = reinterpret_cast<const uint8_t*>(bytes->data());
    return tensor_from_raw(type, std::move(dims), bytes, data, bytes->size());
  }
  switch (type) {
    case DType::f32:
      return from_field<float>(type, std::move(dims), proto.mutable_float_data(), 1);
    case DType::c64:
      return from_field<float>(type, std::move(dims), proto.mutable_float_data(), 2);
    case DType::f64:
      return from_field<double>(type, std::move(dims), proto.mutable_double_data(), 1);
    case DType::c128:
      return from_field<double>(type, std::move(dims), proto.mutable_double_data(), 2);
    case DType::i64:
      return from_field<int64_t>(type, std::move(dims), proto.mutable_int64_data(), 1);
    case DType::u64:
      return from_field<uint64_t>(type, std::move(dims), proto.mutable_uint64_data(), 1);
    case DType::u32:
      return from_field<uint32_t>(type, std::move(dims), proto.mutable_uint64_data(), 1);
    case DType::i32:
      return from_field<int32_t>(type, std::move(dims), proto.mutable_int32_data(), 1);
    case DType::boolean:
      return from_field<bool>(type, std::move(dims), proto.mutable_int32_data(), 1);
    case DType::i4:
    case DType::u4:
    case DType::i2:
    case DType::u2:
    case DType::f4e2m1:
      return packed_int32(type, std::move(dims), proto);
    default:
      break;
  }
  // The remaining types are one or two bytes wide; narrow floats are stored as their bits.
  if (ir::byte_size(type) == 2)
    return from_field<uint16_t>(type, std::move(dims), proto.mutable_int32_data(), 1);
  ensure(ir::byte_size(type) == 1, "element type without a decoder");
  return from_field<uint8_t>(type, std::move(dims), proto.mutable_int32_data(), 1);
}

Tensor Reader::sparse(onnx::SparseTensorProto& proto) {
  const Tensor values = tensor(*proto.mutable_values());
  const Tensor indices = tensor(*proto.mutable_indices());
  Tensor dense = dense_from_sparse(values, indices, {proto.dims().begin(), proto.dims().end()}, sparse_left_);
  sparse_left_ -= dense.byte_count();
  return dense;
}

AttributeDef Reader::attribute(onnx::AttributeProto& proto) {
  using Kind = AttributeDef::Kind;
  AttributeDef result;
  result.name = proto.name();
  result.reference = proto.ref_attr_name();

  auto type = proto.type();
  if (!proto.has_type() || type == onnx::AttributeProto::UNDEFINED) {
    // Files of IR version 1 have no discriminator.
    if (proto.has_f())
      type = onnx::AttributeProto::FLOAT;
    else if (proto.has_i())
      type = onnx::AttributeProto::INT;
    else if (proto.has_s())
      type = onnx::AttributeProto::STRING;
    else if (proto.has_t())
      type = onnx::AttributeProto::TENSOR;
    else if (proto.has_g())
      type = onnx::AttributeProto::GRAPH;
    else if (proto.floats_size() > 0)
      type = onnx::AttributeProto::FLOATS;
    else if (proto.ints_size() > 0)
      type = onnx::AttributeProto::INTS;
    else if (proto.strings_size() > 0)
      type = onnx::AttributeProto::STRINGS;
    else if (proto.tensors_size() > 0)
      type = onnx::AttributeProto::TENSORS;
    else if (proto.graphs_size() > 0)
      type = onnx::AttributeProto::GRAPHS;
    else if (proto.has_tp())
      type = onnx::AttributeProto::TYPE_PROTO;
  }
  switch (type) {
    case onnx::AttributeProto::FLOAT:
      result.kind = Kind::real;
      result.real = static_cast<double>(proto.f());
      break;
    case onnx::AttributeProto::INT:
      result.kind = Kind::integer;
      result.integer = proto.i();
      break;
    case onnx::AttributeProto::STRING:
      result.kind = Kind::text;
      result.text = proto.s();
      break;
    case onnx::AttributeProto::TENSOR:
      result.kind = Kind::tensor;
      if (!proto.has_t()) fail_model("is missing");
      result.tensor = tensor(*proto.mutable_t());
      break;
    case onnx::AttributeProto::SPARSE_TENSOR:
      result.kind = Kind::tensor;
      if (!proto.has_sparse_tensor()) fail_model("is missing");
      result.tensor = sparse(*proto.mutable_sparse_tensor());
      break;
    case onnx::AttributeProto::GRAPH:
      result.kind = Kind::graph;
      result.graph = std::make_shared<GraphDef>(graph(*proto.mutable_g()));
      break;
    case onnx::AttributeProto::FLOATS:
      result.kind = Kind::reals;
      result.reals.assign(proto.floats().begin(), proto.floats().end());
      break;
    case onnx::AttributeProto::INTS:
      result.kind = Kind::integers;
      result.integers.assign(proto.ints().begin(), proto.ints().end());
      break;
    case onnx::AttributeProto::STRINGS:
      result.kind = Kind::texts;
      result.texts.assign(proto.strings().begin(), proto.strings().end());
      break;
    case onnx::AttributeProto::TENSORS:
      result.kind = Kind::tensors;
      for (auto& one : *proto.mutable_tensors()) result.tensors.push_back(tensor(one));
      break;
    case onnx::AttributeProto::GRAPHS:
      result.kind = Kind::graphs;
      for (auto& one : *proto.mutable_graphs())
        result.graphs.push_back(std::make_shared<GraphDef>(graph(one)));
      break;
    case onnx::AttributeProto::TYPE_PROTO:
      result.kind = Kind::type;
      result.type = std::make_shared<const TypeDef>(type_def(proto.tp()));
      break;
    case onnx::AttributeProto::UNDEFINED:
      // Nothing set: an empty list of a file without discriminators.
      break;
    default:
      result.kind = Kind::other;
  }
  return result;
}

NodeDef Reader::node(onnx::NodeProto& proto, int position) {
  NodeDef result;
  result.name = proto.name().empty() ? "#" + std::to_string(position) : proto.name();
  result.domain = proto.domain() == "ai.onnx" ? "" : proto.domain();
  result.op_type = proto.op_type();
  result.overload = unknown_text(proto.unknown_fields(), node_overload);
  result.inputs.assign(proto.input().begin(), proto.input().end());
  result.outputs.assign(proto.output().begin(), proto.output().end());
  for (auto& one : *proto.mutable_attribute()) {
    try {
      AttributeDef converted = attribute(one);
      const std::string name = converted.name;
      if (!result.attributes.emplace(name, std::move(converted)).second) {
        diagnostics_->error({result.name, result.op_type, {}},
                            fmt::format("attribute '{}' is given twice", name));
      }
    } catch (const ModelError& error) {
      diagnostics_->error({result.name, result.op_type, {}},
                          fmt::format("the tensor of attribute '{}' {}", one.name(), error.what()));
    }
  }
  return result;
}

std::vector<ValueDef> value_defs(const google::protobuf::RepeatedPtrField<onnx::ValueInfoProto>& protos) {
  std::vector<ValueDef> result;
  result.reserve(protos.size());
  for (const auto& proto : protos) result.push_back({proto.name(), type_def(proto.type())});
  return result;
}

void Reader::initializers(onnx::GraphProto& proto, GraphDef& result) {
  const auto add = [&](const std::string& name, auto&& read) {
    try {
      Tensor contents = read();
      if (name.empty()) {
        diagnostics_->error({}, "an initializer has no name");
      } else if (!result.initializers.emplace(name, std::move(contents)).second) {
        diagnostics_->error({{}, {}, name}, "is initialized twice");
      }
    } catch (const ModelError& error) {
      diagnostics_->error({{}, {}, name}, error.what());
    }
  };
  for (auto& one : *proto.mutable_initializer()) {
    const std::string name = one.name();
    add(name, [&] { return tensor(one); });
  }
  for (auto& one : *proto.mutable_sparse_initializer()) {
    const std::string name = one.values().name();
    add(name, [&] { return sparse(one); });
  }
}

GraphDef Reader::graph(onnx::GraphProto& proto) {
  GraphDef result;
  result.name = proto.name();
  result.inputs = value_defs(proto.input());
  result.outputs = value_defs(proto.output());
  result.value_info = value_defs(proto.value_info());
  initializers(proto, result);
  result.nodes.reserve(proto.node_size());
  for (auto& one : *proto.mutable_node())
    result.nodes.push_back(node(one, static_cast<int>(result.nodes.size())));
  return result;
}

// Domain -> version. The same domain may be listed under both of its spellings.
template <typename Imports>
std::map<std::string, int64_t> opset_imports(const Imports& imports) {
  std::map<std::string, int64_t> result;
  for (const auto& one : imports) {
    int64_t& version = result[one.domain() == "ai.onnx" ? "" : one.domain()];
    version = std::max<int64_t>(version, one.version());
  }
  return result;
}

FunctionDef Reader::function(onnx::FunctionProto& proto) {
  FunctionDef result;
  result.domain = proto.domain() == "ai.onnx" ? "" : proto.domain();
  result.name = proto.name();
  result.overload = unknown_text(proto.unknown_fields(), function_overload);
  result.inputs.assign(proto.input().begin(), proto.input().end());
  result.outputs.assign(proto.output().begin(), proto.output().end());
  result.attributes.assign(proto.attribute().begin(), proto.attribute().end());
  result.opset_imports = opset_imports(proto.opset_import());
  for (auto& one : *proto.mutable_node())
    result.nodes.push_back(node(one, static_cast<int>(result.nodes.size())));

  const google::protobuf::UnknownFieldSet& unknown = proto.unknown_fields();
  for (int i = 0; i < unknown.field_count(); ++i) {
    if (unknown.field(i).number() != function_attribute_proto ||
        unknown.field(i).type() != google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
      continue;
    }
    onnx::AttributeProto with_default;
    if (!with_default.ParseFromString(unknown.field(i).length_delimited())) {
      diagnostics_->error({}, fmt::format("an attribute of function '{}' cannot be read", result.name));
      continue;
    }
    try {
      AttributeDef def = attribute(with_default);
      const std::string name = def.name;
      result.attribute_defaults.insert_or_assign(name, std::move(def));
    } catch (const ModelError& error) {
      diagnostics_->error({}, fmt::format("attribute '{}' of function '{}' {}", with_default.name(),
                                          result.name, error.what()));
    }
  }
  return result;
}

ModelDef Reader::model(onnx::ModelProto& proto) {
  ModelDef result;
  result.ir_version = proto.ir_version();
  result.producer = proto.producer_name();
  if (!proto.producer_version().empty()) result.producer += " " + proto.producer_version();
  result.opset_imports = opset_imports(proto.opset_import());
  // Before IR version 3 there was one operator set and no way to say which.
  if (result.opset_imports.empty() && result.ir_version < 3) result.opset_imports[""] = 1;
  for (const auto& entry : proto.metadata_props()) result.metadata[entry.key()] = entry.value();
  result.graph = graph(*proto.mutable_graph());
  for (auto& one : *proto.mutable_functions()) result.functions.push_back(function(one));
  return result;
}

// protobuf writes what it dislikes to stderr; here that becomes a Diagnostic.
class SilentProtobuf {
 public:
  SilentProtobuf() : before_(google::protobuf::SetLogHandler(nullptr)) {}
  ~SilentProtobuf() { google::protobuf::SetLogHandler(before_); }
  SilentProtobuf(const SilentProtobuf&) = delete;
  SilentProtobuf& operator=(const SilentProtobuf&) = delete;

 private:
  google::protobuf::LogHandler* before_;
};

// Nothing, or what else the file is, for files that people take for a model.
std::string hint_for(const uint8_t* bytes, std::size_t size) {
  const auto begins = [&](std::size_t at, const char* text) {
    const std::size_t length = std::strlen(text);
    return size >= at + length && std::memcmp(bytes + at, text, length) == 0;
  };
  if (begins(0, "version https://git-lfs"))
    return "it is a Git LFS pointer: fetch the file itself with `git lfs pull`";
  if (begins(4, "ORTM")) return "it is in ONNX Runtime's own format: convert the .onnx it was made from";
  if (begins(4, "TFL3")) return "it is a TensorFlow Lite model: convert it to ONNX (tf2onnx)";
  if (begins(0, "PK\x03\x04"))
    return "it is a zip archive (perhaps a PyTorch file): export the model to ONNX";
  if (begins(0, "<") || begins(0, "{")) return "it looks like text; a binary .onnx file is needed";
  return "the file is damaged, incomplete, or not an ONNX model";
}

}  // namespace

Result<ModelDef> parse_model(const uint8_t* bytes, std::size_t size,
                             const std::string& folder_of_external_data, Diagnostics& diagnostics) {
  if (size == 0) {
    diagnostics.error({}, "the file is empty");
    return {};
  }
  if (size > static_cast<std::size_t>(std::numeric_limits<int32_t>::max())) {
    diagnostics.error({},
                      fmt::format("the file has {} bytes; an .onnx file cannot be larger than 2 GiB", size),
                      "save the model with external data");
    return {};
  }
  const SilentProtobuf silent;
  std::optional<ModelDef> model;
  const std::size_t errors_before = diagnostics.error_count();
  {
    onnx::ModelProto proto;
    if (!proto.ParseFromArray(bytes, static_cast<int>(size)) || !proto.has_graph()) {
      diagnostics.error({}, "the file cannot be read as an ONNX model", hint_for(bytes, size));
      return {};
    }
    try {
      model = Reader(folder_of_external_data, diagnostics).model(proto);
    } catch (const ModelError& error) {
      diagnostics.error({}, error.what());
    }
  }
  if (diagnostics.error_count() != errors_before) return {};
  model->sha256 = sha256_hex(bytes, size);
  return model;
}

Result<ModelDef> read_model(const std::string& path, Diagnostics& diagnostics) {
  try {
    const auto file = MappedFile::open(path, "the model");
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    return parse_model(file->bytes(), file->size(), folder.empty() ? "." : folder.string(), diagnostics);
  } catch (const ModelError& error) {
    diagnostics.error({}, error.what());
    return {};
  }
}

namespace {

template <typename Message>
Message parse_value(const MappedFile& file, const std::string& path) {
  Message proto;
  if (file.size() > static_cast<std::size_t>(std::numeric_limits<int32_t>::max()) ||
      !proto.ParseFromArray(file.bytes(), static_cast<int>(file.size()))) {
    fail_model("'{}' cannot be read as a {}", path, Message::descriptor()->name());
  }
  return proto;
}

Tensor list_from(Reader& reader, onnx::SequenceProto& proto);

// None, or an optional's element as a list of one.
Tensor list_from(Reader& reader, onnx::OptionalProto& proto) {
  std::vector<Tensor> elements;
  if (proto.has_tensor_value()) elements.push_back(reader.tensor(*proto.mutable_tensor_value()));
  if (proto.has_sequence_value()) elements.push_back(list_from(reader, *proto.mutable_sequence_value()));
  return Tensor::of_list(std::move(elements));
}

Tensor list_from(Reader& reader, onnx::SequenceProto& proto) {
  std::vector<Tensor> elements;
  for (auto& one : *proto.mutable_tensor_values()) elements.push_back(reader.tensor(one));
  for (auto& one : *proto.mutable_sequence_values()) elements.push_back(list_from(reader, one));
  for (auto& one : *proto.mutable_optional_values()) elements.push_back(list_from(reader, one));
  return Tensor::of_list(std::move(elements));
}

}  // namespace

Result<Tensor> read_value_file(const std::string& path, const TypeDef& type, Diagnostics& diagnostics) {
  try {
    const auto file = MappedFile::open(path, "the tensor file");
    const SilentProtobuf silent;
    Reader reader(std::filesystem::path(path).parent_path().string(), diagnostics);
    try {
      if (type.kind == TypeDef::Kind::sequence) {
        auto proto = parse_value<onnx::SequenceProto>(*file, path);
        return list_from(reader, proto);
      }
      if (type.kind == TypeDef::Kind::optional) {
        auto proto = parse_value<onnx::OptionalProto>(*file, path);
        return list_from(reader, proto);
      }
      auto proto = parse_value<onnx::TensorProto>(*file, path);
      return reader.tensor(proto);
    } catch (const ModelError& error) {
      fail_model("the tensor in '{}' {}", path, error.what());
    }
  } catch (const ModelError& error) {
    diagnostics.error({}, error.what());
    return {};
  }
}

Result<Tensor> read_tensor_file(const std::string& path, Diagnostics& diagnostics) {
  TypeDef tensor;
  tensor.kind = TypeDef::Kind::tensor;
  return read_value_file(path, tensor, diagnostics);
}

bool write_tensor_file(const std::string& path, const std::string& name, const Tensor& tensor,
                       Diagnostics& diagnostics) {
  onnx::TensorProto proto;
  proto.set_name(name);
  proto.set_data_type(ir::onnx_code(tensor.type()));
  for (const int64_t dim : tensor.dims()) proto.add_dims(dim);
  if (tensor.type() == DType::string) {
    for (const std::string& text : tensor.strings()) proto.add_string_data(text);
  } else {
    proto.set_raw_data(raw_from_tensor(tensor));
  }
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  if (stream && proto.SerializeToOstream(&stream) && stream.flush()) return true;
  diagnostics.error({}, fmt::format("cannot write '{}'", path));
  return false;
}

}  // namespace o2w::onnx_frontend
