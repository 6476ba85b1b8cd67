// Integer matrix products: all pairs of types, scales and zero points per tensor and per channel, constant and computed right sides.
import assert from 'node:assert/strict';
import test from 'node:test';
import { agreesWithOnnxRuntime, withCompiled } from '../support/against_onnxruntime.mjs';
import { model, node, tensor, value } from '../support/onnx_model.mjs';
import { randomTensors } from '../support/random_tensors.mjs';

const ms = 'com.microsoft';
const exact = { rtol: 0, atol: 0 };
const opsets = { [ms]: 1 };
const mean = (type) => (type === 'uint8' ? 128 : 0);

for (const [a, b] of [['uint8', 'uint8'], ['uint8', 'int8'], ['int8', 'int8'], ['int8', 'uint8']]) {
  // onnxruntime has no i8 by u8 kernel
  if (a === 'int8' && b === 'uint8') continue;
  test(`MatMulInteger ${a} by ${b}: sizes, zero points per tensor and per column`, async () => {
    const t = randomTensors(1);
    for (const [k, n] of [[1, 1], [7, 5], [16, 8], [33, 19], [64, 40]]) {
      for (const perColumn of [false, true]) {
        const zero = perColumn ? t.weights(b, [n]) : tensor(b, [], [b === 'uint8' ? 119 : -3]);
        const bytes = model({
          inputs: { a: value(a, ['m', k]) }, outputs: { y: value('int32') },
          initializers: { b: t.weights(b, [k, n]), az: tensor(a, [], [a === 'uint8' ? 131 : 2]), bz: zero },
          nodes: [node('MatMulInteger', ['a', 'b', 'az', 'bz'], ['y'])],
        });
        await agreesWithOnnxRuntime(bytes, [1, 4, 9, 2].map((m) => ({ a: t.weights(a, [m, k]) })), exact);
      }
    }
  });
}

test('MatMulInteger with both sides computed, batches that broadcast, and vectors', async () => {
  const t = randomTensors(2);
  const product = (left, right, zeros = []) => model({
    inputs: { a: value('uint8', left), b: value('uint8', right) }, outputs: { y: value('int32') },
    initializers: { az: tensor('uint8', [], [100]), bz: tensor('uint8', [], [7]) },
    nodes: [node('MatMulInteger', ['a', 'b', ...zeros], ['y'])],
  });
  for (const k of [6, 9]) {
    await agreesWithOnnxRuntime(product(['n', 3, k], ['n', k, 10], ['az', 'bz']),
      [2, 1, 4].map((n) => ({ a: t.integers('uint8', [n, 3, k]), b: t.integers('uint8', [n, k, 10]) })), exact);
    await agreesWithOnnxRuntime(product([2, 1, 'm', k], [5, k, 'n'], ['az']),
      [[3, 4], [5, 17], [1, 1]].map(([m, n]) => ({ a: t.integers('uint8', [2, 1, m, k]), b: t.integers('uint8', [5, k, n]) })), exact);
  }
  await agreesWithOnnxRuntime(product([11], [11, 4]), [{ a: t.integers('uint8', [11]), b: t.integers('uint8', [11, 4]) }], exact);
});

test('MatMulIntegerToFloat: scales per column, zero points, bias', async () => {
  const t = randomTensors(3);
  for (const [a, b] of [['uint8', 'uint8'], ['uint8', 'int8'], ['int8', 'int8']]) {
    for (const perColumn of [false, true]) {
      const n = 21, k = 37, size = perColumn ? [n] : [];
      const bytes = model({
        inputs: { a: value(a, ['batch', 'm', k]) }, outputs: { y: value('float32') }, opsets,
        initializers: {
          b: t.weights(b, [k, n]), as: tensor('float32', [], [0.03]), bs: t.floats(size, 0.001, 0.02),
          az: tensor(a, [], [mean(a)]), bz: perColumn ? t.weights(b, [n]) : tensor(b, [], [5]), bias: t.floats([n]),
        },
        nodes: [node('MatMulIntegerToFloat', ['a', 'b', 'as', 'bs', 'az', 'bz', 'bias'], ['y'], {}, ms)],
      });
      await agreesWithOnnxRuntime(bytes, [[1, 3], [2, 5], [1, 1]].map(([batch, m]) => ({ a: t.weights(a, [batch, m, k]) })), { rtol: 1e-6, atol: 1e-6 });
    }
  }
});

test('DynamicQuantizeMatMul', async () => {
  const t = randomTensors(4);
  for (const b of ['uint8', 'int8']) {
    for (const perColumn of [false, true]) {
      const n = 24, k = 50, size = perColumn ? [n] : [];
      const bytes = model({
        inputs: { a: value('float32', ['batch', 'm', k]) }, outputs: { y: value('float32') }, opsets,
        initializers: { b: t.weights(b, [k, n]), bs: t.floats(size, 0.001, 0.02), bz: perColumn ? t.weights(b, [n]) : tensor(b, [], [3]), bias: t.floats([n]) },
        nodes: [node('DynamicQuantizeMatMul', ['a', 'b', 'bs', 'bz', 'bias'], ['y'], {}, ms)],
      });
      await agreesWithOnnxRuntime(bytes, [[1, 3], [2, 5], [3, 1]].map(([batch, m]) => ({ a: t.floats([batch, m, k], -3, 2) })), { rtol: 1e-5, atol: 1e-5 });
    }
  }
});

test('DynamicQuantizeLinear', async () => {
  const t = randomTensors(5);
  const bytes = model({
    inputs: { x: value('float32', ['n', 'm']) }, outputs: { y: value('uint8'), s: value('float32'), z: value('uint8') },
    nodes: [node('DynamicQuantizeLinear', ['x'], ['y', 's', 'z'])],
  });
  await agreesWithOnnxRuntime(bytes, [[3, 7], [1, 1], [40, 13]].flatMap(([n, m]) => [[-3, 2], [1, 2], [-2, -1], [0, 0]].map(([low, high]) => ({ x: t.floats([n, m], low, high) }))), { rtol: 1e-7, atol: 0 });
});

test('QLinearMatMul: requantized', async () => {
  const t = randomTensors(6);
  for (const [a, b, y] of [['uint8', 'uint8', 'uint8'], ['uint8', 'int8', 'uint8'], ['int8', 'int8', 'int8']]) {
    for (const perColumn of [false, true]) {
      const n = 13, k = 40, size = perColumn ? [n] : [];
      const bytes = model({
        inputs: { a: value(a, ['batch', 'm', k]) }, outputs: { y: value(y) }, opsets,
        initializers: {
          b: t.weights(b, [k, n]), as: tensor('float32', [], [0.03]), bs: t.floats(size, 0.01, 0.02), ys: tensor('float32', [], [0.9]),
          az: tensor(a, [], [mean(a) + 3]), bz: perColumn ? t.weights(b, [n]) : tensor(b, [], [mean(b) - 5]), yz: tensor(y, [], [mean(y) + 1]),
        },
        nodes: [node('QLinearMatMul', ['a', 'as', 'az', 'b', 'bs', 'bz', 'ys', 'yz'], ['y'])],
      });
      await agreesWithOnnxRuntime(bytes, [[1, 3], [2, 5], [1, 1]].map(([batch, m]) => ({ a: t.weights(a, [batch, m, k]) })), exact);
    }
  }
});

test('QGemm: transposed sides, C, to f32 and requantized', async () => {
  const t = randomTensors(7);
  for (const [a, b] of [['uint8', 'uint8'], ['uint8', 'int8'], ['int8', 'int8']]) {
    for (const [transA, transB, c, requantize] of [[0, 0, [], true], [0, 1, [11], true], [1, 1, [1, 11], false], [1, 0, null, false]]) {
      const n = 11, k = 26;
      const bytes = model({
        inputs: { a: value(a, transA ? [k, 'm'] : ['m', k]) }, outputs: { y: value(requantize ? a : 'float32') }, opsets,
        initializers: {
          b: t.weights(b, transB ? [n, k] : [k, n]), as: tensor('float32', [], [0.03]), bs: t.floats([n], 0.01, 0.02), ys: tensor('float32', [], [0.9]),
          az: tensor(a, [], [mean(a) + 3]), bz: b === 'int8' ? t.integers(b, [n], 0, 0) : t.weights(b, [n]), yz: tensor(a, [], [mean(a) + 1]), c: t.integers('int32', c ?? [], -3000, 3000),
        },
        nodes: [node('QGemm', ['a', 'as', 'az', 'b', 'bs', 'bz', c ? 'c' : '', ...(requantize ? ['ys', 'yz'] : [])], ['y'], { transA, transB, alpha: { f: 0.75 } }, ms)],
      });
      await agreesWithOnnxRuntime(bytes, [3, 8, 1].map((m) => ({ a: t.weights(a, transA ? [k, m] : [m, k]) })), requantize ? exact : { rtol: 1e-6, atol: 1e-6 });
    }
  }
});

// ONNX Runtime 1.30 has the operator's schema, but no kernel on the CPU.
test('MulInteger', () => {
  const t = randomTensors(8), a = t.integers('uint8', [3, 5]), b = t.integers('uint8', [5]);
  return withCompiled(model({
    inputs: { a: value('uint8', ['n', 5]), b: value('uint8', [5]) }, outputs: { y: value('int32') }, opsets,
    initializers: { az: tensor('uint8', [], [100]), bz: tensor('uint8', [], [7]) },
    nodes: [node('MulInteger', ['a', 'az', 'b', 'bz'], ['y'], {}, ms)],
  }), (compiled) => {
    assert.deepEqual([...compiled.run({ a, b }).y.data], [...a.data].map((number, i) => (number - 100) * (b.data[i % 5] - 7)));
  });
});
