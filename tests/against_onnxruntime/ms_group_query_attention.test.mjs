// com.microsoft.GroupQueryAttention.
import assert from 'node:assert/strict';
import test from 'node:test';
import { oneNode, random } from '../support/one_node.mjs';
import { generator, withCompiled } from '../support/against_onnxruntime.mjs';
import { float, tensor } from '../support/onnx_model.mjs';

const close = { rtol: 1e-4, atol: 1e-5 };
const heads = 4, groups = 2, size = 16, width = heads * size, kvWidth = groups * size;
const f = 'float32';
const i32 = (dims, data) => tensor('int32', dims, data);

const names = ['q', 'k', 'v', 'pastk', 'pastv', 'last', 'total', 'cos', 'sin', 'places', 'added', 'sink'];
const types = { last: 'int32', total: 'int32', places: 'int64' };
const base = { q: ['b', 's', width], k: ['b', 's', kvWidth], v: ['b', 's', kvWidth], last: ['b'], total: [1] };
const state = { pastk: ['b', groups, 'p', size], pastv: ['b', groups, 'p', size] };
const packed = { q: ['b', 's', width + 2 * kvWidth], last: ['b'], total: [1] };
const caches = (columns = size / 2) => ({ cos: [24, columns], sin: [24, columns] });

function groupQuery(shapes, { attributes = {}, outputs = 3, constants = {} } = {}) {
  const last = names.findLastIndex((name) => shapes[name]);
  return oneNode('GroupQueryAttention', {
    domain: 'com.microsoft',
    inputs: names.slice(0, last + 1).map((name) => (shapes[name] ? [name, types[name] ?? f, shapes[name]] : null)),
    outputs: ['y', 'presentk', 'presentv', 'qk'].slice(0, outputs).map((name) => [name, f]),
    attributes: { num_heads: heads, kv_num_heads: groups, ...attributes },
    constants,
  });
}
const fresh = (b, s) => ({ q: [b, s, width], k: [b, s, kvWidth], v: [b, s, kvWidth] });
const past = (b, p) => ({ pastk: [b, groups, p, size], pastv: [b, groups, p, size] });
const lengths = (last, total) => ({ last: i32([last.length], last), total: i32([1], [total]) });

// The runs of a decoder: a prompt, then tokens; batches of different lengths.
const prompt = (b, s, last = Array(b).fill(s - 1)) => ({ ...fresh(b, s), ...lengths(last, s) });
const token = (b, p, last) => ({ ...fresh(b, 1), ...past(b, p), ...lengths(last, Math.max(...last) + 1) });

test('a prompt', () => groupQuery(base).agrees([prompt(2, 5), prompt(1, 1), prompt(3, 2)], close));
test('prompts of different lengths', async () => {
  // What is behind a batch's own length is not defined: only the state is compared there.
  await groupQuery(base).agrees([prompt(2, 5, [4, 2])], { ...close });
});
test('tokens with a state that grows', () => groupQuery({ ...base, ...state }).agrees([token(2, 4, [4, 4]), token(1, 7, [7]), token(3, 5, [5, 2, 4])], close));
test('tokens with a state in a longer buffer', () => groupQuery({ ...base, ...state }).agrees([token(2, 8, [4, 2]), token(1, 8, [7])], close));
test('a prompt with an empty buffer', () => groupQuery({ ...base, ...state }).agrees([{ ...prompt(2, 3), ...past(2, 6) }, { ...prompt(1, 4), ...past(1, 0) }], close));
test('several tokens after a state', () => groupQuery({ ...base, ...state }).agrees([
  { ...fresh(1, 3), ...past(1, 4), ...lengths([6], 7) }, { ...fresh(1, 3), ...past(1, 9), ...lengths([6], 7) },
], close));
test('packed queries, keys and values', async () => {
  await groupQuery(packed).agrees([{ q: [2, 4, width + 2 * kvWidth], ...lengths([3, 3], 4) }], close);
  await groupQuery({ ...packed, ...state, ...caches() }, { attributes: { do_rotary: 1 } })
    .agrees([{ q: [2, 1, width + 2 * kvWidth], ...past(2, 6), ...lengths([5, 3], 6) }], close);
});
test('one head for all', () => oneNode('GroupQueryAttention', {
  domain: 'com.microsoft',
  inputs: [['q', f, ['b', 's', width]], ['k', f, ['b', 's', size]], ['v', f, ['b', 's', size]], null, null, ['last', 'int32', ['b']], ['total', 'int32', [1]]],
  outputs: [['y', f], ['pk', f], ['pv', f]],
  attributes: { num_heads: heads, kv_num_heads: 1 },
}).agrees([{ q: [2, 3, width], k: [2, 3, size], v: [2, 3, size], ...lengths([2, 2], 3) }], close));
test('as many heads', () => oneNode('GroupQueryAttention', {
  domain: 'com.microsoft',
  inputs: [['q', f, ['b', 's', width]], ['k', f, ['b', 's', width]], ['v', f, ['b', 's', width]], null, null, ['last', 'int32', ['b']], ['total', 'int32', [1]]],
  outputs: [['y', f], ['pk', f], ['pv', f]],
  attributes: { num_heads: heads, kv_num_heads: heads },
}).agrees([{ q: [2, 3, width], k: [2, 3, width], v: [2, 3, width], ...lengths([2, 2], 3) }], close));
test('a constant total length', () => groupQuery(base, { constants: { total: i32([1], [4]) } }).agrees([{ ...fresh(2, 4), last: i32([2], [3, 3]) }], close));

for (const rotary_interleaved of [0, 1]) {
  test(`rotation, interleaved ${rotary_interleaved}`, async () => {
    const attributes = { do_rotary: 1, rotary_interleaved };
    await groupQuery({ ...base, ...caches() }, { attributes }).agrees([prompt(2, 5)], close);
    await groupQuery({ ...base, ...state, ...caches() }, { attributes }).agrees([token(2, 6, [6, 3]), { ...fresh(1, 3), ...past(1, 4), ...lengths([6], 7) }], close);
    await groupQuery({ ...base, ...state, ...caches(8), }, { attributes }).agrees([token(2, 6, [6, 3])], close);
  });
}
test('rotation by given positions', async () => {
  const attributes = { do_rotary: 1 };
  const shapes = { ...base, ...state, ...caches(), places: ['b', 's'] };
  await groupQuery(shapes, { attributes }).agrees([{ ...token(2, 6, [6, 3]), places: tensor('int64', [2, 1], [11, 5]) }], close);
  await groupQuery(shapes, { attributes }).agrees([{ ...prompt(2, 3), ...past(2, 0), places: tensor('int64', [2, 3], [0, 1, 2, 0, 1, 2]) }], close);
});

test('a window', async () => {
  for (const local_window_size of [1, 3, 10]) {
    const attributes = { local_window_size };
    await groupQuery(base, { attributes }).agrees([prompt(2, 6)], close);
    await groupQuery({ ...base, ...state }, { attributes }).agrees([token(2, 8, [7, 3])], close);
  }
});
test('a cap and a scale', async () => {
  const attributes = { softcap: float(0.5), scale: float(0.6) };
  await groupQuery(base, { attributes }).agrees([prompt(2, 5)], close);
  await groupQuery({ ...base, added: ['b', heads, 's', 't'] }, { attributes }).agrees([{ ...prompt(2, 4), added: [2, heads, 4, 4] }], close);
});
test('a bias of the scores', async () => {
  for (const added of [['b', heads, 's', 't'], [1, 1, 's', 't'], ['c', 'h', 's', 't']]) {
    const given = (b, s, t) => added.map((dim) => ({ b, s, t, c: 1, h: heads })[dim] ?? dim);
    await groupQuery({ ...base, ...state, added }).agrees([
      { ...prompt(2, 4), ...past(2, 0), added: given(2, 4, 4) }, { ...token(2, 6, [4, 2]), added: given(2, 1, 5) },
    ], close);
  }
});
test('smooth softmax and sinks', async () => {
  await groupQuery(base, { attributes: { smooth_softmax: 1 } }).agrees([prompt(2, 5)], close);
  await groupQuery({ ...base, ...state, sink: [heads] }).agrees([token(2, 6, [6, 3])], close);
  await groupQuery({ ...base, ...state, sink: [heads] }, { attributes: { local_window_size: 2 } }).agrees([token(2, 6, [6, 3])], close);
});
test('scores as an output', async () => {
  for (const qk_output of [1, 2]) {
    await groupQuery(base, { outputs: 4, attributes: { qk_output } }).agrees([prompt(2, 4)], close);
    await groupQuery({ ...base, ...state }, { outputs: 4, attributes: { qk_output } }).agrees([token(1, 8, [5])], close);
  }
});
test('keys and values of another layer', () => groupQuery({ ...base, ...state, k: ['b', 'l', kvWidth], v: ['b', 'l', kvWidth] }).agrees([
  { q: [1, 1, width], k: [1, 0, kvWidth], v: [1, 0, kvWidth], ...past(1, 6), ...lengths([5], 6) },
  token(1, 5, [5]),
], close));

test('a length that is out of range is an error', () => withCompiled(groupQuery(base).bytes, (model) => {
  const next = generator(1);
  const feeds = (last) => ({ q: random(f, [1, 2, width], next), k: random(f, [1, 2, kvWidth], next), v: random(f, [1, 2, kvWidth], next), ...lengths([last], 2) });
  assert.throws(() => model.run(feeds(2)));
  assert.throws(() => model.run(feeds(-1)));
  model.run(feeds(1));
}));
