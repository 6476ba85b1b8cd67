// Operators that ONNX has removed from its default domain and ONNX Runtime still runs.
import test from 'node:test';
import { oneNode } from '../support/one_node.mjs';
import { float, floats, tensor } from '../support/onnx_model.mjs';

const f = 'float32';
const one = (op, attributes, dims = ['n', 3, 'h', 'w']) => oneNode(op, { opset: 8, inputs: [['x', f, dims]], outputs: [['y', f]], attributes });
const runs = [{ x: [2, 3, 5, 6] }, { x: [1, 3, 4, 4] }];
const close = { rtol: 1e-5, atol: 1e-6 };

test('Affine', () => one('Affine', { alpha: float(2), beta: float(-1) }).agrees(runs, close));
test('Scale', () => one('Scale', { scale: float(0.5) }).agrees(runs, close));
test('ParametricSoftplus', () => one('ParametricSoftplus', { alpha: float(2), beta: float(3) }).agrees(runs, close));
test('ScaledTanh', () => one('ScaledTanh', { alpha: float(2), beta: float(3) }).agrees(runs, close));
test('ImageScaler', () => one('ImageScaler', { scale: float(2), bias: floats([1, 2, 3]) }).agrees(runs, close));
test('Crop', async () => {
  await one('Crop', { border: [1, 0, 2, 1] }).agrees(runs, close);
  await one('Crop', { border: [1, 2, 0, 0], scale: [2, 3] }).agrees(runs, close);
});
test('DynamicSlice', async () => {
  const i64 = (dims, data) => tensor('int64', dims, data);
  const slice = (axes) => oneNode('DynamicSlice', { opset: 8, inputs: [['x', f, ['a', 'b']], ['from', 'int64', ['n']], ['to', 'int64', ['n']], ...(axes ? [['axes', 'int64', ['n']]] : [])], outputs: [['y', f]] });
  await slice(false).agrees([{ x: [3, 4], from: i64([2], [0, 1]), to: i64([2], [2, 3]) }], close);
  await slice(true).agrees([{ x: [3, 4], from: i64([1], [-3]), to: i64([1], [100]), axes: i64([1], [1]) }], close);
});
