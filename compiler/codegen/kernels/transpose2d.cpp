// Blocked transpose of 4-byte elements: out[b][c][r] = x[b][r][c].
//
// Four rows by four columns are transposed in registers. Columns go by blocks of 16 (a cache line of the
// source) outermost, so that each line of x is read while it is in the cache and out is written along its
// rows.
#include "compiler/codegen/kernels/kernel.h"
#include "compiler/codegen/kernels/tile.h"

namespace o2w::codegen {

KernelCall emit_transpose2d(FunctionTable& functions, const schedule::Transpose2d& kernel) {
  // One plane; x_step and out_step are the bytes between rows of x and of out.
  const std::string plane = functions.get("x32_transpose_4x4", "transpose2d plane", [&](FunctionBuilder& f) {
    const Var<I32> x = f.param<I32>(), out = f.param<I32>(), rows = f.param<I32>(), columns = f.param<I32>(),
                   x_step = f.param<I32>(), out_step = f.param<I32>();
    const Var<I32> block = f.local<I32>(), block_end = f.local<I32>(), row = f.local<I32>(),
                   column = f.local<I32>(), whole_rows = f.local<I32>(rows & -4), whole_end = f.local<I32>(),
                   from = f.local<I32>(), to = f.local<I32>();
    Var<V128> lines[4], mixed[4];
    for (int i = 0; i < 4; ++i) {
      lines[i] = f.local<V128>();
      mixed[i] = f.local<V128>();
    }
    const auto source = [&] { return x + row * x_step + (column << 2); };
    const auto target = [&] { return out + column * out_step + (row << 2); };
    const auto one = [&] { f.store_i32(target(), load_i32(source())); };
    const auto four_by_four = [&] {
      from.set(source());
      for (int i = 0; i < 4; ++i) {
        lines[i].set(load_v128(from));
        if (i < 3) from += x_step;
      }
      for (int i = 0; i < 2; ++i) {
        mixed[2 * i].set(v128::shuffle32(lines[2 * i], lines[2 * i + 1], {0, 4, 1, 5}));
        mixed[2 * i + 1].set(v128::shuffle32(lines[2 * i], lines[2 * i + 1], {2, 6, 3, 7}));
      }
      to.set(target());
      for (int i = 0; i < 4; ++i) {
        const std::array<uint8_t, 4> lanes =
            i % 2 == 0 ? std::array<uint8_t, 4>{0, 1, 4, 5} : std::array<uint8_t, 4>{2, 3, 6, 7};
        f.store_v128(to, v128::shuffle32(mixed[i / 2], mixed[i / 2 + 2], lanes));
        if (i < 3) to += out_step;
      }
    };
    f.for_range(block, 0, columns, 16, [&] {
      block_end.set(block + 16);
      block_end.set(min_i32(block_end, columns));
      whole_end.set(block + ((block_end - block) & -4));
      f.for_range(row, 0, whole_rows, 4, [&] { f.for_range(column, block, whole_end, 4, four_by_four); });
      f.for_range(row, whole_rows, rows, 1, [&] { f.for_range(column, block, whole_end, 1, one); });
      f.for_range(row, 0, rows, 1, [&] { f.for_range(column, whole_end, block_end, 1, one); });
    });
  });
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
