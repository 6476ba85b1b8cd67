// One-operator models for the kernel benchmark.
import { generator } from '../../tests/support/against_onnxruntime.mjs';
import { arrays, count, model, node, tensor, value } from '../../tests/support/onnx_model.mjs';

/** A tensor of random numbers: floats in [-scale, scale), integers in [low, high]. */
export function random(type, dims, { seed = 1, scale = 1, low = type === 'uint8' ? 0 : -63, high = type === 'uint8' ? 255 : 63 } = {}) {
  const next = generator(seed), wide = type.endsWith('64') && type.includes('int'), whole = () => Math.floor(low + next() * (high - low + 1));
  return { type, dims, data: arrays[type].from({ length: count(dims) }, type.startsWith('float') ? () => (next() * 2 - 1) * scale : wide ? () => BigInt(whole()) : whole) };
}

const weight = (dims) => random('float32', dims, { seed: 7, scale: 1 / Math.sqrt(count(dims.slice(1))) });

/**
 * {bytes, feeds} of a model of `nodes`. `inputs`: {name: tensor that is fed}, `outputs`: {name: [type, dims]}, `constants`: {name: tensor}.
 */
export function build({ inputs, outputs, constants = {}, nodes, opset = 17, opsets = {} }) {
  return {
    bytes: model({
      inputs: Object.fromEntries(Object.entries(inputs).map(([name, { type, dims }]) => [name, value(type, dims)])),
      outputs: Object.fromEntries(Object.entries(outputs).map(([name, [type, dims]]) => [name, value(type, dims)])),
      initializers: constants, nodes, opset, opsets, irVersion: 9,
    }),
    feeds: inputs,
  };
}

const silu = [node('Sigmoid', ['c'], ['s']), node('Mul', ['c', 's'], ['y'])], relu = [node('Relu', ['c'], ['y'])];

export function conv([c, h, w], m, kernel, { stride = 1, group = 1, then, pads } = {}) {
  const [kh, kw] = Array.isArray(kernel) ? kernel : [kernel, kernel], pad = pads ?? [kh >> 1, kw >> 1, kh >> 1, kw >> 1];
  const out = [1, m, Math.floor((h + pad[0] + pad[2] - kh) / stride) + 1, Math.floor((w + pad[1] + pad[3] - kw) / stride) + 1], tail = { silu, relu }[then];
  return build({
    inputs: { x: random('float32', [1, c, h, w]) }, outputs: { y: ['float32', out] }, constants: { w: weight([m, c / group, kh, kw]), b: weight([m]) },
    nodes: [node('Conv', ['x', 'w', 'b'], [tail ? 'c' : 'y'], { pads: pad, strides: [stride, stride], group }), ...(tail ?? [])],
  });
}

export function deconv([c, h, w], m, kernel, { stride = 2, pad = 0, group = 1 } = {}) {
  const size = (n) => (n - 1) * stride + kernel - 2 * pad;
  return build({
    inputs: { x: random('float32', [1, c, h, w]) }, outputs: { y: ['float32', [1, m, size(h), size(w)]] }, constants: { w: weight([c, m / group, kernel, kernel]), b: weight([m]) },
    nodes: [node('ConvTranspose', ['x', 'w', 'b'], ['y'], { strides: [stride, stride], pads: [pad, pad, pad, pad], group })],
  });
}

/** x [m, k] by constant [k, n], with a bias and maybe an activation. */
export function matmul(m, k, n, { then } = {}) {
  const gelu = [
    node('Div', ['c', 'sqrt2'], ['d']), node('Erf', ['d'], ['e']), node('Add', ['e', 'one'], ['f']), node('Mul', ['c', 'f'], ['g']), node('Mul', ['g', 'half'], ['y']),
  ], tail = { gelu }[then], scalars = then === 'gelu' ? { sqrt2: tensor('float32', [], [Math.SQRT2]), one: tensor('float32', [], [1]), half: tensor('float32', [], [0.5]) } : {};
  return build({
    inputs: { x: random('float32', [m, k]) }, outputs: { y: ['float32', [m, n]] }, constants: { w: weight([k, n]), b: weight([n]), ...scalars },
    nodes: [node('MatMul', ['x', 'w'], ['p']), node('Add', ['p', 'b'], [tail ? 'c' : 'y']), ...(tail ?? [])],
  });
}

/** Both sides computed while the model runs; `turned`: the right side is the transpose of what is fed. */
export function product(batch, m, k, n, { turned = false } = {}) {
  const b = turned ? [batch, n, k] : [batch, k, n];
  return build({
    inputs: { a: random('float32', [batch, m, k]), b: random('float32', b) }, outputs: { y: ['float32', [batch, m, n]] },
    nodes: turned ? [node('Transpose', ['b'], ['t'], { perm: [0, 2, 1] }), node('MatMul', ['a', 't'], ['y'])] : [node('MatMul', ['a', 'b'], ['y'])],
  });
}

/** Dynamically quantized products, as ONNX Runtime's quantizer writes them. `weights`: a constant; null: the right side is quantized while the model runs. */
export function matmulInteger(m, k, n, { weights = random('int8', [k, n], { seed: 7 }), zero } = {}) {
  const quantize = (from, to) => node('DynamicQuantizeLinear', [from], [to, `${to}_scale`, `${to}_zero`]), constants = {};
  if (weights) constants.w = weights;
  if (zero) constants.w_zero = zero;
  return build({
    inputs: { x: random('float32', [m, k]), ...(weights ? {} : { v: random('float32', [k, n]) }) }, outputs: { y: ['float32', [m, n]] }, constants: { ...constants, s: random('float32', [1]) },
    nodes: [
      quantize('x', 'q'), ...(weights ? [] : [quantize('v', 'w')]), node('MatMulInteger', ['q', 'w', 'q_zero', ...(zero || !weights ? ['w_zero'] : [])], ['i']), node('Cast', ['i'], ['f'], { to: 1 }),
      node('Mul', ['q_scale', 's'], ['z']), node('Mul', ['f', 'z'], ['y']),
    ],
  });
}

/** Weights of 8 bits that the model dequantizes. */
export function matmulDequantized(m, k, n) {
  return build({
    inputs: { x: random('float32', [m, k]) }, outputs: { y: ['float32', [m, n]] }, constants: { w: random('int8', [k, n], { seed: 7 }), s: random('float32', [n]), z: tensor('int8', [n], new Int8Array(n)) },
    nodes: [node('DequantizeLinear', ['w', 's', 'z'], ['d'], { axis: 1 }), node('MatMul', ['x', 'd'], ['y'])],
  });
}

export function matmulNBits(m, k, n) {
  return build({
    inputs: { x: random('float32', [m, k]) }, outputs: { y: ['float32', [m, n]] }, opsets: { 'com.microsoft': 1 },
    constants: { w: random('uint8', [n, k / 32, 16], { seed: 7 }), s: random('float32', [n * (k / 32)]) },
    nodes: [node('MatMulNBits', ['x', 'w', 's'], ['y'], { K: k, N: n, bits: 4, block_size: 32 }, 'com.microsoft')],
  });
}

/** QLinearConv between a quantization and a dequantization. `weights`: [element type, zero point]. */
export function convInteger([c, h, w], m, kernel, { stride = 1, group = 1, weights: [type, zero] = ['int8', 0] } = {}) {
  const pad = kernel >> 1, size = (n) => Math.floor((n + 2 * pad - kernel) / stride) + 1, scalar = (number) => tensor('float32', [], [number]);
  return build({
    inputs: { x: random('float32', [1, c, h, w]) }, outputs: { y: ['float32', [1, m, size(h), size(w)]] },
    constants: {
      w: random(type, [m, c / group, kernel, kernel], { seed: 7 }), xs: scalar(1 / 127), xz: tensor('uint8', [], [128]), ws: scalar(0.01), wz: tensor(type, [], [zero]), ys: scalar(0.05), yz: tensor('uint8', [], [128]),
    },
    nodes: [
      node('QuantizeLinear', ['x', 'xs', 'xz'], ['q']), node('QLinearConv', ['q', 'xs', 'xz', 'w', 'ws', 'wz', 'ys', 'yz'], ['r'], { pads: [pad, pad, pad, pad], strides: [stride, stride], group }),
      node('DequantizeLinear', ['r', 'ys', 'yz'], ['y']),
    ],
  });
}

/** One operator on one float tensor. */
export function unary(op, dims, { attributes = {}, out = dims, constants = {}, opset = 17, from = 'float32', type = from, domain = '' } = {}) {
  return build({
    inputs: { x: random(from, dims, { scale: 4 }) }, outputs: { y: [type, out] }, constants, opset, opsets: domain ? { [domain]: 1 } : {},
    nodes: [node(op, ['x', ...Object.keys(constants)], ['y'], attributes, domain)],
  });
}

export function binary(op, dims, other = dims) {
  return build({ inputs: { a: random('float32', dims), b: random('float32', other, { seed: 2 }) }, outputs: { y: ['float32', dims] }, nodes: [node(op, ['a', 'b'], ['y'])] });
}

export function concat(parts, axis) {
  const out = parts[0].map((dim, i) => (i === axis ? parts.reduce((sum, dims) => sum + dims[axis], 0) : dim));
  return build({
    inputs: Object.fromEntries(parts.map((dims, i) => [`x${i}`, random('float32', dims)])), outputs: { y: ['float32', out] }, nodes: [node('Concat', parts.map((_, i) => `x${i}`), ['y'], { axis })],
  });
}

/** LSTM (4 gates), GRU (3) or RNN (1), one direction. */
export function recurrent(op, steps, inputs, hidden) {
  const gates = { LSTM: 4, GRU: 3, RNN: 1 }[op];
  return build({
    inputs: { x: random('float32', [steps, 1, inputs]) }, outputs: { y: ['float32', [steps, 1, 1, hidden]] },
    constants: { w: weight([1, gates * hidden, inputs]), r: weight([1, gates * hidden, hidden]), b: weight([1, 2 * gates * hidden]) },
    nodes: [node(op, ['x', 'w', 'r', 'b'], ['y'], { hidden_size: hidden })],
  });
}

/** softmax(q k^T / sqrt(size)) v by heads. */
export function attention(heads, length, size) {
  const dims = [1, heads, length, size];
  return build({
    inputs: { q: random('float32', dims), k: random('float32', dims, { seed: 2 }), v: random('float32', dims, { seed: 3 }) }, outputs: { y: ['float32', dims] }, constants: { d: tensor('float32', [], [Math.sqrt(size)]) },
    nodes: [
      node('Transpose', ['k'], ['t'], { perm: [0, 1, 3, 2] }), node('MatMul', ['q', 't'], ['s']), node('Div', ['s', 'd'], ['c']), node('Softmax', ['c'], ['p'], { axis: -1 }), node('MatMul', ['p', 'v'], ['y']),
    ],
  });
}

export function topK(dims, k) {
  const out = [...dims.slice(0, -1), k];
  return build({ inputs: { x: random('float32', dims) }, outputs: { v: ['float32', out], i: ['int64', out] }, constants: { k: tensor('int64', [1], [k]) }, nodes: [node('TopK', ['x', 'k'], ['v', 'i'])] });
}

export function gather(rows, columns, length) {
  return build({
    inputs: { i: random('int64', [1, length], { low: 0, high: rows - 1 }) }, outputs: { y: ['float32', [1, length, columns]] }, constants: { t: random('float32', [rows, columns]) }, nodes: [node('Gather', ['t', 'i'], ['y'])],
  });
}

export const resize = (dims, factor, mode) => unary('Resize', dims, {
  attributes: { mode, coordinate_transformation_mode: mode === 'linear' ? 'half_pixel' : 'asymmetric', ...(mode === 'nearest' ? { nearest_mode: 'floor' } : {}) },
  out: [dims[0], dims[1], dims[2] * factor, dims[3] * factor], constants: { roi: tensor('float32', [0], []), scales: tensor('float32', [4], [1, 1, factor, factor]) },
});
