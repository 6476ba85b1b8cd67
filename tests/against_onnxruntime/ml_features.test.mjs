// Operators of ai.onnx.ml on features: Scaler, Normalizer, Imputer, Binarizer, ArrayFeatureExtractor, FeatureVectorizer.
import test from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { float, floats, model, node, tensor, value } from '../support/onnx_model.mjs';

const types = ['float32', 'float64', 'int64', 'int32'];
const whole = (type) => type.startsWith('int');
const fill = (draw, type, dims) => tensor(type, dims, Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => (whole(type) ? Math.floor(draw() * 7) - 3 : draw() * 4 - 2)));
const one = (nodes, inputs, outputs) => model({ inputs, outputs, nodes: nodes.map(([op, from, to, attributes]) => node(op, from, to, attributes, 'ai.onnx.ml')), opset: 21, opsets: { 'ai.onnx.ml': 1 } });

for (const type of types) {
  test(`Scaler and Normalizer, ${type}`, async () => {
    const draw = generator(1);
    const bytes = one([
      ['Scaler', ['x'], ['all'], { offset: floats([0.5]), scale: floats([-2.5]) }],
      ['Scaler', ['x'], ['each'], { offset: floats([0.5, -1, 0]), scale: floats([2, 0.1, 7]) }],
      ...['MAX', 'L1', 'L2'].map((norm) => ['Normalizer', ['x'], [norm], { norm }]),
    ], { x: value(type, ['rows', 3]) }, Object.fromEntries(['all', 'each', 'MAX', 'L1', 'L2'].map((name) => [name, value('float32')])));
    await agreesWithOnnxRuntime(bytes, [{ x: fill(draw, type, [4, 3]) }, { x: fill(draw, type, [1, 3]) }, { x: tensor(type, [2, 3], [0, 0, 0, 1, 2, 0]) }]);
  });

  test(`vectors, ${type}`, async () => {
    const draw = generator(2);
    const bytes = one([
      ['Scaler', ['x'], ['scaled'], { offset: floats([0.5, -1, 0, 1]), scale: floats([2, 0.1, 7, 1]) }],
      ['Normalizer', ['x'], ['normal'], { norm: 'L2' }],
      ['ArrayFeatureExtractor', ['x', 'at'], ['picked'], {}],
    ], { x: value(type, [4]), at: value('int64', ['picks']) }, { scaled: value('float32'), normal: value('float32'), picked: value(type) });
    await agreesWithOnnxRuntime(bytes, [{ x: fill(draw, type, [4]), at: tensor('int64', [3], [3, 0, 3]) }, { x: fill(draw, type, [4]), at: tensor('int64', [1], [1]) }]);
  });

  test(`ArrayFeatureExtractor and FeatureVectorizer, ${type}`, async () => {
    const draw = generator(3);
    const bytes = one([
      ['ArrayFeatureExtractor', ['x', 'at'], ['picked'], {}],
      ['FeatureVectorizer', ['x', 'z', 'x'], ['vectors'], { inputdimensions: [3, 4, 5] }],
    ], { x: value(type, ['rows', 'columns']), z: value(type, ['rows', 2, 2]), at: value('int64', [1, 'picks']) }, { picked: value(type), vectors: value('float32') });
    const runs = [[3, 3], [1, 6], [5, 4]].map(([rows, columns]) => ({ x: fill(draw, type, [rows, columns]), z: fill(draw, type, [rows, 2, 2]), at: tensor('int64', [1, 2], [2, 0]) }));
    await agreesWithOnnxRuntime(bytes, runs);
  });
}

test('Imputer and Binarizer', async () => {
  const bytes = one([
    ['Imputer', ['x'], ['all'], { imputed_value_floats: floats([9.5]), replaced_value_float: float(NaN) }],
    ['Imputer', ['x'], ['each'], { imputed_value_floats: floats([9.5, 8, 7]), replaced_value_float: float(NaN) }],
    ['Imputer', ['all'], ['zeros'], { imputed_value_floats: floats([9.5, 8, 7]), replaced_value_float: float(0) }],
    ['Imputer', ['k'], ['whole'], { imputed_value_int64s: [100, 200, 300], replaced_value_int64: -1 }],
    ['Binarizer', ['zeros'], ['binary'], { threshold: float(0.5) }],
  ], { x: value('float32', ['rows', 3]), k: value('int64', ['rows', 3]) },
  { all: value('float32'), each: value('float32'), zeros: value('float32'), whole: value('int64'), binary: value('float32') });
  await agreesWithOnnxRuntime(bytes, [
    { x: tensor('float32', [2, 3], [1, NaN, 0, NaN, 0.5, NaN]), k: tensor('int64', [2, 3], [-1, 2, -1, 4, -1, 6]) },
    { x: tensor('float32', [1, 3], [NaN, NaN, 3]), k: tensor('int64', [1, 3], [-1, -1, -1]) },
  ]);
});
