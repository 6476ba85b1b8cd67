// What must hold of a random model.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/property/maker.h"

namespace o2w::property {

// Compiles the model, runs the module on several sets of inputs - of the same sizes, of others where the
// model has dynamic dimensions, and of the first again - and compares with the reference evaluator on the
// graph as it was imported, before any pass. Gives what is wrong, or "".
//
// Compilation must succeed; a run must give the evaluator's answer, or fail where the evaluator fails; the
// same inputs must give the same bits again.
struct Checked {
  std::string problem;
  std::vector<ir::Tensor> outputs;  // of the module, for the case's inputs
};
Checked check_case(const Case& made, int level);

// A model with `steps` growth steps. Throws nothing; a refused node is in Case::rejected.
Case make_case(uint64_t seed);

// The case's level of optimisation: mostly 2.
int level_of(uint64_t seed);

}  // namespace o2w::property
