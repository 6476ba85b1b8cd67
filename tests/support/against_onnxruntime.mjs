// Runs a model as a compiled module and in native ONNX Runtime on the same inputs, and compares all outputs.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ort from 'onnxruntime-node';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
export const compiler = process.env.ONNX2WASM ?? join(root, 'build/compiler/driver/onnx2wasm');

/** mulberry32: seeded random numbers in [0, 1), so that every run sees the same. */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function decodeHalf(bits) {
  const exponent = (bits >> 10) & 31, fraction = bits & 1023, sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

const numbers = ({ type, data }) => (type === 'float16' ? Float64Array.from(data, decodeHalf) : data);

/**
 * Session options with which ONNX Runtime's integer products are exact. Without them, on x64 processors that have AVX2 but no VNNI instructions,
 * its kernel for u8 times s8 adds pairs of products in 16 bits and saturates: 64 products of 255 * 127 came out 40 % short.
 */
export const exactIntegers = { extra: { session: { x64quantprecision: '1' } } };

/** Asserts |ours - reference| <= atol + rtol * |reference| for all elements; shapes and non-finite values exactly. */
export function assertClose(label, ours, reference, { rtol = 1e-3, atol = 1e-4 } = {}) {
  assert.deepEqual(ours.dims.map(Number), reference.dims.map(Number), `${label}: shape`);
  assert.equal(ours.data.length, reference.data.length, `${label}: number of elements`);
  if (reference.type === 'string') return assert.deepEqual([...ours.data], [...reference.data], label);
  const mine = numbers({ type: reference.type, data: ours.data }), theirs = numbers(reference);
  let worst = 0, at = -1;
  for (let i = 0; i < theirs.length; i++) {
    const a = Number(mine[i]), b = Number(theirs[i]);
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    const excess = Math.abs(a - b) / (atol + rtol * Math.abs(b));
    if (!(excess <= worst)) {
      worst = Number.isNaN(excess) ? Infinity : excess;
      at = i;
    }
  }
  assert.ok(worst <= 1, `${label}[${at}]: ${mine[at]} and ONNX Runtime's ${theirs[at]} are ${worst.toFixed(1)} tolerances apart`);
}

/** Compiles `bytes` and gives the loaded model to `use`, with the loader's class; files are removed afterwards. */
export async function withCompiled(bytes, use, { options = [] } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'onnx2wasm-test-'));
  try {
    const onnx = join(folder, 'model.onnx');
    writeFileSync(onnx, bytes);
    execFileSync(compiler, [onnx, '-o', join(folder, 'model.wasm'), '--emit', 'wasm,js', '--quiet', ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
    const loader = await import(pathToFileURL(join(folder, 'model.mjs')));
    return await use(await loader.create(), loader);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const ortTensor = ({ type, data, dims }) => new ort.Tensor(type, type === 'string' ? [...data] : data, dims);

/**
 * `runs`: a list of feeds {name: {type, dims, data}}, all run in one instance, in order.
 * Options: rtol, atol, `options` for the compiler, `sessionOptions` for ONNX Runtime, `only` (names of the outputs to compare).
 */
export async function agreesWithOnnxRuntime(bytes, runs, { options, sessionOptions = {}, only, ...tolerance } = {}) {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3, ...exactIntegers, ...sessionOptions });
  await withCompiled(bytes, async (model) => {
    for (const [i, feeds] of runs.entries()) {
      const reference = await session.run(Object.fromEntries(Object.entries(feeds).map(([name, given]) => [name, ortTensor(given)])));
      const ours = model.run(feeds);
      for (const name of only ?? session.outputNames) assertClose(`run ${i}, output ${name}`, ours[name], reference[name], tolerance);
    }
  }, { options });
}
