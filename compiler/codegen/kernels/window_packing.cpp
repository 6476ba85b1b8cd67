#include "compiler/codegen/kernels/window_packing.h"

#include "compiler/codegen/kernels/packed_panel.h"

namespace o2w::codegen {

std::vector<Tree> window_arguments(const ConvParams& p) {
  std::vector<Tree> list;
  append(list, {p.ow, p.h, p.w, p.kh, p.kw, p.stride_h, p.stride_w, p.dilation_h, p.dilation_w, p.pad_top,
                p.pad_left, p.x_row, p.x_pixel});
  return list;
}

std::string pack_windows_function(FunctionTable& functions) {
  const std::string pack_rows = pack_rows_function(functions);
  return functions.get("x32_pack_windows_4", "pack windows", [&](FunctionBuilder& f) {
    const Var<I32> x = f.param<I32>(), to = f.param<I32>(), oy = f.param<I32>(), ox = f.param<I32>(),
                   blocks = f.param<I32>(), ow = f.param<I32>(), h = f.param<I32>(), w = f.param<I32>(),
                   kh = f.param<I32>(), kw = f.param<I32>(), stride_h = f.param<I32>(),
                   stride_w = f.param<I32>(), dilation_h = f.param<I32>(), dilation_w = f.param<I32>(),
                   pad_top = f.param<I32>(), pad_left = f.param<I32>(), x_row = f.param<I32>(),
                   x_pixel = f.param<I32>(), units = f.param<I32>(), contiguous = f.param<I32>(),
                   zeros = f.param<I32>();
    const Var<I32> inside = f.local<I32>(), runs = f.local<I32>(), run_units = f.local<I32>(),
                   ky = f.local<I32>(), kx = f.local<I32>(), dy = f.local<I32>(), dx = f.local<I32>(),
                   // Windows that begin in columns below this one end in the picture.
        last = f.local<I32>(w - (kw - 1) * dilation_w);
    Var<I32> iy[4], ix[4], base[4], row_inside[4];
    for (int i = 0; i < 4; ++i) {
      for (Var<I32>* local : {&iy[i], &ix[i], &base[i], &row_inside[i]}) *local = f.local<I32>();
    }
    f.if_(last < 0, [&] { last.set(f.i32(0)); });
    const auto block = [&] {
      inside.set(contiguous);
      for (int i = 0; i < 4; ++i) {
        iy[i].set(oy * stride_h - pad_top);
        ix[i].set(ox * stride_w - pad_left);
        base[i].set(x + iy[i] * x_row + ix[i] * x_pixel);
        inside.set(inside & less_unsigned(ix[i], last));
        ox += 1;
        f.if_(ox >= ow, [&] {
          ox.set(f.i32(0));
          oy += 1;
        });
      }
      runs.set(kw);
      run_units.set(units);
      f.if_(inside, [&] {
        runs.set(f.i32(1));
        run_units.set(units * kw);
      });
      dy.set(f.i32(0));
      f.for_range(ky, 0, kh, 1, [&] {
        for (int i = 0; i < 4; ++i) row_inside[i].set(less_unsigned(iy[i] + dy, h));
        dx.set(f.i32(0));
        f.for_range(kx, 0, runs, 1, [&] {
          std::vector<Tree> arguments;
          for (int i = 0; i < 4; ++i) {
            arguments.push_back(
                select(row_inside[i] & less_unsigned(ix[i] + dx, w), base[i] + dx * x_pixel, zeros.get()));
          }
          append(arguments, {to, run_units});
          f.call_statement(pack_rows, std::move(arguments));
          to += run_units << 4;
          dx += dilation_w;
        });
        for (int i = 0; i < 4; ++i) base[i] += dilation_h * x_row;
        dy += dilation_h;
      });
      blocks -= 1;
    };
    f.while_([&] { return blocks > 0; }, block);
  });
}

}  // namespace o2w::codegen
