// ONNX's conformance cases: a folder with model.onnx and one folder of inputs and outputs per data set.
#pragma once

#include <string>
#include <vector>

namespace o2w::conformance {

struct DataSet {
  std::vector<std::string> inputs, outputs;  // paths of input_0.pb.. and output_0.pb.., by number
};

struct Case {
  std::string name;   // "node/test_abs": the path below the data folder
  std::string model;  // path
  std::vector<DataSet> data_sets;
};

// All cases below `folder` in the families node, simple, pytorch-operator and pytorch-converted, by name.
// Throws std::runtime_error when there are none.
std::vector<Case> find_cases(const std::string& folder);

}  // namespace o2w::conformance
