// Maps (ai.onnx.ml): a map is the tensor of its values, with the tensor of its keys beside it.
#pragma once

#include "frontends/onnx/lowering.h"

namespace o2w::onnx_frontend {

// The keys of the node that is being lowered; implemented by the import walk.
class MapKeys {
 public:
  virtual ~MapKeys() = default;
  virtual ir::Value* of_input(int i) const = 0;  // null unless the input is a map
  virtual void set_output(int i, ir::Value* keys) = 0;
};

// ModelError unless the input is a map.
ir::Value* input_keys(Lowering& l, int i);
void output_map(Lowering& l, int i, ir::Value* keys, ir::Value* values);

}  // namespace o2w::onnx_frontend
