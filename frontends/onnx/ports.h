// The model's inputs: their dimensions as Dims over named symbols.
#pragma once

#include "compiler/ir/graph.h"
#include "frontends/onnx/import.h"

namespace o2w::onnx_frontend {

// Whether the graph input is a port of the module. One that has an initializer is a constant (before IR
// version 4 all initializers were listed as inputs; since then it is a default that callers may override)
// unless the options say otherwise.
bool is_port(const GraphDef& graph, const ValueDef& input, const ImportOptions& options);

// A map is two ports: the tensor of its values under its own name, and the tensor of its keys under this one.
std::string keys_name(const std::string& map);

// Adds a parameter and a port to the graph for every input. Dimensions of one name share one symbol; those
// without a name get a symbol "<input>_d<position>". Applies options.shapes and options.dims; names there
// that the model does not have are errors. Inputs that cannot be declared are errors and left out.
void declare_inputs(const ModelDef& model, const ImportOptions& options, ir::Graph& graph,
                    Diagnostics& diagnostics);

}  // namespace o2w::onnx_frontend
