// Matrix products: out[m, n] = epilogue(sum over k of lhs[m, k] * rhs[k, n]).
//
// Two functions work together. The panel function computes all rows of a block for 8 columns, tile by tile;
// it is small and called often, so that engines replace its first, slow code while the first inference is
// still running. The driver walks batches, row blocks and panels. Goto and van de Geijn, "Anatomy of
// High-Performance Matrix Multiplication" (2008), names the loops; packing of the left side is not worth it
// here, since its rows are read as broadcasts.
#include "compiler/codegen/kernels/finish_rows.h"
#include "compiler/codegen/kernels/gemv.h"
#include "compiler/codegen/kernels/kernel.h"

namespace o2w::codegen {
namespace {

using ir::Dim;
using schedule::Matmul;

// panel(lhs, right, out, operands..., rows, k, lhs_step, right_step, out_step, out_offset, column_offset[,
// columns]); steps and offsets in bytes, those of the output as if its elements had 4. `partial`: the first
// `columns` of the 8 (of more there are, all). Serves packed panels
// (right_step is packed_step()) and, of f32 and i16, rows of an unpacked matrix (right_step = its row).
std::string panel_function(FunctionTable& functions, Factors factors, const schedule::Epilogue& epilogue,
                           bool partial) {
  const std::string name = std::string(name_of(factors)) + "_gemm_4x8" + (partial ? "_tail" : "") +
                           EpilogueEmitter::name(epilogue);
  const bool in_pairs = factors == Factors::i16;  // of unpacked rows
  return functions.get(
      name,
      std::string("gemm panel ") + name_of(factors) + std::to_string(partial) +
          EpilogueEmitter::key(epilogue),
      [&](FunctionBuilder& f) {
        const Var<I32> lhs = f.param<I32>(), right_start = f.param<I32>(), out = f.param<I32>();
        const std::vector<Var<I32>> operands = operand_params(f, epilogue);
        const Var<I32> rows = f.param<I32>(), k = f.param<I32>(), lhs_step = f.param<I32>(),
                       right_step = f.param<I32>(), out_step = f.param<I32>(), out_offset = f.param<I32>(),
                       column_offset = f.param<I32>();
        const Var<I32> columns = partial ? f.param<I32>() : Var<I32>();
        EpilogueEmitter tail(functions, f, epilogue, operands, EpilogueEmitter::Loads::by_tile);
        const Var<I32> right = f.local<I32>(), count = f.local<I32>(),
                       first = f.local<I32>(right_start + panel_head(factors)),
                       steps = f.local<I32>(in_pairs ? k >> 1 : packed_steps(factors, k)),
                       advance = f.local<I32>(in_pairs ? right_step << 1 : right_step.get());
        std::vector<Var<I32>> lefts;
        for (int row = 0; row < kTileRows; ++row) lefts.push_back(f.local<I32>());

        // `clamps`: of fewer rows the last is repeated.
        const auto tiles = [&](int tile_rows, bool clamps) {
          Tile tile(f, tile_rows, factors);
          tile.begin_panel(right_start);
          tail.begin_panel(column_offset, {0, 16});
          f.while_([&] { return rows >= (clamps ? 1 : tile_rows); },
                   [&] {
                     tile.clear();
                     lefts[0].set(lhs);
                     for (int row = 1; row < tile_rows; ++row) {
                       I32 next = lefts[row - 1] + lhs_step;
                       lefts[row].set(clamps ? I32(select(rows > row, std::move(next), lefts[row - 1].get()))
                                             : std::move(next));
                     }
                     lhs.set(lefts[tile_rows - 1] + lhs_step);
                     right.set(first);
                     count.set(steps);
                     f.if_(count > 0, [&] {
                       f.do_while(
                           [&] {
                             if (in_pairs) {
                               tile.multiply_add_rows(lefts, right, right_step, false);
                             } else {
                               tile.multiply_add(lefts, right);
                             }
                             for (int row = 0; row < tile_rows; ++row) lefts[row] += 4;
                             right += advance;
                           },
                           [&] { return count.tee(count - 1) != 0; });
                     });
                     if (in_pairs) {
                       f.if_((k & 1) != 0, [&] { tile.multiply_add_rows(lefts, right, right_step, true); });
                     }
                     tail.begin_tile(column_offset, {0, 16});
                     if (partial) {
                       tile.store_some(tail, out, out_offset, out_step, column_offset, columns, rows);
                     } else {
                       tile.store(tail, out, out_offset, out_step, column_offset);
                     }
                     rows -= tile_rows;
                   });
        };
        // Single rows of all columns are worth a loop of their own; those of the last few are not.
        const bool has_single_rows = !partial || functions.target().small;
        tiles(kTileRows, !has_single_rows);
        if (has_single_rows) tiles(1, false);
      });
}

// columns(lhs, right, out, operands..., rows, n, k, lhs_step, right_step, out_step, out_offset): the
// right-hand side transposed, k contiguous on both sides. Tiles of 2 rows x 4 columns hold one vector of
// partial sums per element; at the edge rows and columns are repeated and not stored.
std::string columns_function(FunctionTable& functions, const schedule::Epilogue& epilogue) {
  const std::string name = "f32_gemm_nt_2x4" + EpilogueEmitter::name(epilogue);
  return functions.get(name, "gemm nt" + EpilogueEmitter::key(epilogue), [&](FunctionBuilder& f) {
    const Var<I32> lhs = f.param<I32>(), right_start = f.param<I32>(), out = f.param<I32>();
    const std::vector<Var<I32>> operands = operand_params(f, epilogue);
    const Var<I32> rows = f.param<I32>(), n = f.param<I32>(), k = f.param<I32>(), lhs_step = f.param<I32>(),
                   right_step = f.param<I32>(), out_step = f.param<I32>(), out_offset = f.param<I32>();
    EpilogueEmitter tail(functions, f, epilogue, operands);
    const Var<I32> right_base = f.local<I32>(), column = f.local<I32>(), left_count = f.local<I32>(),
                   at = f.local<I32>(), vector_bytes = f.local<I32>((k & -4) << 2),
                   bytes = f.local<I32>(k << 2), offset = f.local<I32>(), column_offset = f.local<I32>(),
                   address = f.local<I32>();
    Var<I32> lefts[2] = {f.local<I32>(), f.local<I32>()}, rights[4];
    Var<V128> sums[2][4], left[2] = {f.local<V128>(), f.local<V128>()};
    const Var<V128> right = f.local<V128>(), low = f.local<V128>(), high = f.local<V128>(),
                    total = f.local<V128>();
    for (int c = 0; c < 4; ++c) {
      rights[c] = f.local<I32>();
      for (auto& row : sums) row[c] = f.local<V128>();
    }
    const auto accumulate = [&](bool whole) {
      for (int r = 0; r < 2; ++r) {
        left[r].set(whole ? load_v128(lefts[r] + at) : v128::load32_zero(lefts[r] + at));
      }
      for (int c = 0; c < 4; ++c) {
        right.set(whole ? load_v128(rights[c] + at) : v128::load32_zero(rights[c] + at));
        for (int r = 0; r < 2; ++r) sums[r][c].set(f32x4::add(sums[r][c], f32x4::mul(left[r], right)));
      }
    };
    f.while_([&] { return rows > 0; },
             [&] {
               lefts[0].set(lhs);
               lefts[1].set(I32(select(rows > 1, (lhs + lhs_step), lhs.get())));
               right_base.set(right_start);
               column.set(f.i32(0));
               column_offset.set(f.i32(0));
               f.while_([&] { return column < n; },
                        [&] {
                          left_count.set(n - column);
                          rights[0].set(right_base);
                          for (int c = 1; c < 4; ++c)
                            rights[c].set(I32(
                                select(left_count > c, (rights[c - 1] + right_step), rights[c - 1].get())));
                          for (auto& row : sums) {
                            for (const Var<V128>& sum : row) sum.set(f32x4::splat(f.f32(0)));
                          }
                          f.for_range(at, 0, vector_bytes, 16, [&] { accumulate(true); });
                          f.for_range(at, vector_bytes, bytes, 4, [&] { accumulate(false); });
                          for (int r = 0; r < 2; ++r) {
                            const auto finish_row = [&] {
                              // A 4 x 4 transpose by halves, adding as it goes: lane c of the total is the
                              // sum of sums[c]'s lanes.
                              low.set(f32x4::add(v128::shuffle32(sums[r][0], sums[r][1], {0, 4, 1, 5}),
                                                 v128::shuffle32(sums[r][0], sums[r][1], {2, 6, 3, 7})));
                              high.set(f32x4::add(v128::shuffle32(sums[r][2], sums[r][3], {0, 4, 1, 5}),
                                                  v128::shuffle32(sums[r][2], sums[r][3], {2, 6, 3, 7})));
                              total.set(f32x4::add(v128::shuffle32(low, high, {0, 1, 4, 5}),
                                                   v128::shuffle32(low, high, {2, 3, 6, 7})));
                              offset.set(r == 0 ? out_offset + column_offset
                                                : out_offset + out_step + column_offset);
                              address.set(out + offset);
                              total.set(tail.vector(total, offset, column_offset));
                              store_lanes(f, ir::DType::f32, total, address, left_count);
                            };
                            if (r == 0) {
                              finish_row();
                            } else {
                              f.if_(rows > 1, finish_row);
                            }
                          }
                          right_base += right_step << 2;
                          column += 4;
                          column_offset += 16;
                        });
               lhs += lhs_step << 1;
               out_offset += out_step << 1;
               rows -= 2;
             });
  });
}

// Rows of the left side that are walked for one panel before the next: as many as stay in the second-level
// cache.
Dim block_rows(const Matmul& kernel) {
  constexpr int64_t cache_elements = 24 * 1024;
  if (!kernel.k.is_constant()) return 64;
  return std::max<int64_t>(16, cache_elements / std::max<int64_t>(kernel.k.value(), 1) & -4);
}

// The same where the left side is packed, in which case k is a constant.
int64_t packed_block_rows(const Matmul& kernel) {
  const int64_t most = std::clamp<int64_t>(schedule::kPackedBlockBytes / (4 * kernel.k.value()) & -4, 8, 256);
  return kernel.m.is_constant() ? std::min(most, (kernel.m.value() + 3) & -4) : most;
}

}  // namespace

KernelCall emit_matmul(FunctionTable& functions, const Matmul& kernel) {
  const bool transposed = kernel.rhs == Matmul::Rhs::columns, packed = kernel.rhs == Matmul::Rhs::packed;
  const std::size_t batches = kernel.batch.size();
  const std::string narrowness =
      kernel.pack_lhs && kernel.n.is_constant() && kernel.n.value() <= kNarrowColumns
          ? "narrow " + kernel.n.to_string()
          : "";
  const bool packs = kernel.pack_lhs, packs_rhs = packs && !packed;
  const char* form = packs_rhs    ? (transposed ? "nt_packed" : "nn_packed")
                     : transposed ? "nt"
                     : packs      ? "packed2"
                     : packed     ? "packed"
                                  : "nn";
  const Factors factors = kernel.factors;
  const int element = left_bytes(factors);
  const bool may_have_one_row = !kernel.m.is_constant() || kernel.m.value() == 1;
  const std::string name =
      std::string(name_of(factors)) + "_matmul_" + form + EpilogueEmitter::name(kernel.epilogue);
  const std::string key = std::string("matmul ") + name_of(factors) + " " + form + " " +
                          std::to_string(batches) + narrowness + (may_have_one_row ? " one row" : "") +
                          EpilogueEmitter::key(kernel.epilogue);
  const bool narrow = !functions.target().small && !narrowness.empty() && factors == Factors::f32;
  const EpilogueParts epilogue(functions, kernel.epilogue, !narrow);
  const auto panels = [&](bool is_partial) {
    if (narrow) {
      return narrow_panel_function(functions, epilogue.in_tile(), static_cast<int>(kernel.n.value()));
    }
    return packs ? packed_panel_function(functions, factors, epilogue.in_tile(), is_partial)
                 : panel_function(functions, factors, epilogue.in_tile(), is_partial);
  };
  const bool by_columns = transposed && !packs;
  // Small code has one function for whole and partial panels.
  const bool any_columns = functions.target().small && !by_columns;
  const std::string whole = by_columns    ? columns_function(functions, kernel.epilogue)
                            : any_columns ? ""
                                          : panels(false);
  const std::string partial = by_columns ? "" : panels(true);
  // Single rows: all there are, or the last of a block.
  const std::string gemv =
      !functions.target().small && factors == Factors::f32 && !transposed && !narrow && may_have_one_row
          ? gemv_function(functions, epilogue.in_tile())
          : "";
  const std::string pack_rows = packs ? pack_rows_function(functions) : "";
  const std::string pack_panel = !packs_rhs   ? ""
                                 : transposed ? pack_columns_function(functions)
                                              : pack_panel_function(functions);

  KernelCall call;
  call.function = functions.get(name, key, [&](FunctionBuilder& f) {
    const Var<I32> lhs = f.param<I32>(), rhs = f.param<I32>(), out = f.param<I32>();
    const std::vector<Var<I32>> operands = operand_params(f, kernel.epilogue);
    const Var<I32> m = f.param<I32>(), n = f.param<I32>(), k = f.param<I32>(), lhs_step = f.param<I32>(),
                   right_step = f.param<I32>(), out_step = f.param<I32>(), block = f.param<I32>();
    struct BatchParams {
      Var<I32> extent, lhs, rhs, out;
    };
    std::vector<BatchParams> batch;
    for (std::size_t i = 0; i < batches; ++i) {
      batch.push_back({f.param<I32>(), f.param<I32>(), f.param<I32>(), f.param<I32>()});
    }
    if (packs) f.param<I32>();  // the address of zeros
    const Var<I32> workspace = packs ? f.param<I32>() : Var<I32>();
    const Var<I32> row = f.local<I32>(), column = f.local<I32>(), rows = f.local<I32>(),
                   whole_columns = f.local<I32>(n & -kPanel), rest = f.local<I32>(n & (kPanel - 1)),
                   right_of_column = f.local<I32>(), left = f.local<I32>(), units = f.local<I32>(),
                   tile = f.local<I32>(), to = f.local<I32>(), first = f.local<I32>(),
                   present = f.local<I32>();
    Var<I32> lines[4], panel_at, rows_at;
    if (packs) {
      for (Var<I32>& line : lines) line = f.local<I32>();
      units.set(packed_steps(factors, k));
      panel_at = workspace;
      rows_at = packs_rhs ? f.local<I32>(workspace + units * packed_step(factors)) : workspace;
    }
    // Packs four lines, the first of which is lines[0], `step` bytes apart; `count` (1 and more) are there,
    // and the last is repeated.
    const auto pack_four = [&](const std::string& function, const Var<I32>& step, const Var<I32>& count,
                               I32 target) {
      for (int i = 1; i < 4; ++i) {
        const Var<I32>& before = lines[i - 1];
        lines[i].set(I32(select(count > i, before + step, before.get())));
      }
      std::vector<Tree> arguments;
      for (const Var<I32>& line : lines) arguments.push_back(line.get());
      arguments.push_back(std::move(target));
      arguments.push_back(units.get());
      f.call_statement(function, std::move(arguments));
    };
    // Packs `rows` rows from `row` on.
    const auto pack_block = [&](const Var<I32>& lhs_now) {
      to.set(rows_at);
      f.for_range(tile, 0, rows, kTileRows, [&] {
        lines[0].set(lhs_now + (row + tile) * lhs_step);
        present.set(rows - tile);
        pack_four(pack_rows, lhs_step, present, to.get());
        to += units << 4;
      });
    };
    // Packs the panel at `column` of the right side.
    const auto pack_right = [&](const Var<I32>& rhs_now, bool is_partial) {
      lines[0].set(rhs_now + column * (transposed ? right_step.get() : f.i32(element)));
      if (!transposed) {
        f.call_statement(pack_panel, FunctionBuilder::arguments(lines[0].get(), right_step.get(),
                                                                panel_at.get(), units.get()));
        return;
      }
      present.set(is_partial ? rest.get() : f.i32(kPanel));
      pack_four(pack_panel, right_step, present, panel_at.get());
      // Columns that are not there are not stored either: with four and fewer, the second half stays as it
      // is.
      present.set(present - 4);
      const auto second = [&] {
        lines[0].set(lines[3] + right_step);
        pack_four(pack_panel, right_step, present, panel_at + 16);
      };
      if (is_partial) {
        f.if_(present > 0, second);
      } else {
        second();
      }
    };

    const auto product = [&](const Var<I32>& lhs_now, const Var<I32>& rhs_now, const Var<I32>& out_offset) {
      if (by_columns) {
        std::vector<Tree> arguments = FunctionBuilder::arguments(lhs_now.get(), rhs_now.get(), out.get());
        append(arguments, operands);
        append(arguments, {m, n, k, lhs_step, right_step, out_step, out_offset});
        f.call_statement(whole, std::move(arguments));
        return;
      }
      // Bytes from one column's start on the right-hand side to the next one's; of packed weights, an eighth
      // of a panel.
      right_of_column.set(packed ? packed_steps(factors, k) * (packed_step(factors) / kPanel) +
                                       panel_head(factors) / kPanel
                                 : f.i32(element));
      f.for_range(row, 0, m, block, [&] {
        left.set(m - row);
        rows.set(min_i32(left, block));
        if (packs) pack_block(lhs_now);
        const auto panel = [&](const std::string& function, bool is_partial) {
          if (packs_rhs) pack_right(rhs_now, is_partial || narrow);
          std::vector<Tree> arguments = FunctionBuilder::arguments(
              packs ? rows_at.get() : lhs_now + row * lhs_step,
              packs_rhs ? panel_at.get() : rhs_now + column * right_of_column, out.get());
          append(arguments, epilogue.operands_in_tile(operands));
          if (packs) {
            append(arguments, {rows, units, out_step});
          } else {
            append(arguments, {rows, k, lhs_step, right_step, out_step});
          }
          arguments.push_back(out_offset + row * out_step + (column << 2));
          arguments.push_back(column << 2);
          if (is_partial) arguments.push_back(rest.get());
          f.call_statement(function, std::move(arguments));
        };
        if (narrow) {
          column.set(f.i32(0));
          panel(whole, false);
          return;
        }
        first.set(f.i32(0));
        if (!gemv.empty()) {
          f.if_((rows == 1) & (n >= kGemvColumns), [&] {
            f.for_range(column, 0, n & -kGemvColumns, kGemvColumns, [&] {
              std::vector<Tree> arguments = FunctionBuilder::arguments(
                  lhs_now + row * lhs_step, rhs_now + column * right_of_column, out.get());
              append(arguments, epilogue.operands_in_tile(operands));
              append(arguments, {k, right_step});
              arguments.push_back(right_of_column << 3);
              arguments.push_back(out_offset + row * out_step + (column << 2));
              arguments.push_back(column << 2);
              f.call_statement(gemv, std::move(arguments));
            });
            first.set(n & -kGemvColumns);
          });
        }
        if (any_columns) {
          f.for_range(column, 0, n, kPanel, [&] {
            rest.set(n - column);
            panel(partial, true);
          });
        } else {
          f.for_range(column, first, whole_columns, kPanel, [&] { panel(whole, false); });
          f.if_(rest != 0, [&] {
            column.set(whole_columns);
            panel(partial, true);
          });
        }
        epilogue.finish(f, out, operands, rows.get(), n.get(), out_step.get(), out_offset + row * out_step);
      });
    };
    const std::function<void(std::size_t, const Var<I32>&, const Var<I32>&, const Var<I32>&)> loops =
        [&](std::size_t level, const Var<I32>& lhs_now, const Var<I32>& rhs_now, const Var<I32>& out_offset) {
          if (level == batches) return product(lhs_now, rhs_now, out_offset);
          const Var<I32> i = f.local<I32>(), lhs_next = f.local<I32>(lhs_now.get()),
                         rhs_next = f.local<I32>(rhs_now.get()), out_next = f.local<I32>(out_offset.get());
          f.for_range(i, 0, batch[level].extent, 1, [&] {
            loops(level + 1, lhs_next, rhs_next, out_next);
            lhs_next += batch[level].lhs;
            rhs_next += batch[level].rhs;
            out_next += batch[level].out;
          });
        };
    loops(0, lhs, rhs, f.local<I32>(f.i32(0)));
  });
  call.arguments = {kernel.m,
                    kernel.n,
                    kernel.k,
                    kernel.lhs_row_stride * Dim(element),
                    packed ? Dim(packed_step(factors)) : kernel.rhs_stride * Dim(element),
                    kernel.out_row_stride * 4,
                    kernel.pack_lhs ? Dim(packed_block_rows(kernel)) : block_rows(kernel)};
  for (const schedule::BatchLoop& loop : kernel.batch) {
    for (const Dim& argument :
         {loop.extent, loop.lhs_stride * Dim(element), loop.rhs_stride * Dim(element), loop.out_stride * 4}) {
      call.arguments.push_back(argument);
    }
  }
  // The panel, then the rows.
  if (packs)
    call.workspace_bytes = 4 * (packed_block_rows(kernel) + (packs_rhs ? kPanel : 0)) * kernel.k.value();
  return call;
}

}  // namespace o2w::codegen
