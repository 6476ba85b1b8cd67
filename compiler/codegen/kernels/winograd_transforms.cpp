#include "compiler/codegen/kernels/winograd_transforms.h"

#include <array>
#include <vector>

#include "compiler/codegen/kernels/finish_rows.h"

namespace o2w::codegen {
namespace {

using Vectors6 = std::array<Var<V128>, 6>;

V128 splat(FunctionBuilder& f, float value) { return f32x4::splat(f.f32(value)); }
V128 sum(V128 a, V128 b) { return f32x4::add(std::move(a), std::move(b)); }
V128 difference(V128 a, V128 b) { return f32x4::sub(std::move(a), std::move(b)); }
V128 product(V128 a, V128 b) { return f32x4::mul(std::move(a), std::move(b)); }

// A^T m with its constants in locals.
class OutputMap {
 public:
  OutputMap(FunctionBuilder& f, const WinogradForm& form)
      : outputs_(form.outputs),
        two_(f.local<V128>(splat(f, 2))),
        four_(f.local<V128>(splat(f, 4))),
        eight_(f.local<V128>(splat(f, 8))) {
    for (Var<V128>* local : {&sum12_, &sum34_, &difference12_, &difference34_}) *local = f.local<V128>();
    for (Var<V128>& local : m_) local = f.local<V128>();
  }
  // Loads six vectors, `step` bytes apart.
  void load(const Var<I32>& from, const Var<I32>& step, const Var<I32>& address) {
    address.set(from);
    for (std::size_t i = 0; i < 6; ++i) {
      m_[i].set(load_v128(address));
      if (i < 5) address += step;
    }
    add_pairs();
  }
  void load(const Var<I32>& from, uint32_t step) {
    for (std::size_t i = 0; i < 6; ++i) m_[i].set(load_v128(from, step * static_cast<uint32_t>(i)));
    add_pairs();
  }
  V128 row(int i) const {
    if (i == 0) return sum(sum(m_[0], sum12_), sum34_);
    const Var<V128>&ones = i % 2 == 0 ? sum12_ : difference12_, &twos = i % 2 == 0 ? sum34_ : difference34_;
    V128 value = sum(ones, product(i == 1 ? two_ : i == 2 ? four_ : eight_, twos));
    return i + 1 == outputs_ ? sum(std::move(value), m_[5]) : std::move(value);
  }

 private:
  void add_pairs() {
    sum12_.set(sum(m_[1], m_[2]));
    difference12_.set(difference(m_[1], m_[2]));
    sum34_.set(sum(m_[3], m_[4]));
    difference34_.set(difference(m_[3], m_[4]));
  }

  int outputs_;
  Var<V128> two_, four_, eight_, sum12_, sum34_, difference12_, difference34_;
  Vectors6 m_;
};

// G g. `numbers`: 1/4, 1/6, 1/24, 2, 4, 8, 16.
std::array<V128, 6> weights_map(const std::vector<Var<V128>>& g, const std::array<Var<V128>, 7>& numbers) {
  const auto& [quarter, sixth, twenty_fourth, two, four, eight, sixteen] = numbers;
  const bool five = g.size() == 5;
  const auto even = [&] { return five ? sum(sum(g[0], g[2]), g[4]) : sum(g[0], g[2]); };
  const auto odd = [&]() -> V128 { return five ? sum(g[1], g[3]) : g[1].get(); };
  const auto even_twos = [&, &times4 = four, &times16 = sixteen] {
    V128 value = sum(g[0], product(times4, g[2]));
    return five ? sum(std::move(value), product(times16, g[4])) : std::move(value);
  };
  const auto odd_twos = [&, &times2 = two, &times8 = eight] {
    return five ? sum(product(times2, g[1]), product(times8, g[3])) : product(times2, g[1]);
  };
  return {product(quarter, g[0]),
          f32x4::neg(product(sixth, sum(even(), odd()))),
          product(sixth, difference(odd(), even())),
          product(twenty_fourth, sum(even_twos(), odd_twos())),
          product(twenty_fourth, difference(even_twos(), odd_twos())),
          g.back().get()};
}

}  // namespace

std::string WinogradForm::name() const {
  const std::string side = std::to_string(outputs);
  return "f32_winograd_" + side + "x" + side;
}

std::string winograd_input_function(FunctionTable& functions) {
  return functions.get("f32_winograd_input", "winograd input", [](FunctionBuilder& f) {
    std::array<Var<I32>, 6> from;
    for (Var<I32>& row : from) row = f.param<I32>();
    const Var<I32> to = f.param<I32>(), to_step = f.param<I32>(), bytes = f.param<I32>();
    const Var<I32> at = f.local<I32>(), address = f.local<I32>();
    const Var<V128> two = f.local<V128>(splat(f, 2)), four = f.local<V128>(splat(f, 4)),
                    five = f.local<V128>(splat(f, 5)), a = f.local<V128>(), b = f.local<V128>();
    Vectors6 d;
    for (Var<V128>& local : d) local = f.local<V128>();
    f.for_range(at, 0, bytes, 16, [&] {
      for (std::size_t i = 0; i < 6; ++i) d[i].set(load_v128(from[i] + at));
      address.set(to + at);
      const auto store = [&](V128 value, bool is_last = false) {
        f.store_v128(address, std::move(value));
        if (!is_last) address += to_step;
      };
      store(sum(difference(product(four, d[0]), product(five, d[2])), d[4]));
      store(difference(sum(d[3], d[4]), product(four, sum(d[1], d[2]))));
      store(sum(difference(d[4], d[3]), product(four, difference(d[1], d[2]))));
      a.set(difference(d[4], d[2]));
      b.set(product(two, difference(d[3], d[1])));
      store(sum(a, b));
      store(difference(a, b));
      store(sum(difference(product(four, d[1]), product(five, d[3])), d[5]), true);
    });
  });
}

std::string winograd_results_function(FunctionTable& functions, const WinogradForm& form,
                                      const schedule::Epilogue& epilogue, bool partial) {
  const std::string name =
      form.name() + "_results" + (partial ? "_tail" : "") + EpilogueEmitter::name(epilogue);
  const std::string key =
      form.name() + (partial ? " results tail" : " results") + EpilogueEmitter::key(epilogue);
  return functions.get(name, key, [&](FunctionBuilder& f) {
    const Var<I32> from = f.param<I32>(), from_step = f.param<I32>(), half = f.param<I32>(),
                   out = f.param<I32>();
    const std::vector<Var<I32>> operands = operand_params(f, epilogue);
    const Var<I32> column = f.param<I32>(), end = f.param<I32>(), out_offset = f.param<I32>(),
                   out_row = f.param<I32>(), out_pixel = f.param<I32>(), rows = f.param<I32>(),
                   pixels = f.param<I32>();
    EpilogueEmitter tail(functions, f, epilogue, operands);
    const bool calls = calls_functions(epilogue);
    if (calls) tail.put_calls_in_place();
    const Var<I32> column_step = f.local<I32>(from_step * kWinogradInputs), i = f.local<I32>(),
                   points = f.local<I32>(), line = f.local<I32>(), row_offset = f.local<I32>(),
                   offset = f.local<I32>(), address = f.local<I32>(), pixel = f.local<I32>();
    const Var<V128> finished = f.local<V128>();
    OutputMap map(f, form);
    const auto store = [&](V128 value) {
      finished.set(tail.vector(std::move(value), offset, column));
      address.set(out + scaled_offset(tail.out_type(), offset));
      if (partial) {
        store_lanes(f, tail.out_type(), finished, address, f.local<I32>((end - column) >> 2));
      } else {
        store_elements(f, tail.out_type(), finished, address, 0);
      }
    };
    const auto row_of_pixels = [&] {
      map.load(line, 16);
      offset.set(row_offset);
      if (calls) {
        // The epilogue is long: it stands there once.
        for (int k = 0; k < form.outputs; ++k) f.store_v128(line, map.row(k), static_cast<uint32_t>(16 * k));
        f.for_range(pixel, 0, pixels, 1, [&] {
          const Var<V128> value = f.local<V128>(load_v128(line + (pixel << 4)));
          store(value.get());
          offset += out_pixel;
        });
        return;
      }
      store(map.row(0));
      for (int k = 1; k < form.outputs; ++k) {
        f.if_(pixels > k, [&] {
          offset += out_pixel;
          store(map.row(k));
        });
      }
    };
    f.while_([&] { return column < end; },
             [&] {
               line.set(half);
               points.set(from);
               f.for_range(i, 0, kWinogradInputs, 1, [&] {
                 map.load(points, column_step, address);
                 for (int k = 0; k < form.outputs; ++k)
                   f.store_v128(line, map.row(k), static_cast<uint32_t>(16 * kWinogradInputs * k));
                 line += 16;
                 points += from_step;
               });
               line.set(half);
               row_offset.set(out_offset + column);
               f.for_range(i, 0, rows, 1, [&] {
                 row_of_pixels();
                 line += 16 * kWinogradInputs;
                 row_offset += out_row;
               });
               from += 16;
               column += 16;
             });
  });
}

std::string winograd_filters_function(FunctionTable& functions, const WinogradForm& form) {
  return functions.get(form.name() + "_filters", form.name() + " filters", [&](FunctionBuilder& f) {
    const Var<I32> from = f.param<I32>(), to = f.param<I32>(), channels = f.param<I32>(),
                   to_step = f.param<I32>();
    const int32_t filter_bytes = 4 * kPanel * form.window * form.window;
    const Var<I32> address = f.local<I32>(), end = f.local<I32>(from + channels * filter_bytes),
                   half_panel = f.local<I32>();
    constexpr std::array<float, 7> values = {1.0F / 4, 1.0F / 6, 1.0F / 24, 2, 4, 8, 16};
    std::array<Var<V128>, 7> numbers;
    for (std::size_t i = 0; i < values.size(); ++i) numbers[i] = f.local<V128>(splat(f, values[i]));
    const auto side = static_cast<std::size_t>(form.window);
    const auto locals = [&] {
      std::vector<Var<V128>> list;
      for (std::size_t i = 0; i < side; ++i) list.push_back(f.local<V128>());
      return list;
    };
    const std::vector<Var<V128>> g = locals();
    std::vector<std::vector<Var<V128>>> half;  // G g
    for (int i = 0; i < kWinogradInputs; ++i) half.push_back(locals());
    // A round makes four columns of one channel.
    const auto transform = [&] {
      for (std::size_t x = 0; x < side; ++x) {
        for (std::size_t y = 0; y < side; ++y)
          g[y].set(load_v128(from, static_cast<uint32_t>(4 * kPanel * (side * y + x))));
        std::array<V128, 6> column = weights_map(g, numbers);
        for (std::size_t i = 0; i < 6; ++i) half[i][x].set(std::move(column[i]));
      }
      address.set(to);
      for (const std::vector<Var<V128>>& row : half) {
        std::array<V128, 6> points = weights_map(row, numbers);
        for (V128& value : points) {
          f.store_v128(address, std::move(value));
          address += to_step;
        }
      }
      from += 16;
      to += 16;
    };
    f.while_([&] { return from != end; },
             [&] {
               f.for_range(half_panel, 0, 2, 1, transform);
               from += filter_bytes - 4 * kPanel;
             });
  });
}

}  // namespace o2w::codegen
