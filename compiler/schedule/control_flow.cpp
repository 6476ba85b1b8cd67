// Branches and loops of the graph as blocks of the draft: which buffers carry state, and when sizes that
// change are bound.
#include "compiler/schedule/draft_of.h"
#include "compiler/support/error.h"

namespace o2w::schedule {
namespace {

// True when the tensor shares storage with state of a loop, which later copies may overwrite.
bool reads_state(const Draft& draft, int tensor) { return draft.at(draft.root(tensor)).carried; }

bool is_one_of(const ir::Dim& dim, const std::vector<ir::SymbolRef>& symbols) {
  const ir::SymbolRef symbol = dim.as_symbol();
  if (!symbol) return false;
  for (const auto& candidate : symbols) {
    if (candidate->name == symbol->name) return true;
  }
  return false;
}

// A dense tensor at the start of `host`, under a shape that need not be provably the host's.
int whole_of(Draft& draft, int host, const ir::Shape& shape) {
  const int tensor = draft.add(draft.at(host).type, shape, draft.at(host).name);
  draft.at(tensor).host = host;
  draft.at(tensor).host_offset = 0;
  return tensor;
}

}  // namespace

void Drafting::add_branch(const ir::Node& node, const ir::Region& region, const std::vector<int>& outputs,
                          const std::vector<ir::SymbolRef>& result_symbols, Block& block) {
  add_nodes(region, block);
  origin_ = node.origin;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    const int result = tensor_of(region.results[k]);
    const ir::Shape shape = draft_->at(result).shape;
    for (std::size_t d = 0; d < shape.size(); ++d) {
      const ir::Dim& declared = draft_->at(outputs[k]).shape[d];
      if (is_one_of(declared, result_symbols)) emit_into(block, SymbolOp{declared.as_symbol(), shape[d]});
    }
    emit_into(block, AllocateOp{outputs[k]});
    emit_into(block, copy_nest(*draft_, result, whole_of(*draft_, outputs[k], shape)));
  }
}

void Drafting::add_if(const ir::Node& node, Block& block) {
  const auto& attributes = *node.as<ir::If>();
  BranchOp op;
  op.condition = tensor_of(node.inputs[0]);
  std::vector<int> outputs;
  for (const ir::Value* value : node.outputs) {
    outputs.push_back(declare(value));
    draft_->at(outputs.back()).allocated_by_op = true;
  }
  add_branch(node, *attributes.then_region, outputs, attributes.result_symbols, op.then_block);
  add_branch(node, *attributes.else_region, outputs, attributes.result_symbols, op.else_block);
  emit_into(block, std::move(op));
}

// One element of a scan output goes to slice `iteration` of the output. With a `capacity` (null: the output
// has its final size from the beginning) the output is first grown to twice its size where it is full.
void Drafting::add_scan_output(const ir::Node& node, const ir::Value* element, int output,
                               const ir::SymbolRef& iteration, const ir::SymbolRef& capacity,
                               int iteration_tensor, Block& block) {
  origin_ = node.origin;
  const int from = tensor_of(element);
  const ir::Shape shape = draft_->at(from).shape;
  const ir::Dim bytes = ir::element_count(shape) * ir::Dim(ir::byte_size(draft_->at(from).type));
  const ir::Dim position = ir::Dim::symbol(iteration);
  if (capacity) {
    const auto& result_symbols = node.as<ir::Loop>()->result_symbols;
    for (std::size_t d = 0; d < shape.size(); ++d) {
      const ir::Dim declared = draft_->at(output).shape[d + 1];
      if (!is_one_of(declared, result_symbols)) continue;
      // The first iteration decides: from the second on, both sides are the sizes themselves.
      const ir::Dim after_first = ir::min(position, 1);
      emit_into(block, CheckOp{ir::Require::Relation::equal, after_first * declared, after_first * shape[d]});
      block.back().failure += ": the elements of a scan output must have the same shape in all iterations";
      emit_into(block, SymbolOp{declared.as_symbol(), shape[d]});
    }
    const int full = draft_->add(ir::DType::boolean, {}, "scan output is full");
    const ir::Expr count = ir::read(0, ir::DType::i64, {});
    emit_into(block,
              elementwise_nest(*draft_, full, {iteration_tensor},
                               ir::ge(count, ir::cast(ir::DType::i64, ir::Expr(ir::Dim::symbol(capacity))))));
    BranchOp grow;
    grow.condition = full;
    const ir::SymbolRef larger = draft_->new_symbol("capacity");
    const int grown = draft_->add(draft_->at(output).type, draft_->at(output).shape, draft_->at(output).name);
    DraftTensor& tensor = draft_->at(grown);
    tensor.allocated_by_op = tensor.on_heap = tensor.has_capacity = true;
    tensor.capacity = ir::Dim::symbol(larger) * bytes;
    emit_into(grow.then_block, SymbolOp{larger, ir::Dim::symbol(capacity) * ir::Dim(2) + ir::Dim(4)});
    emit_into(grow.then_block, AllocateOp{grown});
    emit_into(grow.then_block, CopyOp{output, grown, position * bytes});
    emit_into(grow.then_block, FreeOp{output});
    emit_into(grow.then_block, MoveOp{grown, output});
    emit_into(grow.then_block, SymbolOp{capacity, ir::Dim::symbol(larger)});
    emit_into(block, std::move(grow));
  }
  const int slice = whole_of(*draft_, output, shape);
  draft_->at(slice).host_offset = position * bytes;
  emit_into(block, copy_nest(*draft_, from, slice));
}

void Drafting::add_loop(const ir::Node& node, Block& block) {
  const auto& attributes = *node.as<ir::Loop>();
  const ir::Region& body = *attributes.body;
  const std::size_t first_input = attributes.has_condition ? 1 : 0;
  const auto carried = static_cast<std::size_t>(attributes.carried);

  RepeatOp op;
  op.trip_count = attributes.trip_count;
  op.iterations = attributes.iterations;
  op.iteration = draft_->add(ir::DType::i64, {}, "iteration");
  draft_->at(op.iteration).carried = true;
  define(body.parameters[0], op.iteration);
  if (attributes.has_condition) {
    op.condition = draft_->add(ir::DType::boolean, {}, "condition");
    draft_->at(op.condition).carried = true;
    emit_into(block, copy_nest(*draft_, tensor_of(node.inputs[0]), op.condition));
  }

  // State: one tensor per carried value. Where its size changes from round to round it lives on the heap.
  std::vector<int> state;
  for (std::size_t k = 0; k < carried; ++k) {
    const int initial = tensor_of(node.inputs[first_input + k]);
    const int tensor = declare(body.parameters[1 + k]);
    state.push_back(tensor);
    bool changes = false;
    for (std::size_t d = 0; d < draft_->at(tensor).shape.size(); ++d) {
      const ir::Dim dim = draft_->at(tensor).shape[d];
      if (!is_one_of(dim, attributes.carried_symbols)) continue;
      changes = true;
      emit_into(block, SymbolOp{dim.as_symbol(), draft_->at(initial).shape[d]});
    }
    draft_->at(tensor).carried = true;
    draft_->at(tensor).allocated_by_op = true;
    draft_->at(tensor).on_heap = changes;
    emit_into(block, AllocateOp{tensor});
    emit_into(block, copy_nest(*draft_, initial, whole_of(*draft_, tensor, draft_->at(initial).shape)));
  }

  // Scan outputs: of their final size from the start, unless the number of rounds or the element's size is
  // only found out on the way.
  const std::size_t first_scan_result = first_input + carried;
  std::vector<int> scans;
  std::vector<ir::SymbolRef> capacities;
  for (std::size_t k = carried; k < node.outputs.size(); ++k) {
    const int output = declare(node.outputs[k]);
    scans.push_back(output);
    bool grows = attributes.iterations != nullptr;
    for (const ir::Dim& dim : draft_->at(output).shape)
      grows = grows || is_one_of(dim, attributes.result_symbols);
    draft_->at(output).allocated_by_op = true;
    ir::SymbolRef capacity;
    if (grows) {
      capacity = draft_->new_symbol("capacity");
      ir::Dim element_bytes(ir::byte_size(draft_->at(output).type));
      for (std::size_t d = 1; d < draft_->at(output).shape.size(); ++d) {
        const ir::Dim dim = draft_->at(output).shape[d];
        if (is_one_of(dim, attributes.result_symbols)) emit_into(block, SymbolOp{dim.as_symbol(), 0});
        element_bytes *= dim;
      }
      emit_into(block, SymbolOp{capacity, 0});
      DraftTensor& tensor = draft_->at(output);
      tensor.on_heap = tensor.has_capacity = true;
      tensor.capacity = ir::Dim::symbol(capacity) * element_bytes;
    }
    capacities.push_back(capacity);
    emit_into(block, AllocateOp{output});
  }

  ir::SymbolRef iteration;
  if (!scans.empty()) {
    iteration = draft_->new_symbol("iteration");
    emit_into(op.body, BindOp{op.iteration, {iteration}});
  }
  add_nodes(body, op.body);
  origin_ = node.origin;
  for (std::size_t k = 0; k < scans.size(); ++k) {
    add_scan_output(node, body.results[first_scan_result + k], scans[k], iteration, capacities[k],
                    op.iteration, op.body);
  }

  // Next values. What still reads state is copied aside before any state is written (values may trade
  // places).
  if (attributes.has_condition)
    emit_into(op.body, copy_nest(*draft_, tensor_of(body.results[0]), op.condition));
  std::vector<int> next(carried, -1);  // -1: stays as it is
  for (std::size_t k = 0; k < carried; ++k) {
    const int result = tensor_of(body.results[first_input + k]);
    if (result == state[k]) continue;
    next[k] = result;
    const bool moves = draft_->at(state[k]).on_heap;
    if (!moves && !reads_state(*draft_, result)) continue;
    const int aside =
        draft_->add(draft_->at(result).type, draft_->at(result).shape, draft_->at(state[k]).name + " next");
    if (moves) {
      draft_->at(aside).on_heap = draft_->at(aside).allocated_by_op = true;
      emit_into(op.body, AllocateOp{aside});
    }
    emit_into(op.body, copy_nest(*draft_, result, aside));
    next[k] = aside;
  }
  std::vector<std::pair<ir::SymbolRef, ir::Dim>> rebound;
  for (std::size_t k = 0; k < carried; ++k) {
    if (next[k] < 0) continue;
    if (!draft_->at(state[k]).on_heap) {
      emit_into(op.body, copy_nest(*draft_, next[k], whole_of(*draft_, state[k], draft_->at(next[k]).shape)));
      continue;
    }
    emit_into(op.body, FreeOp{state[k]});
    emit_into(op.body, MoveOp{next[k], state[k]});
    for (std::size_t d = 0; d < draft_->at(state[k]).shape.size(); ++d) {
      const ir::Dim dim = draft_->at(state[k]).shape[d];
      if (is_one_of(dim, attributes.carried_symbols))
        rebound.emplace_back(dim.as_symbol(), draft_->at(next[k]).shape[d]);
    }
  }
  // All at once: a new size may be told by an old one.
  std::vector<ir::SymbolRef> sizes;
  for (const auto& [symbol, dim] : rebound) {
    sizes.push_back(draft_->new_symbol(symbol->name + ".next"));
    emit_into(op.body, SymbolOp{sizes.back(), dim});
  }
  for (std::size_t k = 0; k < rebound.size(); ++k)
    emit_into(op.body, SymbolOp{rebound[k].first, ir::Dim::symbol(sizes[k])});
  emit_into(block, std::move(op));

  for (std::size_t k = 0; k < carried; ++k) {
    const int output = declare_view(node.outputs[k], state[k], 0);
    for (std::size_t d = 0; d < draft_->at(output).shape.size(); ++d) {
      const ir::Dim declared = draft_->at(output).shape[d];
      if (is_one_of(declared, attributes.result_symbols)) {
        emit_into(block, SymbolOp{declared.as_symbol(), draft_->at(state[k]).shape[d]});
      }
    }
  }
}

}  // namespace o2w::schedule
