#include <fmt/format.h>

#include "compiler/ir/text.h"
#include "compiler/ir/text_names.h"
#include "compiler/schedule/text.h"

namespace o2w::schedule {

std::string layout_text(const ir::Shape& shape, const Layout& layout) {
  std::string text = ir::to_string(shape);
  if (layout.strides != dense_layout(shape).strides) text += " strides " + ir::to_string(layout.strides);
  if (!layout.offset.is(0)) text += " offset " + layout.offset.to_string();
  return text;
}

std::string origin_text(const std::shared_ptr<const ir::Origin>& origin) {
  return origin ? fmt::format("  from \"{}\" {}", origin->node, origin->op) : "";
}

std::string stages_text(const LoopNest& nest, const std::string& indent) {
  std::string text;
  for (const Stage& stage : nest.stages) {
    text += indent;
    if (!stage.loops.empty()) text += "loops " + ir::to_string(stage.loops) + " ";
    if (stage.sequential) text += "sequential ";
    if (stage.guard) text += "if " + ir::to_text(stage.guard) + " ";
    if (stage.combiner != ir::Combiner::none) {
      text += fmt::format("temp{} = {}{} ", stage.temp, ir::combiner_name(stage.combiner),
                          stage.select_last ? " last" : "");
    }
    if (stage.combiner == ir::Combiner::none && stage.target < 0)
      text += fmt::format("temp{} = ", stage.temp);
    if (stage.target >= 0) {
      std::string indices;
      for (const ir::Expr& index : stage.target_indices)
        indices += (indices.empty() ? "" : ", ") + ir::to_text(index);
      text += fmt::format(
          "operand{}({}) {}= ", stage.target, indices,
          stage.combine == ir::Combiner::none ? "" : std::string(ir::combiner_name(stage.combine)) + " ");
    }
    text += ir::to_text(stage.body) + "\n";
  }
  return text;
}

std::string to_text(const LoopNest& nest) {
  std::string text = "nest " + ir::to_string(nest.outer) + "\n";
  for (std::size_t k = 0; k < nest.operands.size(); ++k) {
    const Operand& operand = nest.operands[k];
    text += fmt::format("  operand{}: {}{}\n", k, ir::name(operand.type),
                        layout_text(operand.shape, operand.layout));
  }
  return text + stages_text(nest, "  ");
}

}  // namespace o2w::schedule
