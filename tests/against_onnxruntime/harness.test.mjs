// The harness itself: an agreement is seen, and so is a difference.
import assert from 'node:assert/strict';
import test from 'node:test';
import { agreesWithOnnxRuntime, assertClose } from '../support/against_onnxruntime.mjs';
import { float, model, node, tensor, value } from '../support/onnx_model.mjs';

test('a model with a dynamic dimension, at two sizes', () => agreesWithOnnxRuntime(
  model({
    inputs: { x: value('float32', [2, 'n']) },
    outputs: { y: value('float32', [2, 'n']) },
    initializers: { w: tensor('float32', [2, 1], [1, 2]) },
    nodes: [node('Mul', ['x', 'w'], ['t']), node('LeakyRelu', ['t'], ['y'], { alpha: float(0.5) })],
  }),
  [{ x: tensor('float32', [2, 3], [1, -2, 3, -4, 5, -6]) }, { x: tensor('float32', [2, 1], [-1, 2]) }]));

test('differences in values, shapes and non-finite numbers fail', () => {
  const one = tensor('float32', [1], [1]);
  assert.throws(() => assertClose('y', tensor('float32', [1], [1.01]), one));
  assert.throws(() => assertClose('y', tensor('float32', [1, 1], [1]), one));
  assert.throws(() => assertClose('y', tensor('float32', [1], [NaN]), one));
  assert.throws(() => assertClose('y', one, tensor('float32', [1], [Infinity])));
  assertClose('y', tensor('float32', [1], [1.0001]), one);
});
