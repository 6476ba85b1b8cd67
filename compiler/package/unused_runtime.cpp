#include "compiler/package/unused_runtime.h"

#include <algorithm>

#include "compiler/schedule/step_work.h"

namespace o2w::package {

namespace {

using schedule::Routine;

bool is_narrow_float(const Routine::Tensor& tensor) {
  return ir::is_float(tensor.type) && ir::byte_size(tensor.type) <= 2;
}

bool routines_see_narrow_floats(const schedule::Steps& steps) {
  bool found = false;
  schedule::for_each_step(steps, [&](const schedule::Step& step) {
    const auto* call = std::get_if<schedule::Call>(&step.what);
    const auto* routine = call == nullptr ? nullptr : std::get_if<Routine>(&call->kernel);
    if (routine == nullptr) return;
    found = found || std::any_of(routine->inputs.begin(), routine->inputs.end(), is_narrow_float) ||
            std::any_of(routine->outputs.begin(), routine->outputs.end(), is_narrow_float);
  });
  return found;
}

void make_empty(BinaryenModuleRef module, const char* name) {
  const BinaryenFunctionRef function = BinaryenGetFunction(module, name);
  if (function == nullptr) return;
  const BinaryenExpressionRef zero = BinaryenFunctionGetResults(function) == BinaryenTypeFloat32()
                                         ? BinaryenConst(module, BinaryenLiteralFloat32(0))
                                         : BinaryenConst(module, BinaryenLiteralInt32(0));
  BinaryenFunctionSetBody(function, zero);
}

}  // namespace

void empty_unused_functions(BinaryenModuleRef module, const schedule::Program& program) {
  if (routines_see_narrow_floats(program.steps)) return;
  for (const char* name : {"o2w_decode_narrow", "o2w_encode_narrow"}) make_empty(module, name);
}

}  // namespace o2w::package
