// Depthwise convolution, f32 or i16 (summed in i32), channels last, any window.
//
// Rows that the first-level cache holds go to depthwise_row.h, other windows of few columns to
// depthwise_tile.h. What is left (columns far apart, or many) takes spans of pixels whose windows cover the
// same taps, by tiles of 4 pixels x 8 channels with the taps as inner loops.
#include "compiler/codegen/kernels/depthwise.h"

#include "compiler/codegen/kernels/conv_geometry.h"
#include "compiler/codegen/kernels/depthwise_row.h"
#include "compiler/codegen/kernels/depthwise_tile.h"
#include "compiler/codegen/kernels/tile.h"

namespace o2w::codegen {
namespace {

using schedule::Conv2d;

struct Operands {
  Operands(FunctionBuilder& f, const schedule::Epilogue& epilogue)
      : x(f.param<I32>()), weights(f.param<I32>()), out(f.param<I32>()) {
    for (std::size_t i = 0; i < epilogue.operands.size(); ++i) list.push_back(f.param<I32>());
  }
  std::vector<Tree> arguments(I32 x_now, I32 weights_now) const {
    std::vector<Tree> values =
        FunctionBuilder::arguments(std::move(x_now), std::move(weights_now), out.get());
    for (const Var<I32>& operand : list) values.push_back(operand.get());
    return values;
  }
  Var<I32> x, weights, out;
  std::vector<Var<I32>> list;
};

// span(x, weights, out, operands..., pixels, channels, ky_count, kx_count, x_pixel_step, x_ky_step,
// x_kx_step, w_ky_step, w_block_step, out_step, out_offset): neighbouring pixels whose windows cover the same
// taps. weights: the first of them in the first block.
class Span {
 public:
  Span(FunctionTable& functions, FunctionBuilder& f, Factors factors, const schedule::Epilogue& epilogue)
      : f_(f),
        factors_(factors),
        operands_(f, epilogue),
        tail_(functions, f, epilogue, (declare_parameters(), operands_.list)) {
    for (Var<I32>* local : {&channel_, &bytes_, &column_, &ky_, &kx_, &x_row_, &w_row_, &w_at_, &w_second_,
                            &offset_, &first_offset_, &address_}) {
      *local = f.local<I32>();
    }
    for (int i = 0; i < kMostPixels; ++i) x_at_.push_back(f.local<I32>());
    for (int i = 0; i < kMostSums; ++i) sums_.push_back(f.local<V128>());
    for (int i = 0; i < kMostBlocks; ++i) taps_.push_back(f.local<V128>());
    finished_ = f.local<V128>();
    zero_ = f.local<V128>(f32x4::splat(f.f32(0)));
  }

  void emit() {
    const auto walk = [&](int pixels, const std::function<void()>& all_channels) {
      f_.while_([&] { return pixels_ >= pixels; },
                [&] {
                  all_channels();
                  operands_.x += x_pixel_step_ * pixels;
                  out_offset_ += out_step_ * pixels;
                  pixels_ -= pixels;
                });
    };
    const Var<I32> rest = f_.local<I32>();
    walk(kMostPixels, [&] {
      channel_.set(f_.i32(0));
      tiles(kMostPixels, kMostBlocks);
      // What is left of the channels, pixel by pixel.
      f_.if_(channel_ < channels_, [&] {
        const Var<I32> first = f_.local<I32>(channel_), pixel = f_.local<I32>();
        f_.for_range(pixel, 0, kMostPixels, 1, [&] {
          channel_.set(first);
          rest.set(pixel);
          last_channels(rest);
        });
      });
    });
    walk(1, [&] {
      channel_.set(f_.i32(0));
      rest.set(f_.i32(0));
      last_channels(rest);
    });
  }

 private:
  static constexpr int kMostPixels = 4, kMostBlocks = 2, kMostSums = 8;

  void declare_parameters() {
    for (Var<I32>* parameter : {&pixels_, &channels_, &ky_count_, &kx_count_, &x_pixel_step_, &x_ky_step_,
                                &x_kx_step_, &w_ky_step_, &w_block_step_, &out_step_, &out_offset_}) {
      *parameter = f_.param<I32>();
    }
  }

  // Tiles of this many pixels and blocks of 4 channels, from channel_ on, as long as there are channels for
  // whole ones.
  void tiles(int pixels, int blocks) {
    f_.while_([&] { return channel_ + 4 * blocks <= channels_; },
              [&] {
                set_channel();
                x_row_.set(operands_.x + bytes_);
                first_offset_.set(out_offset_ + column_);
                sum(pixels, blocks);
                store(pixels, blocks, false);
                channel_ += 4 * blocks;
              });
  }

  // The channels from channel_ on, four and four, of the pixel of this number; the last four may be fewer.
  void last_channels(const Var<I32>& pixel) {
    f_.while_([&] { return channel_ < channels_; },
              [&] {
                set_channel();
                x_row_.set(operands_.x + bytes_ + pixel * x_pixel_step_);
                first_offset_.set(out_offset_ + column_ + pixel * out_step_);
                sum(1, 1);
                store(1, 1, true);
                channel_ += 4;
              });
  }

  void set_channel() {
    bytes_.set(channel_ << depthwise_shift(factors_));
    column_.set(channel_ << 2);
  }

  V128 four_at(const Var<I32>& address, int block) {
    const auto offset = static_cast<uint32_t>(4 * block) << depthwise_shift(factors_);
    return factors_ == Factors::f32 ? load_v128(address, offset) : v128::load16x4_s(address, offset);
  }

  void sum(int pixels, int blocks) {
    const auto sum_of = [&](int pixel, int block) { return sums_[pixel * blocks + block]; };
    for (int i = 0; i < pixels * blocks; ++i) sums_[i].set(zero_);
    w_row_.set(operands_.weights + (channel_ >> 2) * w_block_step_);
    f_.for_range(ky_, 0, ky_count_, 1, [&] {
      for (int p = 0; p < pixels; ++p) x_at_[p].set(p == 0 ? x_row_.get() : x_at_[p - 1] + x_pixel_step_);
      w_at_.set(w_row_);
      if (blocks > 1) w_second_.set(w_row_ + w_block_step_);
      f_.for_range(kx_, 0, kx_count_, 1, [&] {
        for (int b = 0; b < blocks; ++b) taps_[b].set(four_at(b == 0 ? w_at_ : w_second_, 0));
        for (int p = 0; p < pixels; ++p) {
          for (int b = 0; b < blocks; ++b) {
            V128 product = depthwise_times(factors_, four_at(x_at_[p], b), taps_[b]);
            sum_of(p, b).set(depthwise_plus(factors_, sum_of(p, b), std::move(product)));
          }
          x_at_[p] += x_kx_step_;
        }
        w_at_ += 4 << depthwise_shift(factors_);
        if (blocks > 1) w_second_ += 4 << depthwise_shift(factors_);
      });
      x_row_ += x_ky_step_;
      w_row_ += w_ky_step_;
    });
  }

  void store(int pixels, int blocks, bool some) {
    offset_.set(first_offset_);
    for (int p = 0; p < pixels; ++p) {
      address_.set(operands_.out + scaled_offset(tail_.out_type(), offset_));
      for (int b = 0; b < blocks; ++b) {
        const auto bytes = static_cast<uint32_t>(16 * b);
        finished_.set(tail_.vector(sums_[p * blocks + b], offset_, column_, bytes, bytes));
        if (some) {
          store_lanes(f_, tail_.out_type(), finished_, address_, f_.local<I32>(channels_ - channel_));
        } else {
          store_elements(f_, tail_.out_type(), finished_, address_, static_cast<uint32_t>(4 * b));
        }
      }
      if (p + 1 < pixels) offset_ += out_step_;
    }
  }

  FunctionBuilder& f_;
  Factors factors_;
  Operands operands_;
  Var<I32> pixels_, channels_, ky_count_, kx_count_, x_pixel_step_, x_ky_step_, x_kx_step_, w_ky_step_,
      w_block_step_, out_step_, out_offset_;
  EpilogueEmitter tail_;
  Var<I32> channel_, bytes_, column_, ky_, kx_, x_row_, w_row_, w_at_, w_second_, offset_, first_offset_,
      address_;
  std::vector<Var<I32>> x_at_;
  std::vector<Var<V128>> sums_, taps_;
  Var<V128> finished_, zero_;
};

// The driver's parameters and what all its calls have in common.
struct Driver {
  Driver(FunctionBuilder& f, const Conv2d& kernel)
      : operands(f, kernel.epilogue),
        p(f),
        channels(f.param<I32>()),
        shift(depthwise_shift(kernel.factors)),
        w_ky_step(f.local<I32>(p.kw << (shift + 2))),
        w_block_step(f.local<I32>(w_ky_step * p.kh)) {}
  const Operands operands;
  const ConvParams p;
  const Var<I32> channels;
  const int shift;
  const Var<I32> w_ky_step, w_block_step;
};

void add(std::vector<Tree>& arguments, std::initializer_list<Var<I32>> variables) {
  for (const Var<I32>& variable : variables) arguments.push_back(variable.get());
}

// Spans of pixels whose windows cover the same taps.
std::function<void(const Window&)> run_spans(FunctionTable& functions, FunctionBuilder& f, const Driver& d,
                                             const Conv2d& kernel) {
  const std::string name = name_of(kernel.factors);
  const std::string span = functions.get(
      name + "_dwconv_4x8" + EpilogueEmitter::name(kernel.epilogue),
      name + "dwconv span" + EpilogueEmitter::key(kernel.epilogue),
      [&](FunctionBuilder& inner) { Span(functions, inner, kernel.factors, kernel.epilogue).emit(); });
  return [&f, &d, span](const Window& at) {
    const ConvParams& p = d.p;
    std::vector<Tree> arguments = d.operands.arguments(
        d.operands.x + at.x_offset, d.operands.weights + at.ky * d.w_ky_step + (at.kx << (d.shift + 2)));
    add(arguments, {at.pixels, d.channels, at.ky_count, at.kx_count});
    arguments.push_back(p.stride_w * p.x_pixel);
    arguments.push_back(p.dilation_h * p.x_row);
    arguments.push_back(p.dilation_w * p.x_pixel);
    add(arguments, {d.w_ky_step, d.w_block_step, p.out_pixel, at.out_offset});
    f.call_statement(span, std::move(arguments));
  };
}

// Whole rows of the output at once where they fit, spans elsewhere.
void rows_or_spans(FunctionTable& functions, FunctionBuilder& f, const Driver& d, const Conv2d& kernel) {
  const auto run = run_spans(functions, f, d, kernel);
  if (functions.target().small || !has_whole_rows(kernel)) return for_each_window(f, d.p, run, run);
  // 3x3: functions of their own for three rows of the window and for the two at the picture's edges.
  const bool is_3x3 = kernel.kh == 3 && kernel.kw == 3;
  const std::string rows = depthwise_row_function(functions, kernel, is_3x3 ? 3 : 0),
                    edge_rows = is_3x3 ? depthwise_row_function(functions, kernel, 2) : "";
  const ConvParams& p = d.p;
  const Var<I32> fit = whole_rows_fit(f, p, kernel);
  for_each_window(f, p, run, run, [&](const Window& at, const std::function<void()>& pieces) {
    const auto row = [&](const std::string& function) {
      std::vector<Tree> arguments =
          d.operands.arguments(d.operands.x + at.x_offset, d.operands.weights + at.ky * d.w_ky_step);
      add(arguments, {p.w, p.ow, d.channels, p.x_row, p.x_pixel, d.w_block_step, p.out_pixel, at.out_offset,
                      p.pad_left});
      if (!is_3x3) arguments.push_back(at.ky_count.get());
      f.call_statement(function, std::move(arguments));
    };
    if (!is_3x3) return f.if_else(fit & (at.ky_count >= 2), [&] { row(rows); }, pieces);
    f.if_else(
        fit & (at.ky_count == 3), [&] { row(rows); },
        [&] { f.if_else(fit & (at.ky_count == 2), [&] { row(edge_rows); }, pieces); });
  });
}

// Rows of tiles, those at the picture's edges and what is left of a row one by one.
void tiles(FunctionTable& functions, FunctionBuilder& f, const Driver& d, const Conv2d& kernel) {
  const std::string inner = depthwise_tiles_function(functions, kernel),
                    edge = depthwise_edge_function(functions, kernel);
  const int count = depthwise_tile_pixels(kernel), columns = depthwise_tile_columns(kernel);
  const auto stride = static_cast<int32_t>(kernel.stride_w);
  const ConvParams& p = d.p;
  const Var<I32> ix = f.local<I32>(), tiles = f.local<I32>(), x_offset = f.local<I32>(),
                 out_offset = f.local<I32>(), x_step = f.local<I32>(p.dilation_h * p.x_row),
                 pixels = f.local<I32>(), before = f.local<I32>(), end = f.local<I32>(),
                 first_channel = f.local<I32>(), none = f.local<I32>(f.i32(0));
  for_each_row(f, p, [&](const Window& row) {
    const auto arguments = [&] {
      std::vector<Tree> list =
          d.operands.arguments(d.operands.x + x_offset, d.operands.weights + row.ky * d.w_ky_step);
      add(list, {d.channels, row.ky_count, x_step, p.x_pixel, d.w_block_step, p.out_pixel, out_offset});
      return list;
    };
    row.ox.set(f.i32(0));
    f.while_([&] { return row.ox < p.ow; },
             [&] {
               ix.set(row.ox * stride - p.pad_left);
               x_offset.set(row.x_offset + ix * p.x_pixel);
               out_offset.set(row.out_offset + row.ox * p.out_pixel);
               // Tiles from here on that reach neither the picture's right edge nor the row's end.
               tiles.set(f.i32(0));
               f.if_(less_unsigned(ix, p.w), [&] {
                 f.if_(p.w - ix >= columns, [&] {
                   tiles.set(div_signed(p.w - ix - columns, f.i32(count * stride)) + 1);
                   tiles.set(min_i32(tiles, f.local<I32>(div_signed(p.ow - row.ox, f.i32(count)))));
                 });
               });
               const auto edge_tile = [&](const Var<I32>& first) {
                 std::vector<Tree> list = arguments();
                 add(list, {first, before, end, pixels});
                 f.call_statement(edge, std::move(list));
               };
               f.if_else(
                   tiles > 0,
                   [&] {
                     std::vector<Tree> list = arguments();
                     list.push_back(tiles.get());
                     f.call_statement(inner, std::move(list));
                     if (kernel.c.value() % 4 != 0) {
                       // The channels that do not fill a vector.
                       first_channel.set(d.channels & -4);
                       before.set(f.i32(0));
                       end.set(f.i32(columns));
                       pixels.set(f.i32(count));
                       f.do_while(
                           [&] {
                             edge_tile(first_channel);
                             x_offset += p.x_pixel * (count * stride);
                             out_offset += p.out_pixel * count;
                             row.ox += count;
                             tiles -= 1;
                           },
                           [&] { return tiles > 0; });
                     } else {
                       row.ox += tiles * count;
                     }
                   },
                   [&] {
                     pixels.set(f.i32(count));
                     f.if_(p.ow - row.ox < count, [&] { pixels.set(p.ow - row.ox); });
                     before.set(f.i32(0) - ix);
                     end.set(p.w - ix);
                     edge_tile(none);
                     row.ox += pixels;
                   });
             });
  });
}

}  // namespace

KernelCall emit_depthwise(FunctionTable& functions, const Conv2d& kernel) {
  const bool has_rows = !functions.target().small && has_whole_rows(kernel),
             has_tiles = !has_rows && has_depthwise_tiles(kernel);
  const std::string form = (has_rows ? std::to_string(kernel.kh) + "x" : "x") + std::to_string(kernel.kw) +
                           "_s" + std::to_string(kernel.stride_w),
                    name = std::string(name_of(kernel.factors)) + "_dwconv2d" +
                           (has_rows || has_tiles ? "_" + form : "") + EpilogueEmitter::name(kernel.epilogue),
                    key = std::string(name_of(kernel.factors)) + "dwconv2d" +
                          (has_rows    ? " rows " + form
                           : has_tiles ? " tiles " + form
                                       : "") +
                          (has_tiles && kernel.c.value() % 4 != 0 ? " some" : "") +
                          EpilogueEmitter::key(kernel.epilogue);
  KernelCall call;
  call.function = functions.get(name, key, [&](FunctionBuilder& f) {
    const Driver driver(f, kernel);
    if (has_tiles) {
      tiles(functions, f, driver, kernel);
    } else {
      rows_or_spans(functions, f, driver, kernel);
    }
  });
  call.arguments = ConvParams::arguments(kernel);
  call.arguments.push_back(kernel.c);
  return call;
}

}  // namespace o2w::codegen
