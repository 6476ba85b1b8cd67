#include "compiler/codegen/kernels/finish_rows.h"

#include <algorithm>
#include <optional>

#include "compiler/codegen/expr_generator.h"
#include "compiler/codegen/scalar_ops.h"

namespace o2w::codegen {
namespace {

bool calls_functions(const ir::Expr& body) {
  bool calls = false;
  ir::walk(body, [&](const ir::ExprNode& node) { calls = calls || ScalarOps::is_math(node.op); });
  return calls;
}

bool reads_place_of_output(const ir::Expr& body, const schedule::Epilogue& epilogue) {
  bool reads = false;
  ir::walk(body, [&](const ir::ExprNode& node) {
    reads = reads ||
            (node.op == ir::ExprOp::read && epilogue.operands[static_cast<std::size_t>(node.slot)].access ==
                                                schedule::EpilogueOperand::Access::same);
  });
  return reads;
}

bool uses_accumulator(const ir::Expr& e) {
  bool uses = false;
  ir::walk(e,
           [&](const ir::ExprNode& node) { uses = uses || (node.op == ir::ExprOp::temp && node.slot == 0); });
  return uses;
}

struct Split {
  ir::Expr tile;  // what the tiles store, f32
  ir::Expr rest;  // over temp(0), which is that
};

// The smallest expression that tiles can store for the rest to be done afterwards.
std::optional<Split> split(const schedule::Epilogue& epilogue, bool shares_tiles) {
  if (epilogue.body.get() == nullptr || epilogue.out != ir::DType::f32) return std::nullopt;
  const bool calls = calls_functions(epilogue.body);
  if (!calls && !shares_tiles) return std::nullopt;
  const ir::Expr body = Interner().intern(epilogue.body);
  std::vector<ir::Expr> candidates;  // arguments before what uses them
  ir::rewrite(body, [&](const ir::Expr& e) {
    const bool is_sum = e->op == ir::ExprOp::temp;
    if (e->type == ir::DType::f32 && uses_accumulator(e) && (is_sum || (calls && !calls_functions(e))))
      candidates.push_back(e);
    return e;
  });
  const ir::Expr stored = ir::temp(1, ir::DType::f32);
  for (const ir::Expr& candidate : candidates) {
    const ir::Expr rest =
        ir::rewrite(body, [&](const ir::Expr& e) { return e.get() == candidate.get() ? stored : e; });
    if (uses_accumulator(rest) || reads_place_of_output(rest, epilogue)) continue;
    return Split{candidate, ir::rewrite(rest, [](const ir::Expr& e) {
                   return e->op == ir::ExprOp::temp ? ir::temp(0, ir::DType::f32) : e;
                 })};
  }
  return std::nullopt;
}

// An epilogue with this body and the operands that it reads, which `slots` names.
schedule::Epilogue part(const schedule::Epilogue& whole, ir::DType accumulator, const ir::Expr& body,
                        std::vector<std::size_t>& slots) {
  schedule::Epilogue epilogue{.accumulator = accumulator, .out = ir::DType::f32, .body = {}, .operands = {}};
  if (body->op == ir::ExprOp::temp) return epilogue;
  epilogue.body = ir::rewrite(body, [&](const ir::Expr& e) {
    if (e->op != ir::ExprOp::read) return e;
    const auto slot = static_cast<std::size_t>(e->slot);
    const auto known = std::find(slots.begin(), slots.end(), slot);
    const auto number = static_cast<int>(known - slots.begin());
    if (known == slots.end()) {
      slots.push_back(slot);
      epilogue.operands.push_back(whole.operands[slot]);
    }
    return ir::read(number, e->type, {});
  });
  return epilogue;
}

std::vector<Var<I32>> chosen(const std::vector<Var<I32>>& operands, const std::vector<std::size_t>& slots) {
  std::vector<Var<I32>> list;
  for (const std::size_t slot : slots) list.push_back(operands.at(slot));
  return list;
}

// finish(out, operands..., rows, columns, out_step, out_offset)
std::string finish_rows_function(FunctionTable& functions, const schedule::Epilogue& epilogue) {
  const std::string name = "f32_finish_rows" + EpilogueEmitter::name(epilogue);
  return functions.get(name, "finish rows" + EpilogueEmitter::key(epilogue), [&](FunctionBuilder& f) {
    const Var<I32> out = f.param<I32>();
    const std::vector<Var<I32>> operands = operand_params(f, epilogue);
    const Var<I32> rows = f.param<I32>(), columns = f.param<I32>(), out_step = f.param<I32>(),
                   out_offset = f.param<I32>();
    EpilogueEmitter tail(functions, f, epilogue, operands);
    tail.put_calls_in_place();
    const Var<I32> column = f.local<I32>(), end = f.local<I32>((columns & -4) << 2),
                   rest = f.local<I32>(columns & 3), offset = f.local<I32>(), address = f.local<I32>();
    const auto four = [&] {
      offset.set(out_offset + column);
      address.set(out + offset);
      return tail.vector(load_v128(address), offset, column);
    };
    f.while_([&] { return rows > 0; },
             [&] {
               f.for_range(column, 0, end, 16, [&] {
                 V128 value = four();
                 f.store_v128(address, std::move(value));
               });
               f.if_(rest > 0, [&] {
                 column.set(end);
                 const Var<V128> value = f.local<V128>(four());
                 store_lanes(f, ir::DType::f32, value, address, rest);
               });
               out_offset += out_step;
               rows -= 1;
             });
  });
}

}  // namespace

bool calls_functions(const schedule::Epilogue& epilogue) {
  return epilogue.body.get() != nullptr && calls_functions(epilogue.body);
}

EpilogueParts::EpilogueParts(FunctionTable& functions, const schedule::Epilogue& epilogue,
                             bool may_finish_rows)
    : epilogue_(epilogue) {
  if (!may_finish_rows) return;
  const std::optional<Split> parts = split(epilogue, functions.shares_tiles());
  if (!parts) return;
  tile_ = part(epilogue, epilogue.accumulator, parts->tile, tile_slots_);
  finish_ = finish_rows_function(functions, part(epilogue, ir::DType::f32, parts->rest, finish_slots_));
}

std::vector<Var<I32>> EpilogueParts::operands_in_tile(const std::vector<Var<I32>>& operands) const {
  return finishes_rows() ? chosen(operands, tile_slots_) : operands;
}

void EpilogueParts::finish(FunctionBuilder& f, const Var<I32>& out, const std::vector<Var<I32>>& operands,
                           I32 rows, I32 columns, I32 out_step, I32 out_offset) const {
  if (!finishes_rows()) return;
  std::vector<Tree> arguments = FunctionBuilder::arguments(out.get());
  append(arguments, chosen(operands, finish_slots_));
  for (I32* argument : {&rows, &columns, &out_step, &out_offset}) arguments.push_back(std::move(*argument));
  f.call_statement(finish_, std::move(arguments));
}

}  // namespace o2w::codegen
