// Blocked transpose: out[b][c][r] = x[b][r][c].
//
// Four rows by four columns of 4-byte elements are transposed in registers; eight by eight of bytes and of
// 2-byte elements, two by two of 8-byte ones.
#include <fmt/format.h>

#include "compiler/codegen/kernels/kernel.h"
#include "compiler/codegen/kernels/tile.h"

namespace o2w::codegen {

namespace {

std::string x32_plane(FunctionTable& functions) {
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
    // Row inside column: what they store are neighbours.
    f.if_(whole_rows < rows, [&] {
      f.for_range(column, 0, whole_columns, 4, [&] {
        row.set(whole_rows);
        start();
        f.for_range(row, whole_rows, rows, 1, [&] {
          edge.set(load_v128(from));
          target.set(to);
          for (int lane = 0; lane < 4; ++lane) {
            f.emit(v128::store32_lane(edge, lane, target));
            if (lane < 3) target += out_step;
          }
          from += x_step;
          to += 4;
        });
      });
      f.for_range(row, whole_rows, rows, 1, [&] {
        f.for_range(column, whole_columns, columns, 1, [&] {
          start();
          f.store_i32(to, load_i32(from));
        });
      });
    });
  });
}

// A square of elements of another size than four bytes. Rows are interleaved, the first with the one half the
// rows further on and so forth, until each vector holds a column (of bytes: two).
class Square {
 public:
  Square(FunctionBuilder& f, int bytes) : f_(f), bytes_(bytes), side_(bytes == 8 ? 2 : 8) {
    for (int i = 0; i < side_; ++i) vectors_.push_back(f.local<V128>());
  }
  int side() const { return side_; }

  void load(int row, const Var<I32>& address) {
    vectors_[static_cast<std::size_t>(row)].set(bytes_ == 1 ? v128::load64_zero(address)
                                                            : load_v128(address, 0, 1));
  }
  void transpose() {
    if (bytes_ == 1) {
      // Half vectors become whole ones.
      std::vector<Var<V128>> whole;
      for (std::size_t i = 0; i < 4; ++i)
        whole.push_back(f_.local<V128>(interleaved(vectors_[i], vectors_[i + 4], false)));
      vectors_ = std::move(whole);
    }
    for (int rounds = bytes_ == 1 ? 4 : side_; rounds > 1; rounds /= 2) {
      const std::size_t half = vectors_.size() / 2;
      std::vector<Var<V128>> next;
      for (std::size_t i = 0; i < half; ++i) {
        for (const bool high : {false, true})
          next.push_back(f_.local<V128>(interleaved(vectors_[i], vectors_[i + half], high)));
      }
      vectors_ = std::move(next);
    }
  }
  void store(int column, const Var<I32>& address) {
    if (bytes_ == 1) {
      f_.emit(v128::store64_lane(vectors_[static_cast<std::size_t>(column / 2)], column % 2, address));
    } else {
      f_.store_v128(address, vectors_[static_cast<std::size_t>(column)], 0, 1);
    }
  }

 private:
  V128 interleaved(const Var<V128>& a, const Var<V128>& b, bool high) const {
    std::array<uint8_t, 16> bytes{};
    for (int k = 0; k < 16; ++k) {
      const int element = k / bytes_, from = element / 2 + (high ? 8 / bytes_ : 0);
      bytes[static_cast<std::size_t>(k)] =
          static_cast<uint8_t>(from * bytes_ + k % bytes_ + (element % 2 ? 16 : 0));
    }
    return v128::shuffle(a, b, bytes);
  }

  FunctionBuilder& f_;
  int bytes_, side_;
  std::vector<Var<V128>> vectors_;
};

std::string plane_of_squares(FunctionTable& functions, int bytes) {
  const int side = bytes == 8 ? 2 : 8;
  const std::string name = fmt::format("x{}_transpose_{}x{}", 8 * bytes, side, side);
  return functions.get(name, fmt::format("transpose2d plane {}", bytes), [&](FunctionBuilder& f) {
    const Var<I32> x = f.param<I32>(), out = f.param<I32>(), rows = f.param<I32>(), columns = f.param<I32>(),
                   x_step = f.param<I32>(), out_step = f.param<I32>();
    const Var<I32> whole_rows = f.local<I32>(rows & -side), whole_columns = f.local<I32>(columns & -side),
                   row_block = f.local<I32>(), row_end = f.local<I32>(), row = f.local<I32>(),
                   column = f.local<I32>(), from = f.local<I32>(), line = f.local<I32>(), to = f.local<I32>(),
                   target = f.local<I32>();
    Square whole(f, bytes);
    // As with 4-byte elements: blocks of a cache line of `out`.
    const int block = 64 / bytes;
    f.for_range(row_block, 0, whole_rows, block, [&] {
      row_end.set(row_block + block);
      row_end.set(min_i32(row_end, whole_rows));
      f.for_range(column, 0, whole_columns, side, [&] {
        from.set(x + row_block * x_step + column * bytes);
        to.set(out + column * out_step + row_block * bytes);
        f.for_range(row, row_block, row_end, side, [&] {
          Square square = whole;
          line.set(from);
          for (int i = 0; i < side; ++i) {
            square.load(i, line);
            if (i + 1 < side) line += x_step;
          }
          square.transpose();
          target.set(to);
          for (int i = 0; i < side; ++i) {
            square.store(i, target);
            if (i + 1 < side) target += out_step;
          }
          from += x_step * side;
          to += side * bytes;
        });
      });
    });
    // What is left, element by element: the last columns of all rows, then the last rows of the others.
    const auto element = [&] {
      f.store(bytes, to.get(),
              bytes == 8 ? Tree(load_i64(from)) : Tree(load(WasmType::i32, bytes, false, from.get(), 0, 1)),
              0, 1);
    };
    f.for_range(column, whole_columns, columns, 1, [&] {
      from.set(x + column * bytes);
      to.set(out + column * out_step);
      f.for_range(row, 0, rows, 1, [&] {
        element();
        from += x_step;
        to += bytes;
      });
    });
    f.for_range(row, whole_rows, rows, 1, [&] {
      from.set(x + row * x_step);
      to.set(out + row * bytes);
      f.for_range(column, 0, whole_columns, 1, [&] {
        element();
        from += bytes;
        to += out_step;
      });
    });
  });
}

}  // namespace

std::string transpose_plane(FunctionTable& functions, int element_bytes) {
  return element_bytes == 4 ? x32_plane(functions) : plane_of_squares(functions, element_bytes);
}

KernelCall emit_transpose2d(FunctionTable& functions, const schedule::Transpose2d& kernel) {
  const std::string plane = transpose_plane(functions, 4);
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
