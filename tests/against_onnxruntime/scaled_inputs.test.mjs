// Pictures that are scaled and shifted, channel by channel, before a convolution.
import { test } from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { count, model, node, tensor, value } from '../support/onnx_model.mjs';

const random = generator(77);
const filled = (dims, scale = 1) => tensor('float32', dims, Float32Array.from({ length: count(dims) }, () => (random() * 2 - 1) * scale));

const picture = ({ size, pads, group = 1, before }) =>
  model({
    inputs: { x: value('float32', ['n', 4, ...size]) },
    outputs: { y: value('float32') },
    initializers: { w: filled([6, 4 / group, 3, 3]), b: filled([6]), scale: filled([1, 4, 1, 1], 3), mean: filled([4, 1, 1]), number: tensor('float32', [], [255]) },
    nodes: [...before, node('Conv', ['z', 'w', 'b'], ['y'], { pads, group })],
  });
const steps = {
  'divided by a number': [node('Div', ['x', 'number'], ['z'])],
  'scaled by channel': [node('Mul', ['scale', 'x'], ['z'])],
  'normalized': [node('Sub', ['x', 'mean'], ['m']), node('Mul', ['m', 'scale'], ['z'])],
};
for (const [name, before] of Object.entries(steps)) {
  for (const pads of [[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 1]]) {
    for (const [group, size] of [[1, [9, 7]], [2, ['h', 'w']]]) {
      test(`${name}, pads ${pads}, ${group} groups, ${size}`, () => agreesWithOnnxRuntime(
        picture({ size, pads, group, before }),
        [[1, 9, 7], [2, 9, 7], ...(size[0] === 'h' ? [[1, 5, 12], [3, 3, 3]] : [])].map(([n, h, w]) => ({ x: filled([n, 4, h, w]) })), { rtol: 1e-4, atol: 1e-5 }));
    }
  }
}
