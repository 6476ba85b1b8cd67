#include "compiler/codegen/transposed_copy.h"

#include <fmt/format.h>

#include "compiler/codegen/kernels/kernel.h"
#include "compiler/support/error.h"

namespace o2w::codegen {
namespace {

using ir::Dim;

// The loop along which neighbours in memory lie, -1 for none.
int unit_loop(const Access& access) {
  int found = -1;
  for (const auto& [variable, stride] : access.strides) {
    if (stride.is(1)) found = found < 0 ? variable : -2;
  }
  return found < 0 ? -1 : found;
}

struct Copy {
  const Access* from = nullptr;
  const Access* to = nullptr;
  int row = -1, column = -1;  // loops: neighbours in `to`, neighbours in `from`
};

std::optional<Copy> transposed_copy_of(const CanonicalNest& nest) {
  if (nest.stages.size() != 1 || nest.can_fail) return std::nullopt;
  const CanonicalStage& stage = nest.stages[0];
  if (!stage.loops.empty() || stage.guard.get() != nullptr || stage.combiner != ir::Combiner::none ||
      stage.sequential || stage.target < 0 || !stage.target_extras.empty()) {
    return std::nullopt;
  }
  Copy copy;
  copy.to = &nest.accesses[static_cast<std::size_t>(stage.target)];
  const ir::ExprNode* read = copied_read(stage.body, copy.to->type);
  if (read == nullptr || !read->args.empty()) return std::nullopt;
  copy.from = &nest.accesses[static_cast<std::size_t>(read->slot)];
  copy.row = unit_loop(*copy.to);
  copy.column = unit_loop(*copy.from);
  const bool plain = copy.from->type == copy.to->type && ir::byte_size(copy.from->type) <= 8 &&
                     copy.from->operand != copy.to->operand && copy.row >= 0 && copy.column >= 0 &&
                     copy.row != copy.column && copy.from->strides.contains(copy.row) &&
                     copy.to->strides.contains(copy.column);
  return plain ? std::optional(copy) : std::nullopt;
}

class Loops {
 public:
  Loops(FunctionTable& functions, FunctionBuilder& f, const CanonicalNest& nest, const Copy& copy)
      : f_(f),
        nest_(nest),
        copy_(copy),
        bytes_(ir::byte_size(copy.to->type)),
        plane_(transpose_plane(functions, bytes_)) {
    for (std::size_t k = 0; k < nest.operands.size(); ++k) pointers_.push_back(f.param<I32>());
    for (std::size_t k = 0; k < nest.arguments.size(); ++k) parameters_.push_back(f.param<I32>());
  }

  void emit() {
    const auto start = [&](const Access& access) {
      return f_.local<I32>(pointers_.at(static_cast<std::size_t>(access.operand)) + bytes(access.base));
    };
    const Var<I32> from = start(*copy_.from), to = start(*copy_.to);
    const auto extent = [&](int loop) {
      return f_.local<I32>(dim(nest_.outer[static_cast<std::size_t>(loop)]));
    };
    rows_ = extent(copy_.row);
    columns_ = extent(copy_.column);
    from_step_ = f_.local<I32>(bytes(copy_.from->strides.at(copy_.row)));
    to_step_ = f_.local<I32>(bytes(copy_.to->strides.at(copy_.column)));
    loop(0, from, to);
  }

 private:
  void loop(int variable, const Var<I32>& from, const Var<I32>& to) {
    if (variable == static_cast<int>(nest_.outer.size())) {
      f_.call_statement(plane_, FunctionBuilder::arguments(from.get(), to.get(), rows_.get(), columns_.get(),
                                                           from_step_.get(), to_step_.get()));
      return;
    }
    if (variable == copy_.row || variable == copy_.column) return loop(variable + 1, from, to);
    const Var<I32> round = f_.local<I32>(), inner_from = f_.local<I32>(from), inner_to = f_.local<I32>(to);
    f_.for_range(round, 0, dim(nest_.outer[static_cast<std::size_t>(variable)]), 1, [&] {
      loop(variable + 1, inner_from, inner_to);
      step(*copy_.from, variable, inner_from);
      step(*copy_.to, variable, inner_to);
    });
  }
  void step(const Access& access, int variable, const Var<I32>& address) {
    const auto stride = access.strides.find(variable);
    if (stride != access.strides.end()) address += bytes(stride->second);
  }
  I32 dim(const Dim& dim) {
    if (const auto constant = dim.constant()) return f_.i32(static_cast<int32_t>(*constant));
    const ir::SymbolRef symbol = dim.as_symbol();
    ensure(symbol != nullptr && symbol->name.front() == 'p', "a size that is not a parameter of the nest");
    return parameters_.at(static_cast<std::size_t>(std::stoi(symbol->name.substr(1)))).get();
  }
  I32 bytes(const Dim& elements) { return dim(elements) * bytes_; }

  FunctionBuilder& f_;
  const CanonicalNest& nest_;
  const Copy& copy_;
  int bytes_;  // of an element
  std::string plane_;
  std::vector<Var<I32>> pointers_, parameters_;
  Var<I32> rows_, columns_, from_step_, to_step_;
};

}  // namespace

std::optional<std::string> emit_transposed_copy(FunctionTable& functions, const CanonicalNest& nest) {
  const std::optional<Copy> copy = transposed_copy_of(nest);
  if (!copy) return std::nullopt;
  const int bits = 8 * ir::byte_size(copy->to->type);
  return functions.get(fmt::format("x{}_permute", bits), key_of(nest),
                       [&](FunctionBuilder& f) { Loops(functions, f, nest, *copy).emit(); });
}

}  // namespace o2w::codegen
