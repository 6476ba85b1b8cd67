#include "compiler/codegen/kernels/packed_panel.h"

namespace o2w::codegen {

std::vector<Var<I32>> operand_params(FunctionBuilder& f, const schedule::Epilogue& epilogue) {
  std::vector<Var<I32>> params;
  for (std::size_t i = 0; i < epilogue.operands.size(); ++i) params.push_back(f.param<I32>());
  return params;
}

void append(std::vector<Tree>& arguments, const std::vector<Var<I32>>& variables) {
  for (const Var<I32>& variable : variables) arguments.push_back(variable.get());
}

namespace {

// Four rows of units of 4 bytes, unit by unit `step` bytes apart.
std::string pack_four_function(FunctionTable& functions, const std::string& name, int step) {
  return functions.get(name, name, [=](FunctionBuilder& f) {
    Var<I32> rows[4];
    for (Var<I32>& row : rows) row = f.param<I32>();
    const Var<I32> to = f.param<I32>(), units = f.param<I32>();
    Transpose4x4 lines(f);
    f.while_([&] { return units >= 4; },
             [&] {
               for (int i = 0; i < 4; ++i) {
                 lines.row(i).set(load_v128(rows[i]));
                 rows[i] += 16;
               }
               lines.mix();
               for (int i = 0; i < 4; ++i) f.store_v128(to, lines.column(i), static_cast<uint32_t>(step * i));
               to += 4 * step;
               units -= 4;
             });
    f.while_([&] { return units > 0; },
             [&] {
               for (int i = 0; i < 4; ++i) {
                 f.store_i32(to, load_i32(rows[i]), static_cast<uint32_t>(4 * i));
                 rows[i] += 4;
               }
               to += step;
               units -= 1;
             });
  });
}

}  // namespace

std::string pack_rows_function(FunctionTable& functions) {
  return pack_four_function(functions, "x32_pack_4", 4 * kTileRows);
}

std::string pack_columns_function(FunctionTable& functions) {
  return pack_four_function(functions, "x32_pack_4_of_8", 4 * kPanel);
}

std::string pack_panel_function(FunctionTable& functions) {
  return functions.get("x32_pack_8", "pack panel", [](FunctionBuilder& f) {
    const Var<I32> from = f.param<I32>(), step = f.param<I32>(), to = f.param<I32>(), k = f.param<I32>();
    f.while_([&] { return k > 0; },
             [&] {
               f.store_v128(to, load_v128(from), 0);
               f.store_v128(to, load_v128(from, 16), 16);
               from += step;
               to += 4 * kPanel;
               k -= 1;
             });
  });
}

std::string packed_panel_function(FunctionTable& functions, Factors factors,
                                  const schedule::Epilogue& epilogue, bool partial) {
  const std::string name = std::string(name_of(factors)) + "_gemm_4x8_packed" + (partial ? "_tail" : "") +
                           EpilogueEmitter::name(epilogue);
  const std::string rest = partial ? "" : packed_panel_function(functions, factors, epilogue, true);
  return functions.get(
      name,
      std::string("packed panel ") + name_of(factors) + std::to_string(partial) +
          EpilogueEmitter::key(epilogue),
      [&](FunctionBuilder& f) {
        const Var<I32> left = f.param<I32>(), head = f.param<I32>(), out = f.param<I32>();
        const std::vector<Var<I32>> operands = operand_params(f, epilogue);
        const Var<I32> rows = f.param<I32>(), k = f.param<I32>(), out_step = f.param<I32>(),
                       out_offset = f.param<I32>(), column_offset = f.param<I32>();
        const Var<I32> columns = partial ? f.param<I32>() : Var<I32>();
        EpilogueEmitter tail(functions, f, epilogue, operands, EpilogueEmitter::Loads::by_tile);
        const Var<I32> right = f.local<I32>(), first = f.local<I32>(head + panel_head(factors)),
                       end = f.local<I32>(first + k * packed_step(factors));
        const int unroll = functions.target().unroll;
        // What is left over by whole rounds comes first.
        const Var<I32> whole = f.local<I32>(first + (k & (unroll - 1)) * packed_step(factors));
        Tile tile(f, kTileRows, factors);
        const auto multiply = [&](int steps) {
          for (int step = 0; step < steps; ++step) {
            tile.multiply_add_packed(left, right, step);
            left += 4 * kTileRows;
          }
          right += packed_step(factors) * steps;
        };
        tile.begin_panel(head);
        tail.begin_panel(column_offset, {0, 16});
        f.while_([&] { return rows >= (partial ? 1 : kTileRows); },
                 [&] {
                   tile.clear();
                   right.set(first);
                   if (unroll > 1) {
                     f.while_([&] { return right != whole; }, [&] { multiply(1); });
                   }
                   f.if_(right != end,
                         [&] { f.do_while([&] { multiply(unroll); }, [&] { return right != end; }); });
                   tail.begin_tile(column_offset, {0, 16});
                   if (partial) {
                     tile.store_some(tail, out, out_offset, out_step, column_offset, columns, rows);
                   } else {
                     tile.store(tail, out, out_offset, out_step, column_offset);
                   }
                   rows -= kTileRows;
                 });
        if (partial) return;
        f.if_(rows > 0, [&] {
          std::vector<Tree> arguments = FunctionBuilder::arguments(left.get(), head.get(), out.get());
          append(arguments, operands);
          append(arguments, {rows, k, out_step, out_offset, column_offset});
          arguments.push_back(f.i32(kPanel));
          f.call_statement(rest, std::move(arguments));
        });
      });
}

std::string narrow_panel_function(FunctionTable& functions, const schedule::Epilogue& epilogue, int columns) {
  const std::string shape = std::to_string(columns);
  return functions.get(
      "f32_gemm_4x" + shape + "_packed" + EpilogueEmitter::name(epilogue),
      "narrow panel " + shape + EpilogueEmitter::key(epilogue), [&](FunctionBuilder& f) {
        const Var<I32> left = f.param<I32>(), first = f.param<I32>(), out = f.param<I32>();
        const std::vector<Var<I32>> operands = operand_params(f, epilogue);
        const Var<I32> rows = f.param<I32>(), k = f.param<I32>(), out_step = f.param<I32>(),
                       out_offset = f.param<I32>(), column_offset = f.param<I32>();
        EpilogueEmitter tail(functions, f, epilogue, operands);
        const Var<I32> right = f.local<I32>(), end = f.local<I32>(first + (k << 5)),
                       block_bytes = f.local<I32>(k << 4), address = f.local<I32>();
        const Var<V128> weight = f.local<V128>(), finished = f.local<V128>();
        // Sums of one column depend on one another: enough blocks of rows at a time to hide their latency.
        const auto blocks = [&](int count) {
          std::vector<Var<I32>> lefts;
          std::vector<Var<V128>> sums, values;
          for (int block = 0; block < count; ++block) {
            lefts.push_back(f.local<I32>());
            values.push_back(f.local<V128>());
            for (int column = 0; column < columns; ++column) sums.push_back(f.local<V128>());
          }
          const auto at = [](int index) { return static_cast<std::size_t>(index); };
          const auto store = [&](int block) {
            for (int column = 0; column < columns; ++column) {
              const auto constant = static_cast<uint32_t>(4 * column);
              finished.set(tail.column_vector(sums[at(block * columns + column)].get(), out_offset, out_step,
                                              column_offset, constant));
              address.set(out + out_offset);
              for (int lane = 0; lane < 4; ++lane) {
                f.if_(rows > lane, [&] { f.emit(v128::store32_lane(finished, lane, address, constant)); });
                if (lane < 3) address += out_step;
              }
            }
            out_offset += out_step << 2;
            rows -= 4;
          };
          f.while_([&] { return rows > 4 * (count - 1); },
                   [&] {
                     lefts[0].set(left);
                     for (int block = 1; block < count; ++block)
                       lefts[at(block)].set(lefts[at(block - 1)] + block_bytes);
                     left.set(lefts[at(count - 1)] + block_bytes);
                     for (const Var<V128>& sum : sums) sum.set(f32x4::splat(f.f32(0)));
                     right.set(first);
                     f.do_while(
                         [&] {
                           for (int block = 0; block < count; ++block) {
                             values[at(block)].set(load_v128(lefts[at(block)]));
                             lefts[at(block)] += 16;
                           }
                           for (int column = 0; column < columns; ++column) {
                             weight.set(v128::load32_splat(right, static_cast<uint32_t>(4 * column)));
                             for (int block = 0; block < count; ++block) {
                               const Var<V128>& sum = sums[at(block * columns + column)];
                               sum.set(f32x4::add(sum, f32x4::mul(values[at(block)], weight)));
                             }
                           }
                         },
                         [&] { return right.tee(right + 4 * kPanel) != end; });
                     for (int block = 0; block < count; ++block) store(block);
                   });
        };
        if (columns <= 2) blocks(4 / columns);
        blocks(1);
      });
}

}  // namespace o2w::codegen
