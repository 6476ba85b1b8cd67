#include "frontends/onnx/ops/elementwise/two_operands.h"

#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {

std::pair<ir::Value*, ir::Value*> two_operands(Lowering& l) {
  ir::Value* a = l.input(0);
  ir::Value* b = l.input(1);
  if (l.version() >= 7 || l.int_attribute("broadcast", 0) == 0 || b->rank() == 0) return {a, b};
  if (b->rank() > a->rank()) {
    l.fail("input 1 (shape {}) cannot broadcast to input 0 (shape {})", ir::to_string(b->shape),
           ir::to_string(a->shape));
  }
  const int first =
      l.has_attribute("axis") ? l.axis(l.int_attribute("axis"), a->rank()) : a->rank() - b->rank();
  const int behind = a->rank() - first - b->rank();
  if (behind < 0) {
    l.fail("input 1 (shape {}) does not fit input 0 (shape {}) from axis {} on", ir::to_string(b->shape),
           ir::to_string(a->shape), first);
  }
  if (behind == 0) return {a, b};
  ir::Shape shape = b->shape;
  shape.insert(shape.end(), static_cast<std::size_t>(behind), 1);
  return {a, l.b().view(b, shape)};
}

}  // namespace o2w::onnx_frontend
