// Matrices given by their diagonal: EyeLike makes one, Trilu keeps one side of one.
#include <algorithm>

#include "frontends/onnx/operator.h"
#include "frontends/onnx/ops/typed_inputs.h"

namespace o2w::onnx_frontend {
namespace {

using ir::DType;
using ir::Expr;

// A diagonal's number; those that no matrix has are brought near, so that positions cannot overflow.
int64_t near_diagonal(int64_t k) {
  constexpr int64_t kFar = int64_t{1} << 30;
  return std::clamp(k, -kFar, kFar);
}

void lower_eye_like(Lowering& l) {
  ir::Value* x = l.input(0);
  l.expect_rank(x, 2, 2, "input 0");
  const DType type = l.has_attribute("dtype") ? element_type(l, l.int_attribute("dtype"), "dtype") : x->type;
  const int64_t k = near_diagonal(l.int_attribute("k", 0));
  l.output(0, l.b().tabulate(type, x->shape, [&](ir::Body&, ir::Builder::Indices i) {
    return ir::cast(ir::compute_type(type), ir::eq(i[1], i[0] + k));
  }));
}
const RegisterOperator eye_like({.name = "EyeLike",
                                 .versions = {9, 22},
                                 .types = {{"T1", kMovable, inputs(0)}, {"T2", kMovable, outputs(0)}},
                                 .lower = lower_eye_like});

void lower_trilu(Lowering& l) {
  ir::Value* x = l.input(0);
  if (x->rank() < 2) l.fail("input 0 must have rank 2 or more, but has shape {}", ir::to_string(x->shape));
  const bool upper = l.int_attribute("upper", 1) != 0;
  std::optional<ir::Dim> known = ir::Dim(0);
  ir::Value* diagonal = l.optional_input(1);
  if (diagonal) {
    diagonal = as_scalar(l, l.input(1), "k");
    const auto contents = l.known_sizes(diagonal);
    known = contents ? std::optional((*contents)[0]) : std::nullopt;
    if (known && known->is_constant()) known = near_diagonal(known->value());
  }
  l.output(0, l.b().tabulate(x->type, x->shape, [&](ir::Body& body, ir::Builder::Indices i) {
    const std::vector<Expr> here(i.begin(), i.end());
    const Expr row = here[here.size() - 2], column = here.back();
    // In i64, as the diagonal may be any such number.
    const auto wide = [](const Expr& e) { return ir::cast(DType::i64, e); };
    const Expr distance = known ? column - row : wide(column - row);
    const Expr k = known ? Expr(*known) : wide(body.at(diagonal, {}));
    const Expr kept = upper ? ir::ge(distance, k) : ir::le(distance, k);
    const Expr element = body.at(x, here);
    return ir::select(
        kept, element,
        element->type == DType::boolean ? ir::literal_bool(false) : literal_number(element->type, 0));
  }));
}
const RegisterOperator trilu({.name = "Trilu",
                              .versions = {14},
                              .types = {{"T", kMovable, inputs(0)}, {"k", kInt64, inputs(1)}},
                              .lower = lower_trilu});
const RegisterOperator ms_trilu({.domain = "com.microsoft",
                                 .name = "Trilu",
                                 .versions = {1},
                                 .types = {{"T", kMovable, inputs(0)}, {"tensor(int64)", kInt64, inputs(1)}},
                                 .lower = lower_trilu});

}  // namespace
}  // namespace o2w::onnx_frontend
