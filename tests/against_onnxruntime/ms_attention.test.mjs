// com.microsoft.Attention: forms of masks, state, sizes; batch and sequence lengths are dynamic.
import test from 'node:test';
import { agreesWithModel, oneNode } from '../support/one_node.mjs';
import { float, model, node, tensor, value } from '../support/onnx_model.mjs';

const close = { rtol: 1e-4, atol: 1e-5 };
const heads = 2, size = 4, width = heads * size, inner = 6;
const i32 = (dims, data) => tensor('int32', dims, data);

/** A node with the named optional inputs; `shape` are those of the model, by name. */
function attention(optional, { attributes = {}, present = false, columns = 3 * width, constants = {}, bias = true } = {}) {
  const at = (name) => optional[name] ?? null;
  return oneNode('Attention', {
    domain: 'com.microsoft',
    inputs: [
      ['x', 'float32', ['b', 's', inner]], ['w', 'float32', [inner, columns]], bias ? ['bias', 'float32', [columns]] : null,
      at('mask') && ['mask', 'int32', at('mask')], at('past') && ['past', 'float32', at('past')], at('added') && ['added', 'float32', at('added')],
    ],
    outputs: [['y', 'float32'], present ? ['present', 'float32'] : null],
    attributes: { num_heads: heads, ...attributes },
    constants,
  });
}

test('no mask, several sizes in one instance', () => attention({}).agrees([{ x: [1, 1, inner] }, { x: [2, 5, inner] }, { x: [3, 2, inner] }], close));
// ONNX Runtime 1.30 crashes without a bias: it is given zeros.
test('no bias', async () => {
  const t = attention({}, { bias: false });
  const feeds = { ...t.feeds({ x: [2, 3, inner] }), bias: tensor('float32', [3 * width], new Float32Array(3 * width)) };
  await agreesWithModel(t.bytes, attention({}).bytes, [feeds], close);
});
test('constant weights', () => attention({}, {
  constants: { w: tensor('float32', [inner, 3 * width], Array.from({ length: inner * 3 * width }, (_, i) => Math.sin(i))), bias: tensor('float32', [3 * width], Array.from({ length: 3 * width }, (_, i) => Math.cos(i))) },
}).agrees([{ x: [2, 5, inner] }, { x: [1, 3, inner] }], close));

test('unidirectional', () => attention({}, { attributes: { unidirectional: 1 } }).agrees([{ x: [2, 4, inner] }, { x: [1, 1, inner] }, { x: [1, 7, inner] }], close));
test('a scale', () => attention({}, { attributes: { scale: float(0.3) } }).agrees([{ x: [2, 4, inner] }], close));

for (const unidirectional of [0, 1]) {
  const run = (mask, runs) => attention({ mask }, { attributes: { unidirectional } }).agrees(runs, close);
  test(`mask of lengths, unidirectional ${unidirectional}`, () => run(['b'], [{ x: [3, 4, inner], mask: i32([3], [4, 1, 3]) }, { x: [1, 2, inner], mask: i32([1], [1]) }]));
  test(`mask of ends and starts, unidirectional ${unidirectional}`, () => run(['m'], [{ x: [2, 4, inner], mask: i32([4], [4, 3, 1, 0]) }, { x: [1, 5, inner], mask: i32([2], [4, 2]) }]));
  test(`mask of lengths or of ends and starts, unidirectional ${unidirectional}`, () => run(['m'], [{ x: [2, 4, inner], mask: i32([2], [4, 2]) }, { x: [2, 4, inner], mask: i32([4], [4, 3, 1, 0]) }]));
  test(`mask per key, unidirectional ${unidirectional}`, () => run(['b', 's'], [{ x: [2, 3, inner], mask: i32([2, 3], [1, 1, 0, 1, 0, 1]) }, { x: [1, 4, inner], mask: i32([1, 4], [0, 1, 1, 1]) }]));
  test(`mask per query and key, unidirectional ${unidirectional}`, () => run(['b', 's', 's'], [{ x: [1, 3, inner], mask: i32([1, 3, 3], [1, 0, 0, 1, 1, 0, 0, 1, 1]) }]));
}
test('mask of one column', async () => {
  await attention({ mask: ['b', 1] }).agrees([{ x: [2, 3, inner], mask: i32([2, 1], [1, 0]) }], close);
  await attention({ mask: ['b', 'm'] }).agrees([{ x: [2, 3, inner], mask: i32([2, 1], [1, 0]) }, { x: [2, 3, inner], mask: i32([2, 3], [1, 1, 0, 0, 1, 1]) }], close);
});
test('another value for what is masked', () => attention({ mask: ['b', 's'] }, { attributes: { mask_filter_value: float(-3) } })
  .agrees([{ x: [2, 3, inner], mask: i32([2, 3], [1, 1, 0, 0, 0, 1]) }], close));

test('state', async () => {
  const past = [2, 'b', heads, 'p', size];
  for (const unidirectional of [0, 1]) {
    await attention({ past }, { present: true, attributes: { unidirectional } }).agrees([
      { x: [2, 3, inner], past: [2, 2, heads, 4, size] }, { x: [1, 1, inner], past: [2, 1, heads, 7, size] }, { x: [1, 2, inner], past: [2, 1, heads, 0, size] },
    ], close);
  }
  await attention({ past, mask: ['b', 't'] }, { present: true, attributes: { unidirectional: 1 } })
    .agrees([{ x: [1, 2, inner], past: [2, 1, heads, 2, size], mask: i32([1, 4], [0, 1, 1, 1]) }], close);
});
test('state without a past', () => attention({}, { present: true }).agrees([{ x: [2, 3, inner] }], close));

test('a bias of the scores', async () => {
  for (const added of [['b', heads, 's', 's'], [1, heads, 's', 's'], ['b', 1, 's', 's'], ['c', 'h', 's', 's']]) {
    const given = added.map((dim) => ({ b: 2, s: 3, c: 2, h: 1 })[dim] ?? dim);
    await attention({ added, mask: ['b', 's'] }).agrees([{ x: [2, 3, inner], added: given, mask: i32([2, 3], [1, 1, 0, 1, 1, 1]) }], close);
  }
});

test('values of another size', () => attention({}, { columns: 2 * width + 6, attributes: { qkv_hidden_sizes: [width, width, 6] } })
  .agrees([{ x: [2, 3, inner] }], close));

// ONNX Runtime has masks of rank 4 on GPUs alone: the part that is looked at is given to it as one of rank 3.
test('mask of rank 4', async () => {
  const past = [2, 'b', heads, 'p', size];
  const t = attention({ past, mask: ['b', 1, 'm', 'm'] }, { present: true });
  const [x, w, bias] = [value('float32', ['b', 's', inner]), value('float32', [inner, 3 * width]), value('float32', [3 * width])];
  const plain = model({
    inputs: { x, w, bias, past: value('float32', past), mask: value('int32', ['b', 1, 'm', 'm']) }, outputs: { y: value('float32'), present: value('float32') }, opsets: { 'com.microsoft': 1 },
    initializers: { from: tensor('int64', [2], [3, 0]), to: tensor('int64', [2], [5, 5]), axes: tensor('int64', [2], [2, 3]), one: tensor('int64', [1], [1]) },
    nodes: [
      node('Slice', ['mask', 'from', 'to', 'axes'], ['part']), node('Squeeze', ['part', 'one'], ['mask3']),
      node('Attention', ['x', 'w', 'bias', 'mask3', 'past'], ['y', 'present'], { num_heads: heads }, 'com.microsoft'),
    ],
  });
  const mask = i32([1, 1, 6, 6], Array.from({ length: 36 }, (_, i) => (i % 6 <= Math.floor(i / 6) && i % 5 ? 1 : 0)));
  await agreesWithModel(t.bytes, plain, [t.feeds({ x: [1, 2, inner], past: [2, 1, heads, 3, size], mask })], close);
});
