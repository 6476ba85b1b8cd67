// Draft -> program: tensors get buffers, operations become steps, buffers whose size depends on data are
// allocated and freed.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_map>

#include "compiler/schedule/draft.h"
#include "compiler/schedule/kernel_choice.h"
#include "compiler/schedule/storage.h"
#include "compiler/support/error.h"

namespace o2w::schedule {
namespace {

class Emission {
 public:
  explicit Emission(const Draft& draft) : draft_(draft) {}

  Program run() {
    program_.name = draft_.name;
    program_.opset = draft_.opset;
    program_.source_sha256 = draft_.source_sha256;
    program_.symbols = draft_.symbols;
    program_.is_static = draft_.symbols.empty();
    for (std::size_t k = 0; k < draft_.inputs.size(); ++k) {
      const ir::Value& value = *draft_.inputs[k].value;
      program_.inputs.push_back(
          {draft_.inputs[k].name, value.type, value.shape, buffer_of(draft_.input_tensors[k]), value.list});
    }
    for (std::size_t k = 0; k < draft_.outputs.size(); ++k) {
      const ir::Value& value = *draft_.outputs[k].value;
      program_.outputs.push_back(
          {draft_.outputs[k].name, value.type, value.shape, buffer_of(draft_.output_tensors[k]), value.list});
    }
    totals_ = count_uses(draft_.block);
    find_owners(draft_.block);
    emit_block(draft_.setup, program_.setup);
    emit_block(draft_.block, program_.steps);
    return std::move(program_);
  }

 private:
  using Counts = std::map<int, int>;

  // --- Buffers.

  // Handles of strings are not the bytes that a module will have there.
  static bool holds_strings(const ir::Tensor& tensor) { return tensor.type() == ir::DType::string; }

  int weights_buffer(const DraftTensor& tensor) {
    const std::string_view bytes(reinterpret_cast<const char*>(tensor.contents.bytes()),
                                 static_cast<std::size_t>(tensor.contents.byte_count()));
    const std::size_t key = std::hash<std::string_view>()(bytes);
    for (auto [it, end] = weights_.equal_range(key); it != end; ++it) {
      const ir::Tensor& other = program_.buffers[static_cast<std::size_t>(it->second)].contents;
      if (holds_strings(other) != holds_strings(tensor.contents)) continue;
      if (std::string_view(reinterpret_cast<const char*>(other.bytes()),
                           static_cast<std::size_t>(other.byte_count())) == bytes) {
        return it->second;
      }
    }
    Buffer buffer;
    buffer.storage = Storage::weights;
    buffer.bytes = tensor.contents.byte_count();
    buffer.contents = tensor.contents;
    buffer.name = tensor.name;
    program_.buffers.push_back(std::move(buffer));
    const int number = static_cast<int>(program_.buffers.size()) - 1;
    weights_.emplace(key, number);
    return number;
  }

  int buffer_of(int tensor) {
    const int root = draft_.root(tensor);
    if (const auto found = buffers_.find(root); found != buffers_.end()) return found->second;
    const DraftTensor& t = draft_.at(root);
    if (t.home == DraftTensor::Home::constant) return buffers_[root] = weights_buffer(t);
    Buffer buffer;
    buffer.bytes = byte_count(t);
    buffer.name = t.name;
    buffer.port = t.port;
    if (t.home == DraftTensor::Home::input) {
      buffer.storage = Storage::input;
    } else if (t.home == DraftTensor::Home::derived) {
      buffer.storage = Storage::derived;
    } else if (t.port >= 0) {
      buffer.storage = Storage::output;
      buffer.allocated_by_run = is_allocated(root);
    } else {
      buffer.storage = t.on_heap || !buffer.bytes.from_inputs() ? Storage::heap : Storage::arena;
    }
    program_.buffers.push_back(std::move(buffer));
    return buffers_[root] = static_cast<int>(program_.buffers.size()) - 1;
  }

  bool is_allocated(int root) {
    const DraftTensor& t = draft_.at(root);
    if (t.home != DraftTensor::Home::computed) return false;
    if (t.on_heap || !byte_count(t).from_inputs()) return true;
    // An output whose room is known but not its shape: a run says what it was, so the run gives it its
    // memory.
    return t.port >= 0 &&
           !std::all_of(t.shape.begin(), t.shape.end(), [](const ir::Dim& dim) { return dim.from_inputs(); });
  }

  Address address_of(int tensor) {
    Address address{buffer_of(tensor), 0};
    for (; draft_.at(tensor).host >= 0; tensor = draft_.at(tensor).host)
      address.byte_offset += draft_.at(tensor).host_offset;
    return address;
  }

  // --- Life of buffers whose size depends on data: in which block, from which operation to which.

  // Roots used by an operation, nested blocks included.
  std::vector<int> roots_used(const Operation& operation) const {
    std::vector<int> roots;
    const auto add = [&](int tensor) {
      const int root = draft_.root(tensor);
      for (const int known : roots) {
        if (known == root) return;
      }
      roots.push_back(root);
    };
    for (const int tensor : all_reads_of(operation)) add(tensor);
    for (const int tensor : all_writes_of(operation)) add(tensor);
    return roots;
  }

  Counts count_uses(const Block& block) {
    Counts counts;
    for (const Operation& operation : block) {
      std::vector<int> own;
      for (const int tensor : reads_of(operation)) own.push_back(tensor);
      for (const int tensor : writes_of(operation)) own.push_back(tensor);
      for (const int tensor : own) ++counts[draft_.root(tensor)];
      for (const Block* inner : blocks_of(operation)) {
        for (const auto& [root, count] : count_uses(*inner)) counts[root] += count;
      }
    }
    return counts;
  }

  // The innermost block that holds all uses of a root owns it.
  void find_owners(const Block& block) {
    for (const Operation& operation : block) {
      for (const Block* inner : blocks_of(operation)) find_owners(*inner);
    }
    for (const auto& [root, count] : count_uses(block)) {
      if (count == totals_[root]) owners_.emplace(root, &block);
    }
  }

  // --- Steps.

  int error_number(const std::string& text) {
    const auto [place, is_new] = errors_.try_emplace(text, static_cast<int>(program_.errors.size()));
    if (is_new) program_.errors.push_back(text);
    return place->second;
  }

  Allocate allocation_of(int tensor) {
    const std::string& name = draft_.at(draft_.root(tensor)).name;
    return {buffer_of(tensor), name.empty() ? -1 : error_number("tensor '" + name + "'")};
  }

  void emit_block(const Block& block, Steps& steps) {
    std::map<int, std::size_t> first, last;
    for (std::size_t k = 0; k < block.size(); ++k) {
      for (const int root : roots_used(block[k])) {
        if (!is_allocated(root) || owners_[root] != &block) continue;
        first.emplace(root, k);
        last[root] = k;
      }
    }
    for (std::size_t k = 0; k < block.size(); ++k) {
      const Operation& operation = block[k];
      for (const auto& [root, at] : first) {
        if (at == k && !draft_.at(root).allocated_by_op)
          steps.push_back({allocation_of(root), operation.origin});
      }
      emit_operation(operation, steps);
      for (const auto& [root, at] : last) {
        const auto* move = operation.as<MoveOp>();
        const bool moved = move != nullptr && draft_.root(move->from) == root;
        if (at == k && draft_.at(root).port < 0 && !moved)
          steps.push_back({Free{buffer_of(root)}, operation.origin});
      }
    }
  }

  void emit_operation(const Operation& operation, Steps& steps) {
    const auto push = [&](auto step) { steps.push_back({std::move(step), operation.origin}); };
    if (const auto* nest = operation.as<NestOp>()) {
      emit_nest(*nest, operation, steps);
    } else if (const auto* kernel = operation.as<KernelOp>()) {
      Call call{kernel->kernel, {}, -1};
      for (const int tensor : kernel->tensors) call.pointers.push_back(address_of(tensor));
      push(std::move(call));
    } else if (const auto* routine = operation.as<RoutineOp>()) {
      // Without an origin it is the module's own work, whose messages say enough.
      Call call{routine->routine, {}, operation.origin ? error_number(operation.failure) : -1};
      for (const int tensor : routine->inputs) call.pointers.push_back(address_of(tensor));
      for (const int tensor : routine->outputs) call.pointers.push_back(address_of(tensor));
      push(std::move(call));
    } else if (const auto* branch = operation.as<BranchOp>()) {
      Branch step{address_of(branch->condition), std::make_unique<Steps>(), std::make_unique<Steps>()};
      emit_block(branch->then_block, *step.then_steps);
      emit_block(branch->else_block, *step.else_steps);
      push(std::move(step));
    } else if (const auto* repeat = operation.as<RepeatOp>()) {
      Repeat step;
      step.trip_count = repeat->trip_count;
      step.iteration = address_of(repeat->iteration);
      if (repeat->condition >= 0) step.condition = address_of(repeat->condition);
      step.body = std::make_unique<Steps>();
      step.iterations = repeat->iterations;
      emit_block(repeat->body, *step.body);
      push(std::move(step));
    } else if (const auto* bind = operation.as<BindOp>()) {
      push(BindSymbols{address_of(bind->source), draft_.at(bind->source).type, bind->symbols,
                       error_number(operation.failure)});
    } else if (const auto* symbol = operation.as<SymbolOp>()) {
      push(SetSymbol{symbol->symbol, symbol->value});
    } else if (const auto* check = operation.as<CheckOp>()) {
      push(Check{check->relation, check->a, check->b, error_number(operation.failure)});
    } else if (const auto* allocate = operation.as<AllocateOp>()) {
      if (is_allocated(draft_.root(allocate->tensor))) push(allocation_of(allocate->tensor));
    } else if (const auto* release = operation.as<FreeOp>()) {
      if (is_allocated(draft_.root(release->tensor))) push(Free{buffer_of(release->tensor)});
    } else if (const auto* move = operation.as<MoveOp>()) {
      push(MoveBuffer{buffer_of(move->from), buffer_of(move->to)});
    } else if (const auto* copy = operation.as<CopyOp>()) {
      push(Call{CopyBytes{copy->bytes}, {address_of(copy->from), address_of(copy->to)}, -1});
    } else {
      fail_internal("a contraction without a kernel reached the program");
    }
  }

  static bool is_dense_channels_last(const DraftTensor& tensor) {
    const auto rank = static_cast<int>(tensor.shape.size());
    return rank >= 3 &&
           same_strides(tensor.shape, tensor.layout, dense_layout(tensor.shape, channels_last_order(rank)));
  }

  void emit_nest(const NestOp& op, const Operation& operation, Steps& steps) {
    if (const auto slice = slice_read(draft_, op); slice && slice->is_box()) {
      const DraftTensor &source = draft_.at(slice->from), &target = draft_.at(slice->to);
      if (source.shape == target.shape && same_strides(target.shape, source.layout, target.layout)) {
        const Address a = address_of(slice->from), b = address_of(slice->to);
        if (a.buffer == b.buffer && a.byte_offset == b.byte_offset) return;  // it lies there already
        if (is_dense(target) || is_dense_channels_last(target)) {
          steps.push_back(
              {Call{CopyBytes{ir::element_count(target.shape) * ir::Dim(ir::byte_size(target.type))},
                    {a, b},
                    -1},
               operation.origin});
          return;
        }
      }
    }
    LoopNest nest = op.nest;
    bool can_fail = false;
    for (const Stage& stage : nest.stages) {
      for (const ir::Expr* e : {&stage.body, &stage.guard}) {
        if (*e) can_fail = can_fail || ir::may_fail(*e);
      }
      for (const ir::Expr& index : stage.target_indices) can_fail = can_fail || ir::may_fail(index);
    }
    if (can_fail) nest.error = error_number(operation.failure + ": an index is out of range");
    std::vector<Address> pointers;
    for (const int tensor : op.tensors) {
      const DraftTensor& t = draft_.at(tensor);
      nest.operands.push_back({t.type, t.layout, t.shape});
      pointers.push_back(address_of(tensor));
    }
    const int error = nest.error;
    steps.push_back({Call{std::move(nest), std::move(pointers), error}, operation.origin});
  }

  const Draft& draft_;
  Program program_;
  std::map<int, int> buffers_;  // by root
  std::unordered_multimap<std::size_t, int> weights_;
  std::map<std::string, int> errors_;
  Counts totals_;
  std::map<int, const Block*> owners_;
};

}  // namespace

Program emit(const Draft& draft) { return Emission(draft).run(); }

}  // namespace o2w::schedule
