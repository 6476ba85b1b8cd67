// Depthwise convolution, f32 or i16 (summed in i32), channels last, 4 channels at a time. Pixels whose window
// lies inside the picture go through a function unrolled for the window's size, with the weights in locals
// where they fit; the few at the edges through one with loops.
#include "compiler/codegen/kernels/depthwise.h"

#include "compiler/codegen/kernels/conv_geometry.h"
#include "compiler/codegen/kernels/tile.h"

namespace o2w::codegen {
namespace {

using schedule::Conv2d;

// More weights than this do not fit into vector registers beside the accumulator and the product.
constexpr int64_t kWeightsInLocals = 9;
// Larger windows are not unrolled.
constexpr int64_t kMostUnrolled = 49;

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
V128 four(Factors factors, I32 address) {
  return factors == Factors::f32 ? load_v128(std::move(address)) : v128::load16x4_s(std::move(address));
}
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

// loops(x, weights, out, operands..., pixels, channels, ky_count, kx_count, x_pixel_step, x_ky_step,
// x_kx_step, w_ky_step, w_kx_step, out_step, out_offset): any window.
std::string loops_function(FunctionTable& functions, Factors factors, const schedule::Epilogue& epilogue) {
  return functions.get(
      name_of(factors) + ("_dwconv_4c" + EpilogueEmitter::name(epilogue)),
      name_of(factors) + ("dwconv loops" + EpilogueEmitter::key(epilogue)), [&](FunctionBuilder& f) {
        const Operands operands(f, epilogue);
        const Var<I32> pixels = f.param<I32>(), channels = f.param<I32>(), ky_count = f.param<I32>(),
                       kx_count = f.param<I32>(), x_pixel_step = f.param<I32>(), x_ky_step = f.param<I32>(),
                       x_kx_step = f.param<I32>(), w_ky_step = f.param<I32>(), w_kx_step = f.param<I32>(),
                       out_step = f.param<I32>(), out_offset = f.param<I32>();
        EpilogueEmitter tail(functions, f, epilogue, operands.list);
        const Var<I32> channel = f.local<I32>(), bytes = f.local<I32>(), column = f.local<I32>(),
                       ky = f.local<I32>(), kx = f.local<I32>(), x_row = f.local<I32>(),
                       w_row = f.local<I32>(), x_at = f.local<I32>(), w_at = f.local<I32>(),
                       offset = f.local<I32>(), address = f.local<I32>();
        const Var<V128> sum = f.local<V128>();
        f.while_(
            [&] { return pixels > 0; },
            [&] {
              f.for_range(channel, 0, channels, 4, [&] {
                bytes.set(channel << shift_of(factors));
                column.set(channel << 2);
                sum.set(f32x4::splat(f.f32(0)));
                x_row.set(operands.x + bytes);
                w_row.set(operands.weights + bytes);
                f.for_range(ky, 0, ky_count, 1, [&] {
                  x_at.set(x_row);
                  w_at.set(w_row);
                  f.for_range(kx, 0, kx_count, 1, [&] {
                    sum.set(plus(factors, sum, times(factors, four(factors, x_at), four(factors, w_at))));
                    x_at += x_kx_step;
                    w_at += w_kx_step;
                  });
                  x_row += x_ky_step;
                  w_row += w_ky_step;
                });
                offset.set(out_offset + column);
                address.set(operands.out + scaled_offset(tail.out_type(), offset));
                sum.set(tail.vector(sum, offset, column));
                store_lanes(f, tail.out_type(), sum, address, 0, channels - channel);
              });
              operands.x += x_pixel_step;
              out_offset += out_step;
              pixels -= 1;
            });
      });
}

// span(x, weights, out, operands..., pixels, channels, x_pixel_step, x_ky_step, x_kx_step, w_step, out_step,
// out_offset): kh x kw taps, all in the picture.
std::string unrolled_function(FunctionTable& functions, Factors factors, const schedule::Epilogue& epilogue,
                              int64_t kh, int64_t kw) {
  const std::string size = std::to_string(kh) + "x" + std::to_string(kw);
  return functions.get(
      name_of(factors) + ("_dwconv_" + size + "_4c" + EpilogueEmitter::name(epilogue)),
      name_of(factors) + ("dwconv " + size + EpilogueEmitter::key(epilogue)), [&](FunctionBuilder& f) {
        const Operands operands(f, epilogue);
        const Var<I32> pixels = f.param<I32>(), channels = f.param<I32>(), x_pixel_step = f.param<I32>(),
                       x_ky_step = f.param<I32>(), x_kx_step = f.param<I32>(), w_step = f.param<I32>(),
                       out_step = f.param<I32>(), out_offset = f.param<I32>();
        EpilogueEmitter tail(functions, f, epilogue, operands.list);
        const Var<I32> channel = f.local<I32>(), bytes = f.local<I32>(), column = f.local<I32>(),
                       x_pixel = f.local<I32>(), x_row = f.local<I32>(), x_at = f.local<I32>(),
                       w_at = f.local<I32>(), offset = f.local<I32>(), address = f.local<I32>(),
                       count = f.local<I32>();
        const Var<V128> sum = f.local<V128>();
        const bool in_locals = kh * kw <= kWeightsInLocals;
        std::vector<Var<V128>> weights;
        for (int64_t tap = 0; in_locals && tap < kh * kw; ++tap) weights.push_back(f.local<V128>());
        f.for_range(channel, 0, channels, 4, [&] {
          bytes.set(channel << shift_of(factors));
          column.set(channel << 2);
          w_at.set(operands.weights + bytes);
          for (const Var<V128>& weight : weights) {
            weight.set(four(factors, w_at));
            w_at += w_step;
          }
          x_pixel.set(operands.x + bytes);
          offset.set(out_offset + column);
          f.for_range(count, 0, pixels, 1, [&] {
            x_row.set(x_pixel);
            if (!in_locals) w_at.set(operands.weights + bytes);
            for (int64_t ky = 0; ky < kh; ++ky) {
              x_at.set(x_row);
              for (int64_t kx = 0; kx < kw; ++kx) {
                const int64_t tap = ky * kw + kx;
                V128 weight = in_locals ? weights[tap].get() : four(factors, w_at);
                V128 product = times(factors, four(factors, x_at), std::move(weight));
                sum.set(tap == 0 ? std::move(product) : plus(factors, sum, std::move(product)));
                if (kx + 1 < kw) x_at += x_kx_step;
                if (!in_locals && tap + 1 < kh * kw) w_at += w_step;
              }
              if (ky + 1 < kh) x_row += x_ky_step;
            }
            address.set(operands.out + scaled_offset(tail.out_type(), offset));
            sum.set(tail.vector(sum, offset, column));
            store_lanes(f, tail.out_type(), sum, address, 0, channels - channel);
            x_pixel += x_pixel_step;
            offset += out_step;
          });
        });
      });
}

}  // namespace

KernelCall emit_depthwise(FunctionTable& functions, const Conv2d& kernel) {
  const bool unroll = kernel.kh * kernel.kw <= kMostUnrolled;
  const std::string loops = loops_function(functions, kernel.factors, kernel.epilogue);
  const std::string unrolled =
      unroll ? unrolled_function(functions, kernel.factors, kernel.epilogue, kernel.kh, kernel.kw) : "";
  const std::string size = unroll ? "_" + std::to_string(kernel.kh) + "x" + std::to_string(kernel.kw) : "";

  KernelCall call;
  call.function = functions.get(
      name_of(kernel.factors) + ("_dwconv2d" + size + EpilogueEmitter::name(kernel.epilogue)),
      name_of(kernel.factors) + ("dwconv2d" + size + EpilogueEmitter::key(kernel.epilogue)),
      [&](FunctionBuilder& f) {
        const Operands operands(f, kernel.epilogue);
        const ConvParams p(f);
        const Var<I32> channels = f.param<I32>();
        const Var<I32> w_kx_step = f.local<I32>(channels << shift_of(kernel.factors)),
                       w_ky_step = f.local<I32>(w_kx_step * p.kw);
        const auto general = [&](const Window& at) {
          std::vector<Tree> arguments = operands.arguments(
              operands.x + at.x_offset, operands.weights + at.ky * w_ky_step + at.kx * w_kx_step);
          for (const Var<I32>& count : {at.pixels, channels, at.ky_count, at.kx_count})
            arguments.push_back(count.get());
          arguments.push_back(p.stride_w * p.x_pixel);
          arguments.push_back(p.dilation_h * p.x_row);
          arguments.push_back(p.dilation_w * p.x_pixel);
          for (const Var<I32>& step : {w_ky_step, w_kx_step, p.out_pixel, at.out_offset})
            arguments.push_back(step.get());
          f.call_statement(loops, std::move(arguments));
        };
        const auto whole = [&](const Window& at) {
          std::vector<Tree> arguments = operands.arguments(operands.x + at.x_offset, operands.weights.get());
          arguments.push_back(at.pixels.get());
          arguments.push_back(channels.get());
          arguments.push_back(p.stride_w * p.x_pixel);
          arguments.push_back(p.dilation_h * p.x_row);
          arguments.push_back(p.dilation_w * p.x_pixel);
          for (const Var<I32>& step : {w_kx_step, p.out_pixel, at.out_offset})
            arguments.push_back(step.get());
          f.call_statement(unrolled, std::move(arguments));
        };
        const auto inside = [&](const Window& at) {
          if (!unroll) return general(at);
          f.if_else(at.ky_count == p.kh, [&] { whole(at); }, [&] { general(at); });
        };
        for_each_window(f, p, inside, general);
      });
  call.arguments = ConvParams::arguments(kernel);
  call.arguments.push_back(kernel.c);
  return call;
}

}  // namespace o2w::codegen
