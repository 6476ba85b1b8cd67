// Decision trees as the operators' attributes describe them, checked and packed for the routine that walks
// them.
#pragma once

#include <cstdint>
#include <vector>

#include "frontends/onnx/lowering.h"
#include "runtime-lib/tree_walk.h"

namespace o2w::onnx_frontend::ml {

struct TreeNode {
  int32_t mode = trees::kLeaf;
  bool missing_is_true = false;
  int64_t feature = 0;
  double threshold = 0;  // kMember: the number of a set
  // Branches: numbers of nodes. A leaf: its first weight and how many it has.
  int64_t on_true = 0, on_false = 0;
};

struct LeafWeight {
  int64_t target = 0;
  double value = 0;
};

struct TreeEnsembleDef {
  std::vector<TreeNode> nodes;
  std::vector<int64_t> roots;
  std::vector<LeafWeight> weights;
  std::vector<std::vector<double>> sets;
  int64_t targets = 0;
};

struct TreeScores {
  ir::Value* scores = nullptr;  // of x's type, [rows, targets]
  ir::Value* scored = nullptr;  // bool: whether any tree had a weight for the target
};

// x: f32 or f64, [rows, features]. ModelError for numbers out of range and for paths that never end.
TreeScores score_trees(Lowering& l, ir::Value* x, const TreeEnsembleDef& ensemble,
                       trees::Aggregate aggregate);

}  // namespace o2w::onnx_frontend::ml
