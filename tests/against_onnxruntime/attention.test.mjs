// Attention of opsets 23 and 24 and RotaryEmbedding of 23, with every size a dynamic dimension.
import test from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { count, float, model, node, tensor, value } from '../support/onnx_model.mjs';

const random = generator(23);
const filled = (dims) => tensor('float32', dims, Array.from({ length: count(dims) }, () => random() * 2 - 1));
const bools = (dims, often = 0.7) => tensor('bool', dims, Array.from({ length: count(dims) }, (_, i) => (i % dims.at(-1) === 0 || random() < often ? 1 : 0)));

// A model of one Attention node whose inputs are `types`, in order; '' leaves one out.
function attention(names, types, outputs, attributes, opset = 23) {
  return model({
    inputs: Object.fromEntries(names.filter(Boolean).map((name) => [name, types[name]])),
    outputs: Object.fromEntries(outputs.filter(Boolean).map((name) => [name, value('float32')])),
    nodes: [node('Attention', names, outputs, attributes)], opset, irVersion: 11,
  });
}

const four = { q: value('float32', ['b', 6, 's', 8]), k: value('float32', ['b', 'h', 't', 8]), v: value('float32', ['b', 'h', 't', 5]) };

test('heads that share keys, causal, several sizes in one instance', () => agreesWithOnnxRuntime(
  attention(['q', 'k', 'v'], four, ['y'], { is_causal: 1 }),
  [[1, 6, 4, 4], [2, 2, 3, 3], [1, 3, 1, 1], [2, 1, 5, 5]].map(([b, h, s, t]) => ({ q: filled([b, 6, s, 8]), k: filled([b, h, t, 8]), v: filled([b, h, t, 5]) }))));

test('a mask of numbers, a cap and a scale', () => agreesWithOnnxRuntime(
  attention(['q', 'k', 'v', 'mask'], { ...four, mask: value('float32', ['b', 1, 's', 't']) }, ['y'], { softcap: float(1.5), scale: float(0.7) }),
  [[1, 3, 4, 6], [3, 6, 2, 1]].map(([b, h, s, t]) => ({ q: filled([b, 6, s, 8]), k: filled([b, h, t, 8]), v: filled([b, h, t, 5]), mask: filled([b, 1, s, t]) }))));

test('a boolean mask without batch or heads', () => agreesWithOnnxRuntime(
  attention(['q', 'k', 'v', 'mask'], { ...four, mask: value('bool', ['s', 't']) }, ['y'], {}),
  [[1, 3, 4, 6], [2, 2, 1, 9]].map(([b, h, s, t]) => ({ q: filled([b, 6, s, 8]), k: filled([b, h, t, 8]), v: filled([b, h, t, 5]), mask: bools([s, t]) }))));

test('three-dimensional tensors with a growing cache', () => {
  const types = {
    q: value('float32', ['b', 's', 24]), k: value('float32', ['b', 's', 12]), v: value('float32', ['b', 's', 6]),
    past_key: value('float32', ['b', 3, 'p', 4]), past_value: value('float32', ['b', 3, 'p', 2]),
  };
  return agreesWithOnnxRuntime(
    attention(['q', 'k', 'v', '', 'past_key', 'past_value'], types, ['y', 'present_key', 'present_value'], { q_num_heads: 6, kv_num_heads: 3, is_causal: 1 }),
    [[1, 3, 0], [1, 1, 3], [2, 2, 7], [2, 1, 9]].map(([b, s, p]) => ({
      q: filled([b, s, 24]), k: filled([b, s, 12]), v: filled([b, s, 6]), past_key: filled([b, 3, p, 4]), past_value: filled([b, 3, p, 2]),
    })));
});

for (const [mode, what] of [[0, 'the product'], [3, 'the probabilities']]) {
  test(`the fourth output: ${what}`, () => agreesWithOnnxRuntime(
    attention(['q', 'k', 'v', 'mask'], { ...four, mask: value('float32', ['s', 't']) }, ['y', '', '', 'scores'], { qk_matmul_output_mode: mode }),
    [{ q: filled([2, 6, 3, 8]), k: filled([2, 6, 4, 8]), v: filled([2, 6, 4, 5]), mask: filled([3, 4]) }]));
}

function rotary(names, dims, attributes) {
  return model({
    inputs: Object.fromEntries(names.filter(Boolean).map((name) => [name, value(name === 'ids' ? 'int64' : 'float32', dims[name])])),
    outputs: { y: value('float32') }, nodes: [node('RotaryEmbedding', names, ['y'], attributes)], opset: 23, irVersion: 11,
  });
}

for (const interleaved of [0, 1]) {
  test(`RotaryEmbedding by positions, interleaved ${interleaved}`, () => agreesWithOnnxRuntime(
    rotary(['x', 'cos', 'sin', 'ids'], { x: ['b', 3, 's', 8], cos: ['m', 4], sin: ['m', 4], ids: ['b', 's'] }, { interleaved }),
    [[1, 4], [2, 1]].map(([b, s]) => ({
      x: filled([b, 3, s, 8]), cos: filled([10, 4]), sin: filled([10, 4]),
      ids: tensor('int64', [b, s], Array.from({ length: b * s }, () => Math.floor(random() * 10))),
    }))));
}

test('RotaryEmbedding of a part of each head, caches per position', () => agreesWithOnnxRuntime(
  rotary(['x', 'cos', 'sin'], { x: ['b', 's', 24], cos: ['b', 's', 2], sin: ['b', 's', 2] }, { num_heads: 3, rotary_embedding_dim: 4 }),
  [[1, 4], [2, 3]].map(([b, s]) => ({ x: filled([b, s, 24]), cos: filled([b, s, 2]), sin: filled([b, s, 2]) }))));
