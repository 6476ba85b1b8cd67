// Pools and resizes of pictures that no convolution touches: windows, strides, padding, 1 to 3 axes, sizes known only at run time, channels that fill
// no whole vector, what lies between them.
import { test } from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { count, model, node, tensor, value } from '../support/onnx_model.mjs';

const random = generator(11);
const floats = (dims) => Float32Array.from({ length: count(dims) }, () => random() * 4 - 2);
const feeds = (dims) => ({ x: { type: 'float32', dims, data: floats(dims) } });

const pool = (op, attributes) => (dims) => model({ inputs: { x: value('float32', dims) }, outputs: { y: value('float32') }, nodes: [node(op, ['x'], ['y'], attributes)] });
const resize = (scales, attributes) => (dims) =>
  model({
    inputs: { x: value('float32', dims) },
    outputs: { y: value('float32') },
    initializers: { scales: tensor('float32', [scales.length], Float32Array.from(scales)) },
    nodes: [node('Resize', ['x', '', 'scales'], ['y'], attributes)],
  });

const cases = {
  'max 2x2 s2': [pool('MaxPool', { kernel_shape: [2, 2], strides: [2, 2] }), [[2, 12, 9, 10], [1, 12, 4, 4], [1, 12, 9, 33]]],
  'max 3x3 s2, padded': [pool('MaxPool', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }), [[1, 9, 9, 10], [1, 9, 3, 5]]],
  'max 5x5 s1, padded': [pool('MaxPool', { kernel_shape: [5, 5], pads: [2, 2, 2, 2] }), [[1, 17, 6, 8], [1, 17, 1, 2]]],
  'max 3x3, ceil, dilated': [pool('MaxPool', { kernel_shape: [3, 3], strides: [2, 2], dilations: [2, 2], ceil_mode: 1 }), [[1, 8, 12, 14]]],
  'average 3x3, borders counted': [pool('AveragePool', { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 }), [[1, 8, 7, 7], [2, 8, 5, 3]]],
  'average 3x2 s3x2': [pool('AveragePool', { kernel_shape: [3, 2], strides: [3, 2] }), [[1, 24, 3, 20], [1, 24, 7, 5]]],
  'norms 3x3': [pool('LpPool', { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2], p: 2 }), [[1, 8, 7, 7]]],
  'max of one axis': [pool('MaxPool', { kernel_shape: [3], strides: [2], pads: [1, 1] }), [[2, 16, 15], [1, 16, 2]]],
  'average of three axes': [pool('AveragePool', { kernel_shape: [2, 2, 2], strides: [2, 2, 2] }), [[1, 8, 4, 6, 5]]],
  'bilinear 2x': [resize([1, 1, 2, 2], { mode: 'linear' }), [[1, 8, 5, 6], [2, 8, 3, 3]]],
  'bilinear down': [resize([1, 1, 0.6, 0.6], { mode: 'linear', coordinate_transformation_mode: 'asymmetric' }), [[1, 8, 10, 15]]],
  'cubic 2x': [resize([1, 1, 2, 2], { mode: 'cubic' }), [[1, 8, 6, 5]]],
};
for (const [name, [make, shapes]] of Object.entries(cases)) {
  const close = { rtol: 1e-4, atol: 1e-5 };
  test(name, () => agreesWithOnnxRuntime(make(shapes[0]), [feeds(shapes[0]), feeds(shapes[0])], close));
  test(`${name}, of any size`, () => {
    const [, channels, ...spatial] = shapes[0];
    return agreesWithOnnxRuntime(make(['n', channels, ...spatial.map((_, i) => `s${i}`)]), [...shapes, shapes[0]].map(feeds), close);
  });
}

test('pools among elementwise work, concatenation and a product', () =>
  agreesWithOnnxRuntime(
    model({
      inputs: { x: value('float32', [1, 8, 8, 8]) },
      outputs: { y: value('float32'), pooled: value('float32') },
      initializers: { w: tensor('float32', [4, 4], floats([4, 4])), one: tensor('float32', [1], Float32Array.of(1)) },
      nodes: [
        node('Add', ['x', 'one'], ['a']),
        node('MaxPool', ['a'], ['pooled'], { kernel_shape: [2, 2], strides: [2, 2] }),
        node('AveragePool', ['a'], ['q'], { kernel_shape: [2, 2], strides: [2, 2] }),
        node('Sigmoid', ['pooled'], ['s']),
        node('Mul', ['s', 'q'], ['m']),
        node('Concat', ['m', 'pooled'], ['c'], { axis: 1 }),
        node('MaxPool', ['c'], ['d'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
        node('MatMul', ['d', 'w'], ['y']),
      ],
    }),
    [feeds([1, 8, 8, 8])],
    { rtol: 1e-4, atol: 1e-5 },
  ));
