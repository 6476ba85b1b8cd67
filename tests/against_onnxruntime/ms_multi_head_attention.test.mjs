// com.microsoft.MultiHeadAttention and DecoderMaskedMultiHeadAttention.
import test from 'node:test';
import { oneNode } from '../support/one_node.mjs';
import { float, tensor } from '../support/onnx_model.mjs';

const close = { rtol: 1e-4, atol: 1e-5 };
const heads = 2, size = 4, width = heads * size;
const i32 = (dims, data) => tensor('int32', dims, data);
const f = 'float32';

const names = ['q', 'k', 'v', 'bias', 'mask', 'added', 'pastk', 'pastv', 'used'];
const types = { mask: 'int32', used: 'int32' };
const outputNames = ['y', 'presentk', 'presentv', 'qk'];

function multiHead(shapes, { attributes = {}, outputs = 1 } = {}) {
  return oneNode('MultiHeadAttention', {
    domain: 'com.microsoft',
    inputs: names.map((name) => (shapes[name] ? [name, types[name] ?? f, shapes[name]] : null)).slice(0, names.findLastIndex((name) => shapes[name]) + 1),
    outputs: outputNames.slice(0, outputs).map((name) => [name, f]),
    attributes: { num_heads: heads, ...attributes },
  });
}
const plain = { q: ['b', 's', width], k: ['b', 'l', width], v: ['b', 'l', width] };
const run = (b, s, l, more = {}) => ({ q: [b, s, width], k: [b, l, width], v: [b, l, width], ...more });

test('self and cross attention', () => multiHead(plain).agrees([run(2, 3, 3), run(1, 1, 5), run(2, 4, 1)], close));
test('values of another size, and a bias', async () => {
  const shapes = { ...plain, v: ['b', 'l', 6], bias: [2 * width + 6] };
  await multiHead(shapes).agrees([run(2, 3, 4, { v: [2, 4, 6] })], close);
});
test('unidirectional', () => multiHead(plain, { attributes: { unidirectional: 1 } }).agrees([run(2, 4, 4), run(1, 1, 1), run(1, 2, 5), run(1, 1, 3)], close));
test('a scale', () => multiHead(plain, { attributes: { scale: float(0.7) } }).agrees([run(2, 4, 4)], close));
test('projected keys and values', async () => {
  const shapes = { q: ['b', 's', width], k: ['b', heads, 'l', size], v: ['b', heads, 'l', size] };
  const feed = { q: [2, 3, width], k: [2, heads, 5, size], v: [2, heads, 5, size] };
  await multiHead(shapes).agrees([feed], close);
});

test('masks of keys', async () => {
  await multiHead({ ...plain, mask: ['b'] }).agrees([run(3, 2, 4, { mask: i32([3], [4, 1, 3]) })], close);
  await multiHead({ ...plain, mask: ['b', 'l'] }).agrees([run(2, 3, 4, { mask: i32([2, 4], [1, 1, 0, 1, 0, 1, 1, 0]) }), run(1, 1, 2, { mask: i32([1, 2], [1, 0]) })], close);
  await multiHead({ ...plain, mask: ['b', 's', 'l'] }).agrees([run(1, 2, 3, { mask: i32([1, 2, 3], [1, 0, 1, 0, 1, 1]) })], close);
  await multiHead({ ...plain, mask: ['m'] }).agrees([run(2, 2, 4, { mask: i32([8], [4, 2, 0, 2, 4, 0, 4, 6]) })], close);
});

test('a bias of the scores', async () => {
  for (const added of [['b', heads, 's', 't'], [1, heads, 's', 't'], ['b', 1, 's', 't'], [1, 1, 's', 't']]) {
    const given = added.map((dim) => ({ b: 2, s: 3, t: 4 })[dim] ?? dim);
    await multiHead({ ...plain, added }).agrees([run(2, 3, 4, { added: given })], close);
  }
  await multiHead({ ...plain, added: [1, heads, 's', 't'], mask: ['b', 't'], bias: [3 * width] }, { attributes: { unidirectional: 1 } })
    .agrees([run(2, 3, 3, { added: [1, heads, 3, 3], mask: i32([2, 3], [1, 0, 1, 1, 1, 0]) })], close);
});

test('state', async () => {
  const shapes = { ...plain, pastk: ['b', heads, 'p', size], pastv: ['b', heads, 'p', size] };
  const past = (b, p) => ({ pastk: [b, heads, p, size], pastv: [b, heads, p, size] });
  await multiHead(shapes, { outputs: 3 }).agrees([run(2, 3, 3, past(2, 4)), run(1, 1, 1, past(1, 6)), run(1, 2, 2, past(1, 0))], close);
  await multiHead(shapes, { outputs: 3, attributes: { unidirectional: 1 } }).agrees([run(2, 3, 3, past(2, 4)), run(1, 1, 1, past(1, 6))], close);
  await multiHead({ ...shapes, mask: ['b', 't'], bias: [3 * width] }, { outputs: 3 })
    .agrees([run(1, 2, 2, { ...past(1, 2), mask: i32([1, 4], [0, 1, 1, 1]) })], close);
  await multiHead(plain, { outputs: 3 }).agrees([run(2, 3, 4)], close);
});

test('scores as an output', async () => {
  await multiHead({ ...plain, mask: ['b', 'l'] }, { outputs: 4 }).agrees([run(2, 3, 4, { mask: i32([2, 4], [1, 1, 0, 1, 0, 1, 1, 0]) })], close);
  await multiHead(plain, { outputs: 4, attributes: { unidirectional: 1 } }).agrees([run(1, 3, 3)], close);
});

// --- DecoderMaskedMultiHeadAttention: one query.
const decoderNames = ['q', 'k', 'v', 'mask', 'added', 'pastk', 'pastv', 'used', null, null, 'bias'];
function decoder(shapes, { attributes = {}, outputs = 1 } = {}) {
  return oneNode('DecoderMaskedMultiHeadAttention', {
    domain: 'com.microsoft',
    inputs: decoderNames.map((name) => (shapes[name] ? [name, types[name] ?? f, shapes[name]] : null)).slice(0, decoderNames.findLastIndex((name) => shapes[name]) + 1),
    outputs: outputNames.slice(0, outputs).map((name) => [name, f]),
    attributes: { num_heads: heads, ...attributes },
  });
}
test('decoder: keys and values of an encoder', () => decoder({ q: ['b', 1, width], k: ['b', heads, 'l', size], v: ['b', heads, 'l', size] })
  .agrees([{ q: [2, 1, width], k: [2, heads, 5, size], v: [2, heads, 5, size] }], close));
// Not with an empty past: ONNX Runtime 1.30 takes that for a full one and leaves the buffer.
test('decoder: state in a buffer', async () => {
  const shapes = {
    q: ['b', 1, width], k: ['b', 1, width], v: ['b', 1, width],
    pastk: ['b', heads, 'm', size], pastv: ['b', heads, 'm', size], used: [1],
  };
  const feed = (b, m, used) => ({ q: [b, 1, width], k: [b, 1, width], v: [b, 1, width], pastk: [b, heads, m, size], pastv: [b, heads, m, size], used: i32([1], [used]) });
  await decoder(shapes, { outputs: 3, attributes: { past_present_share_buffer: 1 } }).agrees([feed(2, 6, 3), feed(1, 4, 1), feed(1, 4, 3)], close);
  await decoder({ ...shapes, mask: ['b', 't'], bias: [3 * width] }, { outputs: 3, attributes: { past_present_share_buffer: 1 } })
    .agrees([{ ...feed(2, 6, 3), mask: i32([2, 4], [1, 1, 0, 1, 0, 1, 1, 1]) }], close);
});
