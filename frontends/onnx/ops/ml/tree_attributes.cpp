#include "frontends/onnx/ops/ml/tree_attributes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

namespace o2w::onnx_frontend::ml {
namespace {

// In the order of trees::Mode.
constexpr std::array<const char*, 8> mode_names = {"BRANCH_LEQ", "BRANCH_LT",  "BRANCH_GTE",    "BRANCH_GT",
                                                   "BRANCH_EQ",  "BRANCH_NEQ", "BRANCH_MEMBER", "LEAF"};

int32_t mode_of(Lowering& l, const std::string& name) {
  const auto found = std::find(mode_names.begin(), mode_names.end(), name);
  if (found == mode_names.end() || name == "BRANCH_MEMBER") l.fail("'{}' is no mode of a tree's node", name);
  return static_cast<int32_t>(found - mode_names.begin());
}

template <typename T>
void expect_count(Lowering& l, const std::vector<T>& list, std::size_t count, const std::string& name) {
  if (list.size() != count) {
    l.fail("attribute '{}' has {} elements, but {} are needed", name, list.size(), count);
  }
}

std::vector<double> elements(const ir::Tensor& tensor) {
  std::vector<double> numbers;
  for (int64_t i = 0; i < tensor.count(); ++i) numbers.push_back(tensor.as_double(i));
  return numbers;
}

// The sets of kMember nodes: lists that NaN ends, one for each such node in order.
std::vector<std::vector<double>> sets_of(const std::vector<double>& values) {
  std::vector<std::vector<double>> sets(1);
  for (const double value : values) {
    if (std::isnan(value)) {
      sets.emplace_back();
    } else {
      sets.back().push_back(value);
    }
  }
  return sets;
}

}  // namespace

std::vector<double> numbers_attribute(Lowering& l, const std::string& name) {
  const std::string as_tensor = name + "_as_tensor";
  if (!l.has_attribute(as_tensor.c_str())) return l.floats_attribute(name.c_str(), {});
  std::vector<double> numbers = elements(l.tensor_attribute(as_tensor.c_str()));
  if (!numbers.empty() && !l.floats_attribute(name.c_str(), {}).empty()) {
    l.fail("only one of the attributes '{}' and '{}' may be given", name, as_tensor);
  }
  return numbers;
}

TreeEnsembleDef listed_trees(Lowering& l, const std::string& prefix) {
  const std::vector<std::string> modes = l.strings_attribute("nodes_modes", {});
  const auto integers = [&](const std::string& name, std::size_t count) {
    std::vector<int64_t> list = l.ints_attribute(name.c_str(), {});
    expect_count(l, list, count, name);
    return list;
  };
  const std::size_t count = modes.size();
  const std::vector<int64_t> trees = integers("nodes_treeids", count),
                             nodes = integers("nodes_nodeids", count),
                             features = integers("nodes_featureids", count),
                             on_true = integers("nodes_truenodeids", count),
                             on_false = integers("nodes_falsenodeids", count);
  const std::vector<double> thresholds = numbers_attribute(l, "nodes_values");
  expect_count(l, thresholds, count, "nodes_values");
  std::vector<int64_t> missing = l.ints_attribute("nodes_missing_value_tracks_true", {});
  missing.resize(std::max(missing.size(), count), 0);

  TreeEnsembleDef ensemble;
  std::map<std::pair<int64_t, int64_t>, int64_t> number_of;  // by tree and node
  for (std::size_t i = 0; i < count; ++i) {
    if (!number_of.emplace(std::pair(trees[i], nodes[i]), static_cast<int64_t>(i)).second) {
      l.fail("node {} of tree {} is described twice", nodes[i], trees[i]);
    }
    if (i == 0 || trees[i] != trees[i - 1]) ensemble.roots.push_back(static_cast<int64_t>(i));
  }
  const auto find = [&](int64_t tree, int64_t node) {
    const auto found = number_of.find({tree, node});
    if (found == number_of.end()) l.fail("tree {} has no node {}", tree, node);
    return found->second;
  };
  ensemble.nodes.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    TreeNode& node = ensemble.nodes[i];
    node.mode = mode_of(l, modes[i]);
    if (node.mode == trees::kLeaf) continue;
    node.missing_is_true = missing[i] == 1;
    node.feature = features[i];
    node.threshold = thresholds[i];
    node.on_true = find(trees[i], on_true[i]);
    node.on_false = find(trees[i], on_false[i]);
  }

  // The weights, leaf by leaf and in the order of the attributes within one.
  const std::vector<int64_t> targets = l.ints_attribute((prefix + "_ids").c_str(), {});
  const std::vector<int64_t> leaf_trees = integers(prefix + "_treeids", targets.size()),
                             leaf_nodes = integers(prefix + "_nodeids", targets.size());
  const std::vector<double> weights = numbers_attribute(l, prefix + "_weights");
  expect_count(l, weights, targets.size(), prefix + "_weights");
  std::vector<int64_t> leaves(targets.size());
  for (std::size_t i = 0; i < targets.size(); ++i) leaves[i] = find(leaf_trees[i], leaf_nodes[i]);
  std::vector<std::size_t> order(targets.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return leaves[a] < leaves[b]; });
  for (const std::size_t i : order) {
    TreeNode& leaf = ensemble.nodes[static_cast<std::size_t>(leaves[i])];
    // Weights of branches, which some converters write, count for nothing.
    if (leaf.mode != trees::kLeaf) continue;
    if (leaf.on_false++ == 0) leaf.on_true = static_cast<int64_t>(ensemble.weights.size());
    ensemble.weights.push_back({targets[i], weights[i]});
  }
  return ensemble;
}

TreeEnsembleDef tensor_trees(Lowering& l) {
  const ir::Tensor& modes = l.tensor_attribute("nodes_modes");
  const auto count = static_cast<std::size_t>(modes.count());
  const auto integers = [&](const char* name, std::size_t wanted) {
    std::vector<int64_t> list = l.ints_attribute(name, {});
    expect_count(l, list, wanted, name);
    return list;
  };
  const std::vector<int64_t> features = integers("nodes_featureids", count),
                             on_true = integers("nodes_truenodeids", count),
                             on_false = integers("nodes_falsenodeids", count),
                             true_is_leaf = integers("nodes_trueleafs", count),
                             false_is_leaf = integers("nodes_falseleafs", count);
  const std::vector<double> splits = elements(l.tensor_attribute("nodes_splits"));
  expect_count(l, splits, count, "nodes_splits");
  std::vector<int64_t> missing = l.ints_attribute("nodes_missing_value_tracks_true", {});
  missing.resize(std::max(missing.size(), count), 0);
  const std::vector<double> weights = elements(l.tensor_attribute("leaf_weights"));
  const std::vector<int64_t> targets = integers("leaf_targetids", weights.size());

  TreeEnsembleDef ensemble;
  ensemble.roots = l.ints_attribute("tree_roots", {});
  for (const int64_t root : ensemble.roots) {
    if (root < 0 || root >= static_cast<int64_t>(count))
      l.fail("root node {} does not exist, there are {}", root, count);
  }
  if (l.has_attribute("membership_values"))
    ensemble.sets = sets_of(elements(l.tensor_attribute("membership_values")));
  // Branches first, leaves behind them.
  ensemble.nodes.resize(count);
  std::size_t sets = 0;
  for (std::size_t i = 0; i < count; ++i) {
    TreeNode& node = ensemble.nodes[i];
    const int64_t mode = modes.as_int(static_cast<int64_t>(i));
    if (mode < trees::kLessEqual || mode > trees::kMember) l.fail("{} is no mode of a tree's node", mode);
    node.mode = static_cast<int32_t>(mode);
    node.missing_is_true = missing[i] == 1;
    node.feature = features[i];
    node.threshold = node.mode == trees::kMember ? static_cast<double>(sets++) : splits[i];
    const auto target_of = [&](int64_t number, int64_t is_leaf) {
      const std::size_t size = is_leaf != 0 ? weights.size() : count;
      if (number < 0 || number >= static_cast<int64_t>(size)) {
        l.fail("{} {} does not exist, there are {}", is_leaf != 0 ? "leaf" : "node", number, size);
      }
      return is_leaf != 0 ? static_cast<int64_t>(count) + number : number;
    };
    node.on_true = target_of(on_true[i], true_is_leaf[i]);
    node.on_false = target_of(on_false[i], false_is_leaf[i]);
  }
  if (sets > ensemble.sets.size()) {
    l.fail("membership_values holds {} sets, but {} nodes need one", ensemble.sets.size(), sets);
  }
  for (std::size_t i = 0; i < weights.size(); ++i) {
    TreeNode leaf;
    leaf.on_true = static_cast<int64_t>(i);
    leaf.on_false = 1;
    ensemble.nodes.push_back(leaf);
    ensemble.weights.push_back({targets[i], weights[i]});
  }
  return ensemble;
}

}  // namespace o2w::onnx_frontend::ml
