// Four channels after four, with their taps in locals, walk along the row's columns: a column is read once,
// and added to every output pixel whose window it lies in. Nine products take three loads, and nine taps,
// three sums, a column and a product just fit into the registers.
#include "compiler/codegen/kernels/depthwise_row.h"

#include "compiler/codegen/epilogue.h"

namespace o2w::codegen {
namespace {

class Row {
 public:
  Row(FunctionTable& functions, FunctionBuilder& f, const schedule::Conv2d& kernel, int rows)
      : f_(f),
        stride_(static_cast<int>(kernel.stride_w)),
        rows_(rows),
        x_(f.param<I32>()),
        weights_(f.param<I32>()),
        out_(f.param<I32>()) {
    std::vector<Var<I32>> operands;
    for (std::size_t k = 0; k < kernel.epilogue.operands.size(); ++k) operands.push_back(f.param<I32>());
    for (Var<I32>* parameter : {&columns_, &pixels_, &channels_, &x_row_step_, &x_pixel_step_, &weight_step_,
                                &out_step_, &out_offset_, &pad_left_}) {
      *parameter = f.param<I32>();
    }
    tail_.emplace(functions, f, kernel.epilogue, std::move(operands));
    tail_->put_calls_in_place();
    for (int k = 0; k < 3 * rows; ++k) taps_.push_back(f.local<V128>());
    for (int k = 0; k < rows; ++k) at_.push_back(f.local<I32>());
    for (int k = 0; k < 3; ++k) sums_.push_back(f.local<V128>());
    column_ = f.local<V128>();
    finished_ = f.local<V128>();
    bytes_ = f.local<I32>();
    offset_ = f.local<I32>();
    address_ = f.local<I32>();
  }

  void emit() {
    const Var<I32> channel = f_.local<I32>(), tap_at = f_.local<I32>(), whole = f_.local<I32>(),
                   rest = f_.local<I32>(), left = f_.local<I32>();
    // Columns after those that only begin the first pixels' sums, and the pixels that they complete.
    rest.set(columns_ - (3 - stride_) + pad_left_);
    whole.set(stride_ == 1 ? rest.get() : rest >> 1);
    whole.set(min_i32(whole, pixels_));
    // Steps in the output's own bytes, where nothing else is laid out like it.
    if (!tail_->uses_same()) out_step_.set(scaled_offset(tail_->out_type(), out_step_));
    f_.for_range(channel, 0, channels_, 4, [&] {
      bytes_.set(channel << 2);
      tap_at.set(weights_ + bytes_);
      for (const Var<V128>& tap : taps_) {
        tap.set(load_v128(tap_at));
        tap_at += weight_step_;
      }
      for (int row = 0; row < rows_; ++row) at_[row].set(row == 0 ? x_ + bytes_ : at_[row - 1] + x_row_step_);
      offset_.set(out_offset_ + bytes_);
      if (!tail_->uses_same()) offset_.set(out_ + scaled_offset(tail_->out_type(), offset_));
      begin();
      left.set(whole);
      const auto pixel = [&] {
        if (stride_ == 1) {
          add_column({2, 1, 0}, 1 << 2);
        } else {
          add_column({1}, 0);
          add_column({2, 0}, 1 << 1);
        }
        finish();
        sums_[0].set(sums_[1]);
        if (stride_ == 1) sums_[1].set(sums_[2]);
        left -= 1;
      };
      f_.if_(left > 0, [&] { f_.do_while(pixel, [&] { return left > 0; }); });
      // The last pixel's window may reach over the edge.
      f_.if_(whole < pixels_, [&] {
        if (stride_ == 2) add_column({1}, 0);
        finish();
      });
    });
  }

 private:
  // The sums that the first columns belong to.
  void begin() {
    sums_[0].set(f32x4::splat(f_.f32(0)));
    f_.if_(is_zero(pad_left_.get()), [&] { add_column({0}, 0); });
    if (stride_ == 1) add_column({1, 0}, 1 << 1);
  }

  // Reads the next column of all rows and adds it, times the given column of taps, to the sums; `fresh`: the
  // sums, as bits, that begin here.
  void add_column(const std::vector<int>& tap_columns, int fresh) {
    for (int row = 0; row < rows_; ++row) {
      column_.set(load_v128(at_[row]));
      for (std::size_t sum = 0; sum < tap_columns.size(); ++sum) {
        V128 product = f32x4::mul(column_, taps_[3 * row + tap_columns[sum]]);
        const bool first = row == 0 && ((fresh >> sum) & 1) != 0;
        sums_[sum].set(first ? std::move(product) : f32x4::add(sums_[sum], std::move(product)));
      }
      at_[row] += x_pixel_step_;
    }
  }

  void finish() {
    if (tail_->uses_same()) {
      address_.set(out_ + scaled_offset(tail_->out_type(), offset_));
      finished_.set(tail_->vector(sums_[0], offset_, bytes_));
      store_elements(f_, tail_->out_type(), finished_, address_, 0);
    } else {
      finished_.set(tail_->vector(sums_[0], offset_, bytes_));
      store_elements(f_, tail_->out_type(), finished_, offset_, 0);
    }
    offset_ += out_step_;
  }

  FunctionBuilder& f_;
  int stride_, rows_;
  Var<I32> x_, weights_, out_;
  Var<I32> columns_, pixels_, channels_, x_row_step_, x_pixel_step_, weight_step_, out_step_, out_offset_,
      pad_left_;
  std::optional<EpilogueEmitter> tail_;
  std::vector<Var<V128>> taps_, sums_;
  std::vector<Var<I32>> at_;
  Var<V128> column_, finished_;
  Var<I32> bytes_, address_;
  Var<I32> offset_;  // of the next pixel from out; its address where nothing is laid out like the output
};

}  // namespace

bool has_whole_rows(const schedule::Conv2d& kernel) {
  return kernel.factors == Factors::f32 && kernel.kh == 3 && kernel.kw == 3 && kernel.dilation_h == 1 &&
         kernel.dilation_w == 1 && (kernel.stride_w == 1 || kernel.stride_w == 2);
}

Var<I32> whole_rows_fit(FunctionBuilder& f, const ConvParams& p, const Var<I32>& channels,
                        const schedule::Conv2d& kernel) {
  const Var<I32> rest = f.local<I32>(p.w - static_cast<int32_t>(3 - kernel.stride_w) + p.pad_left);
  I32 most = kernel.stride_w == 1 ? rest + 1 : (rest + 1) >> 1;
  return f.local<I32>(less_unsigned(p.pad_left, f.i32(2)) & (p.w >= 2) & (p.ow <= std::move(most)) &
                      is_zero(channels & 3));
}

std::string depthwise_row_function(FunctionTable& functions, const schedule::Conv2d& kernel, int rows) {
  const std::string form = std::to_string(rows) + "x3_s" + std::to_string(kernel.stride_w);
  return functions.get("f32_dwconv_row_" + form + EpilogueEmitter::name(kernel.epilogue),
                       "dwconv row " + form + EpilogueEmitter::key(kernel.epilogue),
                       [&](FunctionBuilder& f) { Row(functions, f, kernel, rows).emit(); });
}

}  // namespace o2w::codegen
