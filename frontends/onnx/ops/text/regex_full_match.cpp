// RegexFullMatch: the expression is translated when compiling, into the table of an automaton or, where that
// would have too many states, into a program that follows all alternatives at once. Neither ever steps back.
#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/text/regex/program.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Tensor;

template <typename T>
Tensor tensor_of(DType type, std::vector<int64_t> dims, const std::vector<T>& elements) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(elements.data());
  return {type, std::move(dims), std::vector<uint8_t>(bytes, bytes + elements.size() * sizeof(T))};
}

void lower_regex_full_match(Lowering& l) {
  ir::Builder& b = l.b();
  ir::Value* x = l.input(0);
  const regex::Program program = regex::program_of(*regex::parse(l.string_attribute("pattern", "")));
  if (const auto automaton = regex::automaton_of(program)) {
    const auto states = static_cast<int64_t>(automaton->accepting.size());
    ir::Value* classes = b.constant(tensor_of(DType::u8, {256}, automaton->classes));
    ir::Value* table = b.constant(tensor_of(DType::u16, {states, automaton->class_count}, automaton->table));
    ir::Value* accepting = b.constant(tensor_of(DType::u8, {states}, automaton->accepting));
    l.output(0, b.opaque({.routine = "match_table"}, {x, classes, table, accepting},
                         {{DType::boolean, x->shape}})[0]);
    return;
  }
  const auto size = static_cast<int64_t>(program.instructions.size());
  ir::Value* instructions = b.constant(tensor_of(DType::i32, {size, 4}, program.instructions));
  l.output(0, b.opaque({.routine = "match_program", .ints = {program.start}}, {x, instructions},
                       {{DType::boolean, x->shape}})[0]);
}
const RegisterOperator regex_full_match({.name = "RegexFullMatch",
                                         .versions = {20},
                                         .types = {{"T1", kStrings}},
                                         .lower = lower_regex_full_match});

}  // namespace
}  // namespace o2w::onnx_frontend
