// SVMRegressor and SVMClassifier.
import test from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { floats, model, node, tensor, value } from '../support/onnx_model.mjs';

const features = 5;
const transforms = ['NONE', 'SOFTMAX', 'LOGISTIC', 'SOFTMAX_ZERO', 'PROBIT'];
const kernels = [['LINEAR', []], ['LINEAR', [0.5, 0.25, 3]], ['POLY', [0.4, 0.1, 3]], ['POLY', [0.4, 1.5, 2]], ['POLY', [0.2, 2, 2.5]], ['RBF', [0.7, 0, 0]], ['SIGMOID', [0.3, -0.2, 0]]];
const list = (draw, count, low = -1, high = 1) => floats(Array.from({ length: count }, () => Math.fround(low + draw() * (high - low))));
const rowsOf = (draw, type, rows) => ({
  x: tensor(type, [rows, features], Array.from({ length: rows * features }, () => (type.startsWith('int') ? Math.floor(draw() * 5) - 2 : draw() * 2 - 1))),
});
const batches = (draw, type) => [3, 1, 40].map((rows) => rowsOf(draw, type, rows));

const ml = (op, variants, type, outputs) => model({
  inputs: { x: value(type, ['rows', features]) },
  outputs: Object.fromEntries(variants.flatMap((_, k) => Object.entries(outputs).map(([name, of]) => [name + k, of]))),
  nodes: variants.map((attributes, k) => node(op, ['x'], Object.keys(outputs).map((name) => name + k), attributes, 'ai.onnx.ml')),
  opset: 21, opsets: { 'ai.onnx.ml': 1 },
});
const classes = { label: value('int64'), scores: value('float32') };

test('SVMRegressor', async () => {
  const draw = generator(1), variants = [];
  for (const [kernel_type, parameters] of kernels) {
    for (const one_class of [0, 1]) {
      variants.push({ kernel_type, kernel_params: floats(parameters), n_supports: 7, support_vectors: list(draw, 7 * features), coefficients: list(draw, 7), rho: list(draw, 1), one_class });
    }
  }
  variants.push({ kernel_type: 'LINEAR', kernel_params: floats([]), n_supports: 0, coefficients: list(draw, features), rho: list(draw, 1) });
  await agreesWithOnnxRuntime(ml('SVMRegressor', variants, 'float32', { y: value('float32') }), batches(draw, 'float32'));
});

test('SVMClassifier: kernels and numbers of classes', async () => {
  const draw = generator(2), variants = [];
  for (const [kernel_type, parameters] of kernels) {
    for (const per_class of [[3, 4], [2, 5, 1], [3, 1, 4, 2, 2]]) {
      const count = per_class.length, vectors = per_class.reduce((a, b) => a + b), pairs = (count * (count - 1)) / 2;
      variants.push({
        kernel_type, kernel_params: floats(parameters), vectors_per_class: per_class, support_vectors: list(draw, vectors * features),
        coefficients: list(draw, vectors * (count - 1)), rho: list(draw, pairs), classlabels_ints: per_class.map((_, k) => 2 * k + 3),
      });
    }
  }
  await agreesWithOnnxRuntime(ml('SVMClassifier', variants, 'float32', classes), batches(draw, 'float32'));
});

for (const type of ['float32', 'float64', 'int64', 'int32']) {
  test(`SVMClassifier: chances and transformations, ${type}`, async () => {
    const draw = generator(3), variants = [];
    for (const per_class of [[3, 4], [2, 5, 1], [3, 1, 4, 2]]) {
      const count = per_class.length, vectors = per_class.reduce((a, b) => a + b), pairs = (count * (count - 1)) / 2;
      for (const chances of [false, true]) {
        for (const post_transform of transforms) {
          // Scores that are no chances have no PROBIT (and of two classes, ONNX Runtime leaves the second's unwritten).
          if (post_transform === 'PROBIT' && !chances) continue;
          variants.push({
            kernel_type: 'RBF', kernel_params: floats([0.5, 0, 0]), vectors_per_class: per_class, support_vectors: list(draw, vectors * features),
            coefficients: list(draw, vectors * (count - 1)), rho: list(draw, pairs, -0.3, 0.3), classlabels_ints: per_class.map((_, k) => k), post_transform,
            ...(chances ? { prob_a: list(draw, pairs, -2, -1), prob_b: list(draw, pairs, -0.1, 0.1) } : {}),
          });
        }
      }
    }
    await agreesWithOnnxRuntime(ml('SVMClassifier', variants, type, classes), batches(draw, type));
  });
}

test('SVMClassifier: linear mode', async () => {
  const draw = generator(4), variants = [];
  for (const count of [2, 3, 5]) {
    for (const low of [0, -1]) {
      for (const post_transform of transforms.slice(0, 4)) {
        variants.push({ kernel_type: 'LINEAR', kernel_params: floats([]), coefficients: list(draw, count * features, low), rho: list(draw, 1), classlabels_ints: Array.from({ length: count }, (_, k) => k + 1), post_transform });
      }
    }
  }
  await agreesWithOnnxRuntime(ml('SVMClassifier', variants, 'float32', classes), batches(draw, 'float32'));
});
