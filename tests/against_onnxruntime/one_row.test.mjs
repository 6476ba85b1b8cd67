// Products of one row: constant and computed right sides, columns that fill no whole group of panels, a bias and functions after it, rows known
// only at run time.
import { test } from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { count, model, node, tensor, value } from '../support/onnx_model.mjs';

const random = generator(9);
const floats = (dims) => Float32Array.from({ length: count(dims) }, () => random() * 2 - 1);
const feed = (dims) => ({ type: 'float32', dims, data: floats(dims) });

function product({ rows, k, n, constant = true, residual = false, activation }) {
  const nodes = [node('MatMul', ['x', 'w'], ['p']), node('Add', ['p', 'b'], ['q'])];
  if (activation) nodes.push(node(activation, ['q'], ['a']));
  if (residual) nodes.push(node('Add', [activation ? 'a' : 'q', 'r'], ['s']));
  nodes.at(-1).outputs[0] = 'y';
  return model({
    inputs: { x: value('float32', [rows, k]), ...(constant ? {} : { w: value('float32', [k, n]) }), ...(residual ? { r: value('float32', [rows, n]) } : {}) },
    outputs: { y: value('float32') },
    initializers: { b: tensor('float32', [n], floats([n])), ...(constant ? { w: tensor('float32', [k, n], floats([k, n])) } : {}) },
    nodes,
  });
}
const feeds = ({ k, n, constant = true, residual }, rows) => ({ x: feed([rows, k]), ...(constant ? {} : { w: feed([k, n]) }), ...(residual ? { r: feed([rows, n]) } : {}) });

for (const options of [
  { k: 19, n: 32 },
  { k: 128, n: 77, activation: 'Gelu' },
  { k: 5, n: 31, activation: 'Relu' },
  { k: 64, n: 100, residual: true, activation: 'Sigmoid' },
  { k: 33, n: 70, constant: false },
  { k: 1, n: 64, constant: false, residual: true },
]) {
  test(`one row, ${JSON.stringify(options)}`, () => agreesWithOnnxRuntime(product({ ...options, rows: 1 }), [feeds(options, 1)], { rtol: 1e-4, atol: 1e-5 }));
  test(`any number of rows, ${JSON.stringify(options)}`, () =>
    agreesWithOnnxRuntime(product({ ...options, rows: 'rows' }), [1, 5, 65, 1].map((rows) => feeds(options, rows)), { rtol: 1e-4, atol: 1e-5 }));
}
