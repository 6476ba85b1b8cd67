#include "compiler/codegen/kernels/finish_rows.h"

#include <algorithm>

#include "compiler/codegen/scalar_ops.h"

namespace o2w::codegen {
namespace {

bool calls_functions(const ir::Expr& body) {
  bool calls = false;
  ir::walk(body, [&](const ir::ExprNode& node) { calls = calls || ScalarOps::is_math(node.op); });
  return calls;
}

bool can_finish_rows(const schedule::Epilogue& epilogue, bool shares_tiles) {
  return epilogue.body.get() != nullptr && epilogue.accumulator == ir::DType::f32 &&
         epilogue.out == ir::DType::f32 && (shares_tiles || calls_functions(epilogue.body)) &&
         std::none_of(epilogue.operands.begin(), epilogue.operands.end(), [](const auto& operand) {
           return operand.access == schedule::EpilogueOperand::Access::same;
         });
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
                 store_lanes(f, ir::DType::f32, value, address, 0, rest.get());
               });
               out_offset += out_step;
               rows -= 1;
             });
  });
}

}  // namespace

EpilogueParts::EpilogueParts(FunctionTable& functions, const schedule::Epilogue& epilogue,
                             bool may_finish_rows)
    : epilogue_(epilogue) {
  if (may_finish_rows && can_finish_rows(epilogue, functions.shares_tiles()))
    finish_ = finish_rows_function(functions, epilogue);
}

void EpilogueParts::finish(FunctionBuilder& f, const Var<I32>& out, const std::vector<Var<I32>>& operands,
                           I32 rows, I32 columns, I32 out_step, I32 out_offset) const {
  if (!finishes_rows()) return;
  std::vector<Tree> arguments = FunctionBuilder::arguments(out.get());
  append(arguments, operands);
  for (I32* argument : {&rows, &columns, &out_step, &out_offset}) arguments.push_back(std::move(*argument));
  f.call_statement(finish_, std::move(arguments));
}

}  // namespace o2w::codegen
