// Pads before pools, which become the pools' own where they can.
import test from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { count, model, node, tensor, value } from '../support/onnx_model.mjs';

const random = generator(91);
const filled = (dims) => tensor('float32', dims, Array.from({ length: count(dims) }, () => random() * 4 - 2));

// ONNX Runtime's own folding of pads takes zeros before a maximum for what cannot be the largest: off.
async function pools(op, attributes, pads, fill, { relu = false, sizes = [[7, 9], [12, 8], [4, 5]] } = {}) {
  for (const dims of [[1, 8, 'h', 'w'], [2, 3, 'h', 'w']]) {
    await agreesWithOnnxRuntime(model({
      inputs: { x: value('float32', dims) }, outputs: { y: value('float32') },
      initializers: { p: tensor('int64', [8], pads.map(BigInt)), v: tensor('float32', [], [fill]) },
      nodes: [...(relu ? [node('Relu', ['x'], ['r'])] : []), node('Pad', [relu ? 'r' : 'x', 'p', 'v'], ['q']), node(op, ['q'], ['y'], attributes)], opset: 21, irVersion: 10,
    }), sizes.map(([h, w]) => ({ x: filled([dims[0], dims[1], h, w]) })), { rtol: 1e-5, atol: 1e-6, sessionOptions: { graphOptimizationLevel: 'disabled' } });
  }
}

const around = [0, 0, 1, 1, 0, 0, 1, 1], behind = [0, 0, 0, 0, 0, 0, 1, 2], far = [0, 0, 3, 0, 0, 0, 4, 1];
const window = { kernel_shape: [3, 3], strides: [2, 2] };

test('MaxPool of pictures in zeros, in minus infinity, and behind a ReLU', async () => {
  for (const pads of [around, behind, far]) {
    await pools('MaxPool', window, pads, 0);
    await pools('MaxPool', window, pads, -Infinity);
    await pools('MaxPool', window, pads, 0, { relu: true });
    await pools('MaxPool', { kernel_shape: [2, 2], pads: [1, 0, 0, 1] }, pads, 0, { relu: true });
  }
});
test('AveragePool of pictures in zeros', async () => {
  for (const pads of [around, behind, far]) {
    await pools('AveragePool', window, pads, 0);
    await pools('AveragePool', window, pads, 1);
    await pools('AveragePool', { ...window, pads: [1, 1, 0, 0], count_include_pad: 1 }, pads, 0);
    await pools('AveragePool', { ...window, pads: [1, 1, 0, 0], count_include_pad: 0 }, pads, 0);
  }
});

test('MaxPool with windows large enough to be taken row by row', async () => {
  for (const [channels, attributes] of [
    [8, { kernel_shape: [5, 5], pads: [2, 2, 2, 2] }], [3, { kernel_shape: [13, 13], pads: [6, 6, 6, 6] }], [8, { kernel_shape: [7, 6], strides: [1, 2], pads: [0, 3, 2, 1] }],
    [4, { kernel_shape: [4, 5], dilations: [2, 1], ceil_mode: 1 }],
  ]) {
    await agreesWithOnnxRuntime(model({
      inputs: { x: value('float32', ['n', channels, 'h', 'w']) }, outputs: { y: value('float32') }, nodes: [node('MaxPool', ['x'], ['y'], attributes)], opset: 12, irVersion: 7,
    }), [[1, 13, 17], [2, 20, 20], [1, 14, 9]].map(([n, h, w]) => ({ x: filled([n, channels, h, w]) })), { rtol: 0, atol: 0 });
  }
});
