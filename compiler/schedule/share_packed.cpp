// Weights that a product has packed and other operations read as they were (a language model's table of words
// is often also its last layer) are kept once: the other reads go to the packed bytes.
#include <algorithm>

#include "compiler/schedule/kernel_choice.h"
#include "compiler/schedule/kernel_shapes.h"
#include "compiler/schedule/nest_rewriting.h"

namespace o2w::schedule {
namespace {

using ir::Expr;

// Smaller tables are not worth slower reads.
constexpr int64_t kLeastElements = 64 << 10;

// How a table's elements lie in a packed matrix.
struct Placement {
  const PackedMatrix* matrix = nullptr;
  bool rows_are_columns = false;  // row r of the table is column r of the matrix
  int64_t difference = 0;         // table - matrix
};

std::optional<Placement> placement_of(const Draft& draft, const ir::Tensor& table,
                                      const PackedMatrix& matrix) {
  const ir::Tensor& weights = draft.at(matrix.source).contents;
  const int64_t rows = table.dims()[0], columns = table.dims()[1];
  for (const bool rows_are_columns : {true, false}) {
    if ((rows_are_columns ? matrix.n : matrix.k) != rows ||
        (rows_are_columns ? matrix.k : matrix.n) != columns)
      continue;
    const int64_t row_stride = rows_are_columns ? matrix.n_stride : matrix.k_stride,
                  column_stride = rows_are_columns ? matrix.k_stride : matrix.n_stride;
    const auto* from = weights.data<int16_t>();
    const int64_t difference = table.as_int(0) - from[0];
    bool same = true;
    for (int64_t r = 0; r < rows && same; ++r) {
      for (int64_t c = 0; c < columns && same; ++c)
        same = table.as_int(r * columns + c) - from[r * row_stride + c * column_stride] == difference;
    }
    if (same) return Placement{&matrix, rows_are_columns, difference};
  }
  return std::nullopt;
}

// The table's element: a packed byte, its column's offset and the difference, modulo 256.
Expr packed_element(int slot, ir::DType type, const Placement& place, const Expr& row,
                    const Expr& column_of_table) {
  const PackedMatrix& matrix = *place.matrix;
  const int64_t head = matrix.has_offsets ? 4 * kPanel : 0,
                panel_bytes = head + (matrix.k + 1) / 2 * 2 * kPanel;
  const Expr& column = place.rows_are_columns ? row : column_of_table;
  const Expr& k = place.rows_are_columns ? column_of_table : row;
  const Expr panel = ir::floordiv(column, Expr(kPanel)) * Expr(panel_bytes),
             lane = ir::mod(column, Expr(kPanel));
  const auto byte = [&](const Expr& at) {
    return ir::cast(ir::DType::i32, ir::read(slot, ir::DType::i8, {at}));
  };
  Expr sum = byte(panel + Expr(head) + ir::floordiv(k, Expr(2)) * Expr(2 * kPanel) + lane * Expr(2) +
                  ir::mod(k, Expr(2)));
  if (matrix.has_offsets) sum = sum + byte(panel + lane * Expr(4));
  return ir::cast(type, sum + ir::literal_int(ir::DType::i32, place.difference));
}

// Whether nests alone read the table, each element by element.
bool is_read_by_nests(Draft& draft, int table) {
  bool good = std::none_of(draft.tensors.begin(), draft.tensors.end(),
                           [&](const DraftTensor& tensor) { return tensor.host == table; });
  good = good && std::find(draft.output_tensors.begin(), draft.output_tensors.end(), table) ==
                     draft.output_tensors.end();
  bool found = false;
  for_each_operation(draft.block, [&](Operation& operation, Block&) {
    const std::vector<int> reads = reads_of(operation);
    if (std::find(reads.begin(), reads.end(), table) == reads.end()) return;
    found = true;
    good = good && operation.as<NestOp>() != nullptr;
  });
  return good && found;
}

void redirect(Draft& draft, int table, const Placement& place) {
  const ir::DType type = draft.at(table).type;
  for_each_operation(draft.block, [&](Operation& operation, Block&) {
    auto* nest = operation.as<NestOp>();
    if (nest == nullptr) return;
    const auto found = std::find(nest->tensors.begin(), nest->tensors.end(), table);
    if (found == nest->tensors.end()) return;
    const auto old_slot = static_cast<int>(found - nest->tensors.begin());
    const int slot = slot_of(*nest, place.matrix->packed);
    for (Stage& stage : nest->nest.stages) {
      for_each_expression(stage, [&](Expr& e) {
        if (e.get() == nullptr) return;
        e = ir::rewrite(e, [&](const Expr& node) -> Expr {
          if (node->op != ir::ExprOp::read || node->slot != old_slot) return node;
          return packed_element(slot, type, place, node->args[0], node->args[1]);
        });
      });
    }
    drop_unused_operands(*nest);
  });
}

}  // namespace

void share_packed_weights(Draft& draft, const std::vector<PackedMatrix>& matrices) {
  for (std::size_t t = 0; t < draft.tensors.size(); ++t) {
    const DraftTensor& tensor = draft.tensors[t];
    const int table = static_cast<int>(t);
    if (tensor.home != DraftTensor::Home::constant || tensor.contents.rank() != 2 ||
        (tensor.type != ir::DType::u8 && tensor.type != ir::DType::i8) ||
        tensor.contents.count() < kLeastElements ||
        tensor.layout.strides != dense_layout(tensor.shape).strides || !is_read_by_nests(draft, table)) {
      continue;
    }
    for (const PackedMatrix& matrix : matrices) {
      const std::optional<Placement> place = placement_of(draft, tensor.contents, matrix);
      if (!place) continue;
      redirect(draft, table, *place);
      break;
    }
  }
}

}  // namespace o2w::schedule
