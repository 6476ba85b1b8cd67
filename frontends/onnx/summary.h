// What `inspect` and `check` tell of a model.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/dim.h"
#include "frontends/onnx/import.h"

namespace o2w::onnx_frontend {

struct PortSummary {
  std::string name;
  std::string type;   // "float32"
  std::string shape;  // "[batch, 3, 224, 224]"; "?" where the rank is unknown
};

struct DimSummary {
  std::string name;
  int64_t lower = 0, upper = 0;
  std::vector<std::string> inputs;  // that have it
};

struct OperatorSummary {
  std::string domain, name;
  int64_t opset = 0;           // that the model imports for the domain
  std::optional<int> version;  // of the operator table that is used; nothing: not supported
  int64_t count = 0;           // nodes, those in subgraphs and called functions included
};

struct ModelSummary {
  int64_t ir_version = 0;
  std::string producer;
  std::vector<PortSummary> inputs, outputs;
  std::vector<DimSummary> dims;            // of the inputs, sorted by name
  std::vector<OperatorSummary> operators;  // sorted by domain and name
  int64_t nodes = 0;
  int64_t parameters = 0;       // elements of all initializers and of tensor attributes (Constant nodes)
  int64_t parameter_bytes = 0;  // as computed with: packed types take a byte an element
  // Multiply-accumulates of matrix products and convolutions in one run, over the input dimensions; the
  // larger branch of an If, Loop bodies times their trip count where that is known (else once). Nothing when
  // the model does not import.
  std::optional<ir::Dim> macs;
};

// `graph` is what import_model made of the model; null when it failed: then ports are as the model declares
// them.
ModelSummary summarize(const ModelDef& model, const ImportOptions& options, const ir::Graph* graph);

}  // namespace o2w::onnx_frontend
