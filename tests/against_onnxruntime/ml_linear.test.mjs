// LinearRegressor and LinearClassifier.
import test from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { floats, model, node, tensor, value } from '../support/onnx_model.mjs';

const features = 5;
const transforms = ['NONE', 'SOFTMAX', 'LOGISTIC', 'SOFTMAX_ZERO', 'PROBIT'];
// With chances for scores, so that PROBIT is defined.
const list = (draw, count, scale = 0.08) => floats(Array.from({ length: count }, () => Math.fround(draw() * scale)));
const rowsOf = (draw, type, rows) => ({
  x: tensor(type, [rows, features], Array.from({ length: rows * features }, () => (type.startsWith('int') ? Math.floor(draw() * 3) : draw()))),
});

const ml = (op, variants, type, outputs) => model({
  inputs: { x: value(type, ['rows', features]) },
  outputs: Object.fromEntries(variants.flatMap((_, k) => Object.entries(outputs).map(([name, of]) => [name + k, of]))),
  nodes: variants.map((attributes, k) => node(op, ['x'], Object.keys(outputs).map((name) => name + k), attributes, 'ai.onnx.ml')),
  opset: 21, opsets: { 'ai.onnx.ml': 1 },
});

test('LinearRegressor', async () => {
  const draw = generator(1);
  const variants = [];
  for (const targets of [1, 4]) {
    for (const post_transform of transforms) {
      variants.push({ coefficients: list(draw, targets * features), intercepts: list(draw, targets), targets, post_transform });
      variants.push({ coefficients: list(draw, targets * features), targets, post_transform });
    }
  }
  await agreesWithOnnxRuntime(ml('LinearRegressor', variants, 'float32', { y: value('float32') }), [3, 1, 20].map((rows) => rowsOf(draw, 'float32', rows)));
});

for (const type of ['float32', 'float64', 'int64', 'int32']) {
  test(`LinearClassifier, ${type}`, async () => {
    const draw = generator(2);
    const variants = [];
    for (const [targets, labels] of [[1, [5, -3]], [2, [5, 6]], [4, [1, 2, 30, 40]]]) {
      for (const post_transform of transforms) {
        // ONNX Runtime leaves scores unwritten here.
        if (targets === 1 && post_transform === 'PROBIT') continue;
        variants.push({ coefficients: list(draw, targets * features), intercepts: list(draw, targets), classlabels_ints: labels, post_transform });
      }
    }
    variants.push({ coefficients: floats([1, -1, 0.5, -0.5, 0.25]), intercepts: floats([-0.1]), classlabels_ints: [8, 9] });
    const outputs = { label: value('int64'), scores: value('float32') };
    await agreesWithOnnxRuntime(ml('LinearClassifier', variants, type, outputs), [3, 1, 20].map((rows) => rowsOf(draw, type, rows)));
  });
}
