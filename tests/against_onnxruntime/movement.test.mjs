// Pads, repeated pixels and transposes of every element size: rows of whole vectors, of less than one, and none.
import test from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { count, model, node, tensor, value } from '../support/onnx_model.mjs';

const random = generator(77);
const integer = () => Math.floor(random() * 120);
const filled = (type, dims) => {
  const items = Array.from({ length: count(dims) }, integer);
  return tensor(type, dims, type === 'bool' ? items.map((k) => k % 2 === 1) : type.endsWith('int64') ? items.map(BigInt) : items);
};
const exact = { rtol: 0, atol: 0 };
const open = (dims) => dims.map((_, k) => `d${k}`);

async function pads(type, mode, shapes, list, { fill = false, rank = 3 } = {}) {
  const bytes = model({
    inputs: { x: value(type, open(Array(rank).fill(0))), ...(fill ? { v: value(type, []) } : {}) }, outputs: { y: value(type) },
    initializers: { p: tensor('int64', [list.length], list.map(BigInt)) },
    nodes: [node('Pad', ['x', 'p', ...(fill ? ['v'] : [])], ['y'], { mode })], opset: 21, irVersion: 10,
  });
  await agreesWithOnnxRuntime(bytes, shapes.map((dims) => ({ x: filled(type, dims), ...(fill ? { v: filled(type, []) } : {}) })), exact);
}

async function fixedPads(type, mode, dims, list) {
  await agreesWithOnnxRuntime(model({
    inputs: { x: value(type, dims) }, outputs: { y: value(type) }, initializers: { p: tensor('int64', [list.length], list.map(BigInt)) },
    nodes: [node('Pad', ['x', 'p'], ['y'], { mode })], opset: 21, irVersion: 10,
  }), [{ x: filled(type, dims) }], exact);
}

const types = ['float32', 'uint8', 'int8', 'int32', 'int64', 'float64', 'bool'];

for (const type of types) {
  test(`Pad of ${type} with a constant, open sizes`, () =>
    pads(type, 'constant', [[2, 3, 5], [1, 1, 1], [4, 6, 64], [3, 17, 33], [2, 0, 9], [2, 4, 0]], [0, 1, 3, 1, 2, 4], { fill: true }));
}
for (const mode of ['edge', 'reflect', 'wrap']) {
  for (const type of ['float32', 'uint8', 'int64']) {
    test(`Pad of ${type}, mode ${mode}`, async () => {
      await pads(type, mode, [[2, 5, 7], [3, 6, 40], [9, 8, 19]], [0, 2, 3, 1, 1, 4]);
      await fixedPads(type, mode, [3, 9, 37], [0, 2, 3, 1, 1, 30]);
    });
  }
}
test('Pad that crops, fixed sizes', async () => {
  for (const type of types) await fixedPads(type, 'constant', [4, 12, 35], [-1, 2, -3, 1, -2, 5]);
});
test('Pad of channels, and in every dimension', async () => {
  await fixedPads('float32', 'constant', [2, 3, 9, 20], [0, 4, 0, 0, 0, 1, 0, 0]);
  await fixedPads('float32', 'constant', [2, 3, 9, 20], [1, 1, 1, 1, 1, 1, 1, 1]);
});

for (const type of ['float32', 'uint8', 'int8', 'int32']) {
  test(`Resize of ${type} to nearest pixels`, async () => {
    for (const [h, w] of [[2, 2], [3, 3], [1, 4], [2, 8], [4, 1], [2, 5], [1.5, 2.5], [0.5, 0.3]]) {
      const bytes = model({
        inputs: { x: value(type, [1, 2, 'h', 'w']) }, outputs: { y: value(type) }, initializers: { s: tensor('float32', [4], [1, 1, h, w]) },
        nodes: [node('Resize', ['x', '', 's'], ['y'], { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' })], opset: 19, irVersion: 9,
      });
      await agreesWithOnnxRuntime(bytes, [[5, 7], [4, 16], [9, 37], [2, 4]].map((size) => ({ x: filled(type, [1, 2, ...size]) })), exact);
    }
  });
}
test('repeated pixels are added to others', () =>
  agreesWithOnnxRuntime(model({
    inputs: { x: value('float32', [2, 3, 'h', 'w']), z: value('float32', [2, 3, 'H', 'W']) }, outputs: { y: value('float32') },
    initializers: { s: tensor('float32', [4], [1, 1, 2, 2]) },
    nodes: [node('Resize', ['x', '', 's'], ['u'], { mode: 'nearest' }), node('Add', ['u', 'z'], ['y'])], opset: 19, irVersion: 9,
  }), [[3, 5], [8, 12], [1, 1]].map(([h, w]) => ({ x: filled('float32', [2, 3, h, w]), z: filled('float32', [2, 3, 2 * h, 2 * w]) })), exact));

for (const type of [...types, 'int16', 'uint16', 'float16']) {
  test(`Transpose of ${type}`, async () => {
    for (const perm of [[0, 2, 1], [2, 1, 0], [1, 0, 2], [2, 0, 1]]) {
      const bytes = model({
        inputs: { x: value(type, open(perm)) }, outputs: { y: value(type) }, nodes: [node('Transpose', ['x'], ['y'], { perm })], opset: 21, irVersion: 10,
      });
      await agreesWithOnnxRuntime(bytes, [[2, 9, 21], [1, 1, 1], [3, 64, 40], [8, 16, 3], [2, 0, 5]].map((dims) => ({ x: filled(type, dims) })), exact);
    }
  });
}

test('slices and halves that change places', async () => {
  for (const type of ['float32', 'uint8', 'int64']) {
    const ends = (list) => tensor('int64', [1], list.map(BigInt));
    await agreesWithOnnxRuntime(model({
      inputs: { x: value(type, ['n', 40]) }, outputs: { y: value(type), z: value(type) },
      initializers: { zero: ends([0]), half: ends([20]), end: ends([40]), axis: ends([1]), three: ends([3]) },
      nodes: [
        node('Slice', ['x', 'half', 'end', 'axis'], ['b']), node('Slice', ['x', 'zero', 'half', 'axis'], ['a']), node('Concat', ['b', 'a'], ['y'], { axis: 1 }),
        node('Slice', ['x', 'three', 'half', 'axis'], ['z']),
      ], opset: 21, irVersion: 10,
    }), [1, 7, 0].map((n) => ({ x: filled(type, [n, 40]) })), exact);
  }
});
