// Models of 130 MB compile within 2 GB of address space: many layers, weights that are transposed and packed, weights in a file of their own, quantized weights,
// a transformer with dynamic sizes. The weights are written as zeros but for a few numbers: what counts is their size.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { count, float, model, node, tensor, value } from '../support/onnx_model.mjs';

const MB = 1e6, BYTES = 130 * MB, MOST_KILOBYTES = 2_000_000;

// Weights that differ from each other, so that equal ones cannot share memory.
let serial = 0;
function weights(type, dims) {
  const made = tensor(type, dims, new { float32: Float32Array, int8: Int8Array, uint8: Uint8Array }[type](count(dims)));
  for (let i = 0; i < made.data.length; i += 1009) made.data[i] = ((serial * 31 + i) % 100) / (type === 'float32' ? 1000 : 1) - (type === 'int8' ? 50 : 0);
  serial++;
  return made;
}

async function compiles(name, bytes, beside = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'onnx2wasm-large-'));
  try {
    const onnx = join(folder, `${name}.onnx`);
    writeFileSync(onnx, bytes);
    let total = bytes.length;
    for (const [file, size] of Object.entries(beside)) {
      const opened = openSync(join(folder, file), 'w'), block = Buffer.alloc(MB);
      for (let at = 0; at < size; at += MB) {
        block.writeFloatLE(at / size, 0);
        writeSync(opened, block, 0, Math.min(MB, size - at));
      }
      closeSync(opened);
      total += size;
    }
    assert.ok(total > BYTES && total < BYTES * 1.1, `the model is of ${total} bytes`);
    const wasm = join(folder, 'out.wasm');
    execFileSync('bash', ['-c', `ulimit -v ${MOST_KILOBYTES}; exec "$0" "$@"`, process.env.ONNX2WASM, onnx, '-o', wasm, '--quiet'], { stdio: ['ignore', 'pipe', 'pipe'] });
    assert.ok(statSync(wasm).size < total * 1.2, 'the module is hardly larger than the weights');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('120 convolutions', () => {
  const initializers = {}, nodes = [], channels = 174, layers = 120;
  for (let k = 0; k < layers; k++) {
    initializers[`w${k}`] = weights('float32', [channels, channels, 3, 3]);
    nodes.push(node('Conv', [`t${k}`, `w${k}`], [`c${k}`], { pads: [1, 1, 1, 1] }), node('Relu', [`c${k}`], [k === layers - 1 ? 'y' : `t${k + 1}`]));
  }
  const port = value('float32', [1, channels, 'h', 'w']);
  return compiles('convolutions', model({ inputs: { t0: port }, outputs: { y: port }, initializers, nodes }));
});

test('products with weights to transpose', () => {
  const width = 4032;
  return compiles('products', model({
    inputs: { x: value('float32', ['n', width]) }, outputs: { y: value('float32', ['n', width]) },
    initializers: { a: weights('float32', [width, width]), b: weights('float32', [width, width]) },
    nodes: [node('Gemm', ['x', 'a'], ['t'], { transB: 1, alpha: float(0.5) }), node('Gemm', ['t', 'b'], ['y'], { transB: 1 })],
  }));
});

function transformer(linear) {
  const width = 1024, heads = 16, layers = 11, initializers = { heads_shape: tensor('int64', [4], [0, 0, heads, width / heads]), merged_shape: tensor('int64', [3], [0, 0, width]) };
  const nodes = [];
  let x = 'x';
  for (let k = 0; k < layers; k++) {
    const named = (name) => `${name}${k}`, product = (from, to) => linear(initializers, nodes, from, named(to), width, named(`w_${to}`));
    for (const part of ['q', 'k', 'v']) {
      product(x, part);
      nodes.push(node('Reshape', [named(part), 'heads_shape'], [named(`${part}_heads`)]),
        node('Transpose', [named(`${part}_heads`)], [named(`${part}_t`)], { perm: part === 'k' ? [0, 2, 3, 1] : [0, 2, 1, 3] }));
    }
    nodes.push(node('MatMul', [named('q_t'), named('k_t')], [named('scores')]), node('Softmax', [named('scores')], [named('p')], { axis: -1 }),
      node('MatMul', [named('p'), named('v_t')], [named('mixed')]), node('Transpose', [named('mixed')], [named('back')], { perm: [0, 2, 1, 3] }),
      node('Reshape', [named('back'), 'merged_shape'], [named('merged')]));
    x = k === layers - 1 ? 'y' : named('out');
    nodes.push(node('Add', [named('merged'), named('q')], [x]));
  }
  const port = value('float32', ['batch', 'seq', width]);
  return model({ inputs: { x: port }, outputs: { y: port }, initializers, nodes });
}

test('a transformer with dynamic sizes', () => compiles('transformer', transformer((initializers, nodes, from, to, width, name) => {
  initializers[name] = weights('float32', [width, width]);
  nodes.push(node('MatMul', [from, name], [to]));
})));

test('weights in a file of their own', () => {
  const width = 1024, layers = 31, initializers = {}, nodes = [], bytes = width * width * 4;
  for (let k = 0; k < layers; k++) {
    initializers[`w${k}`] = { type: 'float32', dims: [width, width], external: { location: 'weights.bin', offset: k * bytes, length: bytes } };
    nodes.push(node('MatMul', [k ? `t${k}` : 'x', `w${k}`], [k === layers - 1 ? 'y' : `t${k + 1}`]));
  }
  const port = value('float32', ['n', width]);
  return compiles('external', model({ inputs: { x: port }, outputs: { y: port }, initializers, nodes }), { 'weights.bin': layers * bytes });
});

test('quantized weights', () => {
  const width = 2048, layers = 31, initializers = { scale: tensor('float32', [], [0.01]), zero: tensor('int8', [], [0]) }, nodes = [];
  for (let k = 0; k < layers; k++) {
    const from = k ? `t${k}` : 'x';
    initializers[`w${k}`] = weights('int8', [width, width]);
    nodes.push(node('DynamicQuantizeLinear', [from], [`u${k}`, `s${k}`, `z${k}`]), node('MatMulInteger', [`u${k}`, `w${k}`, `z${k}`, 'zero'], [`i${k}`]),
      node('Cast', [`i${k}`], [`f${k}`], { to: 1 }), node('Mul', [`s${k}`, 'scale'], [`m${k}`]),
      node('Mul', [`f${k}`, `m${k}`], [k === layers - 1 ? 'y' : `t${k + 1}`]));
  }
  const port = value('float32', ['n', width]);
  return compiles('quantized', model({ inputs: { x: port }, outputs: { y: port }, initializers, nodes }));
});

test('quantized weights that are dequantized first', () => {
  const width = 2048, layers = 31, initializers = { scale: tensor('float32', [], [0.01]), zero: tensor('int8', [], [0]) }, nodes = [];
  for (let k = 0; k < layers; k++) {
    initializers[`w${k}`] = weights('int8', [width, width]);
    nodes.push(node('DequantizeLinear', [`w${k}`, 'scale', 'zero'], [`f${k}`]), node('MatMul', [k ? `t${k}` : 'x', `f${k}`], [k === layers - 1 ? 'y' : `t${k + 1}`]));
  }
  const port = value('float32', ['n', width]);
  return compiles('dequantized', model({ inputs: { x: port }, outputs: { y: port }, initializers, nodes }));
});
