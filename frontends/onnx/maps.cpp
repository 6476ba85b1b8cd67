#include "frontends/onnx/maps.h"

namespace o2w::onnx_frontend {
namespace {

MapKeys& keys_of(Lowering& l) {
  auto* keys = dynamic_cast<MapKeys*>(&l.subgraphs());
  ensure(keys != nullptr, "maps outside of a walk");
  return *keys;
}

}  // namespace

ir::Value* input_keys(Lowering& l, int i) {
  const ir::Value* value = l.input(i);
  ir::Value* keys = keys_of(l).of_input(i);
  if (keys == nullptr) l.fail("input {} ('{}') is a tensor, but must be a map", i, value->name);
  return keys;
}

void output_map(Lowering& l, int i, ir::Value* keys, ir::Value* values) {
  l.output(i, values);
  if (l.wants_output(i)) keys_of(l).set_output(i, keys);
}

}  // namespace o2w::onnx_frontend
