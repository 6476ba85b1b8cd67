// Real models: compiled by the command, run at several sizes in one instance, compared with native ONNX Runtime on the same inputs.
//   node --test zoo.test.mjs     environment: ONNX2WASM (the command), ONNX2WASM_ZOO, ONNX2WASM_MODELS=all|name,name (default: those marked "ci")
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ort from 'onnxruntime-node';
import { runs } from './inputs.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const compiler = process.env.ONNX2WASM ?? join(root, 'build/compiler/driver/onnx2wasm');
const zoo = process.env.ONNX2WASM_ZOO ?? join(root, '.cache/zoo');
const { models } = JSON.parse(readFileSync(join(here, 'models.json'), 'utf8'));
const chosen = process.env.ONNX2WASM_MODELS ?? 'ci';
const names = Object.keys(runs).filter((name) => chosen === 'all' || (chosen === 'ci' ? models[name].ci : chosen.split(',').includes(name)));

const rtol = 1e-3, atol = 1e-4;
// Beyond the weights: code, tables, metadata.
const mostCode = 150_000;

// Largest excess over atol + rtol * |reference|, and where.
function compare(name, ours, reference) {
  assert.deepEqual(ours.dims.map(Number), reference.dims.map(Number), `${name}: shape`);
  assert.equal(ours.data.length, reference.data.length, `${name}: length`);
  let worst = 0, at = -1;
  for (let i = 0; i < reference.data.length; i++) {
    const a = Number(ours.data[i]), b = Number(reference.data[i]);
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    const excess = Math.abs(a - b) / (atol + rtol * Math.abs(b));
    if (!(excess <= worst)) {
      worst = Number.isNaN(excess) ? Infinity : excess;
      at = i;
    }
  }
  assert.ok(worst <= 1, `${name}[${at}]: ${ours.data[at]} and ONNX Runtime's ${reference.data[at]} are ${worst.toFixed(1)} tolerances apart`);
}

for (const name of names) {
  const onnx = join(zoo, `${name}.onnx`);
  test(name, { skip: existsSync(onnx) ? false : `${name}.onnx is not there; scripts/fetch.mjs ${name} fetches it` }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'zoo-'));
    try {
      const wasm = join(folder, `${name}.wasm`);
      const said = execFileSync(compiler, [onnx, '-o', wasm, '--emit', 'wasm,js'], { encoding: 'utf8' });
      const code = Number(said.match(/code and tables ([\d.]+) KB/)[1]) * 1000;
      assert.ok(code <= mostCode, `code and tables take ${code} bytes`);
      assert.ok(statSync(wasm).size > 0);

      const { create } = await import(pathToFileURL(join(folder, `${name}.mjs`)));
      const model = await create();
      const session = await ort.InferenceSession.create(onnx, { logSeverityLevel: 3 });
      let before = null;
      for (const [i, run] of runs[name].entries()) {
        const feeds = typeof run === 'function' ? run(before) : run;
        const tensors = Object.fromEntries(Object.entries(feeds).map(([key, { type, data, dims }]) => [key, new ort.Tensor(type, data, dims)]));
        const reference = await session.run(tensors);
        const ours = model.run(feeds);
        for (const output of session.outputNames) compare(`run ${i}, ${output}`, ours[output], reference[output]);
        before = ours;
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
