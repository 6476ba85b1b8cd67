// Depthwise convolution, f32 or i16 (summed in i32), channels last, any window.
//
// Tiles of 4 pixels x 8 channels where the window's columns lie inside the picture, of 1 pixel x 16 channels
// for the few others: the taps are the inner loops, so that one function serves all windows, strides and
// dilations, with whatever part of the window lies in the picture. A tile reads a weight for 4 pixels or a
// pixel for 16 channels, and has enough sums under way to hide the latency of adding. Rows of 3x3 windows go
// to depthwise_row.h where they can.
#include "compiler/codegen/kernels/depthwise.h"

#include "compiler/codegen/kernels/conv_geometry.h"
#include "compiler/codegen/kernels/depthwise_row.h"
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

// What is done four channels at a time: f32, or i16 widened to i32.
V128 times(Factors factors, V128 a, V128 b) {
  return factors == Factors::f32 ? f32x4::mul(std::move(a), std::move(b))
                                 : i32x4::mul(std::move(a), std::move(b));
}
V128 plus(Factors factors, V128 a, V128 b) {
  return factors == Factors::f32 ? f32x4::add(std::move(a), std::move(b))
                                 : i32x4::add(std::move(a), std::move(b));
}
// log2 of the bytes of an element.
int shift_of(Factors factors) { return factors == Factors::f32 ? 2 : 1; }

// span(x, weights, out, operands..., pixels, channels, ky_count, kx_count, x_pixel_step, x_ky_step,
// x_kx_step, w_ky_step, w_kx_step, out_step, out_offset): neighbouring pixels whose windows cover the same
// taps.
class Span {
 public:
  Span(FunctionTable& functions, FunctionBuilder& f, Factors factors, const schedule::Epilogue& epilogue)
      : f_(f),
        factors_(factors),
        operands_(f, epilogue),
        tail_(functions, f, epilogue, (declare_parameters(), operands_.list)) {
    for (Var<I32>* local : {&channel_, &bytes_, &column_, &ky_, &kx_, &x_row_, &w_row_, &w_at_, &offset_,
                            &first_offset_, &address_}) {
      *local = f.local<I32>();
    }
    for (int i = 0; i < kMostPixels; ++i) x_at_.push_back(f.local<I32>());
    for (int i = 0; i < kMostSums; ++i) sums_.push_back(f.local<V128>());
    for (int i = 0; i < kMostBlocks; ++i) taps_.push_back(f.local<V128>());
    finished_ = f.local<V128>();
    zero_ = f.local<V128>(f32x4::splat(f.f32(0)));
  }

  // `rarely`: little code, for what whole rows leave.
  void emit(bool rarely) {
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
    if (!rarely)
      walk(kMostPixels, [&] {
        channel_.set(f_.i32(0));
        tiles(kMostPixels, 2);
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
      if (!rarely) tiles(1, kMostBlocks);
      last_channels(rest);
    });
  }

 private:
  static constexpr int kMostPixels = 4, kMostBlocks = 4, kMostSums = 8;

  void declare_parameters() {
    for (Var<I32>* parameter : {&pixels_, &channels_, &ky_count_, &kx_count_, &x_pixel_step_, &x_ky_step_,
                                &x_kx_step_, &w_ky_step_, &w_kx_step_, &out_step_, &out_offset_}) {
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
    bytes_.set(channel_ << shift_of(factors_));
    column_.set(channel_ << 2);
  }

  V128 four_at(const Var<I32>& address, int block) {
    const auto offset = static_cast<uint32_t>(4 * block) << shift_of(factors_);
    return factors_ == Factors::f32 ? load_v128(address, offset) : v128::load16x4_s(address, offset);
  }

  void sum(int pixels, int blocks) {
    const auto sum_of = [&](int pixel, int block) { return sums_[pixel * blocks + block]; };
    for (int i = 0; i < pixels * blocks; ++i) sums_[i].set(zero_);
    w_row_.set(operands_.weights + bytes_);
    f_.for_range(ky_, 0, ky_count_, 1, [&] {
      for (int p = 0; p < pixels; ++p) x_at_[p].set(p == 0 ? x_row_.get() : x_at_[p - 1] + x_pixel_step_);
      w_at_.set(w_row_);
      f_.for_range(kx_, 0, kx_count_, 1, [&] {
        for (int b = 0; b < blocks; ++b) {
          // The operand that several products share is read once.
          if (pixels > 1) taps_[b].set(four_at(w_at_, b));
        }
        for (int p = 0; p < pixels; ++p) {
          for (int b = 0; b < blocks; ++b) {
            V128 weight = pixels > 1 ? taps_[b].get() : four_at(w_at_, b);
            V128 product = times(factors_, four_at(x_at_[p], b), std::move(weight));
            sum_of(p, b).set(plus(factors_, sum_of(p, b), std::move(product)));
          }
          x_at_[p] += x_kx_step_;
        }
        w_at_ += w_kx_step_;
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
          store_lanes(f_, tail_.out_type(), finished_, address_, 0, channels_ - channel_);
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
      w_kx_step_, out_step_, out_offset_;
  EpilogueEmitter tail_;
  Var<I32> channel_, bytes_, column_, ky_, kx_, x_row_, w_row_, w_at_, offset_, first_offset_, address_;
  std::vector<Var<I32>> x_at_;
  std::vector<Var<V128>> sums_, taps_;
  Var<V128> finished_, zero_;
};

}  // namespace

KernelCall emit_depthwise(FunctionTable& functions, const Conv2d& kernel) {
  const std::string name = name_of(kernel.factors), tail = EpilogueEmitter::name(kernel.epilogue),
                    key = EpilogueEmitter::key(kernel.epilogue);
  // 3x3: functions of their own for three rows of the window and for the two at the picture's edges.
  const bool has_rows = !functions.target().small && has_whole_rows(kernel),
             is_3x3 = kernel.kh == 3 && kernel.kw == 3,
             rarely = has_rows && kernel.c.is_constant() && kernel.c.value() % 4 == 0;
  const std::string span = functions.get(
      name + (rarely ? "_dwconv_1x4" : "_dwconv_4x8") + tail,
      name + "dwconv span" + (rarely ? " 1x4" : "") + key,
      [&](FunctionBuilder& f) { Span(functions, f, kernel.factors, kernel.epilogue).emit(rarely); });
  const std::string rows = has_rows ? depthwise_row_function(functions, kernel, is_3x3 ? 3 : 0) : "",
                    edge_rows = has_rows && is_3x3 ? depthwise_row_function(functions, kernel, 2) : "",
                    form = has_rows ? (is_3x3 ? "_3x3_s" : "_x5_s") + std::to_string(kernel.stride_w) : "",
                    tiles = rarely ? " rarely" : "";
  KernelCall call;
  call.function = functions.get(
      name + "_dwconv2d" + form + tail, name + "dwconv2d" + form + tiles + key, [&](FunctionBuilder& f) {
        const Operands operands(f, kernel.epilogue);
        const ConvParams p(f);
        const Var<I32> channels = f.param<I32>();
        const Var<I32> w_kx_step = f.local<I32>(channels << shift_of(kernel.factors)),
                       w_ky_step = f.local<I32>(w_kx_step * p.kw);
        const auto run = [&](const Window& at) {
          std::vector<Tree> arguments = operands.arguments(
              operands.x + at.x_offset, operands.weights + at.ky * w_ky_step + at.kx * w_kx_step);
          for (const Var<I32>& count : {at.pixels, channels, at.ky_count, at.kx_count})
            arguments.push_back(count.get());
          arguments.push_back(p.stride_w * p.x_pixel);
          arguments.push_back(p.dilation_h * p.x_row);
          arguments.push_back(p.dilation_w * p.x_pixel);
          for (const Var<I32>& step : {w_ky_step, w_kx_step, p.out_pixel, at.out_offset})
            arguments.push_back(step.get());
          f.call_statement(span, std::move(arguments));
        };
        if (!has_rows) return for_each_window(f, p, run, run);
        const Var<I32> fit = whole_rows_fit(f, p, channels, kernel);
        const auto row = [&](const std::string& function, const Window& at) {
          std::vector<Tree> arguments =
              operands.arguments(operands.x + at.x_offset, operands.weights + at.ky * w_ky_step);
          for (const Var<I32>& argument :
               {p.w, p.ow, channels, p.x_row, p.x_pixel, w_kx_step, p.out_pixel, at.out_offset, p.pad_left}) {
            arguments.push_back(argument.get());
          }
          if (!is_3x3) arguments.push_back(at.ky_count.get());
          f.call_statement(function, std::move(arguments));
        };
        for_each_window(f, p, run, run, [&](const Window& at, const std::function<void()>& pieces) {
          if (!is_3x3) return f.if_else(fit & (at.ky_count >= 2), [&] { row(rows, at); }, pieces);
          f.if_else(
              fit & (at.ky_count == 3), [&] { row(rows, at); },
              [&] { f.if_else(fit & (at.ky_count == 2), [&] { row(edge_rows, at); }, pieces); });
        });
      });
  call.arguments = ConvParams::arguments(kernel);
  call.arguments.push_back(kernel.c);
  return call;
}

}  // namespace o2w::codegen
