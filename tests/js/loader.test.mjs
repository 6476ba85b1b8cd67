// The loader over hand-made models (tests/package/hand_made_programs.h). MODULES is the folder that make_test_modules wrote.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

const folder = process.env.MODULES;
const load = (name) => import(pathToFileURL(join(folder, `${name}.mjs`)));
const sigmoid = (x) => 1 / (1 + Math.exp(-x));

function close(actual, expected) {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-5, `${value} is not ${expected[i]}`));
}

test('runs a static model', async () => {
  const { create } = await load('static');
  const model = await create();
  const x = Float32Array.from([0, 1, -2, 3, 100, -100, 0.5, -0.25]);
  const { y } = model.run({ x });
  assert.deepEqual(y.dims, [2, 4]);
  close(y.data, [...x].map((value, i) => sigmoid(value) * (1 + (i % 4)) + 1));
});

test('loads from a path, a URL, bytes, a module and a response', async () => {
  const { create } = await load('static');
  const path = join(folder, 'static.wasm');
  const bytes = await readFile(path);
  const response = new Response(bytes, { headers: { 'content-type': 'application/wasm' } });
  const untyped = new Response(bytes);
  for (const source of [path, pathToFileURL(path), bytes, new WebAssembly.Module(bytes), response, untyped]) {
    const model = await create(source);
    assert.equal(model.inputs[0].name, 'x');
  }
  await assert.rejects(create(new Response('', { status: 404 })), /HTTP status 404/);
});

test('serves many sizes from one instance, growing memory', async () => {
  const { create } = await load('dynamic');
  const model = await create();
  for (const n of [1, 3, 100000, 2, 50000]) {
    const x = Float32Array.from({ length: 4 * n }, (_, i) => (i % 17) - 8);
    const k = BigInt64Array.from({ length: 4 * n }, (_, i) => BigInt(i));
    const { y, sum } = model.run({ x: { data: x, dims: [n, 4] }, k });
    assert.deepEqual(y.dims, [n, 4]);
    const w = [1, -1, 0.5, 10];
    close(y.data, x.map((value, i) => value * w[i % 4]));
    const column = (c) => BigInt(n) * BigInt(c) + 2n * BigInt(n) * BigInt(n - 1);
    assert.deepEqual([...sum.data], [0, 1, 2, 3].map(column));
  }
});

test('results stay when the model runs again', async () => {
  const model = await (await load('static')).create();
  const first = (model.run({ x: new Float32Array(8) })).y.data;
  model.run({ x: new Float32Array(8).fill(3) });
  close(first, [1.5, 2, 2.5, 3, 1.5, 2, 2.5, 3]);
});

test('says what is wrong', async () => {
  const { create, ModelError } = await load('dynamic');
  const model = await create();
  const k = new BigInt64Array(4);
  const rejects = (inputs, pattern) => {
    assert.throws(() => model.run(inputs), (error) => {
      assert.ok(error instanceof ModelError, String(error.stack));
      assert.match(error.message, pattern);
      return true;
    });
  };
  rejects({ x: new Float32Array(4) }, /input "k" \(int64\[n, 4\]\) is missing/);
  rejects({ z: k }, /no input "z"; it has "x", "k"/);
  rejects({ x: new Float64Array(4), k }, /expected Float32Array, got Float64Array/);
  rejects({ x: { data: new Float32Array(6), dims: [2, 3] }, k }, /expected f32\[n,4\], got dims \[2,3\]/);
  rejects({ x: new Float32Array(8), k }, /n is 2 in input "x"/);
  rejects({ x: new Float32Array(6), k }, /give its dims/);
  rejects({ x: { data: new Float32Array(6), dims: [1, 4] }, k }, /expected 4 elements, got 6/);
  rejects({ x: { data: new Float32Array(4), dims: 'no' }, k }, /dims must be a list of sizes/);
  const { y } = model.run({ x: new Float32Array(4).fill(1), k });
  close(y.data, [1, -1, 0.5, 10]);
});

test('sorts, and gives types without an array of their own as bits', async () => {
  const model = await (await load('sort')).create();
  const x = Float32Array.from([1, 300, -1, NaN, 1]);
  const { values, indices, u8, bool, f16 } = model.run({ x });
  assert.deepEqual([...values.data], [NaN, 300, 1]);
  assert.deepEqual(indices.data, BigInt64Array.from([3n, 1n, 0n]));
  assert.equal(u8.data.length, 5);
  assert.deepEqual([...bool.data], [1, 1, 1, 1, 1]);
  assert.equal(f16.data[0], 0x3c00);
  const empty = model.run({ x: new Float32Array(0) });
  assert.deepEqual(empty.values.dims, [0]);
});

test('describes itself', async () => {
  const model = await (await load('dynamic')).create();
  assert.deepEqual(model.inputs.map(({ name, dtype, shape }) => ({ name, dtype, shape })), [
    { name: 'x', dtype: 'float32', shape: ['n', 4] },
    { name: 'k', dtype: 'int64', shape: ['n', 4] },
  ]);
  assert.deepEqual(model.metadata.dims, { n: { min: 1, max: 100000 } });
  assert.ok(Object.keys(model.exports).includes('init_execution_context'));
});
