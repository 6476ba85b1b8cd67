// ArgMax and ArgMin over rows that are gone through four elements at a time: ties, infinities, rows that end within a vector.
import test from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { count, model, node, tensor, value } from '../support/onnx_model.mjs';

const random = generator(12);
// Few different numbers: most rows have their best several times.
const filled = (dims, of = 9) => tensor('float32', dims, Float32Array.from({ length: count(dims) }, () => Math.floor(random() * of) - 4));

const chosen = (op, dims, attributes) => model({
  inputs: { x: value('float32', dims) }, outputs: { y: value('int64') }, nodes: [node(op, ['x'], ['y'], attributes)], opset: 13,
});

for (const op of ['ArgMax', 'ArgMin']) {
  for (const select_last_index of [0, 1]) {
    test(`${op} of rows, ${select_last_index ? 'the last' : 'the first'} of equal ones`, () => agreesWithOnnxRuntime(
      chosen(op, ['n', 'k'], { axis: 1, select_last_index }), [1, 3, 4, 5, 8, 17, 64, 1003].map((k) => ({ x: filled([5, k]) }))));
    test(`${op} of infinities, ${select_last_index ? 'the last' : 'the first'} of equal ones`, () => agreesWithOnnxRuntime(
      chosen(op, [6, 21], { axis: 1, select_last_index }), [-Infinity, Infinity].map((x) => ({ x: tensor('float32', [6, 21], Float32Array.from({ length: 126 }, (_, i) => (i % 7 < i / 21 ? x : i < 21 ? x : 3))) }))));
  }
  test(`${op} along the first axis`, () => agreesWithOnnxRuntime(chosen(op, [37, 10], { axis: 0 }), [{ x: filled([37, 10]) }]));
  test(`${op} of numbers that are all different`, () => agreesWithOnnxRuntime(chosen(op, ['n', 'k'], { axis: -1, keepdims: 0 }), [[3, 40], [2, 511]].map((dims) => ({ x: filled(dims, 1e6) }))));
}

test('of what is computed on the way', () => agreesWithOnnxRuntime(
  model({
    inputs: { x: value('float32', ['n', 'k']) }, outputs: { y: value('int64') }, initializers: { two: tensor('float32', [], [2]) },
    nodes: [node('Sub', ['x', 'two'], ['d']), node('Abs', ['d'], ['a']), node('ArgMax', ['a'], ['y'], { axis: 1 })], opset: 13,
  }), [{ x: filled([4, 30]) }, { x: filled([1, 7]) }]));
