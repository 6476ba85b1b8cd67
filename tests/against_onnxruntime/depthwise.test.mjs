// Depthwise convolutions of all the forms that kernels tell apart: window, stride, padding, dilation, channels that fill no whole vector,
// pictures narrower than the window, sizes known only at run time.
import { test } from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { count, model, node, tensor, value } from '../support/onnx_model.mjs';

const random = generator(5);
const floats = (dims) => Float32Array.from({ length: count(dims) }, () => random() * 2 - 1);

function depthwise({ channels, size, kernel, stride = [1, 1], pads, dilations = [1, 1], dynamic = false, residual = false }) {
  const shape = dynamic ? [1, channels, 'h', 'w'] : [1, channels, ...size];
  const nodes = [node('Conv', ['x', 'w', 'b'], ['c'], { kernel_shape: kernel, strides: stride, pads, dilations, group: channels }), node('Relu', ['c'], ['r'])];
  if (residual) nodes.push(node('Add', ['r', 'x'], ['y']));
  nodes.at(-1).outputs[0] = 'y';
  return model({
    inputs: { x: value('float32', shape) },
    outputs: { y: value('float32') },
    initializers: { w: tensor('float32', [channels, 1, ...kernel], floats([channels, 1, ...kernel])), b: tensor('float32', [channels], floats([channels])) },
    nodes,
  });
}
const feeds = (channels, size) => ({ x: { type: 'float32', dims: [1, channels, ...size], data: floats([1, channels, ...size]) } });

const cases = [
  { channels: 8, size: [9, 11], kernel: [3, 3], pads: [1, 1, 1, 1] },
  { channels: 6, size: [7, 7], kernel: [3, 3], pads: [1, 1, 1, 1], residual: true },
  { channels: 24, size: [10, 14], kernel: [3, 3], pads: [1, 1, 1, 1], stride: [2, 2] },
  { channels: 24, size: [11, 13], kernel: [3, 3], pads: [1, 1, 1, 1], stride: [2, 2] },
  { channels: 12, size: [10, 12], kernel: [3, 3], pads: [0, 0, 1, 1], stride: [2, 2] },
  { channels: 12, size: [9, 9], kernel: [3, 3], pads: [0, 0, 0, 0] },
  { channels: 4, size: [5, 6], kernel: [3, 3], pads: [2, 2, 2, 2] },
  { channels: 4, size: [1, 1], kernel: [3, 3], pads: [1, 1, 1, 1] },
  { channels: 5, size: [2, 2], kernel: [3, 3], pads: [1, 1, 1, 1], stride: [2, 2] },
  { channels: 8, size: [6, 2], kernel: [3, 3], pads: [1, 1, 1, 0] },
  { channels: 8, size: [12, 12], kernel: [3, 3], pads: [2, 2, 2, 2], dilations: [2, 2] },
  { channels: 20, size: [9, 9], kernel: [5, 5], pads: [2, 2, 2, 2] },
  { channels: 20, size: [9, 10], kernel: [5, 5], pads: [1, 2, 2, 2], stride: [2, 2] },
  { channels: 8, size: [7, 3], kernel: [5, 5], pads: [2, 2, 2, 2] },
  { channels: 8, size: [6, 1], kernel: [5, 5], pads: [2, 2, 2, 2] },
  { channels: 8, size: [3, 8], kernel: [5, 5], pads: [2, 0, 2, 4] },
  { channels: 8, size: [9, 11], kernel: [5, 5], pads: [0, 3, 0, 3], stride: [1, 2] },
  { channels: 8, size: [8, 8], kernel: [5, 5], pads: [2, 4, 2, 1], stride: [2, 2] },
  { channels: 12, size: [8, 9], kernel: [3, 5], pads: [1, 2, 1, 2] },
  { channels: 12, size: [8, 9], kernel: [5, 5], pads: [2, 2, 2, 2], residual: true },
  { channels: 16, size: [9, 9], kernel: [7, 7], pads: [3, 3, 3, 3] },
  { channels: 17, size: [8, 9], kernel: [1, 3], pads: [0, 1, 0, 1] },
  { channels: 17, size: [8, 9], kernel: [3, 1], pads: [1, 0, 1, 0], stride: [1, 2] },
  // Tiles of several columns, of pixels so far apart that few lines of a cache are there for them, and what is left of rows.
  { channels: 8, size: [5, 70], kernel: [3, 3], pads: [1, 1, 1, 1] },
  { channels: 6, size: [5, 23], kernel: [3, 3], pads: [1, 1, 1, 1], residual: true },
  { channels: 512, size: [4, 9], kernel: [3, 3], pads: [1, 1, 1, 1], residual: true },
  { channels: 256, size: [7, 10], kernel: [5, 5], pads: [2, 2, 2, 2], stride: [2, 2] },
  { channels: 10, size: [6, 15], kernel: [2, 2], pads: [0, 0, 0, 0], stride: [2, 2] },
  { channels: 10, size: [6, 15], kernel: [2, 2], pads: [0, 1, 1, 0] },
  { channels: 64, size: [9, 15], kernel: [4, 4], pads: [2, 2, 1, 1] },
  { channels: 9, size: [9, 15], kernel: [4, 4], pads: [1, 1, 1, 1], stride: [2, 2] },
  { channels: 8, size: [9, 21], kernel: [6, 6], pads: [5, 5, 0, 0] },
  { channels: 8, size: [9, 21], kernel: [7, 7], pads: [3, 3, 3, 3], stride: [2, 2] },
  { channels: 8, size: [9, 21], kernel: [3, 8], pads: [1, 3, 1, 4] },
  { channels: 11, size: [9, 21], kernel: [9, 9], pads: [4, 4, 4, 4] },
  { channels: 8, size: [9, 21], kernel: [3, 3], pads: [1, 1, 1, 1], stride: [3, 3] },
  { channels: 8, size: [9, 12], kernel: [3, 3], pads: [2, 1, 2, 1], dilations: [2, 1] },
];
for (const options of cases) {
  const { channels, size } = options;
  test(`depthwise ${JSON.stringify(options)}`, () => agreesWithOnnxRuntime(depthwise(options), [feeds(channels, size), feeds(channels, size)], { rtol: 1e-4, atol: 1e-5 }));
}

for (const options of [
  { channels: 8, kernel: [3, 3], pads: [1, 1, 1, 1] },
  { channels: 10, kernel: [3, 3], pads: [1, 1, 1, 1], stride: [2, 2] },
  { channels: 8, kernel: [5, 5], pads: [2, 2, 2, 2], stride: [2, 2] },
  { channels: 128, kernel: [3, 3], pads: [1, 1, 1, 1] },
  { channels: 128, kernel: [4, 4], pads: [1, 1, 2, 2] },
]) {
  const sizes = [[8, 8], [3, 17], [1, 2], [16, 5], [8, 8]];
  test(`depthwise of any size ${JSON.stringify(options)}`, () =>
    agreesWithOnnxRuntime(depthwise({ ...options, dynamic: true }), sizes.map((size) => feeds(options.channels, size)), { rtol: 1e-4, atol: 1e-5 }));
}

// Padding is no data: what is not a number beside it stays where it is.
test('depthwise with infinite elements at the edge', async () => {
  const options = { channels: 4, size: [5, 5], kernel: [3, 3], pads: [1, 1, 1, 1] };
  const given = feeds(4, [5, 5]);
  given.x.data[0] = Infinity;
  given.x.data[24] = NaN;
  await agreesWithOnnxRuntime(depthwise(options), [given]);
});
