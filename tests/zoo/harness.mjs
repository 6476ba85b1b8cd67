// What the tests of real models share: which models to test, compiling one, and native ONNX Runtime beside it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ort from 'onnxruntime-node';
import { assertClose, exactIntegers } from '../support/against_onnxruntime.mjs';
import { assertQuantizedClose, dequantized, withUnsignedWeights } from '../support/quantized.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const compiler = process.env.ONNX2WASM ?? join(root, 'build/compiler/driver/onnx2wasm');
const zoo = process.env.ONNX2WASM_ZOO ?? join(root, '.cache/zoo');
export const { models } = JSON.parse(readFileSync(join(here, 'models.json'), 'utf8'));
const chosen = process.env.ONNX2WASM_MODELS ?? 'ci';
// A file to which compile time, memory and run times are added, a line of JSON per model.
const report = process.env.ONNX2WASM_ZOO_REPORT;

// Beyond the weights: code, tables, metadata.
const mostCode = 400_000;

const isChosen = (name) => chosen === 'all' || (chosen === 'ci' ? models[name].ci === true : chosen.split(',').includes(name));
const file = (name) => join(zoo, `${name}.onnx`);

/** A test of one or more real models: left out unless the first is chosen, skipped with a notice where a file was not fetched. */
export function testModels(names, body) {
  if (!isChosen(names[0])) return;
  const missing = names.find((name) => !existsSync(file(name)));
  test(names.join(' + '), { skip: missing ? `${missing}.onnx is not there; scripts/fetch.mjs ${missing} fetches it` : false }, body);
}

// Activations are quantized while the model runs: see assertQuantizedClose.
const isQuantized = (name) => models[name].quantized === true;

function compile(onnx, wasm) {
  const args = [onnx, '-o', wasm, '--emit', 'wasm,js'], started = performance.now();
  const measured = report && existsSync('/usr/bin/time') ? ['/usr/bin/time', '-o', `${wasm}.kilobytes`, '-f', '%M', compiler, ...args] : [compiler, ...args];
  const said = execFileSync(measured[0], measured.slice(1), { encoding: 'utf8' });
  const kilobytes = (what) => Number(said.match(new RegExp(`${what} ([\\d.]+) KB`))[1]);
  return {
    seconds: (performance.now() - started) / 1000, code: kilobytes('code and tables') * 1000, weights: kilobytes('weights') * 1000,
    peak: measured[0] === compiler ? undefined : Number(readFileSync(`${wasm}.kilobytes`, 'utf8')) * 1024,
  };
}

const ortTensor = ({ type, data, dims }) => new ort.Tensor(type, data, dims);

/** A compiled real model and native ONNX Runtime's session of the same file. */
class Pair {
  constructor(name, model, session, exactSession) {
    Object.assign(this, { name, model, session, exactSession, times: [] });
  }
  ours(feeds) {
    const started = performance.now(), outputs = this.model.run(feeds);
    this.times.push(performance.now() - started);
    this.feeds = feeds;
    return outputs;
  }
  /** Milliseconds of the last run again, now that the engine has optimized the code: the best of a few. */
  steady() {
    const once = () => {
      const started = performance.now();
      this.model.run(this.feeds);
      return performance.now() - started;
    };
    return Math.min(once(), once(), once(), once());
  }
  reference(feeds, session = this.session) {
    return session.run(Object.fromEntries(Object.entries(feeds).map(([key, tensor]) => [key, ortTensor(tensor)])));
  }
  /** Runs both, compares the outputs (all, or `only` these) and returns both. */
  async compare(label, feeds, { only = this.session.outputNames, ...tolerance } = {}) {
    const reference = await this.reference(feeds), ours = this.ours(feeds);
    const exact = this.exactSession && await this.reference(feeds, this.exactSession);
    for (const name of only) {
      if (exact) assertQuantizedClose(`${label}, ${name}`, ours[name], reference[name], exact[name]);
      else assertClose(`${label}, ${name}`, ours[name], reference[name], tolerance);
    }
    return { ours, reference };
  }
}

/** Compiles the model and gives `use` a Pair; then cleans up. */
export async function withModel(name, use) {
  const folder = mkdtempSync(join(tmpdir(), 'zoo-'));
  try {
    const wasm = join(folder, `${name}.wasm`), figures = compile(file(name), wasm);
    assert.ok(figures.code <= mostCode, `${name}: code and tables take ${figures.code} bytes`);
    assert.ok(statSync(wasm).size > 0);
    const { create } = await import(pathToFileURL(join(folder, `${name}.mjs`)));
    const session = (model) => ort.InferenceSession.create(model, { logSeverityLevel: 3, ...exactIntegers }), bytes = readFileSync(file(name));
    const exactSession = isQuantized(name) ? await session(dequantized(bytes)) : null;
    const pair = new Pair(name, await create(), await session(exactSession ? withUnsignedWeights(bytes) : bytes), exactSession);
    const result = await use(pair);
    if (report && pair.feeds) {
      const memory = pair.model.exports.memory.buffer.byteLength;
      appendFileSync(report, JSON.stringify({ name, ...figures, memory, first: pair.times[0], steady: pair.steady() }) + '\n');
    }
    await pair.session.release();
    await exactSession?.release();
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The position of the largest of data[start, start + length). */
export function argMax(data, start, length) {
  let best = 0;
  for (let i = 1; i < length; i++) if (data[start + i] > data[start + best]) best = i;
  return best;
}
