#include "frontends/onnx/ops/ml/forest.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace o2w::onnx_frontend::ml {

using ir::DType;
using ir::Tensor;
using ir::Value;

namespace {

constexpr int64_t most_features = std::numeric_limits<int32_t>::max() >> trees::kFeatureShift;

int64_t count(const auto& list) { return static_cast<int64_t>(list.size()); }

void check_number(Lowering& l, int64_t number, int64_t size, const char* what) {
  if (number < 0 || number >= size) l.fail("{} {} does not exist, there are {}", what, number, size);
}

void check_numbers(Lowering& l, const TreeEnsembleDef& ensemble) {
  constexpr int64_t most = std::numeric_limits<int32_t>::max();
  if (ensemble.targets < 1 || ensemble.targets > most)
    l.fail("there are {} targets or classes", ensemble.targets);
  if (count(ensemble.nodes) > most || count(ensemble.weights) > most) l.fail("the trees are too large");
  for (const TreeNode& node : ensemble.nodes) {
    if (node.mode == trees::kLeaf) continue;
    check_number(l, node.feature, most_features, "feature");
    check_number(l, node.on_true, count(ensemble.nodes), "node");
    check_number(l, node.on_false, count(ensemble.nodes), "node");
  }
  for (const int64_t root : ensemble.roots) check_number(l, root, count(ensemble.nodes), "root node");
  for (const LeafWeight& weight : ensemble.weights) {
    check_number(l, weight.target, ensemble.targets, "target or class");
  }
}

// Branches may meet again (sets written as chains of equalities do), but no path may come back to a node of
// its own.
void check_paths_end(Lowering& l, const TreeEnsembleDef& ensemble) {
  enum class State : uint8_t { unseen, on_path, done };
  std::vector<State> states(ensemble.nodes.size(), State::unseen);
  std::vector<int64_t> path;
  const auto enter = [&](int64_t number) {
    State& state = states[static_cast<std::size_t>(number)];
    if (state == State::on_path) l.fail("a path of a tree comes back to its node and never ends at a leaf");
    if (state == State::unseen) path.push_back(number);
  };
  for (const int64_t root : ensemble.roots) {
    enter(root);
    while (!path.empty()) {
      const int64_t number = path.back();
      const TreeNode& node = ensemble.nodes[static_cast<std::size_t>(number)];
      State& state = states[static_cast<std::size_t>(number)];
      if (state == State::unseen && node.mode != trees::kLeaf) {
        state = State::on_path;
        enter(node.on_true);
        enter(node.on_false);
      } else {
        // A node that waited on the path more than once is left for good at its first turn.
        state = State::done;
        path.pop_back();
      }
    }
  }
}

template <typename T>
Tensor packed_nodes(const TreeEnsembleDef& ensemble) {
  using Packed = trees::Node<T>;
  constexpr auto words = static_cast<int64_t>(sizeof(Packed) / sizeof(int32_t));
  Tensor tensor(DType::i32, {count(ensemble.nodes), words});
  uint8_t* bytes = tensor.mutable_bytes();
  for (const TreeNode& node : ensemble.nodes) {
    Packed packed{};
    packed.test = static_cast<int32_t>(node.feature << trees::kFeatureShift) | node.mode |
                  (node.missing_is_true ? trees::kMissingIsTrue : 0);
    packed.on_true = static_cast<int32_t>(node.on_true);
    packed.on_false = static_cast<int32_t>(node.on_false);
    packed.threshold = static_cast<T>(node.threshold);
    if (node.mode == trees::kLeaf) {
      T sum = 0;
      for (int64_t w = node.on_true; w < node.on_true + node.on_false; ++w) {
        sum += static_cast<T>(ensemble.weights[static_cast<std::size_t>(w)].value);
      }
      packed.test = trees::kLeaf;
      packed.threshold = sum;
    }
    std::memcpy(bytes, &packed, sizeof packed);
    bytes += sizeof packed;
  }
  return tensor;
}

// The numbers as a 1-D constant with at least one element.
template <typename List, typename Get>
Value* listed(Lowering& l, DType type, const List& list, Get get) {
  Tensor tensor(type, {std::max<int64_t>(count(list), 1)});
  int64_t i = 0;
  for (const auto& item : list) {
    if constexpr (std::is_integral_v<decltype(get(item))>) {
      tensor.set_int(i++, get(item));
    } else {
      tensor.set_double(i++, get(item));
    }
  }
  return l.b().constant(std::move(tensor));
}

// The mode of all branches, kLeaf where they have several.
int64_t common_mode(const TreeEnsembleDef& ensemble) {
  int32_t mode = trees::kLeaf;
  for (const TreeNode& node : ensemble.nodes) {
    if (node.mode == trees::kLeaf) continue;
    if (mode != trees::kLeaf && mode != node.mode) return trees::kLeaf;
    mode = node.mode;
  }
  return mode;
}

}  // namespace

TreeScores score_trees(Lowering& l, Value* x, const TreeEnsembleDef& ensemble, trees::Aggregate aggregate) {
  check_numbers(l, ensemble);
  check_paths_end(l, ensemble);
  if (ensemble.roots.empty()) l.fail("there are no trees");
  int64_t features = 0;
  for (const TreeNode& node : ensemble.nodes) {
    if (node.mode != trees::kLeaf) features = std::max(features, node.feature + 1);
  }
  l.b().require(ir::Require::Relation::less_equal, features, x->shape[1],
                fmt::format("the trees look at {} features, the rows must have as many", features));

  std::vector<int64_t> set_starts = {0};
  std::vector<double> members;
  for (std::vector<double> set : ensemble.sets) {
    std::sort(set.begin(), set.end());
    members.insert(members.end(), set.begin(), set.end());
    set_starts.push_back(count(members));
  }
  const DType type = x->type;
  Value* nodes =
      l.b().constant(type == DType::f64 ? packed_nodes<double>(ensemble) : packed_nodes<float>(ensemble));
  const auto itself = [](auto number) { return number; };
  const std::vector<Value*> inputs = {
      x,
      nodes,
      listed(l, DType::i32, ensemble.roots, itself),
      listed(l, DType::i32, ensemble.weights, [](const LeafWeight& w) { return w.target; }),
      listed(l, type, ensemble.weights, [](const LeafWeight& w) { return w.value; }),
      listed(l, DType::i32, set_starts, itself),
      listed(l, type, members, itself),
  };
  ir::Opaque call{.routine = "tree_ensemble", .ints = {aggregate, common_mode(ensemble)}};
  const ir::Shape shape = {x->shape[0], ensemble.targets};
  const std::vector<Value*> results =
      l.b().opaque(std::move(call), inputs, {{type, shape}, {DType::boolean, shape}});
  return {results[0], results[1]};
}

}  // namespace o2w::onnx_frontend::ml
