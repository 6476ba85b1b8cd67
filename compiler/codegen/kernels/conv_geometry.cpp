#include "compiler/codegen/kernels/conv_geometry.h"

namespace o2w::codegen {

using ir::Dim;

ConvParams::ConvParams(FunctionBuilder& f) {
  for (Var<I32>* param :
       {&n, &h, &w, &oh, &ow, &kh, &kw, &stride_h, &stride_w, &dilation_h, &dilation_w, &pad_top, &pad_left,
        &x_batch, &x_row, &x_pixel, &out_batch, &out_row, &out_pixel}) {
    *param = f.param<I32>();
  }
}

std::vector<Dim> ConvParams::arguments(const schedule::Conv2d& kernel) {
  const Dim element = left_bytes(kernel.factors);
  return {kernel.n,
          kernel.h,
          kernel.w,
          kernel.oh,
          kernel.ow,
          kernel.kh,
          kernel.kw,
          kernel.stride_h,
          kernel.stride_w,
          kernel.dilation_h,
          kernel.dilation_w,
          kernel.pad_top,
          kernel.pad_left,
          kernel.x_batch_stride * element,
          kernel.x_row_stride * element,
          kernel.x_pixel_stride * element,
          kernel.out_batch_stride * 4,
          kernel.out_row_stride * 4,
          kernel.out_pixel_stride * 4};
}

namespace {

// first = the first tap k >= 0 with start + k * dilation >= 0; count = how many of `taps` from there lie
// below `size`.
void clip(FunctionBuilder& f, const Var<I32>& start, const Var<I32>& dilation, const Var<I32>& taps,
          const Var<I32>& size, const Var<I32>& first, const Var<I32>& count) {
  first.set(f.i32(0));
  f.if_(start < 0, [&] { first.set(div_signed(dilation - 1 - start, dilation)); });
  count.set(div_signed(size - start + (dilation - 1), dilation));
  f.if_(start >= size, [&] { count.set(f.i32(0)); });
  count.set(min_i32(count, taps));
  count.set(count - first);
}

}  // namespace

void for_each_window(FunctionBuilder& f, const ConvParams& p,
                     const std::function<void(const Window&)>& inside,
                     const std::function<void(const Window&)>& edge,
                     const std::function<void(const Window&, const std::function<void()>& pieces)>& row) {
  Window at;
  for (Var<I32>* local : {&at.oy, &at.ox, &at.ky, &at.kx, &at.ky_count, &at.kx_count, &at.x_offset,
                          &at.out_offset, &at.pixels}) {
    *local = f.local<I32>();
  }
  const Var<I32> batch = f.local<I32>(), iy = f.local<I32>(), ix = f.local<I32>(),
                 first_inside = f.local<I32>(), end_inside = f.local<I32>(), reach = f.local<I32>();
  // Columns [first_inside, end_inside) of the output have their whole window in the picture.
  first_inside.set(div_signed(p.pad_left + (p.stride_w - 1), p.stride_w));
  f.if_(first_inside < 0,
        [&] { first_inside.set(f.i32(0)); });  // padding may be negative: the picture is cut
  first_inside.set(min_i32(first_inside, p.ow));
  reach.set(p.w - 1 - (p.kw - 1) * p.dilation_w + p.pad_left);
  end_inside.set(f.i32(0));
  f.if_(reach >= 0, [&] { end_inside.set(div_signed(reach, p.stride_w) + 1); });
  end_inside.set(min_i32(end_inside, p.ow));

  const auto set_offsets = [&] {
    at.x_offset.set(batch * p.x_batch + (iy + at.ky * p.dilation_h) * p.x_row +
                    (ix + at.kx * p.dilation_w) * p.x_pixel);
    at.out_offset.set(batch * p.out_batch + at.oy * p.out_row + at.ox * p.out_pixel);
  };
  f.for_range(batch, 0, p.n, 1, [&] {
    f.for_range(at.oy, 0, p.oh, 1, [&] {
      iy.set(at.oy * p.stride_h - p.pad_top);
      clip(f, iy, p.dilation_h, p.kh, p.h, at.ky, at.ky_count);
      const auto pieces = [&] {
        at.ox.set(f.i32(0));
        f.while_([&] { return at.ox < p.ow; },
                 [&] {
                   ix.set(at.ox * p.stride_w - p.pad_left);
                   f.if_else((at.ox == first_inside) & (end_inside > first_inside),
                             [&] {
                               at.kx.set(f.i32(0));
                               at.kx_count.set(p.kw);
                               at.pixels.set(end_inside - first_inside);
                               set_offsets();
                               inside(at);
                               at.ox.set(end_inside);
                             },
                             [&] {
                               clip(f, ix, p.dilation_w, p.kw, p.w, at.kx, at.kx_count);
                               at.pixels.set(f.i32(1));
                               set_offsets();
                               edge(at);
                               at.ox += 1;
                             });
                 });
      };
      if (!row) return pieces();
      ix.set(f.i32(0));
      at.kx.set(f.i32(0));
      at.ox.set(f.i32(0));
      set_offsets();
      row(at, pieces);
    });
  });
}

void for_each_row(FunctionBuilder& f, const ConvParams& p, const std::function<void(const Window&)>& row) {
  Window at;
  for (Var<I32>* local : {&at.oy, &at.ox, &at.ky, &at.ky_count, &at.x_offset, &at.out_offset})
    *local = f.local<I32>();
  const Var<I32> batch = f.local<I32>(), iy = f.local<I32>();
  f.for_range(batch, 0, p.n, 1, [&] {
    f.for_range(at.oy, 0, p.oh, 1, [&] {
      iy.set(at.oy * p.stride_h - p.pad_top);
      clip(f, iy, p.dilation_h, p.kh, p.h, at.ky, at.ky_count);
      at.x_offset.set(batch * p.x_batch + (iy + at.ky * p.dilation_h) * p.x_row);
      at.out_offset.set(batch * p.out_batch + at.oy * p.out_row);
      row(at);
    });
  });
}

}  // namespace o2w::codegen
