#include "compiler/codegen/kernels/winograd_transforms.h"

#include <array>

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
  explicit OutputMap(FunctionBuilder& f)
      : two_(f.local<V128>(splat(f, 2))),
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
    sum12_.set(sum(m_[1], m_[2]));
    difference12_.set(difference(m_[1], m_[2]));
    sum34_.set(sum(m_[3], m_[4]));
    difference34_.set(difference(m_[3], m_[4]));
  }
  V128 row(int i) const {
    switch (i) {
      case 0:
        return sum(sum(m_[0], sum12_), sum34_);
      case 1:
        return sum(difference12_, product(two_, difference34_));
      case 2:
        return sum(sum12_, product(four_, sum34_));
      default:
        return sum(sum(difference12_, product(eight_, difference34_)), m_[5]);
    }
  }

 private:
  Var<V128> two_, four_, eight_, sum12_, sum34_, difference12_, difference34_;
  Vectors6 m_;
};

// G g.
std::array<V128, 6> weights_map(const std::array<Var<V128>, 3>& g, const std::array<Var<V128>, 4>& parts) {
  const auto& [quarter, sixth, twelfth, twenty_fourth] = parts;
  const auto outer = [&] { return product(sixth, sum(g[0], g[2])); };
  const auto even = [&] { return sum(product(twenty_fourth, g[0]), product(sixth, g[2])); };
  return {product(quarter, g[0]),
          f32x4::neg(sum(outer(), product(sixth, g[1]))),
          difference(product(sixth, g[1]), outer()),
          sum(even(), product(twelfth, g[1])),
          difference(even(), product(twelfth, g[1])),
          g[2].get()};
}

}  // namespace

std::string winograd_input_function(FunctionTable& functions) {
  return functions.get("f32_winograd_4x4_input", "winograd input", [](FunctionBuilder& f) {
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

std::string winograd_output_function(FunctionTable& functions) {
  return functions.get("f32_winograd_4x4_output", "winograd output", [](FunctionBuilder& f) {
    const Var<I32> from = f.param<I32>(), from_step = f.param<I32>(), to = f.param<I32>(),
                   to_step = f.param<I32>(), bytes = f.param<I32>();
    const Var<I32> address = f.local<I32>();
    OutputMap map(f);
    f.while_([&] { return bytes > 0; },
             [&] {
               map.load(from, from_step, address);
               address.set(to);
               for (int i = 0; i < kWinogradTile; ++i) {
                 f.store_v128(address, map.row(i));
                 if (i + 1 < kWinogradTile) address += to_step;
               }
               from += 16;
               to += 16;
               bytes -= 16;
             });
  });
}

std::string winograd_finish_function(FunctionTable& functions, const schedule::Epilogue& epilogue) {
  const std::string name = "f32_winograd_4x4_finish" + EpilogueEmitter::name(epilogue);
  return functions.get(name, "winograd finish" + EpilogueEmitter::key(epilogue), [&](FunctionBuilder& f) {
    const Var<I32> from = f.param<I32>(), from_step = f.param<I32>(), out = f.param<I32>();
    const std::vector<Var<I32>> operands = operand_params(f, epilogue);
    const Var<I32> columns = f.param<I32>(), out_step = f.param<I32>(), out_offset = f.param<I32>(),
                   count = f.param<I32>();
    EpilogueEmitter tail(functions, f, epilogue, operands);
    const Var<I32> column_offset = f.local<I32>(f.i32(0)), offset = f.local<I32>(), address = f.local<I32>(),
                   bytes = f.local<I32>(columns << 2);
    const Var<V128> finished = f.local<V128>();
    OutputMap map(f);
    const auto row = [&](int i) {
      finished.set(tail.vector(map.row(i), offset, column_offset, 0, 0));
      address.set(out + scaled_offset(tail.out_type(), offset));
      store_elements(f, tail.out_type(), finished, address, 0);
    };
    f.while_([&] { return column_offset < bytes; },
             [&] {
               map.load(from, from_step, address);
               offset.set(out_offset + column_offset);
               row(0);
               for (int i = 1; i < kWinogradTile; ++i) {
                 f.if_(count > i, [&] {
                   offset += out_step;
                   row(i);
                 });
               }
               from += 16;
               column_offset += 16;
             });
  });
}

std::string winograd_weights_function(FunctionTable& functions) {
  return functions.get("f32_winograd_4x4_weights", "winograd weights", [](FunctionBuilder& f) {
    const Var<I32> from = f.param<I32>(), to = f.param<I32>(), channels = f.param<I32>(),
                   panels = f.param<I32>();
    const Var<I32> at = f.local<I32>(), address = f.local<I32>(), row_bytes = f.local<I32>(channels << 5),
                   point_bytes = f.local<I32>(row_bytes * panels);
    std::array<Var<V128>, 4> parts;
    constexpr std::array<float, 4> factors = {1.0F / 4, 1.0F / 6, 1.0F / 12, 1.0F / 24};
    for (std::size_t i = 0; i < 4; ++i) parts[i] = f.local<V128>(splat(f, factors[i]));
    std::array<Var<V128>, 3> g;
    for (Var<V128>& local : g) local = f.local<V128>();
    std::array<std::array<Var<V128>, 3>, 6> half;  // G g
    for (auto& row : half) {
      for (Var<V128>& local : row) local = f.local<V128>();
    }
    // A round makes four columns of one channel.
    const auto transform = [&] {
      for (std::size_t x = 0; x < 3; ++x) {
        for (std::size_t y = 0; y < 3; ++y) {
          g[y].set(load_v128(from + at + row_bytes * static_cast<int32_t>(3 * y + x)));
        }
        std::array<V128, 6> column = weights_map(g, parts);
        for (std::size_t i = 0; i < 6; ++i) half[i][x].set(std::move(column[i]));
      }
      address.set(to + at);
      for (const std::array<Var<V128>, 3>& row : half) {
        std::array<V128, 6> values = weights_map(row, parts);
        for (V128& value : values) {
          f.store_v128(address, std::move(value));
          address += point_bytes;
        }
      }
    };
    f.while_([&] { return panels > 0; },
             [&] {
               f.for_range(at, 0, row_bytes, 16, transform);
               from += row_bytes * 9;
               to += row_bytes;
               panels -= 1;
             });
  });
}

}  // namespace o2w::codegen
