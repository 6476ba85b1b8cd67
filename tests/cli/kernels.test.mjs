// Choosing kernels by hand and by measuring them, and modules whose steps can be run apart.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { compiler } from '../support/against_onnxruntime.mjs';
import { count, model, node, sequenceOf, tensor, value } from '../support/onnx_model.mjs';

const folder = mkdtempSync(join(tmpdir(), 'onnx2wasm-kernels-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name) => join(folder, name);
const run = (...args) => spawnSync(compiler, args, { encoding: 'utf8' });

const filled = (dims) => tensor('float32', dims, Array.from({ length: count(dims) }, (_, i) => ((i * 37) % 11) / 11 - 0.5));
writeFileSync(at('m.onnx'), model({
  inputs: { x: value('float32', ['n', 16, 'h', 'w']) }, outputs: { y: value('float32') },
  initializers: { v: filled([16, 16, 3, 3]), w: filled([16, 16, 3, 3]) },
  nodes: [node('Conv', ['x', 'v'], ['a'], { pads: [1, 1, 1, 1] }), node('Relu', ['a'], ['b']), node('Conv', ['b', 'w'], ['y'], { pads: [1, 1, 1, 1] })], opset: 13, irVersion: 8,
}));
const stepsOf = (file) => JSON.parse(new TextDecoder().decode(WebAssembly.Module.customSections(new WebAssembly.Module(readFileSync(file)), 'onnx2wasm.steps')[0]));
const algorithms = (...options) => {
  const result = run(at('m.onnx'), '-o', at('m.wasm'), '-q', '--profile', ...options);
  assert.equal(result.status, 0, result.stderr);
  return stepsOf(at('m.wasm')).filter((step) => step.site).map((step) => step.algorithm);
};

test('--kernels names algorithms, for a site or for all', () => {
  const site = stepsOf((algorithms(), at('m.wasm'))).find((step) => step.site).site;
  for (const algorithm of ['windows', 'winograd_4x4']) {
    writeFileSync(at('all.json'), JSON.stringify({ '*': algorithm }));
    assert.deepEqual(algorithms('--kernels', at('all.json')), [algorithm, algorithm]);
    writeFileSync(at('one.json'), JSON.stringify({ [site]: algorithm }));
    assert.deepEqual(algorithms('--kernels', at('one.json')), [algorithm, algorithm]);
  }
  writeFileSync(at('all.json'), JSON.stringify({ '*': 'winograd_4x4' }));
  assert.deepEqual(algorithms('--kernels', at('all.json'), '--exact'), ['windows', 'windows']);
});

test('--tune measures, says which sizes it assumed, and writes what it found', () => {
  const result = run(at('m.onnx'), '-o', at('tuned.wasm'), '--tune', '--engine', process.execPath, '--kernels', at('found.json'));
  assert.equal(result.status, 0, result.stderr);
  assert.match(result.stdout, /h = 64 while measuring/);
  const found = JSON.parse(readFileSync(at('found.json'), 'utf8'));
  for (const [site, algorithm] of Object.entries(found)) {
    assert.match(site, /^conv2d .* window 3x3/);
    assert.ok(['windows', 'winograd_4x4'].includes(algorithm), algorithm);
  }
  assert.equal(run(at('m.onnx'), '-o', at('again.wasm'), '-q', '--kernels', at('found.json')).status, 0);
  assert.deepEqual(readFileSync(at('again.wasm')), readFileSync(at('tuned.wasm')));
});

test('bad choices and engines are one clear error', () => {
  const fails = (pattern, ...options) => {
    const result = run(at('m.onnx'), '-o', at('never.wasm'), ...options);
    assert.notEqual(result.status, 0);
    assert.match(result.stderr, pattern);
    assert.ok(!existsSync(at('never.wasm')));
  };
  writeFileSync(at('list.json'), '[1]');
  writeFileSync(at('number.json'), '{"*": 1}');
  fails(/cannot start 'no-such-engine'/, '--tune', '--engine', 'no-such-engine');
  fails(/--engine/, '--engine', 'node');
  fails(/list\.json.*no file of kernel choices/, '--kernels', at('list.json'));
  fails(/number\.json.*no file of kernel choices/, '--kernels', at('number.json'));
  fails(/missing\.json/, '--kernels', at('missing.json'));
  fails(/--unroll/, '--unroll', '3');
});

test('--tune of a product, and of a model that takes lists', () => {
  writeFileSync(at('product.onnx'), model({
    inputs: { x: value('float32', [8, 16]) }, outputs: { y: value('float32') }, initializers: { w: filled([16, 24]) }, nodes: [node('MatMul', ['x', 'w'], ['y'])], opset: 13, irVersion: 8,
  }));
  const tuned = run(at('product.onnx'), '-o', at('product.wasm'), '--tune', '--engine', process.execPath, '--kernels', at('product.json'));
  assert.equal(tuned.status, 0, tuned.stderr);
  const [[site, algorithm], ...others] = Object.entries(JSON.parse(readFileSync(at('product.json'), 'utf8')));
  assert.equal(site, 'matmul 8x24x16');
  assert.ok(['direct', 'packed'].includes(algorithm), algorithm);
  assert.deepEqual(others, []);
  writeFileSync(at('list.onnx'), model({
    inputs: { x: sequenceOf(value('float32', [8, 16])), i: value('int64', []) }, outputs: { y: value('float32') }, initializers: { w: filled([16, 24]) },
    nodes: [node('SequenceAt', ['x', 'i'], ['a']), node('MatMul', ['a', 'w'], ['y'])], opset: 13, irVersion: 8,
  }));
  const refused = run(at('list.onnx'), '-o', at('list.wasm'), '--tune', '--engine', process.execPath, '--kernels', at('list-choices.json'));
  assert.notEqual(refused.status, 0);
  assert.match(refused.stderr, /input 'x': models that take lists cannot be tuned/);
  assert.ok(!existsSync(at('list.wasm')) && !existsSync(at('list-choices.json')));
});

test('the steps of a profiled module, run one after another, do what a run does; unrolled or not, the bits are the same', async () => {
  const feeds = { x: filled([1, 16, 9, 12]) };
  let reference = null;
  for (const unroll of ['1', '2', '4']) {
    assert.equal(run(at('m.onnx'), '-o', at(`p${unroll}.wasm`), '--emit', 'wasm,js', '-q', '--profile', '--unroll', unroll).status, 0);
    const module = await (await import(at(`p${unroll}.mjs`))).create();
    const whole = Float32Array.from(module.run(feeds).y.data);
    reference ??= whole;
    assert.deepEqual(whole, reference);
    for (const step of stepsOf(at(`p${unroll}.wasm`))) assert.equal(module.exports[step.export](), 0, step.export);
    assert.deepEqual(Float32Array.from(module.run(feeds).y.data), whole);
  }
});
