#!/usr/bin/env node
// Latency and cold start of our modules beside onnxruntime-node (native) and onnxruntime-web (wasm), one thread each, interleaved in one run, so that
// only ratios are compared.
//   bench/compare.mjs [--models a,b] [--rounds 15] [--cold 5] [--json FILE]
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { benchFeeds } from '../tests/zoo/inputs.mjs';
import { engines } from './engines.mjs';

const here = dirname(fileURLToPath(import.meta.url)), root = join(here, '..');
const { values: options } = parseArgs({
  options: { models: { type: 'string' }, rounds: { type: 'string', default: '15' }, cold: { type: 'string', default: '5' }, json: { type: 'string' } },
});
const compiler = process.env.ONNX2WASM ?? join(root, 'build/compiler/driver/onnx2wasm');
const zoo = process.env.ONNX2WASM_ZOO ?? join(root, '.cache/zoo');
const work = join(root, 'build/bench');
mkdirSync(work, { recursive: true });

const sorted = (list) => [...list].sort((a, b) => a - b);
const median = (list) => sorted(list)[list.length >> 1];

async function measure(name) {
  const onnx = join(zoo, `${name}.onnx`), wasm = join(work, `${name}.wasm`);
  execFileSync(compiler, [onnx, '-o', wasm, '--emit', 'wasm,js', '-q']);
  const files = { onnx, loader: pathToFileURL(join(work, `${name}.mjs`)).href };
  const result = { name };

  const cold = Object.fromEntries(Object.keys(engines).map((engine) => [engine, []]));
  for (let i = 0; i < Number(options.cold); i++) {
    for (const engine of Object.keys(engines)) {
      cold[engine].push(JSON.parse(execFileSync(process.execPath, [join(here, 'cold_start.mjs'), engine, name, JSON.stringify(files)], { encoding: 'utf8' })).answer);
    }
  }
  const feeds = benchFeeds[name](), models = {}, times = {};
  for (const engine of Object.keys(engines)) {
    models[engine] = await engines[engine](files);
    times[engine] = [];
    for (let i = 0; i < 3; i++) await models[engine].run(feeds);  // let the engine's compiler settle
  }
  for (let i = 0; i < Number(options.rounds); i++) {
    for (const engine of Object.keys(engines)) {
      const start = performance.now();
      await models[engine].run(feeds);
      times[engine].push(performance.now() - start);
    }
  }
  for (const engine of Object.keys(engines)) {
    result[engine] = { cold: median(cold[engine]), median: median(times[engine]), min: sorted(times[engine])[0] };
  }
  return result;
}

const ms = (value) => (value < 10 ? value.toFixed(2) : value.toFixed(0)).padStart(8);
const ratio = (value) => `${value.toFixed(2)}x`.padStart(8);
const names = (options.models?.split(',') ?? Object.keys(benchFeeds)).filter((name) => existsSync(join(zoo, `${name}.onnx`)) || console.error(`${name}: not fetched, left out`));
console.log(`${cpus()[0].model}, Node ${process.version}; milliseconds, medians of ${options.rounds} runs and ${options.cold} cold starts\n`);
console.log('model'.padEnd(18) + '    ours     web  native  web/ours ours/native | cold: ours     web  native web/ours');
const results = [];
for (const name of names) {
  const r = await measure(name);
  results.push(r);
  const { onnx2wasm: o, 'onnxruntime-web': w, 'onnxruntime-node': n } = r;
  console.log(`${name.padEnd(18)}${ms(o.median)}${ms(w.median)}${ms(n.median)}${ratio(w.median / o.median)}${ratio(o.median / n.median)}    | ${ms(o.cold)}${ms(w.cold)}${ms(n.cold)}${ratio(w.cold / o.cold)}`);
}
if (options.json) writeFileSync(options.json, JSON.stringify({ date: new Date().toISOString(), node: process.version, cpu: cpus()[0].model, results }, null, 2));
process.exit(0);
