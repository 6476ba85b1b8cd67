#!/usr/bin/env node
// Measures our modules beside onnxruntime-web, native onnxruntime-node, LiteRT and TensorFlow.js (its wasm backend), one thread each, all on one core and taking
// turns in one run, in Node 26 and in headless Chromium. Only ratios within a run are to be believed.
//   bench/run.mjs [--models a,b] [--engines a,b] [--hosts node,chromium] [--rounds 15] [--cold 2] [--quick] [--json FILE] [--results FILE]
//                 [--core N] [--node PATH]
// Without --models: all of bench/models.mjs whose files were fetched (scripts/fetch.mjs). bench/RESULTS.md is written by a run of all; --results writes elsewhere.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { engines } from './engines/index.mjs';
import { chromiumPath, startChromium } from './hosts/chromium.mjs';
import { nodeBinary, startNode } from './hosts/node.mjs';
import { canPin, defaultCore } from './hosts/pin.mjs';
import { filesOf, measure } from './measure.mjs';
import { models, quickModels } from './models.mjs';
import { compiler, onnxFile, prepare, preparePeak, root, work } from './prepare.mjs';
import { resultsMarkdown } from './report/markdown.mjs';
import { tableHead, tableRow } from './report/table.mjs';
import { shippedBytes, versionOf } from './sizes.mjs';

const { values: options } = parseArgs({
  options: {
    models: { type: 'string' }, engines: { type: 'string' }, hosts: { type: 'string', default: 'node,chromium' }, rounds: { type: 'string' }, cold: { type: 'string' },
    quick: { type: 'boolean', default: false }, json: { type: 'string' }, results: { type: 'string' }, core: { type: 'string', default: String(defaultCore()) }, node: { type: 'string' },
  },
});

function fail(message) {
  console.error(`bench: ${message}`);
  process.exit(2);
}
const warn = (message) => console.error(`bench: ${message}`);

function listed(given, known, what) {
  const names = given.split(',');
  const unknown = names.find((name) => !known.includes(name));
  if (unknown) fail(`there is no ${what} '${unknown}'; there are ${known.join(', ')}`);
  return names;
}

const chosenEngines = listed(options.engines ?? Object.keys(engines).filter((name) => !engines[name].onDemand).join(), Object.keys(engines), 'engine');
const chosenHosts = listed(options.hosts, ['node', 'chromium'], 'host');
const isWhole = !options.models && !options.engines && !options.quick;
const wanted = options.models ? listed(options.models, Object.keys(models), 'model') : options.quick ? quickModels : Object.keys(models);
const names = wanted.filter((name) => existsSync(onnxFile(name)) || warn(`${name} is not there and is left out; scripts/fetch.mjs ${name} fetches it`));
if (!existsSync(compiler)) fail(`${compiler} is not there; scripts/build.sh release onnx2wasm builds it`);
if (!canPin()) warn('taskset is not there: nothing is pinned to a core');
const rounds = Number(options.rounds ?? (options.quick ? 3 : 15)), cold = Number(options.cold ?? (options.quick ? 1 : 2));
const budget = options.quick ? { warm: 100, sample: 5, rounds: 5000, cold: 5000 } : { warm: 1200, sample: 25, rounds: 40_000, cold: 40_000 };

const hosts = [];
if (chosenHosts.includes('node')) hosts.push(await startNode({ core: options.core, node: nodeBinary(options.node, warn) }));
if (chosenHosts.includes('chromium')) {
  if (chromiumPath()) hosts.push(await startChromium({ core: options.core, root }));
  else warn('Chromium is not there and is left out; scripts/setup-bench.sh installs it, $CHROMIUM names another');
}
if (hosts.length === 0) fail('no host to measure in');

const run = {
  date: new Date().toISOString(),
  machine: `${cpus()[0].model}, ${cpus().length} cores, one used`,
  hosts: Object.fromEntries(hosts.map(({ name, version }) => [name, version])),
  engines: {
    onnx2wasm: execFileSync(compiler, ['--version'], { encoding: 'utf8' }).trim(), 'onnxruntime-web': versionOf('onnxruntime-web'), 'onnxruntime-node': versionOf('onnxruntime-node'),
    tfjs: versionOf('@tensorflow/tfjs-backend-wasm'), litert: versionOf('@litertjs/core'),
  },
  rounds, cold, results: [],
};

const peak = preparePeak();
const forms = new Set(chosenEngines.map((engine) => engines[engine].needs));
console.log(`${run.machine}; ${Object.values(run.hosts).join('; ')}; medians of ${rounds} rounds, ${cold} cold starts`);
try {
  console.log(tableHead());
  for (const name of names) {
    try {
      const model = await prepare(name, { peers: forms.has('graph') || forms.has('tflite'), sidecar: forms.has('sidecar') });
      const measured = await measure(model, hosts, { chosen: chosenEngines, rounds, cold, budget, peak, log: warn });
      const shipped = Object.fromEntries(chosenEngines.map((engine) => [engine, filesOf(model, engine)]).filter(([, files]) => files).map(([engine, files]) => [engine, shippedBytes(engine, files, model.compiled)]));
      const result = { name, f32: model.f32, macs: model.macs, compiled: model.compiled, missing: model.missing, shipped, hosts: measured };
      run.results.push(result);
      for (const host of hosts) console.log(tableRow(result, host.name));
    } catch (error) {
      warn(`${name}: ${process.env.ONNX2WASM_BENCH_VERBOSE ? error.stack : error.message}`);
      run.results.push({ name, f32: models[name].f32, error: error.message });
      process.exitCode = 1;
    }
  }
} finally {
  for (const host of hosts) await host.close();
}

mkdirSync(work, { recursive: true });
const json = options.json ?? join(work, 'results.json');
writeFileSync(json, `${JSON.stringify(run, null, 1)}\n`);
const results = options.results ?? (isWhole ? join(root, 'bench/RESULTS.md') : join(work, 'RESULTS.md'));
writeFileSync(results, resultsMarkdown(run));
console.log(`\n${json}\n${results}`);
