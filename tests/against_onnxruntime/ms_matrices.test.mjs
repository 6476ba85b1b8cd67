// com.microsoft operators on matrices: Inverse, DynamicTimeWarping; and MurmurHash3.
import test from 'node:test';
import { generator } from '../support/against_onnxruntime.mjs';
import { filled, oneNode } from '../support/one_node.mjs';
import { tensor } from '../support/onnx_model.mjs';

const domain = 'com.microsoft';

// Random numbers with a large diagonal have a well-conditioned inverse; a permutation needs its rows exchanged.
const solid = (type, dims, next) => {
  const n = dims.at(-1);
  return filled(type, dims, (i) => next() * 2 - 1 + (Math.floor(i / n) % n === i % n ? 3 : 0));
};

for (const type of ['float32', 'float64']) {
  test(`Inverse, ${type}`, async () => {
    const next = generator(1);
    const t = oneNode('Inverse', { domain, inputs: [['x', type, ['batch', 'n', 'n']]], outputs: [['y', type]] });
    const runs = [[2, 3, 3], [1, 9, 9], [4, 1, 1], [3, 16, 16]].map((dims) => ({ x: solid(type, dims, next) }));
    runs.push({ x: tensor(type, [1, 5, 5], [0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, -1, 0]) });
    await t.agrees(runs, { rtol: 1e-4, atol: 1e-5 });
  });
}

test('Inverse of one matrix, float16', () => oneNode('Inverse', { domain, inputs: [['x', 'float16', [4, 4]]], outputs: [['y', 'float16']] })
  .agrees([{ x: solid('float16', [4, 4], generator(2)) }], { rtol: 2e-2, atol: 2e-3 }));

test('DynamicTimeWarping', async () => {
  const next = generator(3);
  const costs = (rows, columns) => filled('float32', [rows, columns], () => Math.floor(next() * 4));
  const t = oneNode('DynamicTimeWarping', { domain, inputs: [['x', 'float32', ['rows', 'columns']]], outputs: [['path', 'int32']] });
  await t.agrees([[3, 5], [1, 1], [7, 2], [1, 4], [20, 31]].map((dims) => ({ x: costs(...dims) })));
  await oneNode('DynamicTimeWarping', { domain, inputs: [['x', 'float32', [1, 4, 6]]], outputs: [['path', 'int32']] }).agrees([{}]);
});

for (const [type, seed, positive] of [['int32', 0, 1], ['uint32', 42, 1], ['int32', 7, 0]]) {
  test(`MurmurHash3 of ${type}, seed ${seed}`, () => oneNode('MurmurHash3', {
    domain, inputs: [['x', type, ['n']]], outputs: [['y', positive ? 'uint32' : 'int32']], attributes: { seed, positive },
  }).agrees([{ x: tensor(type, [6], [0, 1, 2, 123456789, 77, 2147483647]) }], { rtol: 0, atol: 0 }));
}

test('ConvTransposeWithDynamicPads', async () => {
  const next = generator(4);
  const w = filled('float32', [3, 2, 3, 3], () => next() - 0.5), b = filled('float32', [2], () => next());
  const attributes = { strides: [2, 1], dilations: [1, 2], kernel_shape: [3, 3], output_padding: [1, 0] };
  const inputs = [['x', 'float32', [1, 3, 'h', 'w']], ['W', 'float32', [3, 2, 3, 3]], ['pads', 'int64', [4]], ['b', 'float32', [2]]];
  const pads = (...list) => tensor('int64', [4], list);
  const t = oneNode('ConvTransposeWithDynamicPads', { domain, inputs, outputs: [['y', 'float32']], attributes, constants: { W: w, b } });
  await t.agrees([{ x: [1, 3, 4, 5], pads: pads(0, 0, 0, 0) }, { x: [1, 3, 6, 7], pads: pads(1, 2, 0, 1) }, { x: [1, 3, 4, 5], pads: pads(1, 1, 1, 1) }]);
  const fixed = oneNode('ConvTransposeWithDynamicPads', { domain, inputs, outputs: [['y', 'float32']], attributes, constants: { W: w, b, pads: pads(1, 0, 1, 1) } });
  await fixed.agrees([{ x: [1, 3, 4, 5] }]);
});
