// Blocks of tiles go through four stages: inputs to the transformed domain, the left sides of the 36 products
// packed, the products, results back and through the epilogue. A block is as large as its transformed inputs
// and outputs stay near the core; each block reads all weights once.
#include "compiler/codegen/kernels/winograd.h"

#include <algorithm>

#include "compiler/codegen/kernels/conv_geometry.h"
#include "compiler/codegen/kernels/finish_rows.h"
#include "compiler/codegen/kernels/winograd_transforms.h"

namespace o2w::codegen {
namespace {

using schedule::Conv2d;

constexpr int64_t kBlockBytes = 640 * 1024;

int64_t padded(const ir::Dim& channels) { return (channels.value() + 3) & -4; }

int64_t block_tiles(const Conv2d& kernel) {
  const WinogradForm form(kernel.kh);
  const int64_t tile_bytes = 4 * kWinogradPoints * (padded(kernel.c) + padded(kernel.m));
  const int64_t most = std::clamp<int64_t>(kBlockBytes / tile_bytes & -4, 16, 64);
  const ir::Dim tiles = ir::ceildiv(kernel.oh, form.outputs) * ir::ceildiv(kernel.ow, form.outputs);
  if (!tiles.is_constant()) return most;
  const int64_t count = std::max<int64_t>(tiles.value(), 1), blocks = (count + most - 1) / most;
  return ((count + blocks - 1) / blocks + 3) & -4;
}

// Where the parts of the workspace lie, in bytes from its start.
struct Workspace {
  explicit Workspace(const Conv2d& kernel)
      : tiles(block_tiles(kernel)), c(padded(kernel.c)), m(padded(kernel.m)) {
    outputs = 4 * kWinogradPoints * tiles * c;
    packed = outputs + 4 * kWinogradPoints * tiles * m;
    half = packed + 4 * tiles * c;
    end = half + 4 * kWinogradPoints * std::max(c, m);
  }
  int64_t tiles, c, m;
  int64_t outputs, packed, half, end;  // transformed inputs are at 0
};

}  // namespace

KernelCall emit_winograd(FunctionTable& functions, const Conv2d& kernel) {
  const schedule::Epilogue none;
  const WinogradForm form(kernel.kh);
  const int shift = form.shift();
  const bool partial_columns = kernel.m.value() % 4 != 0;
  const EpilogueParts epilogue(functions, kernel.epilogue);
  const std::string input = winograd_input_function(functions),
                    output = winograd_output_function(functions, form),
                    finish = winograd_finish_function(functions, form, epilogue.in_tile(), partial_columns),
                    pack = pack_rows_function(functions),
                    whole = packed_panel_function(functions, schedule::Factors::f32, none, false),
                    partial = packed_panel_function(functions, schedule::Factors::f32, none, true);
  const std::string name =
      form.name() + (partial_columns ? "_tail" : "") + EpilogueEmitter::name(kernel.epilogue);
  KernelCall call;
  call.function =
      functions.get(name, name + " driver " + EpilogueEmitter::key(kernel.epilogue), [&](FunctionBuilder& f) {
        const Var<I32> x = f.param<I32>(), weights = f.param<I32>(), out = f.param<I32>();
        const std::vector<Var<I32>> operands = operand_params(f, kernel.epilogue);
        const ConvParams p(f);
        const Var<I32> c = f.param<I32>(), m = f.param<I32>(), block = f.param<I32>(),
                       outputs = f.param<I32>(), packed = f.param<I32>(), half = f.param<I32>(),
                       zeros = f.param<I32>(), inputs = f.param<I32>();
        for (const Var<I32>* part : {&outputs, &packed, &half}) *part += inputs;
        const Var<I32> batch = f.local<I32>(), at = f.local<I32>(), tile = f.local<I32>(),
                       count = f.local<I32>(), tiles_x = f.local<I32>((p.ow + (form.outputs - 1)) >> shift),
                       ty = f.local<I32>(), tx = f.local<I32>(),
                       tiles = f.local<I32>(((p.oh + (form.outputs - 1)) >> shift) * tiles_x),
                       c_bytes = f.local<I32>(((c + 3) & -4) << 2),
                       m_bytes = f.local<I32>(((m + 3) & -4) << 2), i = f.local<I32>(), j = f.local<I32>(),
                       point = f.local<I32>(), column = f.local<I32>(), right = f.local<I32>(),
                       ix = f.local<I32>(), iy = f.local<I32>(), base = f.local<I32>(), to = f.local<I32>(),
                       from = f.local<I32>(), rows_left = f.local<I32>(), columns_left = f.local<I32>(),
                       out_offset = f.local<I32>(), columns = f.local<I32>(), first_column = f.local<I32>(),
                       most = f.local<I32>(f.i32(form.outputs));
        const auto tile_position = [&] {
          ty.set(div_signed(at + tile, tiles_x));
          tx.set((at + tile) - ty * tiles_x);
        };
        const auto call_with = [&](const std::string& function, std::vector<Tree> arguments) {
          f.call_statement(function, std::move(arguments));
        };

        // Columns of the window, then its rows; point (i, j) of tile t is at inputs + ((6 i + j) tiles + t)
        // c.
        const auto transform_input = [&] {
          tile_position();
          iy.set((ty << shift) - p.pad_top);
          f.for_range(j, 0, kWinogradInputs, 1, [&] {
            ix.set((tx << shift) - p.pad_left + j);
            base.set(x + iy * p.x_row + ix * p.x_pixel);
            std::vector<Tree> arguments;
            for (int row = 0; row < kWinogradInputs; ++row) {
              arguments.push_back(select(less_unsigned(iy + row, p.h) & less_unsigned(ix, p.w),
                                         base + p.x_row * row, zeros.get()));
            }
            arguments.push_back(half + j * c_bytes);
            arguments.push_back(c_bytes * kWinogradInputs);
            arguments.push_back(c_bytes.get());
            call_with(input, std::move(arguments));
          });
          from.set(half);
          to.set(inputs + tile * c_bytes);
          f.for_range(i, 0, kWinogradInputs, 1, [&] {
            std::vector<Tree> arguments;
            for (int k = 0; k < kWinogradInputs; ++k) arguments.push_back(from + c_bytes * k);
            arguments.push_back(to.get());
            arguments.push_back(count * c_bytes);
            arguments.push_back(c_bytes.get());
            call_with(input, std::move(arguments));
            from += c_bytes * kWinogradInputs;
            to += count * c_bytes * kWinogradInputs;
          });
        };
        const auto multiply = [&] {
          from.set(inputs);
          right.set(weights);
          to.set(f.i32(0));
          f.for_range(point, 0, kWinogradPoints, 1, [&] {
            f.for_range(tile, 0, count, kTileRows, [&] {
              // Rows behind the last tile are what lies there, and their products are not kept.
              call_with(pack,
                        FunctionBuilder::arguments(from.get(), from + c_bytes, from + c_bytes * 2,
                                                   from + c_bytes * 3, packed + ((tile * c) << 2), c.get()));
              from += c_bytes << 2;
            });
            from.set(inputs + (point + 1) * count * c_bytes);
            f.for_range(column, 0, m, kPanel, [&] {
              columns.set(m - column);
              const auto panel = [&](const std::string& function, bool is_partial) {
                std::vector<Tree> arguments =
                    FunctionBuilder::arguments(packed.get(), right.get(), outputs.get(), count.get(), c.get(),
                                               m_bytes.get(), to + (column << 2), column << 2);
                if (is_partial) arguments.push_back(columns.get());
                call_with(function, std::move(arguments));
              };
              f.if_else(columns >= kPanel, [&] { panel(whole, false); }, [&] { panel(partial, true); });
              right += c << 5;
            });
            to += count * m_bytes;
          });
        };
        // Work that is left to do on finished rows is done on those of as many tiles as follow each other.
        const auto finish_tiles = [&] {
          f.if_((tile == 0) | (tx == 0), [&] { first_column.set(tx << shift); });
          f.if_((tile + 1 == count) | (tx + 1 == tiles_x), [&] {
            columns_left.set((tx + 1) << shift);
            columns_left.set(min_i32(columns_left, p.ow) - first_column);
            out_offset.set(batch * p.out_batch + (ty << shift) * p.out_row + first_column * p.out_pixel);
            f.for_range(i, 0, rows_left, 1, [&] {
              epilogue.finish(f, out, operands, columns_left.get(), m.get(), p.out_pixel.get(),
                              out_offset.get());
              out_offset += p.out_row;
            });
          });
        };
        // Columns of the points, then the four rows of results.
        const auto transform_output = [&] {
          tile_position();
          f.for_range(j, 0, kWinogradInputs, 1, [&] {
            call_with(output, FunctionBuilder::arguments(
                                  outputs + (j * count + tile) * m_bytes, count * m_bytes * kWinogradInputs,
                                  half + j * m_bytes, m_bytes * kWinogradInputs, m_bytes.get()));
          });
          rows_left.set(p.oh - (ty << shift));
          rows_left.set(min_i32(rows_left, most));
          columns_left.set(p.ow - (tx << shift));
          out_offset.set(batch * p.out_batch + (ty << shift) * p.out_row + (tx << shift) * p.out_pixel);
          from.set(half);
          f.for_range(i, 0, rows_left, 1, [&] {
            std::vector<Tree> arguments = FunctionBuilder::arguments(from.get(), m_bytes.get(), out.get());
            append(arguments, epilogue.operands_in_tile(operands));
            append(arguments, {m, p.out_pixel, out_offset, columns_left});
            call_with(finish, std::move(arguments));
            from += m_bytes * kWinogradInputs;
            out_offset += p.out_row;
          });
          if (epilogue.finishes_rows()) finish_tiles();
        };
        f.for_range(batch, 0, p.n, 1, [&] {
          f.for_range(at, 0, tiles, block, [&] {
            count.set(tiles - at);
            count.set(min_i32(count, block));
            f.for_range(tile, 0, count, 1, transform_input);
            multiply();
            f.for_range(tile, 0, count, 1, transform_output);
          });
          x += p.x_batch;
        });
      });
  const Workspace workspace(kernel);
  call.arguments = ConvParams::arguments(kernel);
  for (const int64_t size : {kernel.c.value(), kernel.m.value(), workspace.tiles, workspace.outputs,
                             workspace.packed, workspace.half}) {
    call.arguments.emplace_back(size);
  }
  call.zero_bytes = 4 * workspace.c + 16;
  call.workspace_bytes = workspace.end;
  return call;
}

KernelCall emit_winograd_weights(FunctionTable& functions, const schedule::WinogradWeights& kernel) {
  return {winograd_weights_function(functions, WinogradForm(kernel.window)),
          {kernel.channels, schedule::panels_of(kernel.columns)}};
}

}  // namespace o2w::codegen
