// Channels-last convolutions that are not depthwise: blocks of output pixels as products of their packed
// windows with the packed weights. A block's windows fit into the second-level cache, one panel of weights
// into the first.
#include <algorithm>

#include "compiler/codegen/kernels/depthwise.h"
#include "compiler/codegen/kernels/finish_rows.h"
#include "compiler/codegen/kernels/window_packing.h"
#include "compiler/codegen/kernels/winograd.h"
#include "compiler/support/error.h"

namespace o2w::codegen {
namespace {

using schedule::Conv2d;

// Output pixels per block: a multiple of the tile.
int64_t block_pixels(const Conv2d& kernel, int64_t units) {
  const int64_t most = std::clamp<int64_t>(schedule::kPackedBlockBytes / (16 * units), 2, 64);
  const ir::Dim pixels = kernel.planes ? kernel.ow : kernel.oh * kernel.ow;
  if (!pixels.is_constant()) return 4 * most;
  // Blocks of about the same size.
  const int64_t tiles = std::max<int64_t>((pixels.value() + 3) / 4, 1), blocks = (tiles + most - 1) / most;
  return 4 * ((tiles + blocks - 1) / blocks);
}

}  // namespace

KernelCall emit_conv2d(FunctionTable& functions, const Conv2d& kernel) {
  if (kernel.depthwise()) return emit_depthwise(functions, kernel);
  if (kernel.algorithm == Conv2d::Algorithm::winograd) return emit_winograd(functions, kernel);
  const Factors factors = kernel.factors;
  const std::optional<ir::Dim> channels_of_group = kernel.c.exact_div(kernel.group),
                               columns_of_group = kernel.m.exact_div(kernel.group);
  ensure(channels_of_group && columns_of_group, "a grouped convolution whose channels do not divide");
  const bool narrow =
      !functions.target().small && factors == Factors::f32 && columns_of_group->value() <= kNarrowColumns;
  const EpilogueParts epilogue(functions, kernel.epilogue, !narrow);
  const std::string pack = kernel.planes ? pack_planes_function(functions, kernel.kw, kernel.stride_w)
                                         : pack_windows_function(functions),
                    // Small code has one function for whole and partial panels.
      whole = narrow ? narrow_panel_function(functions, epilogue.in_tile(),
                                             static_cast<int>(columns_of_group->value()))
              : functions.target().small
                  ? ""
                  : packed_panel_function(functions, factors, epilogue.in_tile(), false),
                    partial =
                        narrow ? "" : packed_panel_function(functions, factors, epilogue.in_tile(), true);
  const std::string form = kernel.planes ? "_planes_x" + std::to_string(kernel.kw) + "_s" +
                                               std::to_string(kernel.stride_w)
                                         : "",
                    name = std::string(name_of(factors)) + "_conv2d" + form +
                           EpilogueEmitter::name(kernel.epilogue);

  KernelCall call;
  call.function = functions.get(
      name,
      std::string(name_of(factors)) + " conv2d " + form +
          (narrow ? std::to_string(columns_of_group->value()) : "") + EpilogueEmitter::key(kernel.epilogue),
      [&](FunctionBuilder& f) {
        const Var<I32> x = f.param<I32>(), weights = f.param<I32>(), out = f.param<I32>();
        const std::vector<Var<I32>> operands = operand_params(f, kernel.epilogue);
        const ConvParams p(f);
        const Var<I32> groups = f.param<I32>(), group_channels = f.param<I32>(),
                       group_columns = f.param<I32>(), run = f.param<I32>(), block = f.param<I32>(),
                       zeros = f.param<I32>(), packed = f.param<I32>();
        const Var<I32> group = f.local<I32>(), column = f.local<I32>(), columns = f.local<I32>(),
                       head = f.local<I32>(), batch = f.local<I32>(), at = f.local<I32>(),
                       oy = f.local<I32>(), ox = f.local<I32>(), count = f.local<I32>(),
                       out_offset = f.local<I32>(), pixels = f.local<I32>(p.oh * p.ow),
                       units = f.local<I32>(packed_steps(factors, group_channels)),
                       k = f.local<I32>(units * p.kh * p.kw),
                       panel_bytes = f.local<I32>(k * packed_step(factors) + panel_head(factors));
        const auto panel = [&](const std::string& function, bool is_partial) {
          std::vector<Tree> arguments = FunctionBuilder::arguments(packed.get(), head.get(), out.get());
          append(arguments, epilogue.operands_in_tile(operands));
          append(arguments, {count, k, p.out_pixel});
          const auto column_bytes = [&] { return (group * group_columns + column) << 2; };
          arguments.push_back(out_offset + column_bytes());
          arguments.push_back(column_bytes());
          if (is_partial) arguments.push_back(columns.get());
          f.call_statement(function, std::move(arguments));
        };
        const auto one_block = [&] {
          head.set(weights);
          f.for_range(group, 0, groups, 1, [&] {
            std::vector<Tree> arguments =
                FunctionBuilder::arguments(x + group * group_channels * left_bytes(factors), packed.get(),
                                           oy.get(), ox.get(), (count + 3) >> 2);
            if (kernel.planes) {
              append(arguments,
                     {p.h, p.w, p.kh, p.stride_h, p.dilation_h, p.pad_top, p.pad_left, p.x_row, run, units});
            } else {
              for (Tree& argument : window_arguments(p)) arguments.push_back(std::move(argument));
              append(arguments, {units, run, zeros});
            }
            f.call_statement(pack, std::move(arguments));
            f.for_range(column, 0, group_columns, kPanel, [&] {
              columns.set(group_columns - column);
              if (narrow) {
                panel(whole, false);
              } else if (whole.empty()) {
                panel(partial, true);
              } else {
                f.if_else(columns >= kPanel, [&] { panel(whole, false); }, [&] { panel(partial, true); });
              }
              head += panel_bytes;
            });
          });
          epilogue.finish(f, out, operands, count.get(), groups * group_columns, p.out_pixel.get(),
                          out_offset.get());
        };
        f.for_range(batch, 0, p.n, 1, [&] {
          oy.set(f.i32(0));
          ox.set(f.i32(0));
          at.set(f.i32(0));
          f.while_([&] { return at < pixels; },
                   [&] {
                     // Blocks go on into the next row where rows of the output follow one another, and tiles
                     // are packed pixel by pixel.
                     count.set(p.ow - ox);
                     if (!kernel.planes)
                       f.if_(p.out_row == p.ow * p.out_pixel, [&] { count.set(pixels - at); });
                     count.set(min_i32(count, block));
                     out_offset.set(batch * p.out_batch + oy * p.out_row + ox * p.out_pixel);
                     one_block();
                     at += count;
                     oy.set(div_signed(at, p.ow));
                     ox.set(at - oy * p.ow);
                   });
          x += p.x_batch;
        });
      });
  call.arguments = ConvParams::arguments(kernel);
  // Pairs do not run from one pixel into the next.
  const bool whole_steps = sums_floats(factors) || ir::mod(kernel.c, 2).is(0);
  const bool contiguous =
      kernel.dilation_w == 1 && kernel.group == 1 && kernel.x_pixel_stride == kernel.c && whole_steps;
  const int64_t channels = channels_of_group->value(), taps = kernel.kh * kernel.kw,
                units = sums_floats(factors) ? channels : (channels + 1) / 2,
                block = block_pixels(kernel, taps * units);
  // `run`: whether a window's row is one in memory; of planes, the bytes between them.
  const ir::Dim run = kernel.planes ? kernel.x_plane_stride * 4 : ir::Dim(contiguous ? 1 : 0);
  for (const ir::Dim& size :
       {ir::Dim(kernel.group), *channels_of_group, *columns_of_group, run, ir::Dim(block)}) {
    call.arguments.push_back(size);
  }
  call.zero_bytes = 4 * units * (contiguous ? kernel.kw : 1) + 16;
  call.workspace_bytes = 4 * taps * units * block;
  return call;
}

}  // namespace o2w::codegen
