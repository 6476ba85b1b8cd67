// First convolutions of networks: few channels, row-major, windows that move by more than one element; sizes with and without a rest, windows that
// reach over edges or are wider than the picture, what lies before and after.
import { test } from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { count, model, node, tensor, value } from '../support/onnx_model.mjs';

const random = generator(21);
const floats = (dims) => Float32Array.from({ length: count(dims) }, () => random() * 2 - 1);
const feeds = (dims) => ({ x: { type: 'float32', dims, data: floats(dims) } });

function network({ dims, columns, kernel, stride, pads, dilations = kernel.map(() => 1), before = false }, dynamic) {
  const [, channels, ...sizes] = dims;
  return model({
    inputs: { x: value('float32', dynamic ? ['n', channels, ...sizes.map((_, i) => `s${i}`)] : dims) },
    outputs: { y: value('float32') },
    initializers: {
      w: tensor('float32', [columns, channels, ...kernel], floats([columns, channels, ...kernel])),
      b: tensor('float32', [columns], floats([columns])),
      scale: tensor('float32', [1, channels, ...sizes.map(() => 1)], floats([channels])),
    },
    nodes: [
      ...(before ? [node('Mul', ['x', 'scale'], ['scaled'])] : []),
      node('Conv', [before ? 'scaled' : 'x', 'w', 'b'], ['c'], { kernel_shape: kernel, strides: stride, pads, dilations }),
      node('Relu', ['c'], ['y']),
    ],
  });
}

const cases = [
  { dims: [1, 3, 16, 16], columns: 8, kernel: [3, 3], stride: [2, 2], pads: [1, 1, 1, 1] },
  { dims: [2, 3, 17, 23], columns: 12, kernel: [3, 3], stride: [2, 2], pads: [0, 0, 1, 1], before: true },
  { dims: [1, 1, 9, 31], columns: 16, kernel: [5, 5], stride: [2, 2], pads: [2, 2, 2, 2] },
  { dims: [1, 4, 20, 40], columns: 24, kernel: [7, 7], stride: [2, 2], pads: [3, 3, 3, 3] },
  { dims: [1, 3, 12, 13], columns: 2, kernel: [3, 3], stride: [2, 2], pads: [1, 1, 1, 1] },
  { dims: [1, 3, 12, 20], columns: 8, kernel: [4, 4], stride: [4, 4], pads: [0, 0, 0, 0] },
  { dims: [1, 3, 12, 22], columns: 8, kernel: [3, 5], stride: [3, 3], pads: [1, 2, 1, 2], dilations: [2, 1] },
  { dims: [1, 2, 15, 18], columns: 8, kernel: [3, 2], stride: [2, 1], pads: [1, 0, 1, 1] },
  { dims: [1, 3, 6, 2], columns: 8, kernel: [3, 3], stride: [1, 2], pads: [1, 1, 1, 1] },
  { dims: [1, 3, 1, 1], columns: 8, kernel: [3, 3], stride: [2, 2], pads: [1, 1, 1, 1] },
  { dims: [1, 2, 50], columns: 8, kernel: [5], stride: [2], pads: [2, 2], before: true },
  { dims: [1, 8, 10, 12], columns: 9, kernel: [6, 6], stride: [2, 2], pads: [5, 5, 0, 0] },
];
for (const options of cases) {
  const close = { rtol: 1e-4, atol: 1e-5 }, { dims } = options;
  test(JSON.stringify(options), () => agreesWithOnnxRuntime(network(options, false), [feeds(dims), feeds(dims)], close));
  test(`of any size ${JSON.stringify(options)}`, () => {
    const larger = [dims[0] + 1, dims[1], ...dims.slice(2).map((size) => size * 2 + 5)];
    return agreesWithOnnxRuntime(network(options, true), [dims, larger, dims].map(feeds), close);
  });
}

// Two convolutions of one picture, the second of its channels-last form; and one of a part of it.
test('a picture that is read in both orders', () =>
  agreesWithOnnxRuntime(
    model({
      inputs: { x: value('float32', [1, 3, 16, 20]) },
      outputs: { a: value('float32'), b: value('float32'), c: value('float32') },
      initializers: {
        w: tensor('float32', [8, 3, 3, 3], floats([8, 3, 3, 3])),
        starts: tensor('int64', [2], [1, 3]), ends: tensor('int64', [2], [15, 19]), axes: tensor('int64', [2], [2, 3]),
      },
      nodes: [
        node('Conv', ['x', 'w'], ['a'], { strides: [2, 2], pads: [1, 1, 1, 1] }),
        node('Conv', ['x', 'w'], ['b'], { pads: [1, 1, 1, 1] }),
        node('Slice', ['x', 'starts', 'ends', 'axes'], ['part']),
        node('Conv', ['part', 'w'], ['c'], { strides: [2, 2] }),
      ],
    }),
    [feeds([1, 3, 16, 20])],
    { rtol: 1e-4, atol: 1e-5 },
  ));

test('what is not a number beside padding stays where it is', () => {
  const given = feeds([1, 3, 9, 9]);
  given.x.data[0] = Infinity;
  given.x.data[80] = NaN;
  return agreesWithOnnxRuntime(network({ dims: [1, 3, 9, 9], columns: 8, kernel: [3, 3], stride: [2, 2], pads: [1, 1, 1, 1] }, false), [given]);
});
