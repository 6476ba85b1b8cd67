#include <fmt/format.h>

#include "compiler/ir/text_names.h"
#include "compiler/schedule/draft.h"
#include "compiler/schedule/text.h"

namespace o2w::schedule {
namespace {

std::string list(const std::vector<int>& tensors) {
  std::string text;
  for (const int tensor : tensors) text += fmt::format("{}t{}", text.empty() ? "" : ", ", tensor);
  return text;
}

std::string block_text(const Block& block, const std::string& indent);

std::string operation_text(const Operation& operation, const std::string& indent) {
  const std::string end = origin_text(operation.origin) + "\n";
  if (const auto* nest = operation.as<NestOp>()) {
    return fmt::format("{}nest {} ({}){}", indent, ir::to_string(nest->nest.outer), list(nest->tensors),
                       end) +
           stages_text(nest->nest, indent + "  ");
  }
  if (const auto* einsum = operation.as<EinsumOp>()) {
    return fmt::format("{}t{} = einsum {}, {} -> {} (t{}, t{}){}{}", indent, einsum->out, einsum->labels.lhs,
                       einsum->labels.rhs, einsum->labels.out, einsum->lhs, einsum->rhs,
                       einsum->epilogue.body ? fmt::format(" ({}){}", list(einsum->epilogue_tensors),
                                                           epilogue_text(einsum->epilogue))
                                             : "",
                       end);
  }
  if (const auto* convolution = operation.as<ConvolutionOp>()) {
    return fmt::format(
        "{}t{} = {}convolution (t{}, t{}){}{}", indent, convolution->out,
        convolution->attributes.transposed ? "transposed " : "", convolution->x, convolution->w,
        convolution->epilogue.body ? fmt::format(" ({}){}", list(convolution->epilogue_tensors),
                                                 epilogue_text(convolution->epilogue))
                                   : "",
        end);
  }
  if (const auto* kernel = operation.as<KernelOp>()) {
    return fmt::format("{}t{} = kernel ({}){}", indent, kernel->tensors[kernel->out],
                       list(reads_of(operation)), end);
  }
  if (const auto* routine = operation.as<RoutineOp>()) {
    return fmt::format("{}{} = routine {} ({}){}", indent, list(routine->outputs), routine->routine.name,
                       list(routine->inputs), end);
  }
  if (const auto* branch = operation.as<BranchOp>()) {
    return fmt::format("{}if t{} {{{}", indent, branch->condition, end) +
           block_text(branch->then_block, indent + "  ") + indent + "} else {\n" +
           block_text(branch->else_block, indent + "  ") + indent + "}\n";
  }
  if (const auto* repeat = operation.as<RepeatOp>()) {
    std::string head = fmt::format("{}repeat t{}", indent, repeat->iteration);
    if (repeat->trip_count) head += " times " + repeat->trip_count->to_string();
    if (repeat->condition >= 0) head += fmt::format(" while t{}", repeat->condition);
    if (repeat->iterations) head += " counted by " + repeat->iterations->name;
    return head + " {" + end + block_text(repeat->body, indent + "  ") + indent + "}\n";
  }
  if (const auto* bind = operation.as<BindOp>()) {
    std::string names;
    for (const auto& symbol : bind->symbols) names += (names.empty() ? "" : ", ") + symbol->name;
    return fmt::format("{}bind {} to t{}{}", indent, names, bind->source, end);
  }
  if (const auto* symbol = operation.as<SymbolOp>()) {
    return fmt::format("{}set {} = {}{}", indent, symbol->symbol->name, symbol->value.to_string(), end);
  }
  if (const auto* check = operation.as<CheckOp>()) {
    return fmt::format("{}check {} {} {}{}", indent, check->a.to_string(), ir::relation_name(check->relation),
                       check->b.to_string(), end);
  }
  if (const auto* allocate = operation.as<AllocateOp>())
    return fmt::format("{}allocate t{}{}", indent, allocate->tensor, end);
  if (const auto* release = operation.as<FreeOp>())
    return fmt::format("{}free t{}{}", indent, release->tensor, end);
  if (const auto* move = operation.as<MoveOp>())
    return fmt::format("{}move t{} to t{}{}", indent, move->from, move->to, end);
  const auto& copy = std::get<CopyOp>(operation.what);
  return fmt::format("{}copy {} bytes of t{} to t{}{}", indent, copy.bytes.to_string(), copy.from, copy.to,
                     end);
}

std::string block_text(const Block& block, const std::string& indent) {
  std::string text;
  for (const Operation& operation : block) text += operation_text(operation, indent);
  return text;
}

}  // namespace

std::string to_text(const Draft& draft) {
  std::string text = fmt::format("draft \"{}\"\n", draft.name);
  for (std::size_t k = 0; k < draft.tensors.size(); ++k) {
    const DraftTensor& tensor = draft.tensors[k];
    text += fmt::format("t{} \"{}\": {}{}", k, tensor.name, ir::name(tensor.type),
                        layout_text(tensor.shape, tensor.layout));
    if (tensor.home == DraftTensor::Home::input) text += fmt::format(" input {}", tensor.port);
    if (tensor.home == DraftTensor::Home::constant) text += " constant";
    if (tensor.home == DraftTensor::Home::derived) text += " derived";
    if (tensor.home == DraftTensor::Home::computed && tensor.port >= 0)
      text += fmt::format(" output {}", tensor.port);
    if (tensor.host >= 0) text += fmt::format(" in t{} at {}", tensor.host, tensor.host_offset.to_string());
    if (tensor.carried) text += " carried";
    text += "\n";
  }
  if (!draft.setup.empty()) text += "setup\n" + block_text(draft.setup, "  ");
  return text + block_text(draft.block, "");
}

}  // namespace o2w::schedule
