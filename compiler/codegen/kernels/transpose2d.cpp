// Blocked transpose of 4-byte elements: out[b][c][r] = x[b][r][c].
//
// Four rows by four columns are transposed in registers.
#include "compiler/codegen/kernels/kernel.h"
#include "compiler/codegen/kernels/tile.h"

namespace o2w::codegen {

std::string transpose_plane(FunctionTable& functions) {
  return functions.get("x32_transpose_4x4", "transpose2d plane", [&](FunctionBuilder& f) {
    const Var<I32> x = f.param<I32>(), out = f.param<I32>(), rows = f.param<I32>(), columns = f.param<I32>(),
                   x_step = f.param<I32>(), out_step = f.param<I32>();
    const Var<I32> row_block = f.local<I32>(), row_end = f.local<I32>(), row = f.local<I32>(),
                   column = f.local<I32>(), whole_rows = f.local<I32>(rows & -4),
                   whole_columns = f.local<I32>(columns & -4), from = f.local<I32>(), line = f.local<I32>(),
                   to = f.local<I32>(), target = f.local<I32>(), four_rows = f.local<I32>(x_step << 2);
    Transpose4x4 lines(f);
    const Var<V128>& edge = lines.row(0);
    const auto four_by_four = [&] {
      line.set(from);
      for (int i = 0; i < 4; ++i) {
        lines.row(i).set(load_v128(line));
        if (i < 3) line += x_step;
      }
      lines.mix();
      target.set(to);
      for (int i = 0; i < 4; ++i) {
        f.store_v128(target, lines.column(i));
        if (i < 3) target += out_step;
      }
    };
    // Blocks of a cache line by a cache line: each is read and written while it is in the cache, whatever
    // the steps. Lines of out are finished one after the other: with steps that are powers of two, many
    // unfinished ones would drive each other out.
    f.for_range(row_block, 0, whole_rows, 16, [&] {
      row_end.set(row_block + 16);
      row_end.set(min_i32(row_end, whole_rows));
      f.for_range(column, 0, whole_columns, 4, [&] {
        from.set(x + row_block * x_step + (column << 2));
        to.set(out + column * out_step + (row_block << 2));
        f.for_range(row, row_block, row_end, 4, [&] {
          four_by_four();
          from += four_rows;
          to += 16;
        });
      });
    });
    // The columns that are left, four rows at once; then the rows that are left, four columns at once; then
    // their corner.
    const auto start = [&] {
      from.set(x + row * x_step + (column << 2));
      to.set(out + column * out_step + (row << 2));
    };
    const Var<I32> four_columns = f.local<I32>(out_step << 2);
    f.for_range(column, whole_columns, columns, 1, [&] {
      row.set(f.i32(0));
      start();
      f.for_range(row, 0, whole_rows, 4, [&] {
        line.set(from);
        edge.set(v128::load32_zero(line));
        for (int lane = 1; lane < 4; ++lane) {
          line += x_step;
          edge.set(v128::load32_lane(edge, lane, line));
        }
        f.store_v128(to, edge);
        from += four_rows;
        to += 16;
      });
    });
    f.for_range(row, whole_rows, rows, 1, [&] {
      column.set(f.i32(0));
      start();
      f.for_range(column, 0, whole_columns, 4, [&] {
        edge.set(load_v128(from));
        target.set(to);
        for (int lane = 0; lane < 4; ++lane) {
          f.emit(v128::store32_lane(edge, lane, target));
          if (lane < 3) target += out_step;
        }
        from += 16;
        to += four_columns;
      });
      f.for_range(column, whole_columns, columns, 1, [&] {
        start();
        f.store_i32(to, load_i32(from));
      });
    });
  });
}

KernelCall emit_transpose2d(FunctionTable& functions, const schedule::Transpose2d& kernel) {
  const std::string plane = transpose_plane(functions);
  KernelCall call;
  call.function = functions.get("x32_transpose", "transpose2d", [&](FunctionBuilder& f) {
    const Var<I32> x = f.param<I32>(), out = f.param<I32>(), batch = f.param<I32>(), rows = f.param<I32>(),
                   columns = f.param<I32>(), x_batch = f.param<I32>(), x_step = f.param<I32>(),
                   out_batch = f.param<I32>(), out_step = f.param<I32>();
    const Var<I32> i = f.local<I32>();
    f.for_range(i, 0, batch, 1, [&] {
      f.call_statement(plane, FunctionBuilder::arguments(x.get(), out.get(), rows.get(), columns.get(),
                                                         x_step.get(), out_step.get()));
      x += x_batch;
      out += out_batch;
    });
  });
  call.arguments = {kernel.batch,
                    kernel.rows,
                    kernel.columns,
                    kernel.x_batch_stride * 4,
                    kernel.x_row_stride * 4,
                    kernel.out_batch_stride * 4,
                    kernel.out_row_stride * 4};
  return call;
}

}  // namespace o2w::codegen
