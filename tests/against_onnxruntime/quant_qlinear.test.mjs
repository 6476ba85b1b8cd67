// com.microsoft QLinear operators and pools of quantized pictures.
import test from 'node:test';
import { agreesWithOnnxRuntime } from '../support/against_onnxruntime.mjs';
import { float, model, node, tensor, value } from '../support/onnx_model.mjs';
import { randomTensors } from '../support/random_tensors.mjs';

const ms = 'com.microsoft', opsets = { [ms]: 1 };
const exact = { rtol: 0, atol: 0 };
// Where ONNX Runtime adds in another order or fuses a multiplication with an addition, a tie may fall to the neighbour.
const oneStep = { rtol: 0, atol: 1 };
const types = ['uint8', 'int8'];
const zero = (type, shift) => tensor(type, [], [(type === 'uint8' ? 128 : 0) + shift]);
const scale = (number) => tensor('float32', [], [number]);

for (const type of types) {
  test(`QLinearAdd and QLinearMul of ${type}, with broadcasting`, async () => {
    const t = randomTensors(1);
    for (const op of ['QLinearAdd', 'QLinearMul']) {
      for (const [a, b] of [[['n', 5, 33], ['n', 5, 33]], [['n', 5, 33], [33]], [[5, 1], ['n', 1, 33]], [[], ['n', 5, 33]]]) {
        const bytes = model({
          inputs: { a: value(type, a), b: value(type, b) }, outputs: { y: value(type) }, opsets,
          initializers: { as: scale(0.03), az: zero(type, 5), bs: scale(0.07), bz: zero(type, -9), ys: scale(op === 'QLinearAdd' ? 0.09 : 0.17), yz: zero(type, 3) },
          nodes: [node(op, ['a', 'as', 'az', 'b', 'bs', 'bz', 'ys', 'yz'], ['y'], {}, ms)],
        });
        const sized = (dims, n) => dims.map((dim) => (dim === 'n' ? n : dim));
        await agreesWithOnnxRuntime(bytes, [2, 1].map((n) => ({ a: t.integers(type, sized(a, n)), b: t.integers(type, sized(b, n)) })), oneStep);
      }
    }
  });

  test(`QLinearSigmoid, QLinearLeakyRelu of ${type}`, async () => {
    const t = randomTensors(2);
    for (const [op, attributes, ys] of [['QLinearSigmoid', {}, 1 / 256], ['QLinearLeakyRelu', { alpha: float(0.2) }, 0.04]]) {
      const bytes = model({
        inputs: { x: value(type, ['n', 100]) }, outputs: { y: value(type) }, opsets,
        initializers: { xs: scale(0.05), xz: zero(type, 5), ys: scale(ys), yz: zero(type, -60) },
        nodes: [node(op, ['x', 'xs', 'xz', 'ys', 'yz'], ['y'], attributes, ms)],
      });
      await agreesWithOnnxRuntime(bytes, [3, 1].map((n) => ({ x: t.integers(type, [n, 100]) })), oneStep);
    }
  });

  test(`QLinearConcat of ${type}`, async () => {
    const t = randomTensors(3);
    const bytes = model({
      inputs: { a: value(type, ['n', 3, 4]), b: value(type, ['n', 2, 4]), c: value(type, ['n', 'm', 4]) }, outputs: { y: value(type) }, opsets,
      initializers: { as: scale(0.03), az: zero(type, 5), bs: scale(0.07), bz: zero(type, -9), ys: scale(0.06), yz: zero(type, 3) },
      nodes: [node('QLinearConcat', ['ys', 'yz', 'a', 'as', 'az', 'b', 'bs', 'bz', 'c', 'ys', 'yz'], ['y'], { axis: 1 }, ms)],
    });
    await agreesWithOnnxRuntime(bytes, [[2, 3], [1, 1]].map(([n, m]) => ({ a: t.integers(type, [n, 3, 4]), b: t.integers(type, [n, 2, 4]), c: t.integers(type, [n, m, 4]) })), exact);
  });

  test(`QLinearWhere of ${type}`, async () => {
    const t = randomTensors(4);
    const bytes = model({
      inputs: { c: value('bool', ['n', 1, 4]), x: value(type, ['n', 3, 4]), y: value(type, [4]) }, outputs: { z: value(type) }, opsets,
      initializers: { xs: scale(0.03), xz: zero(type, 5), ys: scale(0.07), yz: zero(type, -9), zs: scale(0.06), zz: zero(type, 3) },
      nodes: [node('QLinearWhere', ['c', 'x', 'xs', 'xz', 'y', 'ys', 'yz', 'zs', 'zz'], ['z'], {}, ms)],
    });
    // No number that ONNX Runtime's merge would take for "nothing here": the results are kept away from 0.
    const away = () => (type === 'uint8' ? [100, 250] : [40, 100]);
    await agreesWithOnnxRuntime(bytes, [2, 1].map((n) => ({ c: tensor('bool', [n, 1, 4], Array.from({ length: 4 * n }, () => t.integer(0, 1))), x: t.integers(type, [n, 3, 4], ...away()), y: t.integers(type, [4], ...away()) })), exact);
  });

  test(`QLinearSoftmax of ${type}: along an axis, and flattened`, async () => {
    const t = randomTensors(5);
    for (const [opset, axis] of [[13, -1], [13, 1], [12, 1]]) {
      const bytes = model({
        inputs: { x: value(type, ['n', 6, 5]) }, outputs: { y: value(type) }, opsets,
        initializers: { xs: scale(0.05), xz: zero(type, 5), ys: scale(1 / 256), yz: tensor(type, [], [type === 'uint8' ? 0 : -128]) },
        nodes: [node('QLinearSoftmax', ['x', 'xs', 'xz', 'ys', 'yz'], ['y'], { opset, axis }, ms)],
      });
      await agreesWithOnnxRuntime(bytes, [3, 1].map((n) => ({ x: t.integers(type, [n, 6, 5]) })), oneStep);
    }
  });

  test(`QLinearAveragePool of ${type}: padding, ceil_mode, channels last`, async () => {
    const t = randomTensors(6);
    for (const last of [0, 1]) {
      for (const attributes of [{ kernel_shape: [3, 2], pads: [1, 0, 1, 1] }, { kernel_shape: [3, 2], pads: [1, 0, 1, 1], count_include_pad: 1, strides: [2, 1] }, { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }]) {
        const shape = (n, h) => (last ? [n, h, 8, 5] : [n, 5, h, 8]);
        const bytes = model({
          inputs: { x: value(type, shape('n', 'h')) }, outputs: { y: value(type) }, opsets,
          initializers: { xs: scale(0.05), xz: zero(type, 5), ys: scale(0.04), yz: zero(type, -10) },
          nodes: [node('QLinearAveragePool', ['x', 'xs', 'xz', 'ys', 'yz'], ['y'], { ...attributes, channels_last: last }, ms)],
        });
        await agreesWithOnnxRuntime(bytes, [[2, 7], [1, 4]].map(([n, h]) => ({ x: t.integers(type, shape(n, h)) })), oneStep);
      }
    }
  });

  test(`QLinearGlobalAveragePool of ${type}`, async () => {
    const t = randomTensors(7);
    for (const last of [0, 1]) {
      const shape = (n, h) => (last ? [n, h, 7, 9] : [n, 9, h, 7]);
      const bytes = model({
        inputs: { x: value(type, shape('n', 'h')) }, outputs: { y: value(type) }, opsets,
        initializers: { xs: scale(0.05), xz: zero(type, 5), ys: scale(0.01), yz: zero(type, -10) },
        nodes: [node('QLinearGlobalAveragePool', ['x', 'xs', 'xz', 'ys', 'yz'], ['y'], { channels_last: last }, ms)],
      });
      await agreesWithOnnxRuntime(bytes, [[2, 7], [1, 4]].map(([n, h]) => ({ x: t.integers(type, shape(n, h)) })), exact);
    }
  });

  test(`NhwcMaxPool of ${type}`, async () => {
    const t = randomTensors(8);
    const bytes = model({
      inputs: { x: value(type, ['n', 'h', 9, 6]) }, outputs: { y: value(type) }, opsets,
      nodes: [node('NhwcMaxPool', ['x'], ['y'], { kernel_shape: [3, 2], pads: [1, 0, 1, 1], strides: [2, 1] }, ms)],
    });
    await agreesWithOnnxRuntime(bytes, [[2, 7], [1, 4]].map(([n, h]) => ({ x: t.integers(type, [n, h, 9, 6]) })), exact);
  });
}
