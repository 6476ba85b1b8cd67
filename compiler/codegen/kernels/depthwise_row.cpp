// Four channels after four, with their taps in locals, walk along the row's columns: a column is read once,
// and added to every output pixel whose window it lies in.
//
// All rows of a 3x3 window go together: nine products take three loads, and nine taps, three sums, a column
// and a product just fit into the registers. Rows of wider windows go one after the other, each added to what
// the last left in the output.
//
// That is the quickest as long as the lines of the cache that a walk touches are still there for the next
// block of channels.
#include "compiler/codegen/kernels/depthwise_row.h"

#include <algorithm>
#include <optional>

#include "compiler/codegen/epilogue.h"
#include "compiler/codegen/kernels/depthwise_tile.h"
#include "compiler/schedule/kernel_costs.h"

namespace o2w::codegen {
namespace {

class Row {
 public:
  Row(FunctionTable& functions, FunctionBuilder& f, const schedule::Conv2d& kernel, int rows)
      : f_(f),
        width_(static_cast<int>(kernel.kw)),
        passes_(rows == 0),
        rows_(std::max(rows, 1)),
        x_(f.param<I32>()),
        weights_(f.param<I32>()),
        out_(f.param<I32>()) {
    std::vector<Var<I32>> operands;
    for (std::size_t k = 0; k < kernel.epilogue.operands.size(); ++k) operands.push_back(f.param<I32>());
    for (Var<I32>* parameter : {&columns_, &pixels_, &channels_, &x_row_step_, &x_pixel_step_, &w_block_step_,
                                &out_step_, &out_offset_, &pad_left_}) {
      *parameter = f.param<I32>();
    }
    if (passes_) ky_count_ = f.param<I32>();
    tail_.emplace(functions, f, kernel.epilogue, std::move(operands));
    tail_->put_calls_in_place();
    for (int k = 0; k < width_ * rows_; ++k) taps_.push_back(f.local<V128>());
    for (int k = 0; k < rows_; ++k) at_.push_back(f.local<I32>());
    for (int k = 0; k < width_; ++k) sums_.push_back(f.local<V128>());
    column_ = f.local<V128>();
    finished_ = f.local<V128>();
    for (Var<I32>* local : {&bytes_, &x_row_, &tap_at_, &whole_, &left_, &start_, &offset_, &address_})
      *local = f.local<I32>();
  }

  void emit() {
    const Var<I32> channel = f_.local<I32>(), ky = f_.local<I32>();
    // The pixels that columns complete: those after the columns that only begin the first pixels' sums.
    whole_.set(columns_ - (width_ - 1) + pad_left_);
    whole_.set(min_i32(whole_, pixels_));
    // Steps in the output's own bytes, where nothing else is laid out like it.
    if (!tail_->uses_same()) out_step_.set(scaled_offset(tail_->out_type(), out_step_));
    f_.for_range(channel, 0, channels_, 4, [&] {
      bytes_.set(channel << 2);
      tap_at_.set(weights_);
      weights_ += w_block_step_;
      x_row_.set(x_ + bytes_);
      start_.set(out_offset_ + bytes_);
      if (!tail_->uses_same()) start_.set(out_ + scaled_offset(tail_->out_type(), start_));
      if (!passes_) return pass(false, true);
      pass(false, false);
      f_.for_range(ky, 2, ky_count_, 1, [&] { pass(true, false); });
      pass(true, true);
    });
  }

 private:
  // Walks along the row with the next rows of taps. `adds`: to what is in the output; `finishes`: with the
  // epilogue.
  void pass(bool adds, bool finishes) {
    for (std::size_t tap = 0; tap < taps_.size(); ++tap)
      taps_[tap].set(load_v128(tap_at_, static_cast<uint32_t>(16 * tap)));
    tap_at_ += static_cast<int32_t>(16 * taps_.size());
    for (int row = 0; row < rows_; ++row) {
      at_[row].set(x_row_);
      x_row_ += x_row_step_;
    }
    offset_.set(start_);
    for (const Var<V128>& sum : sums_) sum.set(f32x4::splat(f_.f32(0)));
    for (int tap = 0; tap < width_ - 1; ++tap) {
      f_.if_(pad_left_ <= tap, [&] { add_column(tap, false); });
    }
    left_.set(whole_);
    f_.if_(left_ > 0, [&] {
      f_.do_while(
          [&] {
            add_column(width_ - 1, true);
            store(adds, finishes);
            for (std::size_t k = 1; k < sums_.size(); ++k) sums_[k - 1].set(sums_[k]);
            left_ -= 1;
          },
          [&] { return left_ > 0; });
    });
    // Windows that reach over the right edge.
    left_.set(pixels_ - whole_);
    f_.while_([&] { return left_ > 0; },
              [&] {
                sums_.back().set(f32x4::splat(f_.f32(0)));
                store(adds, finishes);
                for (std::size_t k = 1; k < sums_.size(); ++k) sums_[k - 1].set(sums_[k]);
                left_ -= 1;
              });
  }

  // Reads the next column of all rows, and adds it to the sums of the pixel to finish next, for which it is
  // the column `tap` of the window, and of those after it. `begins`: a first column begins its sum.
  void add_column(int tap, bool begins) {
    for (int row = 0; row < rows_; ++row) {
      column_.set(load_v128(at_[row]));
      for (int pixel = 0, of = tap; of >= 0; ++pixel, --of) {
        const Var<V128>& sum = sums_[pixel];
        V128 product = f32x4::mul(column_, taps_[width_ * row + of]);
        const bool first = begins && row == 0 && of == 0;
        sum.set(first ? std::move(product) : f32x4::add(sum, std::move(product)));
      }
      at_[row] += x_pixel_step_;
    }
  }

  void store(bool adds, bool finishes) {
    if (tail_->uses_same()) {
      address_.set(out_ + scaled_offset(tail_->out_type(), offset_));
      finished_.set(tail_->vector(sums_[0], offset_, bytes_));
      store_elements(f_, tail_->out_type(), finished_, address_, 0);
    } else {
      V128 sum = sums_[0].get();
      if (adds) sum = f32x4::add(std::move(sum), load_v128(offset_));
      if (finishes) {
        finished_.set(tail_->vector(std::move(sum), offset_, bytes_));
        store_elements(f_, tail_->out_type(), finished_, offset_, 0);
      } else {
        f_.store_v128(offset_, std::move(sum));
      }
    }
    offset_ += out_step_;
  }

  FunctionBuilder& f_;
  int width_;
  bool passes_;
  int rows_;  // at once
  Var<I32> x_, weights_, out_;
  Var<I32> columns_, pixels_, channels_, x_row_step_, x_pixel_step_, w_block_step_, out_step_, out_offset_,
      pad_left_, ky_count_;
  std::optional<EpilogueEmitter> tail_;
  std::vector<Var<V128>> taps_;
  std::vector<Var<V128>> sums_;  // of the pixel to finish next, and of those after it
  std::vector<Var<I32>> at_;
  Var<V128> column_, finished_;
  Var<I32> bytes_, x_row_, tap_at_, whole_, left_, address_;
  Var<I32> start_,
      offset_;  // of the next pixel from out; its address where nothing is laid out like the output
};

}  // namespace

bool has_whole_rows(const schedule::Conv2d& kernel) {
  const bool plain = kernel.factors == Factors::f32 && kernel.dilation_h == 1 && kernel.dilation_w == 1 &&
                     kernel.stride_w == 1 && kernel.c.value() % 4 == 0;
  const bool is_3x3 = kernel.kw == 3 && kernel.kh == 3;
  if (!plain) return false;
  // The lines of all rows that are read at once, and of the output's.
  if (2 * (is_3x3 ? 4 : 2) * schedule::typical_size(kernel.ow) > lines_at_once(kernel)) return false;
  if (is_3x3) return true;
  // The output holds sums on the way: f32, and nothing else that is still to be read.
  const auto& operands = kernel.epilogue.operands;
  return kernel.kw == 5 && kernel.kh >= 2 && kernel.epilogue.out == ir::DType::f32 &&
         std::none_of(operands.begin(), operands.end(), [](const auto& operand) {
           return operand.access == schedule::EpilogueOperand::Access::same;
         });
}

Var<I32> whole_rows_fit(FunctionBuilder& f, const ConvParams& p, const schedule::Conv2d& kernel) {
  const auto before = static_cast<int32_t>(kernel.kw - 1);
  return f.local<I32>(less_equal_unsigned(p.pad_left, f.i32(before)) & (p.w + p.pad_left >= before));
}

std::string depthwise_row_function(FunctionTable& functions, const schedule::Conv2d& kernel, int rows) {
  const std::string form = (rows == 0 ? "" : std::to_string(rows)) + "x" + std::to_string(kernel.kw) + "_s1";
  return functions.get("f32_dwconv_row_" + form + EpilogueEmitter::name(kernel.epilogue),
                       "dwconv row " + form + EpilogueEmitter::key(kernel.epilogue),
                       [&](FunctionBuilder& f) { Row(functions, f, kernel, rows).emit(); });
}

}  // namespace o2w::codegen
