// Builds `loop` nodes: what Loop, Scan and the recurrent operators lower to.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "compiler/ir/builder.h"

namespace o2w::onnx_frontend {

struct LoopBody {
  ir::Value* condition = nullptr;   // go on? scalar bool; null where the loop has none
  std::vector<ir::Value*> carried;  // next values, in the order of LoopSpec::carried
  std::vector<ir::Value*> scan;     // one element of each scan output
};

struct LoopSpec {
  std::optional<ir::Dim> trip_count;  // absent: until the condition is false
  ir::Value* condition =
      nullptr;  // scalar bool, checked before the first iteration; null: there is no condition
  std::vector<ir::Value*> carried;  // initial values
  // Makes the body in `region`. Called again with other parameter shapes when a carried shape turns out to
  // change.
  std::function<LoopBody(ir::Region& region, ir::Value* iteration, const std::vector<ir::Value*>& carried)>
      body;
};

struct LoopResult {
  std::vector<ir::Value*> carried;  // final values
  std::vector<ir::Value*> scan;     // with the iterations as their first dimension
};

// ModelError where a carried value changes its element type or rank, or a scan output its shape.
LoopResult build_loop(ir::Builder& builder, const LoopSpec& spec);
// The same, but nothing where the body gives a carried value another rank than it starts with.
std::optional<LoopResult> build_loop_of_constant_ranks(ir::Builder& builder, const LoopSpec& spec);

}  // namespace o2w::onnx_frontend
