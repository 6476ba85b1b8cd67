// A hundred seeded damaged models: each compiles, or gives one clear error with exit code 1 and leaves no file. Never a crash, an abort or a hang.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';

const command = process.env.ONNX2WASM;
const data = '/usr/share/libonnx-testdata/data';
const victims = [
  'pytorch-converted/test_Conv2d', 'pytorch-converted/test_BatchNorm2d_eval', 'pytorch-converted/test_Linear', 'node/test_lstm_defaults', 'node/test_loop11',
  'node/test_if', 'node/test_resize_upsample_sizes_nearest', 'node/test_softmax_example', 'node/test_gather_0', 'node/test_reshape_reordered_all_dims',
].map((name) => readFileSync(`${data}/${name}/model.onnx`));
const seconds = 60;  // far more than a small model takes, sanitizers included
let folder;

before(() => { folder = mkdtempSync(join(tmpdir(), 'hostile-')); });
after(() => rmSync(folder, { recursive: true, force: true }));

// xorshift32
function generator(seed) {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function damage(seed) {
  const random = generator(0x9e3779b9 ^ (seed * 7919));
  const bytes = Buffer.from(victims[seed % victims.length]);
  if (seed % 4 === 0) return bytes.subarray(0, random(bytes.length));
  for (let flips = 1 + random(8); flips > 0; flips--) bytes[random(bytes.length)] ^= 1 << random(8);
  return bytes;
}

// The report says the same as the compilation.
function checkReport(name, model, status) {
  const result = spawnSync(command, ['check', model, '--format', 'json'], { encoding: 'utf8', timeout: 1000 * seconds });
  const said = `${name}: check: ${result.error ?? ''} status ${result.status} signal ${result.signal}\n${result.stdout}${result.stderr}`;
  assert.equal(result.status, status, said);
  const report = JSON.parse(result.stdout);
  assert.equal(report.compiles, status === 0, said);
  assert.equal(report.counts.errors > 0, status === 1, said);
  assert.equal(report.problems.filter(({ severity }) => severity === 'error').length, report.counts.errors, said);
}

function check(name, bytes) {
  const model = join(folder, `${name}.onnx`), wasm = join(folder, `${name}.wasm`);
  writeFileSync(model, bytes);
  const result = spawnSync(command, [model, '-o', wasm], { encoding: 'utf8', timeout: 1000 * seconds });
  const said = `${name}: ${result.error ?? ''} status ${result.status} signal ${result.signal}\n${result.stderr}`;
  assert.ok(result.status === 0 || result.status === 1, said);
  assert.equal(existsSync(wasm), result.status === 0, said);
  if (result.status === 1) assert.match(result.stderr, /error: /, said);
  checkReport(name, model, result.status);
  rmSync(model);
  return result;
}

test('a hundred truncated and bit-flipped models', () => {
  for (let seed = 0; seed < 100; seed++) check(`damaged-${seed}`, damage(seed));
});

// Protocol buffers by hand, as small as the cases need.
const varint = (value) => {
  const bytes = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    if (rest < 128n) return [...bytes, Number(rest)];
    bytes.push(Number((rest & 127n) | 128n));
  }
};
const number = (field, value) => [...varint(field << 3), ...varint(value)];
const text = (field, value) => bytes(field, [...Buffer.from(value)]);
const bytes = (field, value) => [...varint((field << 3) | 2), ...varint(value.length), ...value];
const port = (field, name, type, dims) => bytes(field, [...text(1, name), ...bytes(2, bytes(1, [...number(1, type), ...bytes(2, dims.flatMap((dim) => bytes(1, number(1, dim))))]))]);
const node = (op, inputs, outputs, name = op, attributes = []) => bytes(1, [...inputs.flatMap((input) => text(1, input)), ...outputs.flatMap((output) => text(2, output)), ...text(3, name), ...text(4, op), ...attributes]);
const integer = (name, value) => bytes(5, [...text(1, name), ...number(3, value), ...number(20, 2)]);
const model = (graph) => Buffer.from([...number(1, 8), ...bytes(7, graph), ...bytes(8, number(2, 17))]);
const float = 1, double = 11, int64 = 7;
const integers = (name, values) => bytes(5, [...number(1, values.length), ...number(2, int64), ...values.flatMap((value) => number(7, BigInt.asUintN(64, value))), ...text(8, name)]);
const largest = 2n ** 63n - 1n;

const cases = {
  'a cycle': [/cycle|circle/i, [...node('Add', ['x', 'b'], ['a'], 'first'), ...node('Relu', ['a'], ['b'], 'second'), ...port(11, 'x', float, [2]), ...port(12, 'b', float, [2])]],
  'a missing initializer': [/weights/, [...node('Add', ['x', 'weights'], ['y']), ...port(11, 'x', float, [2]), ...port(12, 'y', float, [2])]],
  'wrong element types': [/Add/, [...node('Add', ['x', 'z'], ['y']), ...port(11, 'x', float, [2]), ...port(11, 'z', int64, [2]), ...port(12, 'y', float, [2])]],
  'an element type that the operator does not have': [/DynamicQuantizeLinear.*\('x'\) has element type float64/, [
    ...node('DynamicQuantizeLinear', ['x'], ['y', 'scale', 'zero']), ...port(11, 'x', double, [2]), ...port(12, 'y', 2, [2])]],
  'an absurd shape': [/ConstantOfShape/, [...integers('shape', [largest, largest]), ...node('ConstantOfShape', ['shape'], ['y']), ...port(12, 'y', float, [2])]],
  'an absurd repeat': [/Tile/, [...integers('times', [largest]), ...node('Tile', ['x', 'times'], ['y']), ...port(11, 'x', float, [2]), ...port(12, 'y', float, [2])]],
  'an absurd index': [/Gather/, [...integers('at', [-largest - 1n]), ...node('Gather', ['x', 'at'], ['y']), ...port(11, 'x', float, [2]), ...port(12, 'y', float, [1])]],
  'more elements than memory has': [/n29/, [
    ...Array.from({ length: 40 }, (_, i) => node('Concat', [`t${i}`, `t${i}`], [`t${i + 1}`], `n${i}`, integer('axis', 0))).flat(),
    ...port(11, 't0', float, [1]), ...port(12, 't40', float, [1])]],
  'an absurd dimension': [/x/, [...node('Relu', ['x'], ['y']), ...port(11, 'x', float, [2n ** 40n]), ...port(12, 'y', float, [2n ** 40n])]],
  'shapes that do not fit': [/Add/, [...node('Add', ['x', 'z'], ['y']), ...port(11, 'x', float, [2]), ...port(11, 'z', float, [3]), ...port(12, 'y', float, [2])]],
  'an unknown operator': [/NoSuchOperator/, [...node('NoSuchOperator', ['x'], ['y']), ...port(11, 'x', float, [2]), ...port(12, 'y', float, [2])]],
  'an output that nothing makes': [/y/, [...node('Relu', ['x'], ['z']), ...port(11, 'x', float, [2]), ...port(12, 'y', float, [2])]],
  'missing external data': [/no-such-file/, [
    ...node('Add', ['x', 'w'], ['y']),
    ...bytes(5, [...number(1, 2), ...number(2, float), ...text(8, 'w'), ...bytes(13, [...text(1, 'location'), ...text(2, 'no-such-file.bin')]), ...number(14, 1)]),
    ...port(11, 'x', float, [2]), ...port(12, 'y', float, [2])]],
  'external data outside of the folder': [/w|passwd/, [
    ...node('Add', ['x', 'w'], ['y']),
    ...bytes(5, [...number(1, 2), ...number(2, float), ...text(8, 'w'), ...bytes(13, [...text(1, 'location'), ...text(2, '../../../../etc/passwd')]), ...number(14, 1)]),
    ...port(11, 'x', float, [2]), ...port(12, 'y', float, [2])]],
};

for (const [name, [pattern, graph]] of Object.entries(cases)) {
  test(name, () => {
    const result = check(name.replaceAll(' ', '-'), model(graph));
    assert.equal(result.status, 1, result.stdout + result.stderr);
    assert.match(result.stderr, pattern);
  });
}
