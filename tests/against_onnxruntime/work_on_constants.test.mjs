// What depends on constants alone and is too large to be folded: positions that a module computes once, before its first run.
import { test } from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { count, model, node, tensor, value } from '../support/onnx_model.mjs';

const random = generator(31);
const floats = (dims, scale = 1) => Float32Array.from({ length: count(dims) }, () => (random() * 2 - 1) * scale);
const feed = (dims) => ({ type: 'float32', dims, data: floats(dims) });

// Fourier features of a grid, added to what lies on it, as in the encoder of SAM's prompts.
const features = ({ rows, channels }) =>
  model({
    inputs: { x: value('float32', [rows, 1024, 2 * channels]) },
    outputs: { y: value('float32'), z: value('float32') },
    initializers: { grid: tensor('float32', [1024, 2], floats([1024, 2])), matrix: tensor('float32', [2, channels], floats([2, channels], 3)) },
    nodes: [
      node('MatMul', ['grid', 'matrix'], ['angles']),
      node('Sin', ['angles'], ['sin']),
      node('Cos', ['angles'], ['cos']),
      node('Concat', ['sin', 'cos'], ['positions'], { axis: 1 }),
      node('Add', ['x', 'positions'], ['y']),
      node('Transpose', ['positions'], ['columns'], { perm: [1, 0] }),
      node('MatMul', ['x', 'columns'], ['z']),
    ],
  });

for (const options of [{ rows: 2, channels: 64 }, { rows: 'rows', channels: 33 }]) {
  test(`positions, ${JSON.stringify(options)}`, () =>
    agreesWithOnnxRuntime(features(options), (options.rows === 'rows' ? [1, 3, 1] : [2, 2]).map((rows) => ({ x: feed([rows, 1024, 2 * options.channels]) })), { rtol: 1e-4, atol: 1e-4 }));
}
