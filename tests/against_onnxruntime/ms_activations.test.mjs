// com.microsoft's forms of Gelu.
import test from 'node:test';
import { agreesWithModel, oneNode } from '../support/one_node.mjs';
import { float, model, node, tensor, value } from '../support/onnx_model.mjs';

const domain = 'com.microsoft';
const tight = { rtol: 1e-5, atol: 1e-6 };
const wide = tensor('float32', [11], [-100, -10, -5.5, -3, -1e-6, 0, 1e-6, 3, 5.5, 10, 100]);

for (const [op, bias] of [['Gelu', false], ['FastGelu', false], ['FastGelu', true], ['BiasGelu', true]]) {
  test(`${op}${bias ? ' with a bias' : ''}`, () => oneNode(op, {
    domain,
    inputs: [['x', 'float32', ['n', null, 7]], ...(bias ? [['b', 'float32', [7]]] : [])],
    outputs: [['y', 'float32']],
  }).agrees([{ x: [2, 3, 7] }, { x: [1, 5, 7] }, { x: [4, 1, 7] }], tight));
}

test('Gelu and FastGelu of large and small numbers', async () => {
  for (const op of ['Gelu', 'FastGelu', 'QuickGelu']) {
    await oneNode(op, { domain, inputs: [['x', 'float32', ['n']]], outputs: [['y', 'float32']] }).agrees([{ x: wide }], { rtol: 1e-4, atol: 1e-6 });
  }
});

test('FastGelu with a constant bias', () => oneNode('FastGelu', {
  domain,
  inputs: [['x', 'float32', ['a', 3]], ['b', 'float32']],
  outputs: [['y', 'float32']],
  constants: { b: tensor('float32', [3], [0.5, -1, 2]) },
}).agrees([{ x: [2, 3] }], tight));

test('QuickGelu', async () => {
  for (const attributes of [{}, { alpha: float(0.7) }]) {
    await oneNode('QuickGelu', { domain, inputs: [['x', 'float32', ['n', 5]]], outputs: [['y', 'float32']], attributes }).agrees([{ x: [3, 5] }, { x: [1, 5] }], tight);
  }
});

// ONNX Runtime has these for GPUs alone: they are held against the operators that they stand for.
test('BiasAdd', () => {
  const t = oneNode('BiasAdd', { domain, inputs: [['x', 'float32', ['n', 's', 4]], ['b', 'float32', [4]], ['skip', 'float32', ['n', 's', 4]]], outputs: [['y', 'float32']] });
  const plain = model({
    inputs: { x: value('float32', ['n', 's', 4]), b: value('float32', [4]), skip: value('float32', ['n', 's', 4]) },
    outputs: { y: value('float32') },
    nodes: [node('Add', ['x', 'b'], ['t']), node('Add', ['t', 'skip'], ['y'])],
  });
  return agreesWithModel(t.bytes, plain, [t.feeds({ x: [2, 3, 4], skip: [2, 3, 4] })], tight);
});

test('BiasSplitGelu', () => {
  const t = oneNode('BiasSplitGelu', { domain, inputs: [['x', 'float32', ['n', 's', 8]], ['b', 'float32', [8]]], outputs: [['y', 'float32']] });
  const plain = model({
    inputs: { x: value('float32', ['n', 's', 8]), b: value('float32', [8]) },
    outputs: { y: value('float32') },
    nodes: [node('Add', ['x', 'b'], ['t']), node('Split', ['t'], ['l', 'r'], { axis: -1, num_outputs: 2 }), node('Gelu', ['r'], ['g']), node('Mul', ['l', 'g'], ['y'])],
  });
  return agreesWithModel(t.bytes, plain, [t.feeds({ x: [2, 3, 8] })], tight);
});
