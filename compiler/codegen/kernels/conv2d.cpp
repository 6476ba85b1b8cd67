// Convolution, channels last, dense or grouped: an implicit matrix product whose left rows are the
// windows of neighbouring output pixels, read where they lie (no im2col), and whose right side is the packed
// weights.
#include "compiler/codegen/kernels/conv_geometry.h"
#include "compiler/codegen/kernels/depthwise.h"
#include "compiler/codegen/kernels/kernel.h"
#include "compiler/codegen/kernels/tile.h"
#include "compiler/support/error.h"

namespace o2w::codegen {
namespace {

using schedule::Conv2d;

constexpr int kTilePixels = 4;

// span(x, weights, out, operands..., pixels, ky_count, kx_count, inner, x_pixel_step, x_ky_step, x_kx_step,
// w_ky_step, w_kx_step, out_step, out_offset, column_offset, head[, columns]): `pixels` neighbouring output
// pixels, 8 channels. The window is ky_count x kx_count runs of `inner` steps through contiguous elements;
// `head` is the start of the panel.
std::string span_function(FunctionTable& functions, Factors factors, const schedule::Epilogue& epilogue,
                          bool partial) {
  const std::string name = std::string(name_of(factors)) + "_conv_4x8" + (partial ? "_tail" : "") +
                           EpilogueEmitter::name(epilogue);
  return functions.get(
      name,
      std::string("conv span ") + name_of(factors) + std::to_string(partial) + EpilogueEmitter::key(epilogue),
      [&](FunctionBuilder& f) {
        const Var<I32> x = f.param<I32>(), weights = f.param<I32>(), out = f.param<I32>();
        std::vector<Var<I32>> operands;
        for (std::size_t i = 0; i < epilogue.operands.size(); ++i) operands.push_back(f.param<I32>());
        const Var<I32> pixels = f.param<I32>(), ky_count = f.param<I32>(), kx_count = f.param<I32>(),
                       inner = f.param<I32>(), x_pixel_step = f.param<I32>(), x_ky_step = f.param<I32>(),
                       x_kx_step = f.param<I32>(), w_ky_step = f.param<I32>(), w_kx_step = f.param<I32>(),
                       out_step = f.param<I32>(), out_offset = f.param<I32>(), column_offset = f.param<I32>(),
                       head = f.param<I32>();
        const Var<I32> columns = partial ? f.param<I32>() : Var<I32>();
        EpilogueEmitter tail(functions, f, epilogue, operands);
        const Var<I32> x_row = f.local<I32>(), x_run = f.local<I32>(), w_row = f.local<I32>(),
                       w_run = f.local<I32>(), right = f.local<I32>(), ky = f.local<I32>(),
                       kx = f.local<I32>(), count = f.local<I32>(),
                       any = f.local<I32>((ky_count > 0) & (kx_count > 0) & (inner > 0));
        std::vector<Var<I32>> lefts;
        for (int i = 0; i < kTilePixels; ++i) lefts.push_back(f.local<I32>());

        const auto tiles = [&](int tile_pixels) {
          Tile tile(f, tile_pixels, factors);
          tile.begin_panel(head);
          f.while_([&] { return pixels >= tile_pixels; },
                   [&] {
                     tile.clear();
                     f.if_(any, [&] {
                       x_row.set(x);
                       w_row.set(weights);
                       ky.set(ky_count);
                       f.do_while(
                           [&] {
                             x_run.set(x_row);
                             w_run.set(w_row);
                             kx.set(kx_count);
                             f.do_while(
                                 [&] {
                                   lefts[0].set(x_run);
                                   for (int i = 1; i < tile_pixels; ++i)
                                     lefts[i].set(lefts[i - 1] + x_pixel_step);
                                   right.set(w_run);
                                   count.set(inner);
                                   f.do_while(
                                       [&] {
                                         tile.multiply_add(lefts, right);
                                         for (int i = 0; i < tile_pixels; ++i) lefts[i] += 4;
                                         right += packed_step(factors);
                                       },
                                       [&] { return count.tee(count - 1) != 0; });
                                   x_run += x_kx_step;
                                   w_run += w_kx_step;
                                 },
                                 [&] { return kx.tee(kx - 1) != 0; });
                             x_row += x_ky_step;
                             w_row += w_ky_step;
                           },
                           [&] { return ky.tee(ky - 1) != 0; });
                     });
                     tile.store(tail, out, out_offset, out_step, column_offset, partial ? &columns : nullptr);
                     x += x_pixel_step * tile_pixels;
                     pixels -= tile_pixels;
                   });
        };
        tiles(kTilePixels);
        tiles(1);
      });
}

}  // namespace

KernelCall emit_conv2d(FunctionTable& functions, const Conv2d& kernel) {
  if (kernel.depthwise) return emit_depthwise(functions, kernel);
  const Factors factors = kernel.factors;
  const std::string whole = span_function(functions, factors, kernel.epilogue, false);
  const std::string partial = span_function(functions, factors, kernel.epilogue, true);
  const std::string name = std::string(name_of(factors)) + "_conv2d" + EpilogueEmitter::name(kernel.epilogue);

  KernelCall call;
  call.function = functions.get(
      name, name_of(factors) + (" conv2d" + EpilogueEmitter::key(kernel.epilogue)), [&](FunctionBuilder& f) {
        const Var<I32> x = f.param<I32>(), weights = f.param<I32>(), out = f.param<I32>();
        std::vector<Var<I32>> operands;
        for (std::size_t i = 0; i < kernel.epilogue.operands.size(); ++i) operands.push_back(f.param<I32>());
        const ConvParams p(f);
        const Var<I32> groups = f.param<I32>(), group_channels = f.param<I32>(),
                       group_columns = f.param<I32>(), contiguous = f.param<I32>();
        const Var<I32> group = f.local<I32>(), column = f.local<I32>(), columns = f.local<I32>(),
                       inner = f.local<I32>(), runs = f.local<I32>(), head = f.local<I32>(),
                       channel_steps = f.local<I32>(packed_steps(factors, group_channels)),
                       w_kx_step = f.local<I32>(channel_steps * packed_step(factors)),
                       w_ky_step = f.local<I32>(w_kx_step * p.kw),
                       panel_bytes = f.local<I32>(w_ky_step * p.kh + panel_head(factors));
        const auto pixels = [&](const Window& at) {
          head.set(weights);
          // Where a window row is one run in memory, the loop over its columns is part of the inner one.
          runs.set(at.kx_count);
          inner.set(channel_steps);
          f.if_(contiguous & (runs > 0), [&] {
            inner.set(channel_steps * runs);
            runs.set(f.i32(1));
          });
          f.for_range(group, 0, groups, 1, [&] {
            f.for_range(column, 0, group_columns, kPanel, [&] {
              const auto span = [&](const std::string& function, bool is_partial) {
                std::vector<Tree> arguments = FunctionBuilder::arguments(
                    x + at.x_offset + group * group_channels * left_bytes(factors),
                    head + at.ky * w_ky_step + at.kx * w_kx_step + panel_head(factors), out.get());
                for (const Var<I32>& operand : operands) arguments.push_back(operand.get());
                for (const Var<I32>& size : {at.pixels, at.ky_count, runs, inner})
                  arguments.push_back(size.get());
                arguments.push_back(p.stride_w * p.x_pixel);
                arguments.push_back(p.dilation_h * p.x_row);
                arguments.push_back(p.dilation_w * p.x_pixel);
                for (const Var<I32>& step : {w_ky_step, w_kx_step, p.out_pixel})
                  arguments.push_back(step.get());
                const auto column_bytes = [&] { return (group * group_columns + column) << 2; };
                arguments.push_back(at.out_offset + column_bytes());
                arguments.push_back(column_bytes());
                arguments.push_back(head.get());
                if (is_partial) arguments.push_back(columns.get());
                f.call_statement(function, std::move(arguments));
              };
              columns.set(group_columns - column);
              f.if_else(columns >= kPanel, [&] { span(whole, false); }, [&] { span(partial, true); });
              head += panel_bytes;
            });
          });
        };
        for_each_window(f, p, pixels, pixels);
      });
  call.arguments = ConvParams::arguments(kernel);
  const std::optional<ir::Dim> group_channels = kernel.c.exact_div(kernel.group),
                               group_columns = kernel.m.exact_div(kernel.group);
  ensure(group_channels && group_columns, "a grouped convolution whose channels do not divide");
  // Pairs do not run from one pixel into the next.
  const bool whole_steps = sums_floats(factors) || ir::mod(kernel.c, 2).is(0);
  const bool contiguous =
      kernel.dilation_w == 1 && kernel.group == 1 && kernel.x_pixel_stride == kernel.c && whole_steps;
  for (const ir::Dim& size :
       {ir::Dim(kernel.group), *group_channels, *group_columns, ir::Dim(contiguous ? 1 : 0)}) {
    call.arguments.push_back(size);
  }
  return call;
}

}  // namespace o2w::codegen
