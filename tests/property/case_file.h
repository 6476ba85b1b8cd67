// Cases as files: those that are kept, and those that another runtime is to answer.
#pragma once

#include <string>
#include <vector>

#include "tests/property/maker.h"

namespace o2w::property {

// A model with what the test knows of it (how inputs are filled, how exact values are) as its metadata.
void save_case(const Case& made, const std::string& path);
// Throws an exception when the file is no such model.
Case load_case(const std::string& path);

// folder/name.onnx, name.json (inputs and outputs: name, type, dims, offset; exact, tolerance) and name.bin.
void write_answers(const Case& made, const std::vector<ir::Tensor>& outputs, const std::string& folder,
                   const std::string& name);

// One line per node, for messages.
std::string describe(const Case& made);

}  // namespace o2w::property
