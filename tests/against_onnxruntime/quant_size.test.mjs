// Quantized weights are no larger in the module than in the model, and what multiplies by them agrees with ONNX Runtime.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { agreesWithOnnxRuntime, compiler } from '../support/against_onnxruntime.mjs';
import { model, node, tensor, value } from '../support/onnx_model.mjs';
import { randomTensors } from '../support/random_tensors.mjs';

const ms = 'com.microsoft', opsets = { [ms]: 1 };

/** Bytes of the module. */
function compiledSize(bytes) {
  const folder = mkdtempSync(join(tmpdir(), 'onnx2wasm-test-'));
  try {
    writeFileSync(join(folder, 'model.onnx'), bytes);
    execFileSync(compiler, [join(folder, 'model.onnx'), '-o', join(folder, 'model.wasm'), '--quiet'], { stdio: ['ignore', 'pipe', 'pipe'] });
    return statSync(join(folder, 'model.wasm')).size;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function smallAndRight(bytes, runs, tolerance) {
  const size = compiledSize(bytes);
  assert.ok(size < 1.05 * bytes.length + 60_000, `a model of ${bytes.length} bytes became a module of ${size}`);
  await agreesWithOnnxRuntime(bytes, runs, { sessionOptions: { graphOptimizationLevel: 'disabled' }, ...tolerance });
}

const close = { rtol: 1e-4, atol: 1e-4 };

test('integer products: u8 weights about any zero point', async () => {
  const t = randomTensors(1), k = 511, n = 520;
  await smallAndRight(model({
    inputs: { a: value('uint8', ['m', k]) }, outputs: { y: value('int32') },
    initializers: { b: t.integers('uint8', [k, n]), az: tensor('uint8', [], [3]), bz: tensor('uint8', [], [77]) },
    nodes: [node('MatMulInteger', ['a', 'b', 'az', 'bz'], ['y'])],
  }), [5, 1].map((m) => ({ a: t.integers('uint8', [m, k]) })), { rtol: 0, atol: 0 });
});

test('MatMulNBits', async () => {
  const t = randomTensors(2), k = 512, n = 1024;
  await smallAndRight(model({
    inputs: { a: value('float32', ['m', k]) }, outputs: { y: value('float32') }, opsets,
    initializers: { b: t.integers('uint8', [n, k / 32, 16]), s: t.floats([n, k / 32], 0.01, 0.05), z: t.integers('uint8', [n, k / 64]) },
    nodes: [node('MatMulNBits', ['a', 'b', 's', 'z'], ['y'], { K: k, N: n, bits: 4, block_size: 32 }, ms)],
  }), [6, 1].map((m) => ({ a: t.floats([m, k]) })), { rtol: 1e-3, atol: 1e-3 });
});

test('DequantizeLinear in blocks into MatMul', async () => {
  const t = randomTensors(6), k = 512, n = 1030, block_size = 64;
  for (const type of ['int4', 'uint8']) {
    const packed = (count) => (type === 'int4' ? t.integers('uint8', [Math.ceil(count / 2)]) : t.integers(type, [count])).data;
    await smallAndRight(model({
      inputs: { a: value('float32', ['b', 'm', k]) }, outputs: { y: value('float32') },
      initializers: { w: { type, dims: [k, n], data: packed(k * n) }, s: t.floats([k / block_size, n], 0.01, 0.02), z: { type, dims: [k / block_size, n], data: packed((k / block_size) * n) } },
      nodes: [node('DequantizeLinear', ['w', 's', 'z'], ['d'], { axis: 0, block_size }), node('MatMul', ['a', 'd'], ['y'])],
    }), [[1, 5], [2, 1]].map(([b, m]) => ({ a: t.floats([b, m, k]) })), { rtol: 1e-3, atol: 1e-3 });
  }
});

for (const [type, perChannel] of [['int8', true], ['int8', false], ['uint8', false], ['uint8', true]]) {
  const parameters = (t, channels) => ({
    s: t.floats(perChannel ? [channels] : [], 0.005, 0.01),
    z: perChannel ? t.weights(type, [channels]) : tensor(type, [], [type === 'uint8' ? 120 : 5]),
  });

  test(`DequantizeLinear of ${type} ${perChannel ? 'per channel' : 'per tensor'} into MatMul and Gemm`, async () => {
    const t = randomTensors(3), k = 300, n = 517;
    await smallAndRight(model({
      inputs: { a: value('float32', ['m', k]) }, outputs: { y: value('float32') },
      initializers: { b: t.integers(type, [k, n]), ...parameters(t, n) },
      nodes: [node('DequantizeLinear', ['b', 's', 'z'], ['w'], { axis: 1 }), node('MatMul', ['a', 'w'], ['y'])],
    }), [5, 1].map((m) => ({ a: t.floats([m, k]) })), close);
    await smallAndRight(model({
      inputs: { a: value('float32', ['m', k]) }, outputs: { y: value('float32') },
      initializers: { b: t.integers(type, [n, k]), ...parameters(t, n), c: t.floats([n]) },
      nodes: [node('DequantizeLinear', ['b', 's', 'z'], ['w'], { axis: 0 }), node('Gemm', ['a', 'w', 'c'], ['g'], { transB: 1 }), node('Relu', ['g'], ['y'])],
    }), [5, 1].map((m) => ({ a: t.floats([m, k]) })), close);
  });

  test(`DequantizeLinear of ${type} ${perChannel ? 'per channel' : 'per tensor'} into Conv`, async () => {
    const t = randomTensors(4);
    for (const [shape, attributes, x] of [[[83, 31, 3, 3], { pads: [1, 1, 1, 1] }, [31, 7, 9]], [[128, 32, 3, 3], { group: 4, strides: [2, 2] }, [128, 9, 8]], [[200, 130, 1, 1], {}, [130, 5, 6]]]) {
      await smallAndRight(model({
        inputs: { x: value('float32', ['n', ...x]) }, outputs: { y: value('float32') },
        initializers: { b: t.integers(type, shape), ...parameters(t, shape[0]), c: t.floats([shape[0]]) },
        nodes: [node('DequantizeLinear', ['b', 's', 'z'], ['w'], { axis: 0 }), node('Conv', ['x', 'w', 'c'], ['y'], attributes)],
      }), [2, 1].map((n) => ({ x: t.floats([n, ...x]) })), close);
    }
  });
}

test('dequantized weights that something else reads too', async () => {
  const t = randomTensors(5), k = 150, n = 170;
  const bytes = model({
    inputs: { a: value('float32', ['m', k]), b: value('float32', ['m', n]) }, outputs: { y: value('float32'), z: value('float32') },
    initializers: { w: t.integers('int8', [k, n]), s: t.floats([k], 0.005, 0.01), zero: t.integers('int8', [k], -3, 3) },
    nodes: [
      node('DequantizeLinear', ['w', 's', 'zero'], ['d'], { axis: 0 }), node('MatMul', ['a', 'd'], ['y']),
      node('Transpose', ['d'], ['t'], { perm: [1, 0] }), node('MatMul', ['b', 't'], ['z']),
    ],
  });
  await agreesWithOnnxRuntime(bytes, [3, 1].map((m) => ({ a: t.floats([m, k]), b: t.floats([m, n]) })), { ...close, sessionOptions: { graphOptimizationLevel: 'disabled' } });
});

// A language model's table of words is often its last layer as well.
for (const [what, type, zero] of [['u8 about a zero point', 'uint8', 77], ['u8 about the middle', 'uint8', 128], ['i8', 'int8', 0]]) {
  test(`a table that is gathered from and multiplied by, ${what}`, async () => {
    const t = randomTensors(7), words = 701, k = 151;
    const table = t.integers(type, [words, k]);
    await smallAndRight(model({
      inputs: { i: value('int64', ['m']), a: value('uint8', ['m', k]) }, outputs: { g: value(type), y: value('int32') },
      initializers: { table, az: tensor('uint8', [], [3]), bz: tensor(type, [], [zero]) },
      nodes: [
        node('Gather', ['table', 'i'], ['g']), node('Transpose', ['table'], ['w'], { perm: [1, 0] }),
        node('MatMulInteger', ['a', 'w', 'az', 'bz'], ['y']),
      ],
    }), [5, 1].map((m) => ({ i: t.integers('int64', [m], 0, words - 1), a: t.integers('uint8', [m, k], 0, type === 'int8' ? 60 : 255) })), { rtol: 0, atol: 0 });
  });
}
