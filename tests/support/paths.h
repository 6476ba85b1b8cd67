// Where tests find what does not live in the repository.
#pragma once

#include <string>

namespace o2w::test {

// ONNX's conformance data (Debian's libonnx-testdata), or the folder in the environment variable
// ONNX2WASM_TESTDATA.
std::string conformance_folder();
// Real models: the folder in the environment variable ONNX2WASM_ZOO, else .cache/zoo of the sources, where
// the set-up puts them.
std::string zoo_folder();
// A model of the zoo by file name; "" when it is not there (the test should then be skipped with a notice).
std::string zoo_model(const std::string& file);

}  // namespace o2w::test
