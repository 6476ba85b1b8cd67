// Weights in files beside the module (--weights=sidecar): the loader, the plain interface, the command's own verbs, and what goes wrong.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, closeSync, readFileSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { pathToFileURL } from 'node:url';
import { model, node, tensor, value } from '../support/onnx_model.mjs';

const WIDTH = 301;  // not a multiple of anything
const command = process.env.ONNX2WASM;
let folder;

const run = (...args) => spawnSync(command, args, { encoding: 'utf8', cwd: folder });
function succeeds(...args) {
  const result = run(...args);
  assert.equal(result.status, 0, result.stdout + result.stderr);
  return result.stdout;
}

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sidecar-'));
  const numbers = (count, seed) => Float32Array.from({ length: count }, (_, i) => ((i * 37 + seed) % 101) / 101 - 0.5);
  writeFileSync(join(folder, 'm.onnx'), model({
    inputs: { x: value('float32', ['n', WIDTH]) }, outputs: { y: value('float32', ['n', WIDTH]), table: value('float32', [3]) },
    initializers: { w: tensor('float32', [WIDTH, WIDTH], numbers(WIDTH * WIDTH, 1)), b: tensor('float32', [WIDTH], numbers(WIDTH, 5)), table: tensor('float32', [3], [1, 2, 3]) },
    nodes: [node('MatMul', ['x', 'w'], ['t']), node('Add', ['t', 'b'], ['u']), node('Relu', ['u'], ['y'])],
  }));
  succeeds('m.onnx', '-o', 'embedded.wasm', '--emit', 'wasm,js');
  succeeds('m.onnx', '-o', 'whole.wasm', '--emit', 'wasm,js', '--weights=sidecar');
  succeeds('m.onnx', '-o', 'parts.wasm', '--emit', 'wasm,js', '--weights', 'sidecar', '--weights-part', '64K');
});
after(() => rmSync(folder, { recursive: true, force: true }));

const x = Float32Array.from({ length: 2 * WIDTH }, (_, i) => Math.sin(i));
const loader = (name) => import(pathToFileURL(join(folder, `${name}.mjs`)));
const file = (name) => readFileSync(join(folder, name));
const partNames = () => JSON.parse(new TextDecoder().decode(WebAssembly.Module.customSections(new WebAssembly.Module(file('parts.wasm')), 'onnx2wasm')[0]))
  .weights.files.map(({ name }) => name);
async function expected() {
  return (await (await loader('embedded')).create()).run({ x });
}

test('files beside the module, which is small then, with their names, sizes and hashes in the metadata', () => {
  assert.ok(file('whole.wasm').length < 100_000);
  assert.deepEqual(readdirSync(folder).filter((name) => name.startsWith('whole')).sort(), ['whole.d.ts', 'whole.mjs', 'whole.wasm', 'whole.weights']);
  assert.deepEqual(partNames(), ['parts.weights', ...[1, 2, 3, 4, 5].map((k) => `parts.${k}.weights`)]);
  const joined = Buffer.concat(partNames().map(file));
  assert.ok(joined.equals(file('whole.weights')));
  for (const name of ['whole', 'parts']) {
    const module = new WebAssembly.Module(file(`${name}.wasm`));
    const { weights } = JSON.parse(new TextDecoder().decode(WebAssembly.Module.customSections(module, 'onnx2wasm')[0]));
    assert.equal(weights.bytes, joined.length);
    for (const { name: part, bytes, sha256 } of weights.files) {
      assert.equal(bytes, file(part).length);
      assert.equal(sha256, createHash('sha256').update(file(part)).digest('hex'));
    }
  }
  // Modules that hold their weights have none of this.
  assert.ok(!WebAssembly.Module.exports(new WebAssembly.Module(file('embedded.wasm'))).some(({ name }) => name.startsWith('o2w_weights')));
});

test('the same bytes each time', () => {
  mkdirSync(join(folder, 'again'), { recursive: true });
  succeeds('m.onnx', '-o', 'again/whole.wasm', '--weights=sidecar');
  assert.ok(file('again/whole.wasm').equals(file('whole.wasm')));
  assert.ok(file('again/whole.weights').equals(file('whole.weights')));
});

test('the loader finds the files, in one and in parts', async () => {
  for (const name of ['whole', 'parts']) {
    const { create } = await loader(name);
    for (const source of [undefined, join(folder, `${name}.wasm`), pathToFileURL(join(folder, `${name}.wasm`)), file(`${name}.wasm`)]) {
      assert.deepEqual((await create(source)).run({ x }), await expected());
    }
  }
});

test('weights given as paths, URLs, bytes and responses, also in other parts than they were written', async () => {
  const { create } = await loader('whole');
  const bytes = file('whole.weights'), path = join(folder, 'whole.weights');
  const cut = (...ends) => ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
  for (const weights of [path, pathToFileURL(path), bytes, bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length), new Response(bytes),
    cut(1, 7, 70, 5000, 5000, bytes.length), partNames().map((part) => join(folder, part))]) {
    const model = await create(file('whole.wasm'), { weights });
    assert.deepEqual(model.run({ x }), await expected());
  }
});

test('over HTTP, in chunks of any size', async () => {
  const server = createServer(async ({ url }, response) => {
    const path = join(folder, url.slice(1));
    if (!existsSync(path)) return response.writeHead(404).end();
    response.writeHead(200, { 'content-type': url.endsWith('.wasm') ? 'application/wasm' : 'application/octet-stream' });
    const bytes = readFileSync(path);
    for (let at = 0, step = 1; at < bytes.length; at += step, step = (step * 7 + 3) % 50_000) {
      if (!response.write(bytes.subarray(at, at + step))) await new Promise((resolve) => response.once('drain', resolve));
    }
    return response.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const origin = `http://127.0.0.1:${server.address().port}`;
    for (const name of ['whole', 'parts']) {
      const { create } = await loader(name);
      assert.deepEqual((await create(new URL(`${origin}/${name}.wasm`))).run({ x }), await expected());
      assert.deepEqual((await create(await fetch(`${origin}/${name}.wasm`))).run({ x }), await expected());
    }
    const { create } = await loader('whole');
    await assert.rejects(create(`${origin}/whole.wasm`, { weights: `${origin}/nothing` }), /cannot load whole\.weights: HTTP status 404/);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('wrong, cut, too long and missing files are errors that name them', async () => {
  const { create, ModelError } = await loader('whole');
  const bytes = file('whole.weights'), wasm = file('whole.wasm');
  const rejects = (weights, pattern, source = wasm) => assert.rejects(create(source, { weights }), (error) => {
    assert.ok(error instanceof ModelError, String(error.stack));
    assert.match(error.message, pattern);
    return true;
  });
  const damaged = Buffer.from(bytes);
  damaged[bytes.length >> 1] ^= 4;
  const swapped = Buffer.concat([bytes.subarray(64, 128), bytes.subarray(0, 64), bytes.subarray(128)]);
  for (const weights of [damaged, swapped, Buffer.alloc(bytes.length)]) await rejects(weights, /whole\.weights: these are not the weights of this module/);
  await rejects(bytes.subarray(0, 1000), /whole\.weights: has 1000 bytes, expected \d+/);
  await rejects([bytes.subarray(0, 1000), bytes.subarray(1000, 2000)], /weights end after 2000 of \d+ bytes/);
  await rejects(Buffer.concat([bytes, Buffer.alloc(1)]), /more bytes than the model has weights/);
  await rejects([], /weights end after 0 of \d+ bytes/);
  await rejects(join(folder, 'nothing.weights'), /cannot load .*nothing\.weights: ENOENT/);
  writeFileSync(join(folder, 'long.weights'), Buffer.concat([bytes, Buffer.alloc(100)]));
  await rejects(join(folder, 'long.weights'), /long\.weights: more bytes than the model has weights/);
  writeFileSync(join(folder, 'damaged.weights'), damaged);
  await rejects(join(folder, 'damaged.weights'), /damaged\.weights: these are not the weights of this module/);
  // In parts, the one that is short is named.
  const { create: createParts } = await loader('parts');
  const parts = partNames().map(file);
  parts[2] = parts[2].subarray(0, 64);
  await assert.rejects(createParts(file('parts.wasm'), { weights: parts }), /parts\.2\.weights: has 64 bytes, expected 65536/);
});

test('the plain interface: where, how many, and nothing runs before', async () => {
  const { instance: { exports: api } } = await WebAssembly.instantiate(file('whole.wasm'));
  const bytes = file('whole.weights');
  const text = () => {
    const all = new Uint8Array(api.memory.buffer), at = api.o2w_last_error();
    return new TextDecoder().decode(all.slice(at, all.indexOf(0, at)));
  };
  const words = () => [...new Uint32Array(api.memory.buffer, api.o2w_weights(), 5)];
  const [address, size, , , committed] = words();
  assert.equal(size, bytes.length);
  assert.equal(committed, 0);
  const dims = api.o2w_alloc(8);
  new Int32Array(api.memory.buffer, dims, 2).set([2, WIDTH]);
  assert.equal(api.o2w_set_input_shape(0, dims, 2), 0);
  assert.equal(api.o2w_run(), 3);
  assert.match(text(), /weights are not loaded: 0 of \d+ bytes are there/);
  const put = (from, to, source = bytes) => new Uint8Array(api.memory.buffer, address + from, to - from).set(source.subarray(from, to));
  // A wrong attempt can be followed by a right one.
  put(0, size, Buffer.alloc(size, 1));
  assert.equal(api.o2w_weights_commit(size), 1);
  assert.match(text(), /not the weights of this module/);
  assert.equal(words()[4], 0);
  put(0, 100);
  assert.equal(api.o2w_weights_commit(100), 0);
  assert.equal(words()[4], 100);
  assert.equal(api.o2w_run(), 3);
  assert.match(text(), /: 100 of/);
  assert.equal(api.o2w_weights_commit(size), 1);
  assert.match(text(), /are more than the model's weights/);
  put(100, size);
  assert.equal(api.o2w_weights_commit(0), 0);
  assert.equal(api.o2w_weights_commit(size - 100), 0);
  assert.equal(api.o2w_prepare(), 0);
  const descriptor = (at) => new DataView(api.memory.buffer, at, 60);
  new Float32Array(api.memory.buffer, descriptor(api.o2w_input(0)).getUint32(52, true), x.length).set(x);
  assert.equal(api.o2w_run(), 0);
  const y = new Float32Array(api.memory.buffer, descriptor(api.o2w_output(0)).getUint32(52, true), x.length);
  assert.deepEqual(y.slice(), (await expected()).y.data);
  assert.equal(api.o2w_weights_commit(1), 1);
  // wasi-nn says the same.
  const other = (await WebAssembly.instantiate(file('whole.wasm'))).instance.exports;
  const block = other.o2w_alloc(16 + 20 + 8 + x.byteLength);
  assert.equal(other.load(0, 0, 1, 0, block), 0);
  assert.equal(other.init_execution_context(0, block), 0);
  const view = new DataView(other.memory.buffer), at = block + 16;
  [at + 20, 2, 1, at + 28, x.byteLength].forEach((word, k) => view.setUint32(at + 4 * k, word, true));
  [2, WIDTH].forEach((dim, k) => view.setUint32(at + 20 + 4 * k, dim, true));
  assert.equal(other.set_input(0, 0, at), 0);
  assert.equal(other.compute(0), 3);
});

test('strings are weights too', async () => {
  writeFileSync(join(folder, 'words.onnx'), model({
    inputs: { i: value('int64', ['n']) }, outputs: { y: value('string', ['n']) },
    initializers: { words: tensor('string', [3], ['zero', 'one', 'zwei']) }, nodes: [node('Gather', ['words', 'i'], ['y'])],
  }));
  succeeds('words.onnx', '-o', 'words.wasm', '--emit', 'wasm,js', '--weights=sidecar');
  const words = await (await loader('words')).create();
  assert.deepEqual(words.run({ i: BigInt64Array.of(2n, 0n, 1n) }).y.data, ['zwei', 'zero', 'one']);
});

test('a model without weights has no such file', async () => {
  writeFileSync(join(folder, 'none.onnx'), model({ inputs: { x: value('float32', [2]) }, outputs: { y: value('float32', [2]) }, nodes: [node('Relu', ['x'], ['y'])] }));
  succeeds('none.onnx', '-o', 'none.wasm', '--emit', 'wasm,js', '--weights=sidecar');
  assert.ok(!existsSync(join(folder, 'none.weights')));
  assert.deepEqual([...(await (await loader('none')).create()).run({ x: Float32Array.of(-1, 2) }).y.data], [0, 2]);
});

test('run and verify', () => {
  const input = ['--input', 'x=random', '--dim', 'n=2'];
  for (const engine of ['node', 'interpreter']) succeeds('run', 'parts.wasm', ...input, '--engine', engine, '--output-dir', engine);
  succeeds('run', 'm.onnx', '--weights=sidecar', ...input, '--output-dir', 'compiled');
  succeeds('run', 'embedded.wasm', ...input, '--output-dir', 'reference');
  for (const other of ['node', 'interpreter', 'compiled']) assert.ok(file(`${other}/y.npy`).equals(file('reference/y.npy')), other);
  assert.match(succeeds('verify', 'm.onnx', '--weights=sidecar', '--dim', 'n=2'), /largest absolute difference/);
  mkdirSync(join(folder, 'moved'), { recursive: true });
  copyFileSync(join(folder, 'parts.wasm'), join(folder, 'moved/parts.wasm'));
  for (const engine of ['node', 'interpreter']) {
    const missing = run('run', 'moved/parts.wasm', ...input, '--engine', engine);
    assert.equal(missing.status, 1, missing.stdout + missing.stderr);
    assert.match(missing.stderr, /parts\.weights/);
  }
});

test('usage', () => {
  for (const [pattern, ...args] of [[/--weights/, '--weights=nowhere'], [/--weights-part/, '--weights-part=1M'], [/64K/, '--weights=sidecar', '--weights-part=1K'],
    [/--weights-part/, '--weights=sidecar', '--weights-part=many']]) {
    const result = run('m.onnx', '-o', 'x.wasm', ...args);
    assert.equal(result.status, 2);
    assert.match(result.stderr, pattern);
  }
});

test('a module that would be too large for engines is an error that names --weights=sidecar', () => {
  const rows = 1100, columns = 262_144, bytes = rows * columns * 4;
  const data = openSync(join(folder, 'large.bin'), 'w');
  ftruncateSync(data, bytes);
  writeSync(data, Buffer.from([1, 2, 3, 4]), 0, 4, bytes - 4);
  closeSync(data);
  writeFileSync(join(folder, 'large.onnx'), model({
    inputs: { i: value('int64', [1]) }, outputs: { y: value('float32', [1, columns]) },
    initializers: { table: { type: 'float32', dims: [rows, columns], external: { location: 'large.bin', offset: 0, length: bytes } } },
    nodes: [node('Gather', ['table', 'i'], ['y'])],
  }));
  const result = run('large.onnx', '-o', 'large.wasm');
  assert.equal(result.status, 1, result.stdout + result.stderr);
  assert.match(result.stderr, /the module would take 110\d MiB, 1100 of them weights; engines take modules of up to 1024 MiB.*--weights=sidecar/);
  assert.ok(!existsSync(join(folder, 'large.wasm')));
  assert.match(succeeds('check', 'large.onnx', '--weights=sidecar'), /compiles/);
});
