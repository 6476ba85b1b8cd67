#include "tests/codegen/nest_program.h"

#include "compiler/support/error.h"

namespace o2w::test {

using namespace schedule;

Operand row_major(ir::DType type, const ir::Shape& shape) {
  Operand operand;
  operand.type = type;
  operand.shape = shape;
  operand.layout.strides.assign(shape.size(), ir::Dim(1));
  for (std::size_t k = shape.size(); k-- > 1;) {
    operand.layout.strides[k - 1] = operand.layout.strides[k] * shape[k];
  }
  return operand;
}

Program program_of(LoopNest nest, int error) {
  Program program;
  program.name = "test";
  const int count = static_cast<int>(nest.operands.size());
  Call call;
  call.error = error;
  std::map<std::string, ir::SymbolRef> symbols;
  for (int k = 0; k < count; ++k) {
    const Operand& operand = nest.operands[static_cast<std::size_t>(k)];
    const bool is_output = k + 1 == count;
    for (const ir::Dim& dim : operand.shape) {
      for (const ir::SymbolRef& symbol : dim.symbols()) symbols[symbol->name] = symbol;
    }
    Buffer buffer;
    buffer.storage = is_output ? Storage::output : Storage::input;
    buffer.bytes = ir::element_count(operand.shape) * ir::Dim(ir::byte_size(operand.type));
    buffer.port = is_output ? 0 : k;
    program.buffers.push_back(buffer);
    ProgramPort port{is_output ? "y" : "x" + std::to_string(k), operand.type, operand.shape, k};
    (is_output ? program.outputs : program.inputs).push_back(port);
    call.pointers.push_back({k, 0});
  }
  for (const auto& [name, symbol] : symbols) program.symbols.push_back(symbol);
  program.is_static = symbols.empty();
  program.errors = {"index out of range"};
  call.kernel = std::move(nest);
  Step step;
  step.what = std::move(call);
  program.steps.push_back(std::move(step));
  return program;
}

LoopNest nest_of(const ir::Node& node) {
  LoopNest nest;
  for (const ir::Value* input : node.inputs) nest.operands.push_back(row_major(input->type, input->shape));
  const ir::Value* output = node.outputs.at(0);
  nest.operands.push_back(row_major(output->type, output->shape));
  const int target = static_cast<int>(nest.operands.size()) - 1;
  nest.outer = output->shape;
  std::vector<ir::Expr> indices;
  for (std::size_t k = 0; k < output->shape.size(); ++k)
    indices.push_back(ir::index_var(static_cast<int>(k)));
  if (const auto* tabulate = node.as<ir::Tabulate>()) {
    Stage store;
    store.body = tabulate->body;
    store.target = target;
    store.target_indices = indices;
    nest.stages.push_back(store);
    return nest;
  }
  const auto* reduce = node.as<ir::Reduce>();
  ensure(reduce != nullptr, "a test of another node kind");
  Stage sum;
  sum.loops = reduce->extents;
  sum.body = reduce->body;
  sum.guard = reduce->guard;
  sum.combiner = reduce->combiner;
  sum.select_last = reduce->select_last;
  sum.temp = 0;
  nest.temps = 1;
  nest.stages.push_back(sum);
  const bool is_arg = reduce->combiner == ir::Combiner::arg_min || reduce->combiner == ir::Combiner::arg_max;
  Stage store;
  store.body = ir::temp(0, is_arg ? ir::DType::i64 : reduce->body->type);
  store.target = target;
  store.target_indices = indices;
  nest.stages.push_back(store);
  return nest;
}

Program program_of(const ir::Graph& graph) {
  const ir::Node* only = nullptr;
  ir::for_each_node(graph.region, [&](const ir::Node& node) {
    if (!node.is<ir::Require>()) only = &node;
  });
  ensure(only != nullptr, "a graph without a node");
  // Operands in the order of the graph's inputs: the node reads them in the order of first use.
  LoopNest nest = nest_of(*only);
  Program program = program_of(std::move(nest));
  std::vector<ProgramPort> ports;
  for (std::size_t k = 0; k < graph.inputs.size(); ++k) {
    for (std::size_t slot = 0; slot < only->inputs.size(); ++slot) {
      if (only->inputs[slot] == graph.inputs[k].value) {
        program.buffers[slot].port = static_cast<int>(k);
        ports.push_back(program.inputs[slot]);
      }
    }
  }
  ensure(ports.size() == graph.inputs.size(), "an input that the node does not read");
  program.inputs = ports;
  return program;
}

}  // namespace o2w::test
