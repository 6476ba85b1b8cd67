// Random decision trees in the two forms that ONNX has for them.
import { floats, strings, tensor } from './onnx_model.mjs';

const names = ['BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GTE', 'BRANCH_GT', 'BRANCH_EQ', 'BRANCH_NEQ', 'BRANCH_MEMBER'];

/**
 * A tree is a leaf {weights: [[target, value]...]} or a branch {mode, feature, threshold, missing, set, yes, no}.
 * `draw`: random numbers in [0, 1); `modes`: numbers of TreeEnsemble-5; `weightsOf(tree)` makes a leaf's weights.
 */
export function randomTrees(draw, { trees, depth, features, modes = [0], missing = false, integers = false, sets = 5, weightsOf }) {
  const whole = (n) => Math.floor(draw() * n);
  const grow = (tree, left) => {
    if (left === 0 || (left < depth && draw() < 0.1)) return { weights: weightsOf(tree) };
    const mode = modes[whole(modes.length)];
    return {
      mode, feature: whole(features), missing: missing && draw() < 0.5 ? 1 : 0,
      threshold: integers ? whole(7) - 3 : Math.fround(draw() * 2 - 1),
      set: mode === 6 ? Array.from({ length: 1 + whole(sets) }, () => whole(9)) : undefined,
      yes: grow(tree, left - 1), no: grow(tree, left - 1),
    };
  };
  return Array.from({ length: trees }, (_, tree) => grow(tree, depth));
}

/** Attributes of TreeEnsembleRegressor (`prefix` 'target') and TreeEnsembleClassifier ('class'). */
export function listAttributes(trees, prefix, { missing = false, doubles = false } = {}) {
  const rows = [], leaves = [];
  trees.forEach((root, tree) => {
    let next = 0;
    const add = (node) => {
      const row = { tree, id: next++, ...node };
      rows.push(row);
      if (node.weights) {
        for (const [target, value] of node.weights) leaves.push({ tree, id: row.id, target, value });
      } else {
        row.on_true = next;
        add(node.yes);
        row.on_false = next;
        add(node.no);
      }
    };
    add(root);
  });
  const column = (of) => rows.map(of);
  const numbers = (name, list) => (doubles ? { [`${name}_as_tensor`]: tensor('float64', [list.length], list) } : { [name]: floats(list) });
  return {
    nodes_treeids: column((r) => r.tree), nodes_nodeids: column((r) => r.id), nodes_featureids: column((r) => r.feature ?? 0),
    nodes_truenodeids: column((r) => r.on_true ?? 0), nodes_falsenodeids: column((r) => r.on_false ?? 0),
    nodes_modes: strings(column((r) => (r.weights ? 'LEAF' : names[r.mode]))),
    ...numbers('nodes_values', column((r) => r.threshold ?? 0)),
    ...(missing ? { nodes_missing_value_tracks_true: column((r) => r.missing ?? 0) } : {}),
    [`${prefix}_treeids`]: leaves.map((r) => r.tree), [`${prefix}_nodeids`]: leaves.map((r) => r.id),
    [`${prefix}_ids`]: leaves.map((r) => r.target), ...numbers(`${prefix}_weights`, leaves.map((r) => r.value)),
  };
}

/** Attributes of TreeEnsemble-5. A leaf has one weight there. */
export function tensorAttributes(trees, type, { missing = false } = {}) {
  const nodes = [], leaves = [], members = [], roots = [];
  const leaf = ({ weights: [[target, value]] }) => leaves.push({ target, value }) - 1;
  const add = (node) => {
    const row = { ...node };
    const number = nodes.push(row) - 1;
    if (node.set) members.push(...node.set, NaN);
    row.yesLeaf = node.yes.weights ? 1 : 0;
    row.noLeaf = node.no.weights ? 1 : 0;
    row.on_true = row.yesLeaf ? leaf(node.yes) : add(node.yes);
    row.on_false = row.noLeaf ? leaf(node.no) : add(node.no);
    return number;
  };
  for (const root of trees) roots.push(add(root));
  const column = (of) => nodes.map(of);
  return {
    tree_roots: roots, nodes_modes: tensor('uint8', [nodes.length], column((r) => r.mode)), nodes_featureids: column((r) => r.feature),
    nodes_splits: tensor(type, [nodes.length], column((r) => r.threshold)),
    nodes_truenodeids: column((r) => r.on_true), nodes_trueleafs: column((r) => r.yesLeaf),
    nodes_falsenodeids: column((r) => r.on_false), nodes_falseleafs: column((r) => r.noLeaf),
    leaf_targetids: leaves.map((r) => r.target), leaf_weights: tensor(type, [leaves.length], leaves.map((r) => r.value)),
    ...(missing ? { nodes_missing_value_tracks_true: column((r) => r.missing) } : {}),
    ...(members.length ? { membership_values: tensor(type, [members.length], members) } : {}),
  };
}
