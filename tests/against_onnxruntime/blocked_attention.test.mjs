// Attention large enough to run in blocks of rows (compiler/schedule/block_attention.cpp), spelled out as exporters do it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { agreesWithOnnxRuntime, generator, withCompiled } from '../support/against_onnxruntime.mjs';
import { count, model, node, tensor, value } from '../support/onnx_model.mjs';

const random = generator(41);
const filled = (dims, scale = 2) => tensor('float32', dims, Float32Array.from({ length: count(dims) }, () => (random() - 0.5) * scale));

// softmax(q k^T / 4 + mask) v. `shape`: of q and v as declared; `mask`: dims of a mask that is added, as declared; `also`: outputs besides y.
function attention({ q, k, v, mask, also = [], before = [], after = [] }) {
  const types = { q, k, v, ...(mask ? { mask } : {}) };
  return model({
    inputs: Object.fromEntries(Object.entries(types).map(([name, dims]) => [name, value('float32', dims)])),
    outputs: Object.fromEntries(['y', ...also].map((name) => [name, value('float32')])),
    initializers: { scale: tensor('float32', [], [0.25]) },
    nodes: [
      ...before, node('Transpose', ['k'], ['t'], { perm: k.length === 4 ? [0, 1, 3, 2] : [0, 2, 1] }), node('MatMul', ['q', 't'], ['s']), node('Mul', ['s', 'scale'], ['scaled']),
      ...(mask ? [node('Add', ['scaled', 'mask'], ['masked'])] : []), node('Softmax', [mask ? 'masked' : 'scaled'], ['p'], { axis: -1 }),
      ...after, node('MatMul', ['p', 'v'], [also.includes('z') ? 'z' : 'y']), ...(also.includes('z') ? [node('Relu', ['z'], ['y'])] : []),
    ],
    opset: 17,
  });
}

const feeds = (dims) => Object.fromEntries(Object.entries(dims).map(([name, shape]) => [name, filled(shape)]));

test('known sizes, a last block that is smaller', () => {
  const dims = { q: [1, 3, 701, 20], k: [1, 3, 417, 20], v: [1, 3, 417, 13] };
  return agreesWithOnnxRuntime(attention(dims), [feeds(dims), feeds(dims)]);
});

// Few rows of queries make scores that are not worth blocks: the same rows, computed without.
test('the same bits as without blocks', async () => {
  const heads = 3, rows = 701, size = 20, part = 61, columns = 13;
  const dims = { q: [1, heads, rows, size], k: [1, heads, 417, size], v: [1, heads, 417, columns] }, given = feeds(dims);
  const whole = await withCompiled(attention(dims), (compiled) => compiled.run(given).y.data.slice());
  await withCompiled(attention({ ...dims, q: [1, heads, part, size] }), (compiled) => {
    for (let first = 0; first < rows; first += part) {
      const q = new Float32Array(heads * part * size), there = Math.min(part, rows - first);
      for (let h = 0; h < heads; h++) q.set(given.q.data.subarray((h * rows + first) * size, (h * rows + first + there) * size), h * part * size);
      const { y } = compiled.run({ ...given, q: { type: 'float32', dims: [1, heads, part, size], data: q } });
      for (let h = 0; h < heads; h++) {
        const of = (data, row) => new Int32Array(data.slice(row * columns, (row + there) * columns).buffer);
        assert.deepEqual(of(whole, h * rows + first), of(y.data, h * part));
      }
    }
  });
});

test('one matrix after the other without heads', () => {
  const dims = { q: [2, 500, 8], k: [2, 333, 8], v: [2, 333, 32] };
  return agreesWithOnnxRuntime(attention(dims), [feeds(dims)]);
});

test('any sizes in one instance', () => agreesWithOnnxRuntime(
  attention({ q: ['b', 'h', 's', 16], k: ['b', 'h', 't', 16], v: ['b', 'h', 't', 24] }),
  [[1, 2, 200, 1000], [2, 1, 400, 400], [1, 3, 1, 5], [1, 1, 17, 1], [1, 2, 200, 1000]].map(([b, h, s, t]) => feeds({ q: [b, h, s, 16], k: [b, h, t, 16], v: [b, h, t, 24] }))));

test('no rows, no columns', () => agreesWithOnnxRuntime(
  attention({ q: ['b', 2, 's', 16], k: ['b', 2, 't', 16], v: ['b', 2, 't', 24] }), [[0, 30, 30], [1, 0, 4], [1, 20, 20]].map(([b, s, t]) => feeds({ q: [b, 2, s, 16], k: [b, 2, t, 16], v: [b, 2, t, 24] }))));

test('a mask of keys for each batch', () => {
  const dims = { q: [2, 4, 200, 16], k: [2, 4, 200, 16], v: [2, 4, 200, 16], mask: [2, 1, 1, 200] };
  return agreesWithOnnxRuntime(attention(dims), [feeds(dims)]);
});

test('a mask of every score, sizes dynamic', () => agreesWithOnnxRuntime(
  attention({ q: ['b', 2, 's', 16], k: ['b', 2, 't', 16], v: ['b', 2, 't', 16], mask: ['b', 2, 's', 't'] }),
  [[1, 560, 300], [3, 40, 50]].map(([b, s, t]) => feeds({ q: [b, 2, s, 16], k: [b, 2, t, 16], v: [b, 2, t, 16], mask: [b, 2, s, t] }))));

test('a mask of every score, sizes known', () => {
  const dims = { q: [1, 2, 560, 16], k: [1, 2, 300, 16], v: [1, 2, 300, 16], mask: [1, 1, 560, 300] };
  return agreesWithOnnxRuntime(attention(dims), [feeds(dims)]);
});

for (const dims of [{ q: [1, 3, 600, 8], k: [1, 3, 600, 8], v: [1, 3, 600, 8] }, { q: ['b', 3, 's', 8], k: ['b', 3, 's', 8], v: ['b', 3, 's', 8] }]) {
  const known = { q: [1, 3, 600, 8], k: [1, 3, 600, 8], v: [1, 3, 600, 8] };
  test(`weights that are an output too, ${typeof dims.q[0]} sizes`, () => agreesWithOnnxRuntime(attention({ ...dims, also: ['p'] }), [feeds(known)]));
  test(`scores that are an output too, ${typeof dims.q[0]} sizes`, () => agreesWithOnnxRuntime(attention({ ...dims, also: ['scaled'] }), [feeds(known)]));
  test(`the product is an output and goes on, ${typeof dims.q[0]} sizes`, () => agreesWithOnnxRuntime(attention({ ...dims, also: ['z'] }), [feeds(known)]));
}

test('values that are made between the softmax and the product', () => {
  const dims = { q: [1, 2, 600, 8], k: [1, 2, 600, 8], v: [1, 2, 600, 8] };
  return agreesWithOnnxRuntime(
    model({
      inputs: Object.fromEntries(Object.entries(dims).map(([name, shape]) => [name, value('float32', shape)])), outputs: { y: value('float32'), w: value('float32') },
      nodes: [
        node('Transpose', ['k'], ['t'], { perm: [0, 1, 3, 2] }), node('MatMul', ['q', 't'], ['s']), node('Softmax', ['s'], ['p'], { axis: -1 }),
        node('CumSum', ['v', 'axis'], ['w']), node('MatMul', ['p', 'w'], ['y']),
      ],
      initializers: { axis: tensor('int64', [], [2n]) }, opset: 17,
    }), [feeds(dims)]);
});

test('heads side by side in the rows of projections', () => {
  const heads = 4, size = 16, width = heads * size, weights = () => filled([width, width], 0.5);
  const split = (name) => [node('MatMul', ['x', `w${name}`], [`${name}0`]), node('Reshape', [`${name}0`, 'parts'], [`${name}1`])];
  return agreesWithOnnxRuntime(
    model({
      inputs: { x: value('float32', ['b', 's', width]) }, outputs: { y: value('float32') },
      initializers: { wq: weights(), wk: weights(), wv: weights(), wo: weights(), parts: tensor('int64', [4], [0n, 0n, BigInt(heads), BigInt(size)]), whole: tensor('int64', [3], [0n, 0n, BigInt(width)]) },
      nodes: [
        ...split('q'), ...split('k'), ...split('v'), node('Transpose', ['q1'], ['q'], { perm: [0, 2, 1, 3] }), node('Transpose', ['k1'], ['k'], { perm: [0, 2, 3, 1] }),
        node('Transpose', ['v1'], ['v'], { perm: [0, 2, 1, 3] }), node('MatMul', ['q', 'k'], ['s']), node('Softmax', ['s'], ['p'], { axis: -1 }), node('MatMul', ['p', 'v'], ['o']),
        node('Transpose', ['o'], ['o1'], { perm: [0, 2, 1, 3] }), node('Reshape', ['o1', 'whole'], ['o2']), node('MatMul', ['o2', 'wo'], ['o3']), node('Add', ['o3', 'x'], ['y']),
      ],
      opset: 17,
    }), [[1, 600], [2, 130], [1, 7]].map(([b, s]) => feeds({ x: [b, s, width] })));
});
