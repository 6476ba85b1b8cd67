// Models whose tensors' sizes depend on data give back what a run took: after many runs, also failed ones and of changing sizes, linear
// memory is as large as after the first ones. MODULES is the folder that make_graph_modules wrote (graphs/*.txt).
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

const load = async (name) => (await import(pathToFileURL(join(process.env.MODULES, `${name}.mjs`)))).create();
const RUNS = 10_000, FIRST = 10;

async function staysAsLarge(name, run) {
  const model = await load(name);
  for (let i = 0; i < FIRST; i++) run(model, i);
  const bytes = model.exports.memory.buffer.byteLength;
  for (let i = FIRST; i < RUNS; i++) run(model, i);
  assert.equal(model.exports.memory.buffer.byteLength, bytes);
}

test('outputs that count what they found', () => staysAsLarge('positions', (model, i) => {
  const x = Float32Array.from({ length: [3000, 7, 0, 1200][i % 4] }, (_, k) => ((k + i) % 3 === 0 ? k + 1 : 0));
  const expected = [...x.keys()].filter((k) => x[k] !== 0);
  const { positions, doubled } = model.run({ x });
  assert.deepEqual(positions.dims, [1, expected.length]);
  assert.deepEqual(doubled.dims, [expected.length]);
  if (i % 100 > 8) return;
  assert.deepEqual([...positions.data].map(Number), expected);
  assert.deepEqual([...doubled.data], expected.map((k) => 2 * x[k]));
}));

test('loops that carry and collect tensors of growing size', () => staysAsLarge('growing', (model, i) => {
  const rounds = [20, 1, 0, 17, 5][i % 5];
  const { final, sums } = model.run({ limit: BigInt64Array.of(BigInt(rounds)), seed: Float32Array.of(1) });
  // 1, then each element is one more than the sum of all before.
  const expected = [1], totals = [];
  for (let k = 0, sum = 1; k < rounds; k++) {
    totals.push(sum);
    expected.push(Math.fround(sum + 1));
    sum = Math.fround(sum + Math.fround(sum + 1));
  }
  assert.deepEqual([...final.data], expected);
  assert.deepEqual([...sums.data], totals);
}));

test('runs that fail half way', () => staysAsLarge('failing', (model, i) => {
  const n = [4000, 6000, 100, 8000][i % 4];
  const x = new Float32Array(n).fill(1, n / 2);  // the second half is found
  const run = (position) => model.run({ x, position: BigInt64Array.of(BigInt(position)) });
  assert.throws(() => run(n), (error) => error.errno === 5 && /out of range/.test(error.message));
  if (n <= 5000) assert.deepEqual(run(-1).y.dims, [n]);
  else assert.throws(() => run(-1), /at most 5000 elements/);
  const { y } = run(0);
  assert.deepEqual(y.dims, [n / 2]);
  assert.equal(y.data[y.data.length - 1], -2);
}));

test('loops that collect tensors of a size found out on the way', () => staysAsLarge('scans', (model, i) => {
  const rows = i % 4, size = [3, 0, 50][i % 3];
  const run = (sizes) => model.run({ sizes: BigInt64Array.from(sizes, BigInt) });
  const { rows: collected } = run(Array(rows).fill(size));
  assert.deepEqual(collected.dims, [rows, rows === 0 ? 0 : size]);
  assert.deepEqual([...collected.data], Array.from({ length: rows * size }, (_, k) => Math.floor(k / size)));
  assert.throws(() => run([4, 4, 5]), /same shape in all iterations/);
  assert.throws(() => run([4, -1]), /outside the range/);
}));
