// com.microsoft QAttention and QEmbedLayerNormalization.
import test from 'node:test';
import { agreesWithOnnxRuntime } from '../support/against_onnxruntime.mjs';
import { float, model, node, tensor, value } from '../support/onnx_model.mjs';
import { randomTensors } from '../support/random_tensors.mjs';

const ms = 'com.microsoft', opsets = { [ms]: 1 };

function attention(t, { type = 'uint8', perColumn = false, mask, past = false, causal = 0, hidden = 16, heads = 2, inputs = 12 }) {
  const n = 3 * hidden, size = perColumn ? [n] : [];
  return model({
    inputs: {
      x: value('uint8', ['batch', 'seq', inputs]),
      ...(mask ? { mask: value('int32', mask) } : {}),
      ...(past ? { past: value('float32', [2, 'batch', heads, 'before', hidden / heads]) } : {}),
    },
    outputs: { y: value('float32'), ...(past ? { present: value('float32') } : {}) }, opsets,
    initializers: {
      w: t.weights(type, [inputs, n]), b: t.floats([n]), xs: tensor('float32', [], [0.02]), ws: t.floats(size, 0.005, 0.02), xz: tensor('uint8', [], [130]),
      wz: tensor(type, size, Array(perColumn ? n : 1).fill(type === 'uint8' ? 126 : 0)),
    },
    nodes: [node('QAttention', ['x', 'w', 'b', 'xs', 'ws', mask ? 'mask' : '', 'xz', 'wz', past ? 'past' : ''], ['y', ...(past ? ['present'] : [])], { num_heads: heads, unidirectional: causal }, ms)],
  });
}

const bound = { rtol: 1e-5, atol: 1e-5 };

test('QAttention: weights per tensor and per column', async () => {
  const t = randomTensors(1);
  for (const type of ['uint8', 'int8']) {
    for (const perColumn of [false, true]) {
      await agreesWithOnnxRuntime(attention(t, { type, perColumn }), [[1, 4], [2, 7], [1, 1]].map(([batch, seq]) => ({ x: t.integers('uint8', [batch, seq, 12]) })), bound);
    }
  }
});

test('QAttention: masks, causality, past state', async () => {
  const t = randomTensors(2);
  await agreesWithOnnxRuntime(attention(t, { mask: ['batch', 'seq'] }), [[2, 5, [1, 1, 1, 0, 0, 1, 1, 1, 1, 0]], [1, 3, [1, 1, 0]]].map(([batch, seq, mask]) => ({ x: t.integers('uint8', [batch, seq, 12]), mask: tensor('int32', [batch, seq], mask) })), bound);
  await agreesWithOnnxRuntime(attention(t, { causal: 1 }), [[2, 5], [1, 1]].map(([batch, seq]) => ({ x: t.integers('uint8', [batch, seq, 12]) })), bound);
  await agreesWithOnnxRuntime(attention(t, { causal: 1, past: true }), [[2, 3, 4], [1, 1, 6]].map(([batch, seq, before]) => ({ x: t.integers('uint8', [batch, seq, 12]), past: t.floats([2, batch, 2, before, 8]) })), bound);
});

test('QEmbedLayerNormalization: with and without segments and mask', async () => {
  const t = randomTensors(3);
  for (const type of ['uint8', 'int8']) {
    for (const [segments, mask] of [[true, true], [false, false]]) {
      const hidden = 12, table = (rows) => t.integers(type, rows ? [rows, hidden] : [hidden]);
      const scale = (number) => tensor('float32', [], [number]), zero = (shift) => tensor(type, [], [(type === 'uint8' ? 128 : 0) + shift]);
      const bytes = model({
        inputs: { ids: value('int32', ['batch', 'seq']), ...(segments ? { segs: value('int32', ['batch', 'seq']) } : {}), ...(mask ? { mask: value('int32', ['batch', 'seq']) } : {}) },
        outputs: { y: value('float32'), counts: value('int32') }, opsets,
        initializers: {
          words: table(20), places: table(9), kinds: table(2), gamma: table(), beta: table(), s0: scale(0.02), s1: scale(0.01), s2: scale(0.015), s3: scale(0.03), s4: scale(0.005),
          z0: zero(1), z1: zero(-2), z2: zero(3), z3: zero(-4), z4: zero(5),
        },
        nodes: [node('QEmbedLayerNormalization', ['ids', segments ? 'segs' : '', 'words', 'places', segments ? 'kinds' : '', 'gamma', 'beta', mask ? 'mask' : '', 's0', 's1', segments ? 's2' : '', 's3', 's4', 'z0', 'z1', segments ? 'z2' : '', 'z3', 'z4'],
          ['y', 'counts'], { epsilon: float(1e-6) }, ms)],
      });
      await agreesWithOnnxRuntime(bytes, [[2, 7], [1, 1]].map(([batch, seq]) => ({
        ids: t.integers('int32', [batch, seq], 0, 19), ...(segments ? { segs: t.integers('int32', [batch, seq], 0, 1) } : {}), ...(mask ? { mask: t.integers('int32', [batch, seq], 0, 1) } : {}),
      })), { rtol: 1e-4, atol: 1e-4 });
    }
  }
});
