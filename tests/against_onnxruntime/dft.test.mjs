// DFT of 17 and 20: forwards and back, one-sided, padded and cut, along an axis that the model is given.
import test from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { count, model, node, tensor, value } from '../support/onnx_model.mjs';

const random = generator(20);
const filled = (dims) => tensor('float32', dims, Array.from({ length: count(dims) }, () => random() * 2 - 1));
const one = (number) => tensor('int64', [], [number]);

const dft = (opset, names, attributes, parts) => model({
  inputs: Object.fromEntries(names.filter(Boolean).map((name) => [name, name === 'x' ? value('float32', ['a', 'b', 'c', parts]) : value('int64', [])])),
  outputs: { y: value('float32') }, nodes: [node('DFT', names, ['y'], attributes)], opset, irVersion: 8,
});

for (const parts of [1, 2]) {
  test(`opset 17, ${parts === 1 ? 'real' : 'complex'}`, async () => {
    const runs = [[1, 6, 5, parts], [2, 7, 4, parts]].map((dims) => ({ x: filled(dims) }));
    for (const axis of [1, 2]) {
      await agreesWithOnnxRuntime(dft(17, ['x'], { axis }, parts), runs);
      if (parts === 1) await agreesWithOnnxRuntime(dft(17, ['x'], { axis, onesided: 1 }, parts), runs);
      if (parts === 2) await agreesWithOnnxRuntime(dft(17, ['x'], { axis, inverse: 1 }, parts), runs);
    }
  });
}

test('opset 20, an axis and a length that are inputs', () => agreesWithOnnxRuntime(dft(20, ['x', 'length', 'axis'], {}, 2),
  [[1, 6], [2, 3], [-2, 8], [0, 2], [-3, 5]].map(([axis, length]) => ({ x: filled([2, 6, 5, 2]), length: one(length), axis: one(axis) }))));

test('opset 20, one-sided along an axis that is an input', () => agreesWithOnnxRuntime(dft(20, ['x', '', 'axis'], { onesided: 1 }, 1),
  [1, 2, -2, 0].map((axis) => ({ x: filled([3, 6, 5, 1]), axis: one(axis) }))));
