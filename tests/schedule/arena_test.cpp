// The arena of networks of the usual forms is at most a tenth larger than what lives at the worst step.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "compiler/schedule/schedule.h"
#include "compiler/schedule/search_plan.h"

namespace o2w::schedule {
namespace {

// Writes a graph's text, node by node. Feature maps are [1, channels, size, size].
class Network {
 public:
  struct Map {
    int id, channels, size;
  };

  Map input(int channels, int size) {
    const Map map{next_++, channels, size};
    text_ += fmt::format("input \"x{}\" %{}: {}\n", map.id, map.id, type(map));
    return map;
  }
  Map convolution(const Map& x, int channels, int window = 1) {
    const int weights = next_++;
    const std::string shape = fmt::format("f32[{}, {}, {}, {}]", channels, x.channels, window, window);
    text_ += fmt::format("%{}: {} = constant <{}>\n", weights, shape, shape);
    const Map out{next_++, channels, x.size};
    text_ += fmt::format(
        "%{}: {} = convolution (%{}, %{}) strides [1, 1] dilations [1, 1] pads [{}, {}] group 1\n", out.id,
        type(out), x.id, weights, window / 2, window / 2);
    return activation(out);
  }
  Map activation(const Map& x) { return tabulate({x}, x, fmt::format("max({}, 0.0)", read(0, "i2", "i3"))); }
  Map add(const Map& a, const Map& b) {
    return tabulate({a, b}, a, fmt::format("add({}, {})", read(0, "i2", "i3"), read(1, "i2", "i3")));
  }
  Map halved(const Map& x) {
    const Map out{0, x.channels, x.size / 2};
    return tabulate({x}, out,
                    fmt::format("max({}, {})", read(0, "mul(2, i2)", "mul(2, i3)"),
                                read(0, "add(mul(2, i2), 1)", "add(mul(2, i3), 1)")));
  }
  Map doubled(const Map& x) {
    return tabulate({x}, {0, x.channels, 2 * x.size}, read(0, "floordiv(i2, 2)", "floordiv(i3, 2)"));
  }
  Map concat(const std::vector<Map>& parts) {
    Map out{next_++, 0, parts[0].size};
    std::string list;
    for (const Map& part : parts) {
      out.channels += part.channels;
      list += fmt::format("{}%{}", list.empty() ? "" : ", ", part.id);
    }
    text_ += fmt::format("%{}: {} = concat ({}) axis 1\n", out.id, type(out), list);
    return out;
  }
  Map slice(const Map& x, int first, int channels) {
    return tabulate({x}, {0, channels, x.size}, fmt::format("read0(i0, add(i1, {}), i2, i3)", first));
  }
  void output(const Map& map) { outputs_ += fmt::format("output \"y{}\" %{}\n", map.id, map.id); }

  Program program() const {
    Diagnostics diagnostics;
    Result<ir::Graph> graph =
        ir::parse_graph("graph \"g\" opset 17 {\n" + text_ + outputs_ + "}\n", diagnostics);
    if (!graph) throw std::runtime_error(diagnostics.to_string());
    ir::verify(*graph, "parsing");
    Result<Program> program = make_program(*graph, {}, diagnostics);
    if (!program) throw std::runtime_error(diagnostics.to_string());
    return std::move(*program);
  }

 private:
  static std::string type(const Map& map) {
    return fmt::format("f32[1, {}, {}, {}]", map.channels, map.size, map.size);
  }
  static std::string read(int slot, const std::string& y, const std::string& x) {
    return fmt::format("read{}(i0, i1, {}, {})", slot, y, x);
  }
  Map tabulate(const std::vector<Map>& inputs, Map out, const std::string& body) {
    out.id = next_++;
    std::string list;
    for (const Map& input : inputs) list += fmt::format("{}%{}", list.empty() ? "" : ", ", input.id);
    text_ += fmt::format("%{}: {} = tabulate ({}) {{ {} }}\n", out.id, type(out), list, body);
    return out;
  }

  std::string text_, outputs_;
  int next_ = 0;
};

using Map = Network::Map;

void expect_close(const char* name, const Network& network) {
  const Program program = network.program();
  EXPECT_GT(program.arena_lower_bound, 0) << name;
  EXPECT_LE(program.arena_bytes * 10, program.arena_lower_bound * 11) << name;
}

TEST(Arena, ResidualNetwork) {
  Network net;
  Map x = net.convolution(net.input(3, 64), 16, 3);
  for (int stage = 0; stage < 3; ++stage) {
    for (int block = 0; block < 3; ++block) {
      x = net.add(
          x, net.convolution(net.convolution(net.convolution(x, x.channels * 4), x.channels, 3), x.channels));
    }
    x = net.convolution(net.halved(x), x.channels * 2);
  }
  net.output(x);
  expect_close("residual", net);
}

TEST(Arena, UNetwork) {
  Network net;
  Map x = net.convolution(net.input(3, 64), 8, 3);
  std::vector<Map> skipped;
  for (int level = 0; level < 4; ++level) {
    skipped.push_back(net.convolution(x, x.channels, 3));
    x = net.convolution(net.halved(skipped.back()), x.channels * 2, 3);
  }
  for (int level = 4; level-- > 0;) {
    const Map& skip = skipped[static_cast<std::size_t>(level)];
    x = net.convolution(net.concat({skip, net.doubled(x)}), skip.channels, 3);
  }
  net.output(x);
  expect_close("u-net", net);
}

TEST(Arena, DenselyConnectedNetwork) {
  Network net;
  Map x = net.convolution(net.input(3, 32), 16, 3);
  std::vector<Map> all = {x};
  for (int layer = 0; layer < 8; ++layer) {
    all.push_back(net.convolution(net.convolution(all.size() > 1 ? net.concat(all) : x, 32), 8, 3));
  }
  net.output(net.convolution(net.concat(all), 16));
  expect_close("dense", net);
}

TEST(Arena, CrossStagePartialNetworkWithPyramid) {
  Network net;
  Map x = net.convolution(net.input(3, 64), 16, 3);
  std::vector<Map> levels;
  for (int level = 0; level < 3; ++level) {
    x = net.convolution(x, x.channels);
    std::vector<Map> parts = {net.slice(x, 0, x.channels / 2), net.slice(x, x.channels / 2, x.channels / 2)};
    for (int block = 0; block < 2; ++block) {
      const Map last = parts.back();
      parts.push_back(
          net.add(last, net.convolution(net.convolution(last, last.channels, 3), last.channels, 3)));
    }
    x = net.convolution(net.concat(parts), x.channels);
    levels.push_back(x);
    x = net.convolution(net.halved(x), x.channels * 2);
  }
  for (int level = 3; level-- > 0;) {
    x = net.convolution(net.concat({net.doubled(x), levels[static_cast<std::size_t>(level)]}), 32, 3);
    net.output(net.convolution(x, 8));
  }
  expect_close("pyramid", net);
}

TEST(Arena, RandomNetworks) {
  std::mt19937 random(3);
  const auto below = [&](std::size_t limit) { return random() % limit; };
  for (int round = 0; round < 20; ++round) {
    Network net;
    std::vector<Map> maps = {net.convolution(net.input(3, 16), 8, 3)};
    for (int node = 0; node < 40; ++node) {
      const Map a = maps[maps.size() - 1 - below(std::min<std::size_t>(maps.size(), 6))];
      const Map b = maps[maps.size() - 1 - below(std::min<std::size_t>(maps.size(), 6))];
      switch (below(4)) {
        case 0:
          maps.push_back(net.convolution(a, static_cast<int>(4 * (1 + below(8))), 3));
          break;
        case 1:
          maps.push_back(net.convolution(net.concat({a, b}), a.channels));
          break;
        case 2:
          maps.push_back(net.add(a, net.convolution(b, a.channels)));
          break;
        default:
          maps.push_back(net.activation(a));
      }
    }
    net.output(net.convolution(maps.back(), 4));
    expect_close(fmt::format("round {}", round).c_str(), net);
  }
}

}  // namespace
}  // namespace o2w::schedule
