// A tile's pixels are neighbours in a row, and its inner loop runs over the rows of the window: the row's
// taps and the tile's sums stay in registers, and every column is read once for all windows that it lies in.
// The loop around it runs over the channels, so memory is read and written in the order in which it lies:
// walking along a row with one block of channels meets a new cache line, often of the same few sets, at every
// pixel.
//
// A row's products are added up on their own before they join the sum, so that rows do not wait for each
// other.
#include "compiler/codegen/kernels/depthwise_tile.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "compiler/codegen/epilogue.h"

namespace o2w::codegen {

using schedule::Conv2d;

V128 depthwise_times(Factors factors, V128 a, V128 b) {
  return factors == Factors::f32 ? f32x4::mul(std::move(a), std::move(b))
                                 : i32x4::mul(std::move(a), std::move(b));
}
V128 depthwise_plus(Factors factors, V128 a, V128 b) {
  return factors == Factors::f32 ? f32x4::add(std::move(a), std::move(b))
                                 : i32x4::add(std::move(a), std::move(b));
}
int depthwise_shift(Factors factors) { return factors == Factors::f32 ? 2 : 1; }

bool has_depthwise_tiles(const Conv2d& kernel) {
  return kernel.kw >= 2 && kernel.kw <= 7 && kernel.dilation_w == 1 &&
         (kernel.stride_w == 1 || kernel.stride_w == 2);
}

namespace {

// A first-level data cache of 32 KB with lines of 64 bytes: what processors since 2010 have at least.
constexpr int64_t kSets = 64, kWays = 8, kLineBytes = 64;

int columns_of(const Conv2d& kernel, int pixels) {
  return static_cast<int>((pixels - 1) * kernel.stride_w + kernel.kw);
}

}  // namespace

int64_t lines_at_once(const Conv2d& kernel) {
  if (!kernel.x_pixel_stride.is_constant()) return kWays;
  const int64_t bytes = kernel.x_pixel_stride.value() << depthwise_shift(kernel.factors);
  const int64_t lines = bytes % kLineBytes == 0 ? bytes / kLineBytes : 1;
  return kWays * (kSets / std::gcd(kSets, lines));
}

int depthwise_tile_pixels(const Conv2d& kernel) {
  // As many as read nine columns: sums, taps, the sums of a row, a column and a product fit into registers.
  const int most = kernel.stride_w == 1 ? 4 : std::min((9 - static_cast<int>(kernel.kw)) / 2 + 1, 4);
  // All lines that a tile reads and writes are needed again for the next four channels.
  const int64_t lines = kernel.kh * columns_of(kernel, most) + most;
  return 2 * lines <= lines_at_once(kernel) ? most : 2;
}

int depthwise_tile_columns(const Conv2d& kernel) { return columns_of(kernel, depthwise_tile_pixels(kernel)); }

std::string depthwise_tile_form(const Conv2d& kernel) {
  return std::to_string(depthwise_tile_pixels(kernel)) + "x4_" + std::to_string(kernel.kw) + "_s" +
         std::to_string(kernel.stride_w) + (kernel.c.value() % 4 == 0 ? "" : "_some");
}

namespace {

class DepthwiseTile {
 public:
  DepthwiseTile(FunctionTable& functions, FunctionBuilder& f, const Conv2d& kernel, bool is_edge)
      : f_(f),
        factors_(kernel.factors),
        width_(static_cast<int>(kernel.kw)),
        stride_(static_cast<int>(kernel.stride_w)),
        count_(depthwise_tile_pixels(kernel)),
        columns_(depthwise_tile_columns(kernel)),
        is_edge_(is_edge),
        whole_(kernel.c.value() % 4 == 0),
        x_(f.param<I32>()),
        weights_(f.param<I32>()),
        out_(f.param<I32>()) {
    std::vector<Var<I32>> operands;
    for (std::size_t k = 0; k < kernel.epilogue.operands.size(); ++k) operands.push_back(f.param<I32>());
    for (Var<I32>* parameter :
         {&channels_, &ky_count_, &x_row_step_, &x_pixel_step_, &w_block_step_, &out_step_, &out_offset_}) {
      *parameter = f.param<I32>();
    }
    if (is_edge) {
      for (Var<I32>* parameter : {&first_channel_, &before_, &end_, &pixels_}) *parameter = f.param<I32>();
    } else {
      tiles_ = f.param<I32>();
    }
    tail_.emplace(functions, f, kernel.epilogue, std::move(operands), EpilogueEmitter::Loads::by_tile);
    if (!is_edge) tail_->put_calls_in_place();
    for (int k = 0; k < width_; ++k) taps_.push_back(f.local<V128>());
    for (int k = 0; k < count_; ++k) {
      sums_.push_back(f.local<V128>());
      row_sums_.push_back(f.local<V128>());
    }
    column_ = f.local<V128>();
    finished_ = f.local<V128>();
    for (Var<I32>* local :
         {&channel_, &ky_, &x_row_, &x_at_, &w_at_, &w_block_, &offset_, &address_, &column_bytes_})
      *local = f.local<I32>();
  }

  void emit() {
    if (is_edge_) {
      channel_.set(first_channel_);
      w_block_.set(weights_ + (channel_ >> 2) * w_block_step_);
      f_.while_([&] { return channel_ < channels_; }, [&] { one_block(); });
      return;
    }
    f_.while_([&] { return tiles_ > 0; },
              [&] {
                channel_.set(f_.i32(0));
                w_block_.set(weights_);
                f_.while_([&] { return channel_ + 4 <= channels_; }, [&] { one_block(); });
                x_ += x_pixel_step_ * (count_ * stride_);
                out_offset_ += out_step_ * count_;
                tiles_ -= 1;
              });
  }

 private:
  void one_block() {
    column_bytes_.set(channel_ << 2);
    x_row_.set(x_ + (channel_ << depthwise_shift(factors_)));
    w_at_.set(w_block_);
    for (const Var<V128>& sum : sums_) sum.set(f32x4::splat(f_.f32(0)));
    f_.for_range(ky_, 0, ky_count_, 1, [&] { one_row(); });
    store();
    w_block_ += w_block_step_;
    channel_ += 4;
  }

  V128 four_at(const Var<I32>& address, int elements) {
    const auto offset = static_cast<uint32_t>(elements) << depthwise_shift(factors_);
    return factors_ == Factors::f32 ? load_v128(address, offset) : v128::load16x4_s(address, offset);
  }

  void one_row() {
    x_at_.set(x_row_);
    if (is_edge_)
      for (const Var<V128>& sum : row_sums_) sum.set(f32x4::splat(f_.f32(0)));
    for (int column = 0; column < columns_; ++column) {
      if (column < width_) taps_[column].set(four_at(w_at_, 4 * column));
      if (is_edge_) {
        f_.if_((before_ <= column) & (end_ > column), [&] { add_column(column); });
      } else {
        add_column(column);
      }
      if (column + 1 < columns_) x_at_ += x_pixel_step_;
    }
    if (is_edge_)
      for (int pixel = 0; pixel < count_; ++pixel) join(pixel);
    w_at_ += 4 * width_ << depthwise_shift(factors_);
    x_row_ += x_row_step_;
  }

  // Adds a column to the row sums of all windows that it lies in.
  void add_column(int column) {
    column_.set(four_at(x_at_, 0));
    for (int pixel = 0; pixel < count_; ++pixel) {
      const int tap = column - pixel * stride_;
      if (tap < 0 || tap >= width_) continue;
      const Var<V128>& sum = row_sums_[pixel];
      V128 product = depthwise_times(factors_, column_, taps_[tap]);
      sum.set(tap == 0 && !is_edge_ ? std::move(product) : depthwise_plus(factors_, sum, std::move(product)));
      if (tap + 1 == width_ && !is_edge_) join(pixel);
    }
  }
  void join(int pixel) { sums_[pixel].set(depthwise_plus(factors_, sums_[pixel], row_sums_[pixel])); }

  void store() {
    offset_.set(out_offset_ + column_bytes_);
    tail_->begin_panel(column_bytes_, {0});
    tail_->begin_tile(column_bytes_, {0});
    for (int pixel = 0; pixel < count_; ++pixel) {
      const auto one = [&] {
        address_.set(out_ + scaled_offset(tail_->out_type(), offset_));
        finished_.set(tail_->vector(sums_[pixel], offset_, column_bytes_));
        if (is_edge_ && !whole_) {
          store_lanes(f_, tail_->out_type(), finished_, address_, f_.local<I32>(channels_ - channel_));
        } else {
          store_elements(f_, tail_->out_type(), finished_, address_, 0);
        }
        if (pixel + 1 < count_) offset_ += out_step_;
      };
      if (is_edge_) {
        f_.if_(pixels_ > pixel, one);
      } else {
        one();
      }
    }
  }

  FunctionBuilder& f_;
  Factors factors_;
  int width_, stride_, count_, columns_;
  bool is_edge_, whole_;
  Var<I32> x_, weights_, out_;
  Var<I32> channels_, ky_count_, x_row_step_, x_pixel_step_, w_block_step_, out_step_, out_offset_, tiles_,
      first_channel_, before_, end_, pixels_;
  std::optional<EpilogueEmitter> tail_;
  std::vector<Var<V128>> taps_, sums_, row_sums_;
  Var<V128> column_, finished_;
  Var<I32> channel_, ky_, x_row_, x_at_, w_at_, w_block_, offset_, address_, column_bytes_;
};

std::string function_of(FunctionTable& functions, const Conv2d& kernel, bool is_edge) {
  const std::string form = depthwise_tile_form(kernel) + (is_edge ? "_edge" : "");
  return functions.get(
      std::string(name_of(kernel.factors)) + "_dwconv_" + form + EpilogueEmitter::name(kernel.epilogue),
      std::string(name_of(kernel.factors)) + " dwconv tile " + form + EpilogueEmitter::key(kernel.epilogue),
      [&](FunctionBuilder& f) { DepthwiseTile(functions, f, kernel, is_edge).emit(); });
}

}  // namespace

std::string depthwise_tiles_function(FunctionTable& functions, const Conv2d& kernel) {
  return function_of(functions, kernel, false);
}
std::string depthwise_edge_function(FunctionTable& functions, const Conv2d& kernel) {
  return function_of(functions, kernel, true);
}

}  // namespace o2w::codegen
