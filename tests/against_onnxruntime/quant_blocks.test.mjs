// com.microsoft MatMulNBits, MatMulBnb4 and GatherBlockQuantized: weights packed in blocks.
import test from 'node:test';
import { agreesWithOnnxRuntime } from '../support/against_onnxruntime.mjs';
import { model, node, tensor, value } from '../support/onnx_model.mjs';
import { randomTensors } from '../support/random_tensors.mjs';

const ms = 'com.microsoft', opsets = { [ms]: 1 };
const close = { rtol: 1e-5, atol: 1e-4 };

/** float16 bits of numbers that it holds exactly (few bits, moderate size). */
function half(number) {
  if (number === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(number)));
  return (number < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | Math.round((Math.abs(number) / 2 ** exponent - 1) * 1024);
}

function nbits(t, { bits, block, k, n, zeros, groups, bias, type = 'float32', accuracy, inputs: computed = false }) {
  const blocks = Math.ceil(k / block);
  const floats = (dims, low, high) => (type === 'float16' ? tensor(type, dims, Array.from(t.floats(dims, low, high).data, half)) : t.floats(dims, low, high));
  const initializers = { s: floats([n, blocks], 0.01, 0.05) };
  const b = t.integers('uint8', [n, blocks, (block * bits) / 8]);
  if (!computed) initializers.b = b;
  if (zeros === 'packed') initializers.z = t.integers('uint8', [n * Math.ceil((blocks * bits) / 8)]);
  if (zeros === 'float') initializers.z = floats([n, blocks], 0, 2 ** bits - 1);
  if (groups) initializers.g = tensor('int32', [k], groups);
  if (bias) initializers.bias = floats([n], -1, 1);
  const bytes = model({
    inputs: { a: value(type, ['batch', 'm', k]), ...(computed ? { b: value('uint8', b.dims) } : {}) }, outputs: { y: value(type) }, opsets, initializers,
    nodes: [node('MatMulNBits', ['a', 'b', 's', zeros ? 'z' : '', groups ? 'g' : '', bias ? 'bias' : ''], ['y'], { K: k, N: n, bits, block_size: block, ...(accuracy === undefined ? {} : { accuracy_level: accuracy }) }, ms)],
  });
  const feeds = [[1, 1], [2, 3], [1, 9]].map(([batch, m]) => ({ a: floats([batch, m, k], -1, 1), ...(computed ? { b } : {}) }));
  return { bytes, feeds };
}

for (const bits of [2, 4, 8]) {
  test(`MatMulNBits of ${bits} bits: block sizes, zero points, bias`, async () => {
    const t = randomTensors(bits);
    for (const [block, k, n] of [[16, 48, 24], [32, 64, 13], [32, 70, 9], [128, 200, 8]]) {
      for (const zeros of [undefined, 'packed', 'float']) {
        if (zeros === 'float' && bits !== 4) continue;  // ONNX Runtime 1.30: 4 bits only
        const { bytes, feeds } = nbits(t, { bits, block, k, n, zeros, bias: zeros === 'packed' });
        await agreesWithOnnxRuntime(bytes, feeds, close);
      }
    }
  });
}

test('MatMulNBits: g_idx in order, permuted, and uneven', async () => {
  const t = randomTensors(20);
  const k = 64, permuted = Array.from({ length: k }, (_, i) => (i * 7) % 64 >> 4);
  for (const groups of [Array.from({ length: k }, (_, i) => i >> 4), permuted, Array.from({ length: k }, (_, i) => (i % 5) % 4)]) {
    // ONNX Runtime 1.30 leaves packed zero points out of account where there is a g_idx.
    for (const zeros of [undefined, 'float']) {
      const { bytes, feeds } = nbits(t, { bits: 4, block: 16, k, n: 24, zeros, groups });
      await agreesWithOnnxRuntime(bytes, feeds, close);
    }
  }
});

test('MatMulNBits: float16, and weights that are an input', async () => {
  const t = randomTensors(21);
  const narrow = nbits(t, { bits: 4, block: 32, k: 64, n: 16, zeros: 'packed', bias: true, type: 'float16' });
  await agreesWithOnnxRuntime(narrow.bytes, narrow.feeds, { rtol: 2e-3, atol: 2e-3 });
  for (const bits of [4, 8]) {
    const { bytes, feeds } = nbits(t, { bits, block: 32, k: 64, n: 16, inputs: true });
    await agreesWithOnnxRuntime(bytes, feeds, close);
  }
});

// At accuracy_level 4 ONNX Runtime rounds A to 8 bits per block; ours stays in f32. The bound is what that rounding can make of A in [-1, 1]:
// half a step of 1/127 times the weights' magnitudes (up to 8 * 0.05), added up over k terms of random sign.
test('MatMulNBits: accuracy_level 4 within the rounding of ONNX Runtime\'s A', async () => {
  const t = randomTensors(22);
  const { bytes, feeds } = nbits(t, { bits: 4, block: 32, k: 256, n: 16, zeros: 'packed', accuracy: 4 });
  await agreesWithOnnxRuntime(bytes, feeds, { rtol: 0, atol: 5 * 0.5 / 127 * 0.4 * Math.sqrt(256) });
});

test('MatMulBnb4: FP4 and NF4', async () => {
  const t = randomTensors(24);
  for (const quant_type of [0, 1]) {
    const k = 64, n = 10, block_size = 16;
    const bytes = model({
      inputs: { a: value('float32', ['m', k]) }, outputs: { y: value('float32') }, opsets,
      initializers: { b: t.integers('uint8', [(n * k) / 2]), s: t.floats([(n * k) / block_size], 0.5, 1) },
      nodes: [node('MatMulBnb4', ['a', 'b', 's'], ['y'], { K: k, N: n, block_size, quant_type }, ms)],
    });
    await agreesWithOnnxRuntime(bytes, [3, 1].map((m) => ({ a: t.floats([m, k]) })), close);
  }
});

test('GatherBlockQuantized: bytes of 2, 4 and 8 bits', async () => {
  const t = randomTensors(25);
  for (const bits of [2, 4, 8]) {
    for (const zeros of [false, true]) {
      const rows = 9, columns = 64, block_size = 16, blocks = columns / block_size, per = 8 / bits;
      const bytes = model({
        inputs: { i: value('int64', ['n', 'm']) }, outputs: { y: value('float32') }, opsets,
        initializers: { d: t.integers('uint8', [rows, columns / per]), s: t.floats([rows, blocks], 0.01, 0.1), z: t.integers('uint8', [rows, Math.ceil(blocks / per)]) },
        nodes: [node('GatherBlockQuantized', ['d', 'i', 's', ...(zeros ? ['z'] : [])], ['y'], { gather_axis: 0, quantize_axis: 1, block_size, bits }, ms)],
      });
      await agreesWithOnnxRuntime(bytes, [[2, 3], [1, 1]].map(([n, m]) => ({ i: t.integers('int64', [n, m], -rows, rows - 1) })), { rtol: 1e-6, atol: 0 });
    }
  }
});

test('GatherBlockQuantized: int4 and uint4 along any axes', async () => {
  const t = randomTensors(26);
  for (const type of ['int4', 'uint4']) {
    for (const [dims, gather_axis, quantize_axis] of [[[6, 32], 0, 1], [[32, 5, 2], 1, 0], [[3, 32, 4], 2, 1]]) {
      const total = dims.reduce((a, b) => a * b, 1), block_size = 16;
      const parameters = dims.map((dim, d) => (d === quantize_axis ? dim / block_size : dim));
      const packed = (count) => t.integers('uint8', [Math.ceil(count / 2)]).data;
      const bytes = model({
        inputs: { i: value('int32', ['n']) }, outputs: { y: value('float32') }, opset: 21, opsets,
        initializers: {
          d: { type, dims, data: packed(total) }, s: t.floats(parameters, 0.01, 0.1),
          z: { type, dims: parameters, data: packed(parameters.reduce((a, b) => a * b, 1)) },
        },
        nodes: [node('GatherBlockQuantized', ['d', 'i', 's', 'z'], ['y'], { gather_axis, quantize_axis, block_size }, ms)],
      });
      await agreesWithOnnxRuntime(bytes, [3, 1].map((n) => ({ i: t.integers('int32', [n], 0, dims[gather_axis] - 1) })), { rtol: 1e-6, atol: 0 });
    }
  }
});
