// com.microsoft's products of matrices and convolutions with work fused into them.
import test from 'node:test';
import { agreesWithOnnxRuntime } from '../support/against_onnxruntime.mjs';
import { agreesWithModel, filled, oneNode } from '../support/one_node.mjs';
import { float, floats, model, node, value } from '../support/onnx_model.mjs';

const close = { rtol: 1e-4, atol: 1e-5 };
const domain = 'com.microsoft', f = 'float32';

const product = (op, a, b, attributes) => oneNode(op, { domain, inputs: [['a', f, a], ['b', f, b]], outputs: [['y', f]], attributes });

test('FusedMatMul of matrices', async () => {
  for (const transA of [0, 1]) {
    for (const transB of [0, 1]) {
      const a = transA ? ['k', 'm'] : ['m', 'k'], b = transB ? [5, 'k'] : ['k', 5];
      const runs = [[3, 4], [1, 2]].map(([m, k]) => ({ a: transA ? [k, m] : [m, k], b: transB ? [5, k] : [k, 5] }));
      await product('FusedMatMul', a, b, { transA, transB, alpha: float(1.5) }).agrees(runs, close);
    }
  }
});
test('FusedMatMul in batches', async () => {
  await product('FusedMatMul', ['b', 'h', 'm', 'k'], ['b', 'h', 'n', 'k'], { transB: 1, alpha: float(0.25) })
    .agrees([{ a: [2, 3, 4, 5], b: [2, 3, 6, 5] }, { a: [1, 1, 1, 2], b: [1, 1, 3, 2] }], close);
  await product('FusedMatMul', ['b', 'm', 'k'], ['k', 'n'], {}).agrees([{ a: [2, 3, 4], b: [4, 5] }], close);
  await product('FusedMatMul', ['b', 'k', 'm'], ['c', 'k', 'n'], { transA: 1 }).agrees([{ a: [2, 4, 3], b: [2, 4, 5] }, { a: [2, 4, 3], b: [1, 4, 5] }], close);
});
test('FusedMatMul with batches between rows and columns', async () => {
  await product('FusedMatMul', ['m', 'b', 'k'], ['k', 'b', 'n'], { transBatchA: 1, transBatchB: 1 }).agrees([{ a: [3, 2, 4], b: [4, 2, 5] }], close);
  await product('FusedMatMul', ['m', 'b', 'h', 'k'], ['b', 'h', 'n', 'k'], { transBatchA: 1, transB: 1 }).agrees([{ a: [3, 2, 2, 4], b: [2, 2, 5, 4] }], close);
  await product('FusedMatMul', ['k', 'b', 'm'], ['n', 'b', 'k'], { transBatchA: 1, transBatchB: 1, transA: 1, transB: 1 }).agrees([{ a: [4, 2, 3], b: [5, 2, 4] }], close);
});
test('FusedMatMul of vectors', async () => {
  await product('FusedMatMul', ['k'], ['k', 'n'], { transA: 1, alpha: float(2) }).agrees([{ a: [4], b: [4, 3] }], close);
  await product('FusedMatMul', ['m', 'k'], ['k'], { transB: 1 }).agrees([{ a: [3, 4], b: [4] }], close);
  await product('FusedMatMul', ['k'], ['k'], {}).agrees([{ a: [4], b: [4] }], close);
});
test('TransposeMatMul', () => product('TransposeMatMul', ['b', 'k', 'm'], ['b', 'k', 'n'], { transA: 1, alpha: float(3) }).agrees([{ a: [2, 4, 3], b: [2, 4, 5] }], close));

test('FusedGemm', async () => {
  for (const attributes of [
    { activation: 'Relu' }, { activation: 'LeakyRelu', activation_alpha: float(0.2) }, { activation: 'Tanh', transB: 1 }, { activation: 'Sigmoid', alpha: float(0.5), beta: float(2) },
    { activation: 'HardSigmoid', activation_alpha: float(0.3), activation_beta: float(0.4) }, { activation: 'Elu', activation_alpha: float(0.7) },
    { activation: 'Selu', activation_alpha: float(1.6), activation_gamma: float(1.1) }, { activation: 'Softplus' }, { activation: 'Softsign' },
    { activation: 'ThresholdedRelu', activation_alpha: float(0.3) },
  ]) {
    await oneNode('FusedGemm', {
      domain, inputs: [['a', f, ['m', 4]], ['b', f, attributes.transB ? [5, 4] : [4, 5]], ['c', f, [5]]], outputs: [['y', f]], attributes,
    }).agrees([{ a: [3, 4] }, { a: [1, 4] }], close);
  }
});

test('FusedConv', async () => {
  for (const attributes of [
    {}, { activation: 'Relu', pads: [1, 1, 1, 1] }, { activation: 'LeakyRelu', activation_params: floats([0.1]) }, { activation: 'Clip', activation_params: floats([-0.2, 0.3]), strides: [2, 1] },
    { activation: 'HardSigmoid', activation_params: floats([0.3, 0.6]) }, { activation: 'Tanh', group: 2 }, { activation: 'Sigmoid', auto_pad: 'SAME_UPPER' },
  ]) {
    const w = [6, attributes.group ? 2 : 4, 3, 3];
    await oneNode('FusedConv', { domain, inputs: [['x', f, ['n', 4, 'h', 'w']], ['w', f, w], ['b', f, [6]]], outputs: [['y', f]], attributes })
      .agrees([{ x: [2, 4, 7, 6] }, { x: [1, 4, 5, 5] }], close);
  }
  await oneNode('FusedConv', {
    domain, inputs: [['x', f, ['n', 4, 'h', 'w']], ['w', f, [6, 4, 3, 3]], ['b', f, [6]], ['z', f, ['n', 6, null, null]]], outputs: [['y', f]],
    attributes: { activation: 'Relu', pads: [1, 1, 1, 1] },
  }).agrees([{ x: [2, 4, 7, 6], z: [2, 6, 7, 6] }], close);
});

// ONNX Runtime has NhwcConv for GPUs alone, and NhwcFusedConv only where there is f16 arithmetic: they are held
// against transpositions around Conv.
test('NhwcConv and NhwcFusedConv', async () => {
  const x = value(f, ['n', 'h', 'w', 4]), weights = value(f, [6, 2, 3, 3]), b = value(f, [6]), z = value(f, ['n', 'h', 'w', 6]);
  const attributes = { group: 2, pads: [1, 1, 1, 1] };
  const plain = (fused) => model({
    inputs: { x, w: weights, b, ...(fused ? { z } : {}) }, outputs: { y: value(f) },
    nodes: [
      node('Transpose', ['x'], ['t'], { perm: [0, 3, 1, 2] }), node('Conv', ['t', 'w', 'b'], ['c'], attributes), node('Transpose', ['c'], ['u'], { perm: [0, 2, 3, 1] }),
      ...(fused ? [node('Add', ['u', 'z'], ['s']), node('Relu', ['s'], ['y'])] : [node('Identity', ['u'], ['y'])]),
    ],
  });
  for (const fused of [false, true]) {
    const t = oneNode(fused ? 'NhwcFusedConv' : 'NhwcConv', {
      domain, inputs: [['x', f, ['n', 'h', 'w', 4]], ['w', f, [6, 2, 3, 3]], ['b', f, [6]], ...(fused ? [['z', f, ['n', 'h', 'w', 6]]] : [])], outputs: [['y', f]],
      attributes: { ...attributes, ...(fused ? { activation: 'Relu' } : {}) },
    });
    await agreesWithModel(t.bytes, plain(fused), [t.feeds({ x: [2, 5, 6, 4], z: [2, 5, 6, 6] }), t.feeds({ x: [1, 3, 3, 4], z: [1, 3, 3, 6] })], close);
  }
});

test('NhwcMaxPool', () => oneNode('NhwcMaxPool', {
  domain, inputs: [['x', 'uint8', ['n', 'h', 'w', 3]]], outputs: [['y', 'uint8']], attributes: { kernel_shape: [2, 3], strides: [2, 1], pads: [0, 1, 0, 1] },
}).agrees([{ x: filled('uint8', [2, 4, 5, 3], (i) => (i * 37) % 251) }, { x: filled('uint8', [1, 2, 3, 3], (i) => (i * 91) % 251) }]));

test('FusedMatMulActivation', async () => {
  const t = oneNode('FusedMatMulActivation', { domain, inputs: [['a', f, ['m', 4]], ['b', f, [5, 4]]], outputs: [['y', f]], attributes: { transB: 1, alpha: float(2), activation: 'Relu' } });
  const plain = model({
    inputs: { a: value(f, ['m', 4]), b: value(f, [5, 4]) }, outputs: { y: value(f) },
    nodes: [node('FusedMatMul', ['a', 'b'], ['t'], { transB: 1, alpha: float(2) }, domain), node('Relu', ['t'], ['y'])], opsets: { [domain]: 1 },
  });
  await agreesWithModel(t.bytes, plain, [t.feeds({ a: [3, 4] })], close);
});

// As ONNX Runtime writes the blocks of YOLO models: a convolution, its activation, a residual and a concatenation in one.
test('a residual that goes on into a concatenation', async () => {
  const bytes = model({
    inputs: { x: value(f, [1, 8, 'h', 'w']) }, outputs: { y: value(f) }, opsets: { [domain]: 1 },
    initializers: { w0: filled(f, [8, 8, 1, 1], (i) => Math.sin(i)), w1: filled(f, [8, 8, 3, 3], (i) => Math.cos(i) / 3), w2: filled(f, [4, 24, 1, 1], (i) => Math.sin(3 * i)) },
    nodes: [
      node('Conv', ['x', 'w0'], ['a']), node('Conv', ['a', 'w1'], ['b'], { pads: [1, 1, 1, 1] }), node('QuickGelu', ['b'], ['c'], { alpha: float(1) }, domain),
      node('Add', ['a', 'c'], ['d']), node('Concat', ['x', 'a', 'd'], ['e'], { axis: 1 }), node('Conv', ['e', 'w2'], ['y']),
    ],
  });
  await agreesWithOnnxRuntime(bytes, [[5, 6], [3, 3]].map(([h, w]) => ({ x: filled(f, [1, 8, h, w], (i) => Math.sin(i * i)) })), close);
});
