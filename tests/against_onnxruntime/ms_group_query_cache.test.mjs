// com.microsoft.GroupQueryAttention with a state that is quantized, or a window that forgets.
import test from 'node:test';
import ort from 'onnxruntime-node';
import { assertClose, generator, withCompiled } from '../support/against_onnxruntime.mjs';
import { filled, oneNode, random } from '../support/one_node.mjs';
import { tensor } from '../support/onnx_model.mjs';

const heads = 4, groups = 2, size = 16, width = heads * size, kvWidth = groups * size;
const f = 'float32';
const i32 = (dims, data) => tensor('int32', dims, data);

function groupQuery({ bits = 0, channels = false, attributes = {}, added } = {}) {
  const stored = bits === 8 ? 'int8' : bits === 4 ? 'uint8' : f, row = bits === 4 ? size / 2 : size;
  const type = channels ? 'PER_CHANNEL' : 'PER_TENSOR', scale = channels ? [1, groups, 1, size] : [1];
  const inputs = [
    ['q', f, ['b', 's', width]], ['k', f, ['b', 's', kvWidth]], ['v', f, ['b', 's', kvWidth]], ['pk', stored, ['b', groups, 'p', row]], ['pv', stored, ['b', groups, 'p', row]],
    ['last', 'int32', ['b']], ['total', 'int32', [1]], ['cos', f, [64, size / 2]], ['sin', f, [64, size / 2]], null, added ? ['added', f, added] : null, null,
    ...(bits ? [['ks', f, scale], ['vs', f, scale]] : []),
  ];
  while (!inputs.at(-1)) inputs.pop();
  return oneNode('GroupQueryAttention', {
    domain: 'com.microsoft', inputs, outputs: [['y', f], ['k2', stored], ['v2', stored]],
    attributes: { num_heads: heads, kv_num_heads: groups, do_rotary: 1, ...(bits ? { k_quant_type: type, v_quant_type: type, kv_cache_bit_width: bits } : {}), ...attributes },
  });
}
const queries = (b, s) => ({ q: [b, s, width], k: [b, s, kvWidth], v: [b, s, kvWidth] });

const close = { rtol: 1e-3, atol: 1e-4 };
for (const bits of [8, 4]) {
  for (const channels of [false, true]) {
    test(`a state of ${bits} bits, scales ${channels ? 'per channel' : 'for all'}`, async () => {
      const t = groupQuery({ bits, channels });
      const state = (p, i) => filled(bits === 8 ? 'int8' : 'uint8', [2, groups, p, bits === 4 ? size / 2 : size], (k) => (bits === 8 ? ((k * 37 + i * 11) % 255) - 127 : (k * 37 + i * 11) % 256));
      const step = bits === 8 ? 1 / 127 : 1 / 7;
      const scales = (i) => filled(f, channels ? [1, groups, 1, size] : [1], (k) => step * (1 + ((k + i) % 5) / 10));
      const runs = [
        { ...queries(2, 4), pk: state(0, 0), pv: state(0, 1), last: i32([2], [3, 3]), total: i32([1], [4]), ks: scales(0), vs: scales(1) },
        { ...queries(2, 1), pk: state(6, 0), pv: state(6, 1), last: i32([2], [6, 3]), total: i32([1], [7]), ks: scales(0), vs: scales(1) },
      ];
      const session = await ort.InferenceSession.create(t.bytes, { logSeverityLevel: 3 });
      await withCompiled(t.bytes, async (compiled) => {
        for (const run of runs) {
          const feeds = t.feeds(run);
          const expected = await session.run(Object.fromEntries(Object.entries(feeds).map(([name, { type, data, dims }]) => [name, new ort.Tensor(type, data, dims)])));
          const own = compiled.run(feeds);
          assertClose('y', own.y, expected.y, close);
          for (const name of ['k2', 'v2']) assertClose(name, own[name], expected[name], { rtol: 0, atol: 0 });
        }
      });
    });
  }
}

// Rows behind those that a state holds are anything.
const held = (tokens, capacity, window) => {
  const block = capacity - window + 1;
  return tokens <= capacity ? tokens : tokens - block * Math.ceil((tokens - capacity) / block);
};
const rowsOf = ({ dims, data }, rows) => {
  const [b, g, capacity, d] = dims, kept = [];
  for (let i = 0; i < b * g; i++) kept.push(...data.slice(i * capacity * d, (i * capacity + rows) * d));
  return tensor(f, [b * g, rows, d], kept);
};
for (const [capacity, window] of [[6, 4], [4, 4], [9, 3]]) {
  for (const biased of [false, true]) {
    test(`a state of ${capacity} rows with a window of ${window}${biased ? ' and a bias' : ''}`, async () => {
      const t = groupQuery({ attributes: { local_window_size: window, sliding_window_cache: 1 }, added: biased ? ['b', heads, 's', 't'] : null });
      const session = await ort.InferenceSession.create(t.bytes, { logSeverityLevel: 3 });
      const next = generator(5);
      await withCompiled(t.bytes, async (compiled) => {
        const zeros = filled(f, [1, groups, capacity, size], () => 0);
        let states = { pk: zeros, pv: zeros }, own = { ...states }, total = 0;
        for (const s of [3, 1, 1, 2, 1, 1, 1, 5, 1, 12, 1]) {
          total += s;
          const feeds = { ...t.feeds({ ...queries(1, s), pk: zeros, pv: zeros, last: i32([1], [total - 1]), total: i32([1], [total]), added: biased ? random(f, [1, heads, s, total], next) : undefined }) };
          const expected = await session.run(Object.fromEntries(Object.entries({ ...feeds, ...states }).map(([name, { type, data, dims }]) => [name, new ort.Tensor(type, data, dims)])));
          const result = compiled.run({ ...feeds, ...own });
          const rows = held(total, capacity, window);
          assertClose(`y after ${total}`, result.y, expected.y, { rtol: 1e-3, atol: 1e-4 });
          for (const name of ['k2', 'v2']) assertClose(`${name} after ${total}`, rowsOf(result[name], rows), rowsOf(expected[name], rows), { rtol: 1e-4, atol: 1e-5 });
          const copy = (out, name) => ({ type: f, dims: [1, groups, capacity, size], data: Float32Array.from(out[name].data) });
          states = { pk: copy(expected, 'k2'), pv: copy(expected, 'v2') };
          own = { pk: copy(result, 'k2'), pv: copy(result, 'v2') };
        }
      });
    });
  }
}
