// Blocks of tiles go through two stages: inputs to the transformed domain, packed as left sides of the 36
// products; then, for each panel of eight output channels, its filters to the transformed domain, the
// products, and the results back and through the epilogue. What a panel needs stays near the core, and no
// filter is kept transformed, which would take four times the weights' memory: transforming a panel takes as
// long as its products with three or four tiles.
#include "compiler/codegen/kernels/winograd.h"

#include <algorithm>

#include "compiler/codegen/kernels/conv_geometry.h"
#include "compiler/codegen/kernels/winograd_transforms.h"

namespace o2w::codegen {
namespace {

using schedule::Conv2d;

// Bytes between the points of a panel's filters and products: no power of two, so that the lines of one
// place of all points are not all in one set of the cache.
constexpr int32_t kPointGap = 64;

int64_t block_tiles(const Conv2d& kernel) {
  const WinogradForm form(kernel.kh);
  const ir::Dim tiles = ir::ceildiv(kernel.oh, form.outputs) * ir::ceildiv(kernel.ow, form.outputs);
  return schedule::winograd_block_tiles(kernel.c.value(), tiles.constant());
}

// Where the parts of the workspace lie, in bytes from its start.
struct Workspace {
  explicit Workspace(const Conv2d& kernel) : tiles(block_tiles(kernel)), c(kernel.c.value()) {
    const int64_t c_bytes = 4 * ((c + 3) & -4);
    inputs = 4 * kWinogradPoints * tiles * c;
    input_half = inputs + kWinogradPoints * kTileRows * c_bytes;
    filters = (inputs + 63) & -64;
    products = filters + kWinogradPoints * (4 * kPanel * c + kPointGap);
    output_half = products + kWinogradPoints * (4 * kPanel * tiles + kPointGap);
    end = std::max(input_half + kWinogradPoints * c_bytes, output_half + kWinogradHalfBytes);
  }
  int64_t tiles, c;
  // The packed inputs are at 0. Behind them: what packing four tiles takes, then what a panel takes.
  int64_t inputs, input_half, filters, products, output_half, end;
};

}  // namespace

KernelCall emit_winograd(FunctionTable& functions, const Conv2d& kernel) {
  const schedule::Epilogue none;
  const WinogradForm form(kernel.kh);
  const int shift = form.shift();
  const bool partial_columns = kernel.m.value() % 4 != 0;
  const std::string input = winograd_input_function(functions),
                    filters = winograd_filters_function(functions, form),
                    results = winograd_results_function(functions, form, kernel.epilogue, partial_columns),
                    pack = pack_rows_function(functions),
                    multiply = packed_panel_function(functions, schedule::Factors::f32, none, false);
  const std::string name =
      form.name() + (partial_columns ? "_tail" : "") + EpilogueEmitter::name(kernel.epilogue);
  KernelCall call;
  call.function =
      functions.get(name, name + " driver " + EpilogueEmitter::key(kernel.epilogue), [&](FunctionBuilder& f) {
        const Var<I32> x = f.param<I32>(), weights = f.param<I32>(), out = f.param<I32>();
        const std::vector<Var<I32>> operands = operand_params(f, kernel.epilogue);
        const ConvParams p(f);
        const Var<I32> c = f.param<I32>(), m = f.param<I32>(), block = f.param<I32>(),
                       inputs = f.param<I32>(), input_half = f.param<I32>(), panel_filters = f.param<I32>(),
                       products = f.param<I32>(), output_half = f.param<I32>(), zeros = f.param<I32>(),
                       packed = f.param<I32>();
        for (const Var<I32>* part : {&inputs, &input_half, &panel_filters, &products, &output_half})
          *part += packed;
        const Var<I32> batch = f.local<I32>(), at = f.local<I32>(), tile = f.local<I32>(),
                       count = f.local<I32>(), rows = f.local<I32>(),
                       tiles_x = f.local<I32>((p.ow + (form.outputs - 1)) >> shift), ty = f.local<I32>(),
                       tx = f.local<I32>(),
                       tiles = f.local<I32>(((p.oh + (form.outputs - 1)) >> shift) * tiles_x),
                       c_bytes = f.local<I32>(((c + 3) & -4) << 2), i = f.local<I32>(), j = f.local<I32>(),
                       column = f.local<I32>(), ix = f.local<I32>(), iy = f.local<I32>(),
                       base = f.local<I32>(), to = f.local<I32>(), from = f.local<I32>(),
                       filter = f.local<I32>(), end = f.local<I32>(), rows_left = f.local<I32>(),
                       pixels_left = f.local<I32>(), most = f.local<I32>(f.i32(form.outputs)),
                       block_bytes = f.local<I32>(), filter_step = f.local<I32>((c << 5) + kPointGap),
                       product_step = f.local<I32>();
        const auto tile_position = [&] {
          ty.set(div_signed(at + tile, tiles_x));
          tx.set((at + tile) - ty * tiles_x);
        };

        // Columns of the window, then its rows; point (i, j) of four tiles is at inputs + (6 i + j) * 4 c.
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
            arguments.push_back(input_half + j * c_bytes);
            arguments.push_back(c_bytes * kWinogradInputs);
            arguments.push_back(c_bytes.get());
            f.call_statement(input, std::move(arguments));
          });
          from.set(input_half);
          to.set(inputs + (tile & (kTileRows - 1)) * c_bytes);
          f.for_range(i, 0, kWinogradInputs, 1, [&] {
            std::vector<Tree> arguments;
            for (int k = 0; k < kWinogradInputs; ++k) arguments.push_back(from + c_bytes * k);
            arguments.push_back(to.get());
            arguments.push_back(c_bytes * kTileRows);
            arguments.push_back(c_bytes.get());
            f.call_statement(input, std::move(arguments));
            from += c_bytes * kWinogradInputs;
            to += c_bytes * (kTileRows * kWinogradInputs);
          });
        };
        // The four tiles that end with `tile`. Rows behind the last tile are what lies there, and their
        // products are not kept.
        const auto pack_inputs = [&] {
          from.set(inputs);
          to.set(packed + (((tile & -kTileRows) * c) << 2));
          f.for_range(i, 0, kWinogradPoints, 1, [&] {
            f.call_statement(pack, FunctionBuilder::arguments(from.get(), from + c_bytes, from + c_bytes * 2,
                                                              from + c_bytes * 3, to.get(), c.get()));
            from += c_bytes * kTileRows;
            to += block_bytes;
          });
        };
        const auto multiply_panel = [&] {
          f.call_statement(filters, FunctionBuilder::arguments(filter.get(), panel_filters.get(), c.get(),
                                                               filter_step.get()));
          filter += (c << 5) * (form.window * form.window);
          from.set(packed);
          base.set(panel_filters);
          to.set(f.i32(0));
          f.for_range(i, 0, kWinogradPoints, 1, [&] {
            f.call_statement(multiply,
                             FunctionBuilder::arguments(from.get(), base.get(), products.get(), rows.get(),
                                                        c.get(), f.i32(4 * kPanel), to.get(), f.i32(0)));
            from += block_bytes;
            base += filter_step;
            to += product_step;
          });
        };
        const auto transform_output = [&] {
          tile_position();
          rows_left.set(p.oh - (ty << shift));
          pixels_left.set(p.ow - (tx << shift));
          std::vector<Tree> arguments = FunctionBuilder::arguments(products + (tile << 5), product_step.get(),
                                                                   output_half.get(), out.get());
          append(arguments, operands);
          append(arguments, {column, end});
          arguments.push_back(batch * p.out_batch + (ty << shift) * p.out_row + (tx << shift) * p.out_pixel);
          append(arguments, {p.out_row, p.out_pixel});
          arguments.push_back(min_i32(rows_left, most));
          arguments.push_back(min_i32(pixels_left, most));
          f.call_statement(results, std::move(arguments));
        };
        f.for_range(batch, 0, p.n, 1, [&] {
          f.for_range(at, 0, tiles, block, [&] {
            count.set(tiles - at);
            count.set(min_i32(count, block));
            rows.set((count + (kTileRows - 1)) & -kTileRows);
            block_bytes.set((rows * c) << 2);
            product_step.set((rows << 5) + kPointGap);
            f.for_range(tile, 0, count, 1, [&] {
              transform_input();
              f.if_(((tile & (kTileRows - 1)) == kTileRows - 1) | (tile + 1 == count), pack_inputs);
            });
            filter.set(weights);
            f.for_range(column, 0, m << 2, 4 * kPanel, [&] {
              multiply_panel();
              end.set(m << 2);
              f.if_(end - column > 4 * kPanel, [&] { end.set(column + 4 * kPanel); });
              f.for_range(tile, 0, count, 1, transform_output);
            });
          });
          x += p.x_batch;
        });
      });
  const Workspace workspace(kernel);
  call.arguments = ConvParams::arguments(kernel);
  for (const int64_t size :
       {workspace.c, kernel.m.value(), workspace.tiles, workspace.inputs, workspace.input_half,
        workspace.filters, workspace.products, workspace.output_half}) {
    call.arguments.emplace_back(size);
  }
  call.zero_bytes = 4 * workspace.c + 16;
  call.workspace_bytes = workspace.end;
  return call;
}

}  // namespace o2w::codegen
