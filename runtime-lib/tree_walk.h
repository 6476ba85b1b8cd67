// Ensembles of decision trees over packed nodes, shared by the compiler's evaluator and the runtime library.
// Freestanding.
//
// The compiler has checked the structure: all node, weight and set numbers are in range, features are below
// the rows' width, no path is endless. So whatever the features hold, a walk ends at a leaf of its tree.
#pragma once

#include <stdint.h>

namespace o2w::trees {

enum Mode : int32_t { kLessEqual, kLess, kGreaterEqual, kGreater, kEqual, kNotEqual, kMember, kLeaf };
enum Aggregate : int64_t { kSum, kMin, kMax };

inline constexpr int32_t kModeMask = 7;
inline constexpr int32_t kMissingIsTrue = 8;  // NaN takes the true branch
inline constexpr int kFeatureShift = 4;

// `test` holds mode, kMissingIsTrue and the feature's number. The threshold of kMember is the number of a
// set. A leaf holds in on_true its first weight, in on_false how many there are, as threshold their sum.
template <typename T>
struct Node;
template <>
struct Node<float> {
  int32_t test, on_true, on_false;
  float threshold;
};
template <>
struct Node<double> {
  int32_t test, on_true, on_false, unused;
  double threshold;
};
static_assert(sizeof(Node<float>) == 16 && sizeof(Node<double>) == 24);

template <typename T>
struct Forest {
  const Node<T>* nodes;
  const int32_t* roots;
  int32_t trees;
  const int32_t* weight_targets;
  const T* weights;
  // The members of set s: set_members[set_starts[s]] up to set_starts[s + 1], ascending.
  const int32_t* set_starts;
  const T* set_members;
};

template <typename T>
bool is_member(const Forest<T>& forest, int32_t set, T value) {
  int32_t first = forest.set_starts[set], last = forest.set_starts[set + 1];
  while (first < last) {
    const int32_t middle = first + (last - first) / 2;
    if (forest.set_members[middle] < value) {
      first = middle + 1;
    } else {
      last = middle;
    }
  }
  return first < forest.set_starts[set + 1] && forest.set_members[first] == value;
}

// Walks with one mode for all nodes: the mode is no decision then.
template <int32_t mode, typename T>
const Node<T>* leaf_of(const Forest<T>& forest, int32_t root, const T* row) {
  const Node<T>* node = forest.nodes + root;
  while ((node->test & kModeMask) != kLeaf) {
    const T value = row[node->test >> kFeatureShift];
    bool taken;
    switch (mode == kLeaf ? node->test & kModeMask : mode) {
      case kLessEqual:
        taken = value <= node->threshold;
        break;
      case kLess:
        taken = value < node->threshold;
        break;
      case kGreaterEqual:
        taken = value >= node->threshold;
        break;
      case kGreater:
        taken = value > node->threshold;
        break;
      case kEqual:
        taken = value == node->threshold;
        break;
      case kNotEqual:
        taken = value != node->threshold;
        break;
      default:
        taken = is_member(forest, static_cast<int32_t>(node->threshold), value);
    }
    taken |= (node->test & kMissingIsTrue) != 0 && value != value;
    node = forest.nodes + (taken ? node->on_true : node->on_false);
  }
  return node;
}

template <typename T>
void add_leaf(const Forest<T>& forest, const Node<T>& leaf, Aggregate aggregate, T* scores, uint8_t* scored) {
  for (int32_t w = leaf.on_true; w < leaf.on_true + leaf.on_false; ++w) {
    const int32_t target = forest.weight_targets[w];
    const T weight = forest.weights[w];
    T& score = scores[target];
    if (aggregate == kSum) {
      score += weight;
    } else if (scored[target] == 0 || (aggregate == kMin ? weight < score : weight > score)) {
      score = weight;
    }
    scored[target] = 1;
  }
}

// scores, scored: [rows, targets]; a target that no tree has a weight for gets score 0 and is not `scored`.
// Every target's weights are combined in the order of the trees.
template <int32_t mode, typename T>
void score_rows(const Forest<T>& forest, const T* x, int64_t rows, int64_t features, int64_t targets,
                Aggregate aggregate, T* scores, uint8_t* scored) {
  for (int64_t i = 0; i < rows * targets; ++i) {
    scores[i] = 0;
    scored[i] = 0;
  }
  // A tree is used for a block of rows before the next one comes, so that its nodes and the rows stay in the
  // cache.
  constexpr int64_t block = 64;
  const bool plain_sums = targets == 1 && aggregate == kSum;
  for (int64_t begin = 0; begin < rows; begin += block) {
    const int64_t end = begin + block < rows ? begin + block : rows;
    for (int32_t tree = 0; tree < forest.trees; ++tree) {
      for (int64_t row = begin; row < end; ++row) {
        const Node<T>* leaf = leaf_of<mode>(forest, forest.roots[tree], x + row * features);
        if (plain_sums) {
          scores[row] += leaf->threshold;
          scored[row] |= leaf->on_false != 0;
        } else {
          add_leaf(forest, *leaf, aggregate, scores + row * targets, scored + row * targets);
        }
      }
    }
  }
}

// `mode` is that of all branches, or kLeaf where they have several.
template <typename T>
void score_rows(const Forest<T>& forest, int64_t mode, const T* x, int64_t rows, int64_t features,
                int64_t targets, Aggregate aggregate, T* scores, uint8_t* scored) {
  switch (mode) {
    case kLessEqual:
      return score_rows<kLessEqual>(forest, x, rows, features, targets, aggregate, scores, scored);
    case kLess:
      return score_rows<kLess>(forest, x, rows, features, targets, aggregate, scores, scored);
    default:
      return score_rows<kLeaf>(forest, x, rows, features, targets, aggregate, scores, scored);
  }
}

}  // namespace o2w::trees
