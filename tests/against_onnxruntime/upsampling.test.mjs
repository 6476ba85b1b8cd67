// Transposed convolutions by groups, and the convolutions of spread pixels that are some.
import test from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { count, model, node, tensor, value } from '../support/onnx_model.mjs';

const random = generator(64);
const filled = (dims) => tensor('float32', dims, Array.from({ length: count(dims) }, () => random() * 2 - 1));
const close = { rtol: 1e-4, atol: 1e-5 };

for (const [name, channels, group, columns] of [['depthwise', 12, 12, 1], ['depthwise, odd', 7, 7, 1], ['by groups', 12, 3, 8], ['several of one channel', 6, 6, 2]]) {
  test(`ConvTranspose ${name}`, async () => {
    for (const attributes of [
      { kernel_shape: [4, 4], strides: [2, 2], pads: [1, 1, 1, 1] }, { kernel_shape: [3, 2], strides: [2, 1], pads: [0, 1, 1, 0] },
      { kernel_shape: [2, 2], strides: [2, 2] }, { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] },
      { kernel_shape: [5, 5], strides: [3, 2], output_padding: [1, 1] },
    ]) {
      await agreesWithOnnxRuntime(model({
        inputs: { x: value('float32', ['n', channels, 'h', 'w']) }, outputs: { y: value('float32') },
        initializers: { w: filled([channels, columns, ...attributes.kernel_shape]), b: filled([columns * group]) },
        nodes: [node('ConvTranspose', ['x', 'w', 'b'], ['c'], { ...attributes, group }), node('Relu', ['c'], ['y'])], opset: 13, irVersion: 8,
      }), [[1, 5, 6], [2, 9, 3], [1, 1, 1]].map(([n, h, w]) => ({ x: filled([n, channels, h, w]) })), close);
    }
  });
}

test('spread pixels, filtered', async () => {
  const [h, w] = [5, 7];
  for (const [offset, pads, window, group] of [[[0, 0], [2, 2, 1, 1], [4, 4], 8], [[1, 0], [0, 1, 1, 1], [3, 3], 8], [[0, 1], [1, 1, 1, 1], [3, 4], 1], [[0, 0], [3, 3, 3, 3], [4, 4], 2]]) {
    const mask = tensor('float32', [1, 1, 2 * h, 2 * w], Array.from({ length: 4 * h * w }, (_, k) => (Math.floor(k / (2 * w)) % 2 === offset[0] && k % 2 === offset[1] ? 4 : 0)));
    await agreesWithOnnxRuntime(model({
      inputs: { x: value('float32', ['n', 8, h, w]) }, outputs: { y: value('float32') },
      initializers: { s: tensor('float32', [4], [1, 1, 2, 2]), m: mask, p: tensor('int64', [8], [0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3]].map(BigInt)), f: filled([8, 8 / group, ...window]) },
      nodes: [
        node('Resize', ['x', '', 's'], ['u'], { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }), node('Mul', ['u', 'm'], ['z']),
        node('Pad', ['z', 'p'], ['q']), node('Conv', ['q', 'f'], ['y'], { group }),
      ], opset: 13, irVersion: 8,
    }), [1, 2].map((n) => ({ x: filled([n, 8, h, w]) })), close);
  }
});
