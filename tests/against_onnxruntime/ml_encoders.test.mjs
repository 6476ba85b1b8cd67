// LabelEncoder, CategoryMapper, OneHotEncoder, and string labels of classifiers.
import test from 'node:test';
import { agreesWithOnnxRuntime } from '../support/against_onnxruntime.mjs';
import { float, floats, model, node, strings, tensor, value } from '../support/onnx_model.mjs';

const one = (nodes, inputs, outputs, version = 1) => model({ inputs, outputs, nodes: nodes.map(([op, from, to, attributes]) => node(op, from, to, attributes, 'ai.onnx.ml')), opset: 21, opsets: { 'ai.onnx.ml': version } });
const texts = (...list) => tensor('string', [list.length], list);

const lists = { string: strings(['b', 'a', 'ü', '', 'b']), int64: [3, -1, 9, 0, 3], float: floats([0.5, -0, 3, 1e30, 0.5]) };
const values = { string: strings(['one', 'two', 'three', 'four', 'five']), int64: [10, 20, 30, 40, 50], float: floats([1.5, 2.5, 3.5, 4.5, 5.5]) };
const types = { string: 'string', int64: 'int64', float: 'float32' };
const fed = {
  string: [texts('a', 'b', 'c', '', 'ü'), texts('nothing')],
  int64: [tensor('int64', [2, 3], [3, 9, -1, 0, 1, 2]), tensor('int64', [1, 1], [3])],
  float: [tensor('float32', [6], [0, -0, 3, 0.5, NaN, 2]), tensor('float32', [1], [1e30])],
};

for (const version of [2, 4]) {
  for (const key of Object.keys(types)) {
    test(`LabelEncoder-${version} from ${key}`, async () => {
      const nodes = Object.keys(types).flatMap((to) => {
        const attributes = { [`keys_${key}s`]: lists[key], [`values_${to}s`]: values[to] };
        const other = { string: 'none', int64: 77, float: float(-7.5) }[to];
        return [['LabelEncoder', ['x'], [`plain_${to}`], attributes], ['LabelEncoder', ['x'], [`other_${to}`], { ...attributes, [`default_${to}`]: other }]];
      });
      const outputs = Object.fromEntries(nodes.map(([, , [name]]) => [name, value(types[name.split('_')[1]])]));
      const dims = key === 'int64' ? ['rows', 'columns'] : ['n'];
      await agreesWithOnnxRuntime(one(nodes, { x: value(types[key], dims) }, outputs, version), fed[key].map((x) => ({ x })));
    });
  }
}

test('LabelEncoder-4 with tensors', async () => {
  const nodes = [
    ['LabelEncoder', ['d'], ['dd'], { keys_tensor: tensor('float64', [3], [0.1, NaN, 2]), values_tensor: tensor('float64', [3], [1e-300, 2, 3]), default_tensor: tensor('float64', [1], [-1]) }],
    ['LabelEncoder', ['s'], ['short'], { keys_tensor: texts('x', 'y'), values_tensor: tensor('int16', [2], [7, -8]), default_tensor: tensor('int16', [1], [99]) }],
    ['LabelEncoder', ['d'], ['ds'], { keys_tensor: tensor('float64', [2], [0.1, 2]), values_strings: strings(['p', 'q']) }],
  ];
  const bytes = one(nodes, { d: value('float64', ['n']), s: value('string', ['m']) }, { dd: value('float64'), short: value('int16'), ds: value('string') }, 4);
  await agreesWithOnnxRuntime(bytes, [{ d: tensor('float64', [4], [2, 0.1, NaN, 5]), s: texts('y', 'z', 'x') }]);
});

test('LabelEncoder-1 and CategoryMapper', async () => {
  const classes_strings = strings(['a', 'b', 'c', 'a']), cats = { cats_strings: strings(['red', 'green', 'red']), cats_int64s: [5, 6, 7] };
  const bytes = one([
    ['LabelEncoder', ['s'], ['places'], { classes_strings, default_int64: -5, default_string: 'x' }],
    ['LabelEncoder', ['k'], ['names'], { classes_strings, default_int64: -5, default_string: 'x' }],
    ['CategoryMapper', ['s'], ['numbers'], { ...cats, default_int64: 9, default_string: '?' }],
    ['CategoryMapper', ['k'], ['words'], { ...cats, default_int64: 9, default_string: '?' }],
  ], { s: value('string', ['n']), k: value('int64', ['m']) }, { places: value('int64'), names: value('string'), numbers: value('int64'), words: value('string') });
  await agreesWithOnnxRuntime(bytes, [{ s: texts('a', 'b', 'red', 'green'), k: tensor('int64', [7], [0, 3, 4, -1, 5, 6, 7]) }, { s: texts('zzz'), k: tensor('int64', [0], []) }]);
});

for (const type of ['string', 'int64', 'float32', 'float64']) {
  test(`OneHotEncoder, ${type}`, async () => {
    const categories = type === 'string' ? { cats_strings: strings(['a', 'b', 'c', 'b']) } : { cats_int64s: [3, -2, 7, 3] };
    const x = type === 'string' ? tensor('string', [2, 2], ['a', 'b', 'z', 'c']) : tensor(type, [2, 2], type === 'int64' ? [3, 7, 9, -2] : [3.75, 7, 9, -2.5]);
    await agreesWithOnnxRuntime(one([['OneHotEncoder', ['x'], ['y'], categories]], { x: value(type, ['rows', 2]) }, { y: value('float32') }), [{ x }]);
    const known = type === 'string' ? tensor('string', [1, 2], ['a', 'c']) : tensor(type, [1, 2], [7, -2]);
    await agreesWithOnnxRuntime(one([['OneHotEncoder', ['x'], ['y'], { ...categories, zeros: 0 }]], { x: value(type, ['rows', 2]) }, { y: value('float32') }), [{ x: known }]);
  });
}

test('classes that are strings', async () => {
  const trees = { nodes_treeids: [0, 0, 0], nodes_nodeids: [0, 1, 2], nodes_featureids: [0, 0, 0], nodes_truenodeids: [1, 0, 0], nodes_falsenodeids: [2, 0, 0], nodes_modes: strings(['BRANCH_LEQ', 'LEAF', 'LEAF']), nodes_values: floats([0, 0, 0]), class_treeids: [0, 0], class_nodeids: [1, 2] };
  const outputs = {};
  for (const name of ['linear', 'linear2', 'svm', 'tree2', 'tree3', 'both']) outputs[name] = value('string');
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) outputs[name] = value('float32');
  const bytes = one([
    ['LinearClassifier', ['x'], ['linear', 'a'], { coefficients: floats([1, -1, 0.5, 2, -0.25, 0]), intercepts: floats([0.1, 0.2, 0.3]), classlabels_strings: strings(['x', 'y', 'z']) }],
    ['LinearClassifier', ['x'], ['linear2', 'b'], { coefficients: floats([1, -1]), intercepts: floats([0.1]), classlabels_strings: strings(['no', 'yes']) }],
    ['SVMClassifier', ['x'], ['svm', 'c'], { kernel_type: 'RBF', kernel_params: floats([0.5, 0, 0]), vectors_per_class: [1, 1, 1], support_vectors: floats([1, 0, 0, 1, -1, -1]), coefficients: floats([1, -1, 0.5, -0.5, 0.7, -0.7]), rho: floats([0.1, 0, -0.1]), classlabels_strings: strings(['p', 'q', 'r']) }],
    ['TreeEnsembleClassifier', ['x'], ['tree2', 'd'], { ...trees, class_ids: [0, 0], class_weights: floats([0.2, 0.9]), classlabels_strings: strings(['no', 'yes']) }],
    ['TreeEnsembleClassifier', ['x'], ['tree3', 'e'], { ...trees, class_ids: [1, 2], class_weights: floats([0.2, 0.9]), classlabels_strings: strings(['u', 'v', 'w']) }],
    ['TreeEnsembleClassifier', ['x'], ['both', 'f'], { ...trees, class_ids: [0, 1], class_weights: floats([0.2, 0.9]), classlabels_strings: strings(['no', 'yes']) }],
  ], { x: value('float32', ['rows', 2]) }, outputs);
  await agreesWithOnnxRuntime(bytes, [{ x: tensor('float32', [4, 2], [1, 2, -1, 0.5, 0, 0, -3, -4]) }, { x: tensor('float32', [1, 2], [0.5, -2]) }], { only: Object.keys(outputs).filter((name) => name !== 'f') });
});

test('strings picked', () => agreesWithOnnxRuntime(
  one([['ArrayFeatureExtractor', ['x', 'at'], ['y'], {}]], { x: value('string', ['rows', 3]), at: value('int64', [2]) }, { y: value('string') }),
  [{ x: tensor('string', [2, 3], ['a', 'bb', 'ccc', 'd', 'ee', '']), at: tensor('int64', [2], [2, 0]) }]));
