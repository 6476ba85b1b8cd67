// Native implementations of the runtime library's irregular operators (ir::Opaque), by routine name. One file
// per routine or family registers itself: `static const RegisterRoutine unique("unique", [](const
// RoutineCall& call) { ... });`
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace o2w::eval {

struct RoutineCall {
  const ir::Opaque* attributes = nullptr;
  std::vector<const ir::Tensor*> inputs;
  std::vector<ir::DType> output_types;
  // Per output: its shape where known before the call, else (data-dependent) the capacity.
  std::vector<std::vector<int64_t>> output_sizes;

  int64_t integer(std::size_t i) const { return attributes->ints.at(i); }
  double real(std::size_t i) const { return attributes->floats.at(i); }
};

// Returns the outputs with their true sizes, from which the evaluator takes the values of the routine's
// `counts`. ModelError for contents that the operator does not allow.
using Routine = std::function<std::vector<ir::Tensor>(const RoutineCall&)>;

class RegisterRoutine {
 public:
  RegisterRoutine(const char* name, Routine routine);
};

// Null if there is none of that name.
const Routine* find_routine(const std::string& name);

}  // namespace o2w::eval
