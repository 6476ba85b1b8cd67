// com.microsoft operators on float16 tensors. Sums are f32 here, as in ONNX Runtime's kernels, results are rounded to float16.
import test from 'node:test';
import { oneNode } from '../support/one_node.mjs';
import { float, tensor } from '../support/onnx_model.mjs';

const h = 'float16', domain = 'com.microsoft';
const close = { rtol: 4e-3, atol: 2e-3 };
const i32 = (dims, data) => tensor('int32', dims, data);

for (const op of ['Gelu', 'FastGelu', 'QuickGelu']) {
  test(op, () => oneNode(op, { domain, inputs: [['x', h, ['n', 7]]], outputs: [['y', h]] }).agrees([{ x: [3, 7] }, { x: [1, 7] }], close));
}
test('BiasGelu', () => oneNode('BiasGelu', { domain, inputs: [['x', h, ['n', 7]], ['b', h, [7]]], outputs: [['y', h]] }).agrees([{ x: [3, 7] }], close));

test('SkipLayerNormalization', () => oneNode('SkipLayerNormalization', {
  domain, inputs: [['x', h, ['b', 's', 8]], ['skip', h, ['b', 's', 8]], ['gamma', h, [8]], ['beta', h, [8]], ['bias', h, [8]]],
  outputs: [['y', h], null, null, ['sum', h]], attributes: { epsilon: float(1e-5) },
}).agrees([{ x: [2, 3, 8], skip: [2, 3, 8] }], close));
test('SkipSimplifiedLayerNormalization', () => oneNode('SkipSimplifiedLayerNormalization', {
  domain, inputs: [['x', h, ['b', 's', 8]], ['skip', h, ['b', 's', 8]], ['gamma', h, [8]]],
  outputs: [['y', h], null, null, ['sum', h]], attributes: { epsilon: float(1e-5) },
}).agrees([{ x: [2, 3, 8], skip: [2, 3, 8] }], close));
test('SimplifiedLayerNormalization', () => oneNode('SimplifiedLayerNormalization', {
  inputs: [['x', h, ['b', 's', 8]], ['scale', h, [8]]], outputs: [['y', h]], attributes: { axis: -1, epsilon: float(1e-5), stash_type: 1 },
}).agrees([{ x: [2, 3, 8] }], close));
test('EmbedLayerNormalization', () => oneNode('EmbedLayerNormalization', {
  domain, inputs: [['ids', 'int32', ['b', 's']], null, ['words', h, [10, 8]], ['places', h, [6, 8]], null, ['gamma', h, [8]], ['beta', h, [8]]],
  outputs: [['y', h], ['lengths', 'int32']], attributes: { epsilon: float(1e-12) },
}).agrees([{ ids: i32([2, 3], [1, 0, 9, 4, 4, 2]) }], close));

test('RotaryEmbedding', async () => {
  for (const interleaved of [0, 1]) {
    await oneNode('RotaryEmbedding', {
      domain, inputs: [['x', h, ['b', 's', 16]], ['p', 'int64', ['b', 's']], ['cos', h, [16, 4]], ['sin', h, [16, 4]]], outputs: [['y', h]], attributes: { interleaved },
    }).agrees([{ x: [2, 3, 16], p: tensor('int64', [2, 3], [0, 5, 2, 1, 15, 3]) }], close);
  }
});

test('FusedMatMul', () => oneNode('FusedMatMul', { domain, inputs: [['a', h, ['b', 'm', 8]], ['b', h, ['b', 'n', 8]]], outputs: [['y', h]], attributes: { transB: 1, alpha: float(0.5) } })
  .agrees([{ a: [2, 3, 8], b: [2, 4, 8] }], close));

const heads = 2, size = 8, width = heads * size;
test('Attention', () => oneNode('Attention', {
  domain, inputs: [['x', h, ['b', 's', 6]], ['w', h, [6, 3 * width]], ['bias', h, [3 * width]], ['mask', 'int32', ['b', 's']]], outputs: [['y', h]], attributes: { num_heads: heads },
}).agrees([{ x: [2, 3, 6], mask: i32([2, 3], [1, 1, 0, 1, 1, 1]) }], close));
test('MultiHeadAttention', () => oneNode('MultiHeadAttention', {
  domain,
  inputs: [['q', h, ['b', 's', width]], ['k', h, ['b', 's', width]], ['v', h, ['b', 's', width]], ['bias', h, [3 * width]], null, null, ['pk', h, ['b', heads, 'p', size]], ['pv', h, ['b', heads, 'p', size]]],
  outputs: [['y', h], ['k2', h], ['v2', h]],
  attributes: { num_heads: heads, unidirectional: 1 },
}).agrees([{ q: [2, 3, width], k: [2, 3, width], v: [2, 3, width], pk: [2, heads, 4, size], pv: [2, heads, 4, size] }], close));

const groupQuery = (attributes) => oneNode('GroupQueryAttention', {
  domain,
  inputs: [
    ['q', h, ['b', 's', 64]], ['k', h, ['b', 's', 32]], ['v', h, ['b', 's', 32]], ['pk', h, ['b', 2, 'p', 16]], ['pv', h, ['b', 2, 'p', 16]],
    ['last', 'int32', ['b']], ['total', 'int32', [1]], ['cos', h, [24, 8]], ['sin', h, [24, 8]],
  ],
  outputs: [['y', h], ['k2', h], ['v2', h]],
  attributes: { num_heads: 4, kv_num_heads: 2, ...attributes },
});
test('GroupQueryAttention', async () => {
  const token = { q: [2, 1, 64], k: [2, 1, 32], v: [2, 1, 32], pk: [2, 2, 6, 16], pv: [2, 2, 6, 16], last: i32([2], [6, 3]), total: i32([1], [7]) };
  const prompt = { q: [2, 4, 64], k: [2, 4, 32], v: [2, 4, 32], pk: [2, 2, 0, 16], pv: [2, 2, 0, 16], last: i32([2], [3, 3]), total: i32([1], [4]) };
  for (const attributes of [{}, { do_rotary: 1 }, { do_rotary: 1, rotary_interleaved: 1, local_window_size: 3, softcap: float(2) }]) {
    await groupQuery(attributes).agrees([prompt, token], close);
  }
});
