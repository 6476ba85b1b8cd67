// `onnx2wasm check`: a true yes, all that stands in the way at once, and a JSON form that others can rely on.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { model, node, tensor, value } from '../support/onnx_model.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const command = process.env.ONNX2WASM;
let folder;

before(() => { folder = mkdtempSync(join(tmpdir(), 'check-')); });
after(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args) => spawnSync(command, ['check', ...args], { encoding: 'utf8', cwd: folder });
const write = (name, description) => writeFileSync(join(folder, name), model(description));
const report = (status, ...args) => {
  const result = run(...args, '--format', 'json');
  assert.equal(result.status, status, result.stdout + result.stderr);
  return JSON.parse(result.stdout);
};

const weights = tensor('float32', [4, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
const good = {
  inputs: { x: value('float32', ['batch', 4]) },
  outputs: { y: value('float32') },
  initializers: { w: weights },
  nodes: [node('MatMul', ['x', 'w'], ['z']), node('Relu', ['z'], ['y'])],
};
const bad = {
  inputs: { x: value('float32', ['batch', 4]), i: value('int32', [2]) },
  outputs: { y: value('float32') },
  nodes: [
    node('Gizmo', ['x'], ['a'], {}, 'org.example'), node('Gizmo', ['a'], ['b'], {}, 'org.example'), node('Gadget', ['x'], ['c']),
    node('MatMul', ['x', 'i'], ['d']), node('Add', ['b', 'c'], ['y']), node('Exp', ['i'], ['e']),
  ].map((given) => ({ ...given })),
};
bad.nodes.push(node('Add', ['d', 'e'], ['f']));
bad.outputs.f = value('float32');

test('a model that compiles', () => {
  write('good.onnx', good);
  const result = report(0, 'good.onnx');
  assert.equal(result.format, 1);
  assert.equal(result.stage, 'done');
  assert.deepEqual(result.counts, { errors: 0, warnings: 0, nodes: 2, unsupported_nodes: 0 });
  assert.deepEqual(result.dims, [{ name: 'batch', lower: 0, upper: null, inputs: ['x'] }]);
  assert.deepEqual(result.run_time_sizes, []);
  assert.ok(result.module.weight_bytes >= 32);
  assert.equal(result.module.bytes, result.module.weight_bytes + result.module.code_bytes);
  assert.ok(result.memory.initial_bytes >= 65536);
  assert.equal(result.memory.most_tensor_bytes, null);
  assert.match(run('good.onnx').stdout, /^good\.onnx: compiles\n[^]*batch: 0 or more/);
  assert.deepEqual(readdirSync(folder).filter((name) => name.endsWith('.wasm')), []);
});

test('bounds give the memory at its most', () => {
  write('good.onnx', good);
  const result = report(0, 'good.onnx', '--dim', 'batch=1..8');
  assert.deepEqual(result.dims, [{ name: 'batch', lower: 1, upper: 8, inputs: ['x'] }]);
  assert.ok(result.memory.least_tensor_bytes >= 4 * (4 + 2));
  assert.equal(result.memory.most_tensor_bytes, 8 * result.memory.least_tensor_bytes);
});

test('--quick leaves out the code', () => {
  write('good.onnx', good);
  const result = report(0, 'good.onnx', '--quick');
  assert.equal(result.compiles, true);
  assert.equal(result.module.bytes, null);
  assert.ok(result.module.weight_bytes >= 32);
});

test('all that stands in the way, at once', () => {
  write('bad.onnx', bad);
  const result = report(1, 'bad.onnx');
  assert.equal(result.compiles, false);
  assert.equal(result.stage, 'lower');
  assert.deepEqual(result.unsupported.map(({ domain, name, nodes }) => [domain, name, nodes]), [['ai.onnx', 'Gadget', 1], ['org.example', 'Gizmo', 2]]);
  assert.equal(result.counts.unsupported_nodes, 3);
  const of = (op) => result.problems.filter(({ operator }) => operator.startsWith(op));
  assert.equal(of('MatMul').length, 1);
  assert.equal(of('MatMul')[0].node, 'MatMul_3');
  assert.match(of('MatMul')[0].message, /'x'.*'i'.*float32 and int32/);
  assert.match(of('Exp')[0].message, /input 0 \('i'\) has element type int32, but the operator takes .*float32/);
  assert.ok(result.problems.every(({ message }) => message.length > 0));
  const text = run('bad.onnx');
  assert.equal(text.status, 1);
  assert.match(text.stdout, /does not compile, \d+ errors/);
  assert.match(text.stdout, /2 x org\.example\.Gizmo/);
});

test('sizes that depend on data', () => {
  write('data.onnx', { inputs: { x: value('float32', [3, 4]) }, outputs: { y: value('int64') }, nodes: [node('NonZero', ['x'], ['y'])] });
  const result = report(0, 'data.onnx');
  assert.equal(result.run_time_sizes.length, 1);
  assert.deepEqual([result.run_time_sizes[0].node, result.run_time_sizes[0].upper], ['NonZero_0', 12]);
});

test('files that are no models, and wrong usage', () => {
  const missing = report(1, 'no-such.onnx');
  assert.equal(missing.stage, 'read');
  assert.match(missing.problems[0].message + missing.problems[0].tensor, /no-such\.onnx/);
  writeFileSync(join(folder, 'cut.onnx'), Buffer.from(model(good)).subarray(0, 40));
  assert.equal(report(1, 'cut.onnx').compiles, false);
  assert.equal(run().status, 2);
  assert.equal(run('good.onnx', '--format', 'xml').status, 2);
  assert.equal(run('good.onnx', '--dim', 'batch=many').status, 2);
});

test('the documentation lists every field of the JSON form', () => {
  write('good.onnx', good);
  const text = readFileSync(join(root, 'docs/command-line.md'), 'utf8');
  const result = report(0, 'good.onnx');
  for (const name of [...Object.keys(result), ...Object.keys(result.counts), ...Object.keys(result.module), ...Object.keys(result.memory)]) {
    assert.ok(text.includes(`\`${name}`), name);
  }
});
