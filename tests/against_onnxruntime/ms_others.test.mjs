// com.microsoft operators of all kinds: those that ONNX took over later, and helpers of language and vision models.
import test from 'node:test';
import { filled, oneNode } from '../support/one_node.mjs';
import { float, tensor } from '../support/onnx_model.mjs';

const domain = 'com.microsoft', f = 'float32', i64 = 'int64', i32 = 'int32';
const close = { rtol: 1e-4, atol: 1e-5 };
const ints = (type, dims, data) => tensor(type, dims, data);

test('Trilu', async () => {
  for (const upper of [0, 1]) {
    await oneNode('Trilu', { domain, inputs: [['x', f, ['b', 'm', 'n']], ['k', i64, []]], outputs: [['y', f]], attributes: { upper } })
      .agrees([{ x: [2, 3, 4], k: ints(i64, [], [1]) }, { x: [1, 4, 3], k: ints(i64, [], [-1]) }]);
    await oneNode('Trilu', { domain, inputs: [['x', i64, ['m', 'n']]], outputs: [['y', i64]], attributes: { upper } }).agrees([{ x: filled(i64, [3, 4], (i) => i + 1) }]);
  }
});
test('Range', () => oneNode('Range', { domain, inputs: [['a', f, []], ['b', f, []], ['c', f, []]], outputs: [['y', f]] })
  .agrees([{ a: tensor(f, [], [0]), b: tensor(f, [], [3]), c: tensor(f, [], [0.5]) }, { a: tensor(f, [], [2]), b: tensor(f, [], [-1]), c: tensor(f, [], [-1]) }]));
test('GatherND', () => oneNode('GatherND', { domain, inputs: [['x', f, ['a', 'b']], ['i', i64, ['n', 1]]], outputs: [['y', f]] }).agrees([{ x: [3, 4], i: ints(i64, [2, 1], [2, 0]) }]));
test('ExpandDims', async () => {
  for (const axis of [0, 1, -1]) {
    await oneNode('ExpandDims', { domain, inputs: [['x', f, ['a', 'b']], ['axis', i32, []]], outputs: [['y', f]], constants: { axis: ints(i32, [], [axis]) } }).agrees([{ x: [2, 3] }]);
  }
});
test('Unique', () => oneNode('Unique', { domain, inputs: [['x', f, ['n']]], outputs: [['y', f], ['i', i64], ['c', i64]] })
  .agrees([{ x: tensor(f, [5], [3, 1, 3, 2, 1]) }, { x: tensor(f, [1], [7]) }, { x: tensor(f, [7], [1, 1, 1, 0, -1, 0, 1]) }]));
test('Pad', async () => {
  for (const mode of ['constant', 'reflect', 'edge']) {
    const inputs = [['x', f, ['a', 'b']], ['p', i64, [4]], ...(mode === 'constant' ? [['v', f, [1]]] : [])];
    await oneNode('Pad', { domain, inputs, outputs: [['y', f]], attributes: { mode } }).agrees([{ x: [3, 4], p: ints(i64, [4], [1, 0, 0, 2]) }, { x: [2, 3], p: ints(i64, [4], [0, 1, 1, 0]) }]);
  }
  await oneNode('Pad', { domain, inputs: [['x', f, ['a', 'b']], ['p', i64, [1, 4]]], outputs: [['y', f]] }).agrees([{ x: [3, 4], p: ints(i64, [1, 4], [1, 0, 0, 2]) }]);
});
test('GridSample', async () => {
  for (const mode of ['bilinear', 'nearest', 'bicubic']) {
    for (const padding_mode of ['zeros', 'border', 'reflection']) {
      await oneNode('GridSample', { domain, inputs: [['x', f, ['n', 2, 'h', 'w']], ['g', f, ['n', 'p', 'q', 2]]], outputs: [['y', f]], attributes: { mode, padding_mode, align_corners: 1 } })
        .agrees([{ x: [2, 2, 4, 5], g: [2, 3, 3, 2] }], close);
    }
  }
});
test('CropAndResize', async () => {
  const regions = { r: tensor(f, [3, 4], [0, 0, 1, 1, 0.2, 0.3, 0.8, 0.9, -0.5, 0.1, 0.5, 1.5]), b: ints(i32, [3], [0, 1, 1]) };
  for (const mode of ['bilinear', 'nearest']) {
    for (const size of [[3, 4], [1, 2]]) {
      const t = (constants) => oneNode('CropAndResize', {
        domain, inputs: [['x', f, ['n', 2, 'h', 'w']], ['r', f, ['k', 4]], ['b', i32, ['k']], ['s', i32, [2]]], outputs: [['y', f]], attributes: { mode, extrapolation_value: float(7) }, constants,
      });
      await t({ s: ints(i32, [2], size) }).agrees([{ x: [2, 2, 5, 6], ...regions }], close);
      await t({}).agrees([{ x: [2, 2, 5, 6], ...regions, s: ints(i32, [2], size) }], close);
    }
  }
});
test('CDist', async () => {
  for (const metric of ['euclidean', 'sqeuclidean']) {
    for (const type of ['float32', 'float64']) {
      await oneNode('CDist', { domain, inputs: [['a', type, ['m', 'k']], ['b', type, ['n', 'k']]], outputs: [['y', type]], attributes: { metric } }).agrees([{ a: [3, 4], b: [2, 4] }], close);
    }
  }
});
test('UnfoldTensor', async () => {
  await oneNode('UnfoldTensor', { domain, inputs: [['x', f, ['a', 'b']]], outputs: [['y', f]], attributes: { dim: -1, size: 3, step: 1 } }).agrees([{ x: [2, 6] }, { x: [1, 3] }]);
  await oneNode('UnfoldTensor', { domain, inputs: [['x', f, ['a', 'b', 'c']]], outputs: [['y', f]], attributes: { dim: 1, size: 2, step: 3 } }).agrees([{ x: [2, 7, 3] }]);
});
test('NGramRepeatBlock', async () => {
  for (const ngram_size of [1, 2, 3]) {
    await oneNode('NGramRepeatBlock', { domain, inputs: [['ids', i64, ['b', 's']], ['x', f, ['b', 8]]], outputs: [['y', f]], attributes: { ngram_size } })
      .agrees([{ ids: ints(i64, [2, 5], [1, 2, 3, 1, 2, 4, 4, 4, 4, 4]), x: [2, 8] }, { ids: ints(i64, [1, 2], [1, 2]), x: [1, 8] }]);
  }
});
test('GatedAdd', () => oneNode('GatedAdd', { domain, inputs: [['x', f, ['m', 4]], ['z', f, ['m', 4]], ['g', f, ['m', 1]]], outputs: [['y', f]] }).agrees([{ x: [3, 4], z: [3, 4], g: [3, 1] }], close));
test('GatedRMSNorm', () => oneNode('GatedRMSNorm', { domain, inputs: [['x', f, ['b', 's', 8]], ['scale', f, [4]], ['g', f, ['b', 's', 8]]], outputs: [['y', f]], attributes: { epsilon: float(1e-5) } })
  .agrees([{ x: [2, 3, 8], g: [2, 3, 8] }], close));
test('LinearAttention', async () => {
  for (const update_rule of ['linear', 'gated', 'delta', 'gated_delta']) {
    const gated = update_rule.startsWith('gated'), delta = update_rule.endsWith('delta');
    const inputs = [['q', f, ['b', 's', 8]], ['k', f, ['b', 's', 8]], ['v', f, ['b', 's', 6]], ['state', f, ['b', 2, 4, 3]], gated ? ['decay', f, ['b', 's', 2]] : null, delta ? ['beta', f, ['b', 's', 2]] : null];
    while (!inputs.at(-1)) inputs.pop();
    await oneNode('LinearAttention', { domain, inputs, outputs: [['y', f], ['next', f]], attributes: { q_num_heads: 2, kv_num_heads: 2, update_rule } })
      .agrees([{ q: [2, 3, 8], k: [2, 3, 8], v: [2, 3, 6], state: [2, 2, 4, 3], decay: [2, 3, 2], beta: [2, 3, 2] }], close);
  }
});
test('CausalConvWithState', () => oneNode('CausalConvWithState', {
  domain, inputs: [['x', f, ['b', 4, 's']], ['w', f, [4, 1, 3]], ['bias', f, [4]], ['past', f, ['b', 4, 2]]], outputs: [['y', f], ['present', f]], attributes: { activation: 'silu' },
}).agrees([{ x: [2, 4, 5], past: [2, 4, 2] }, { x: [1, 4, 1], past: [1, 4, 2] }], close));
test('MRotaryEmbedding', async () => {
  for (const mrope_layout of [0, 1]) {
    for (const interleaved of [0, 1]) {
      const t = (x) => oneNode('MRotaryEmbedding', {
        domain, inputs: [['x', f, x], ['p', i64, [3, 'b', 's']], ['cos', f, [16, 4]], ['sin', f, [16, 4]]], outputs: [['y', f]], attributes: { num_heads: 2, mrope_section: [2, 1, 1], mrope_layout, interleaved },
      });
      const p = filled(i64, [3, 2, 3], (i) => (i * 7) % 16);
      await t(['b', 's', 16]).agrees([{ x: [2, 3, 16], p }], close);
      await t(['b', 2, 's', 8]).agrees([{ x: [2, 2, 3, 8], p }], close);
    }
  }
});
