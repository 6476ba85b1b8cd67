#!/usr/bin/env node
// Remakes compiler/schedule/kernel_costs.inc, the prices of the compiler's cost model: times products and convolutions of many sizes by every algorithm, and
// finds the non-negative prices that explain the times with the least relative error.
//   bench/kernel_costs.mjs [--seconds 0.3] [--write]      without --write: prints what it would write
// Run it in the engine that the prices are for, on a machine that does nothing else: taskset -c 1 node bench/kernel_costs.mjs --write
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { count, model, node, tensor, value } from '../tests/support/onnx_model.mjs';
import { compiler, root } from './prepare.mjs';

const { values: options } = parseArgs({ options: { seconds: { type: 'string', default: '0.3' }, write: { type: 'boolean', default: false } } });
const pricesFile = join(root, 'compiler/schedule/kernel_costs.inc');

const filled = (dims) => tensor('float32', dims, Array.from({ length: count(dims) }, (_, i) => ((i * 7919) % 1000) / 1000 - 0.5));

function convolution(c, m, size, kernel, stride) {
  const pad = (kernel - 1) >> 1, pads = [pad, pad, pad, pad];
  return model({
    inputs: { x: value('float32', [1, c, size, size]) }, outputs: { y: value('float32') }, initializers: { w: filled([m, c, kernel, kernel]), b: filled([m]) },
    nodes: [node('Conv', ['x', 'w', 'b'], ['a'], { kernel_shape: [kernel, kernel], pads, strides: [stride, stride] }), node('Relu', ['a'], ['y'])], opset: 13, irVersion: 8,
  });
}

function product(m, n, k) {
  return model({
    inputs: { x: value('float32', [m, k]) }, outputs: { y: value('float32') }, initializers: { w: filled([k, n]), b: filled([n]) },
    nodes: [node('MatMul', ['x', 'w'], ['p']), node('Add', ['p', 'b'], ['y'])], opset: 13, irVersion: 8,
  });
}

// Of two inputs, the right one with contiguous rows or columns.
function productOfInputs(m, n, k, columns) {
  return model({
    inputs: { x: value('float32', [m, k]), v: value('float32', columns ? [n, k] : [k, n]) }, outputs: { y: value('float32') },
    nodes: [...(columns ? [node('Transpose', ['v'], ['w'], { perm: [1, 0] })] : []), node('MatMul', ['x', columns ? 'w' : 'v'], ['y'])], opset: 13, irVersion: 8,
  });
}

// Layers as real models have them.
const convolutions = [
  [8, 8, 80, 3, 1], [16, 16, 80, 3, 1], [32, 32, 40, 3, 1], [64, 64, 40, 3, 1], [64, 64, 20, 3, 1], [128, 128, 20, 3, 1], [128, 128, 10, 3, 1], [256, 256, 10, 3, 1], [16, 64, 40, 3, 1], [64, 16, 40, 3, 1],
  [12, 12, 7, 3, 1], [24, 48, 14, 3, 1], [32, 64, 40, 3, 2], [64, 128, 20, 3, 2], [16, 32, 80, 3, 2], [16, 16, 40, 5, 1], [32, 32, 20, 5, 2], [48, 96, 28, 1, 2], [32, 32, 40, 5, 1], [96, 32, 20, 5, 1], [64, 1, 80, 3, 1], [16, 4, 80, 3, 1], [35, 16, 80, 3, 1],
];
const products = [
  [6400, 16, 16], [6400, 24, 24], [1600, 32, 16], [1600, 48, 48], [1600, 64, 64], [400, 128, 128], [400, 256, 128], [100, 512, 256], [128, 384, 384], [128, 1536, 384], [128, 384, 1536], [196, 96, 576], [49, 160, 960],
  [4, 64, 64], [8, 256, 256], [16, 384, 384], [1600, 40, 120], [6400, 12, 32], [3136, 32, 192],
  // Larger than the caches.
  [102400, 32, 16], [25600, 32, 32], [25600, 48, 48], [102400, 24, 24],
];

const productsOfInputs = [[128, 128, 32], [128, 32, 128], [1500, 64, 300], [300, 1500, 64], [8, 512, 64], [512, 16, 16], [16, 512, 32]];

const folder = mkdtempSync(join(tmpdir(), 'onnx2wasm-costs-'));

// Least times of the steps that the cost model knows.
function timesOf(onnx, algorithm) {
  const file = join(folder, 'model'), choices = `${file}.json`;
  writeFileSync(`${file}.onnx`, onnx);
  writeFileSync(choices, JSON.stringify({ '*': algorithm }));
  execFileSync(compiler, [`${file}.onnx`, '-o', `${file}.wasm`, '-q', '--profile', '--kernels', choices]);
  const module = new WebAssembly.Module(readFileSync(`${file}.wasm`)), api = new WebAssembly.Instance(module).exports;
  const steps = JSON.parse(new TextDecoder().decode(WebAssembly.Module.customSections(module, 'onnx2wasm.steps')[0]));
  if (api.o2w_prepare() !== 0) throw new Error('the module does not start');
  for (let i = 0; i < 20; i++) api.o2w_run();
  return steps.filter((step) => step.work && step.algorithm === algorithm).map((step) => {
    let least = Infinity;
    const end = performance.now() + 1000 * Number(options.seconds);
    while (performance.now() < end) {
      const start = performance.now();
      api[step.export]();
      least = Math.min(least, performance.now() - start);
    }
    return { site: step.site, algorithm, work: step.work, nanoseconds: least * 1e6 };
  });
}

// Coordinate descent on the sum of squared relative errors, prices never below 0.
function fit(samples, names) {
  const rows = samples.map(({ work, nanoseconds }) => names.map((name) => work[name] / nanoseconds));
  const prices = names.map(() => 0), residual = rows.map(() => 1);
  for (let round = 0; round < 20000; round++) {
    names.forEach((_, j) => {
      let numerator = 0, denominator = 0;
      rows.forEach((row, i) => {
        numerator += row[j] * (residual[i] + prices[j] * row[j]);
        denominator += row[j] * row[j];
      });
      const price = denominator > 0 ? Math.max(0, numerator / denominator) : 0;
      rows.forEach((row, i) => (residual[i] -= (price - prices[j]) * row[j]));
      prices[j] = price;
    });
  }
  return { prices, residual };
}

try {
  const samples = [
    ...convolutions.flatMap((shape) => ['windows', 'winograd_4x4', 'winograd_2x2'].flatMap((algorithm) => timesOf(convolution(...shape), algorithm))),
    ...products.flatMap((shape) => ['direct', 'packed'].flatMap((algorithm) => timesOf(product(...shape), algorithm))),
    ...productsOfInputs.flatMap((shape) => [false, true].flatMap((columns) => ['direct', 'packed'].flatMap((algorithm) => timesOf(productOfInputs(...shape, columns), algorithm)))),
  ];
  const names = Object.keys(samples[0].work);
  const { prices, residual } = fit(samples, names);
  samples.forEach((sample, i) => console.error(`${(sample.nanoseconds / 1000).toFixed(1).padStart(9)} us, off by ${(100 * residual[i]).toFixed(0).padStart(4)} %  ${sample.algorithm.padEnd(13)}${sample.site}`));
  const text = `// Prices of the cost model in nanoseconds, made by bench/kernel_costs.mjs: ${samples.length} kernels measured in V8 ${process.versions.v8} on ${cpus()[0].model},\n// ${new Date().toISOString().slice(0, 10)}.\n${names.map((name, j) => `O2W_KERNEL_COST(${name}, ${prices[j].toPrecision(4)})\n`).join('')}`;
  if (options.write) writeFileSync(pricesFile, text);
  else console.log(text);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
