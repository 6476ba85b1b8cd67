// Expressions that are affine functions of one tensor's element, and what passes do with them.
#pragma once

#include <optional>
#include <vector>

#include "compiler/ir/graph.h"

namespace o2w::passes {

// scale * y + bias; null parts are absent (0).
struct AffineForm {
  ir::Expr scale, bias;
};
inline bool is_constant(const AffineForm& form) { return form.scale.get() == nullptr; }

// An expression as a function of `y`, which it may contain; nothing if it is not affine.
std::optional<AffineForm> affine_form(const ir::Expr& e, const ir::Expr& y);

// Index variables only number dimension 1 (the channels), and all reads are of constants.
bool is_per_channel(const ir::Expr& e, const std::vector<ir::Value*>& inputs);

// What a tabulate with this body over constants gives; nothing if it cannot be evaluated.
std::optional<ir::Tensor> evaluate(ir::Graph& graph, const ir::Expr& body,
                                   const std::vector<ir::Value*>& inputs, const ir::Shape& shape);

// Input `slot` read at the index variables.
ir::Expr identity_read(int slot, std::size_t rank);
// The body with values of this shape read at the index variables also where a dimension of size 1 is read at
// 0.
ir::Expr at_own_position(const ir::Expr& body, const std::vector<ir::Value*>& inputs, const ir::Shape& shape);

// A constant before the node at `position`, with the origin of `like`.
ir::Value* insert_constant(ir::Graph& graph, ir::Region& region, std::size_t position, ir::Tensor tensor,
                           const ir::Node& like);

}  // namespace o2w::passes
