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

namespace {

// One tap's unit of four pixels after the other, of a row that begins at `row`.
class PlaneUnits {
 public:
  PlaneUnits(FunctionBuilder& f, int taps, int stride)
      : f_(f), taps_(taps), stride_(stride), low_(f.local<V128>()), high_(f.local<V128>()) {}

  // All columns lie in the picture. `at` moves by `step` from unit to unit.
  void inside(const Var<I32>& row, const Var<I32>& at, const Var<I32>& step) {
    for (int tap = 0; tap < taps_; ++tap) {
      f_.store_v128(at, unit(row, tap));
      at += step;
    }
  }

  // Columns from `ix` on, of which those below `w` lie in the picture.
  void at_edge(const Var<I32>& row, const Var<I32>& at, const Var<I32>& step, const Var<I32>& ix,
               const Var<I32>& w) {
    for (int tap = 0; tap < taps_; ++tap) {
      for (int pixel = 0; pixel < 4; ++pixel) {
        const int column = tap + pixel * stride_;
        const Var<I32> value = f_.local<I32>(f_.i32(0));
        f_.if_(less_unsigned(ix + column, w),
               [&] { value.set(load_i32(row, static_cast<uint32_t>(4 * column))); });
        f_.store_i32(at, value, static_cast<uint32_t>(4 * pixel));
      }
      at += step;
    }
  }

  void outside(const Var<I32>& at, const Var<I32>& step) {
    for (int tap = 0; tap < taps_; ++tap) {
      f_.store_v128(at, f32x4::splat(f_.f32(0)));
      at += step;
    }
  }

 private:
  V128 unit(const Var<I32>& row, int tap) {
    const auto offset = static_cast<uint32_t>(4 * tap);
    if (stride_ == 1) return load_v128(row, offset);
    if (stride_ == 2) {
      // Even and odd columns of the same two vectors.
      if (tap % 2 == 1) return v128::shuffle32(low_, high_, {1, 3, 5, 7});
      low_.set(load_v128(row, offset));
      high_.set(load_v128(row, offset + 16));
      return v128::shuffle32(low_, high_, {0, 2, 4, 6});
    }
    low_.set(v128::load32_zero(row, offset));
    for (int pixel = 1; pixel < 4; ++pixel)
      low_.set(v128::load32_lane(low_, pixel, row, offset + static_cast<uint32_t>(4 * pixel * stride_)));
    return low_;
  }

  FunctionBuilder& f_;
  int taps_, stride_;
  Var<V128> low_, high_;
};

}  // namespace

std::string pack_planes_function(FunctionTable& functions, int64_t taps, int64_t stride) {
  const std::string form = std::to_string(taps) + "_s" + std::to_string(stride);
  return functions.get("x32_pack_planes_4x" + form, "pack planes " + form, [&](FunctionBuilder& f) {
    const Var<I32> x = f.param<I32>(), to = f.param<I32>(), oy = f.param<I32>(), ox = f.param<I32>(),
                   blocks = f.param<I32>(), h = f.param<I32>(), w = f.param<I32>(), kh = f.param<I32>(),
                   stride_h = f.param<I32>(), dilation_h = f.param<I32>(), pad_top = f.param<I32>(),
                   pad_left = f.param<I32>(), x_row = f.param<I32>(), x_plane = f.param<I32>(),
                   channels = f.param<I32>();
    const auto step = static_cast<int32_t>(stride), width = static_cast<int32_t>(3 * stride + taps);
    PlaneUnits units(f, static_cast<int>(taps), static_cast<int>(stride));
    const Var<I32> iy = f.local<I32>(), ix = f.local<I32>(ox * step - pad_left), ky = f.local<I32>(),
                   channel = f.local<I32>(), row = f.local<I32>(), first = f.local<I32>(),
                   at = f.local<I32>(), tap_step = f.local<I32>(channels << 4), next = f.local<I32>(),
                   // Tiles that begin in columns below this one end in the picture.
        last = f.local<I32>(w - (width - 1));
    f.if_(last < 0, [&] { last.set(f.i32(0)); });
    const auto all_channels = [&](const std::function<void()>& units_of_row) {
      row.set(first);
      next.set(to);
      f.for_range(
          channel, 0, channels, 1,
          [&] {
            at.set(next);
            units_of_row();
            next += 16;
            row += x_plane;
          },
          true);
      to += tap_step * static_cast<int32_t>(taps);
    };
    f.while_([&] { return blocks > 0; },
             [&] {
               iy.set(oy * stride_h - pad_top);
               first.set(x + iy * x_row + (ix << 2));
               f.for_range(ky, 0, kh, 1, [&] {
                 f.if_else(
                     less_unsigned(iy, h),
                     [&] {
                       f.if_else(
                           less_unsigned(ix, last),
                           [&] { all_channels([&] { units.inside(row, at, tap_step); }); },
                           [&] { all_channels([&] { units.at_edge(row, at, tap_step, ix, w); }); });
                     },
                     [&] { all_channels([&] { units.outside(at, tap_step); }); });
                 iy += dilation_h;
                 first += dilation_h * x_row;
               });
               ix += 4 * step;
               blocks -= 1;
             });
  });
}

}  // namespace o2w::codegen
