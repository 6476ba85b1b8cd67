#!/usr/bin/env node
// Every kernel family on shapes of real models (bench/kernels/cases.mjs), one operator at a time, beside onnxruntime-web and native ONNX Runtime.
//   bench/kernels.mjs [--only TEXT] [--list] [--json FILE] [--results FILE] [--quick] [--passes 2] [--core N] [--node PATH]
// --only: cases whose name, model or kernel has that in it. Times are those of the operator's own steps and nodes: transposes on the way into and out of another order of axes are left out
// (they are cases of their own). All cases are measured --passes times, one pass after the other, since a machine may be slow for minutes. bench/KERNELS.md is written by a run of all; --results writes elsewhere.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { flops as peakFlops } from './engines/peak.mjs';
import { nodeBinary, startNode } from './hosts/node.mjs';
import { defaultCore } from './hosts/pin.mjs';
import { cases } from './kernels/cases.mjs';
import { formOf } from './kernels/forms.mjs';
import { nodeMacs, profiled } from './macs.mjs';
import { compile, preparePeak, root, work } from './prepare.mjs';
import { kernelsMarkdown, kernelsTable } from './report/kernels.mjs';
import { min } from './report/statistics.mjs';
import { versionOf } from './sizes.mjs';
import { encodeTensors } from './tensor_file.mjs';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' }, list: { type: 'boolean', default: false }, json: { type: 'string' }, results: { type: 'string' }, quick: { type: 'boolean', default: false },
    core: { type: 'string', default: String(defaultCore()) }, node: { type: 'string' }, passes: { type: 'string' },
  },
});
if (options.list) {
  for (const { name, from } of cases) console.log(`${name}  (${from})`);
  process.exit(0);
}
const warn = (message) => console.error(`kernels: ${message}`);
const chosen = cases.filter(({ name, from }) => !options.only || `${name} ${from}`.includes(options.only));
if (chosen.length === 0) {
  warn(`no case has '${options.only}' in its name; --list shows them`);
  process.exit(2);
}
const budget = options.quick ? 10 : 200, folder = join(work, 'kernels'), seen = (file) => relative(root, join(folder, file));
mkdirSync(folder, { recursive: true });
const host = await startNode({ core: options.core, node: nodeBinary(options.node, warn) });
const engines = { ours: 'onnx2wasm-steps', web: 'onnxruntime-web-nodes', native: 'onnxruntime-node-nodes' };

async function profileOf(engine, files) {
  const session = await host.open();
  try {
    await session.call('open', { engine, files });
    const once = await session.call('warm', { milliseconds: budget, count: 6 });
    return (await session.call('profile', { runs: Math.min(200, Math.max(5, Math.ceil(budget / once))) })).map(({ times, ...rest }) => ({ ...rest, milliseconds: min(times) }));
  } finally {
    await session.close();
  }
}

async function peakOf() {
  const session = await host.open(), times = [];
  await session.call('open', { engine: 'peak', files: peakFiles });
  for (let i = 0; i < 20; i++) times.push(await session.call('sample', { count: 1 }));
  await session.close();
  return peakFlops / min(times) / 1e6;
}

const peakFiles = preparePeak(), isWay = { ours: ({ family }) => family === 'transpose2d', web: ({ op }) => op === 'Transpose', native: ({ op }) => ['Transpose', 'ReorderInput', 'ReorderOutput'].includes(op) };

async function measure({ name, from, model, moves, bytes: given }, index) {
  const { bytes, feeds } = model(), onnx = join(folder, `${index}.onnx`), wasm = `${index}.wasm`;
  writeFileSync(onnx, bytes);
  writeFileSync(join(folder, `${index}.bin`), encodeTensors(feeds));
  compile(onnx, join(folder, wasm), ['--profile']);
  const files = { onnx: seen(`${index}.onnx`), wasm: seen(wasm), loader: seen(`${index}.mjs`), feeds: seen(`${index}.bin`) };
  const macs = (await profiled(onnx, feeds)).reduce((sum, { op, inputs, outputs }) => sum + nodeMacs(op, inputs, outputs), 0);
  const result = { name, from, macs, peak: await peakOf() };
  for (const [key, engine] of Object.entries(engines)) {
    const profile = await profileOf(engine, files), own = moves ? profile : profile.filter((part) => !isWay[key](part));
    result[key] = own.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    if (key === 'ours') {
      result.kernels = [...new Set(own.filter(({ function: kernel, family }) => kernel || family !== 'memory').map(formOf))];
      result.bytes = given ? given : own.every(({ bytes: known }) => known !== null) ? own.reduce((sum, { bytes: moved }) => sum + moved, 0) : undefined;
      result.way = profile.filter((part) => !own.includes(part)).reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    }
  }
  return result;
}

// The best of both for every engine.
const better = (a, b) => (!a || a.error ? b : b.error ? a : { ...b, peak: Math.max(a.peak, b.peak), ...Object.fromEntries([...Object.keys(engines), 'way'].map((key) => [key, Math.min(a[key], b[key])])) });

const passes = Number(options.passes ?? (options.quick ? 1 : 2)), run = {
  passes, date: new Date().toISOString(), machine: `${cpus()[0].model}, ${cpus().length} cores, one used`, host: host.version,
  engines: { 'onnxruntime-web': versionOf('onnxruntime-web'), 'onnxruntime-node': versionOf('onnxruntime-node') }, results: [],
};
console.log(`${run.machine}; ${run.host}; best runs of ${passes} passes`);
for (let pass = 1; pass <= passes; pass++) {
  for (const [index, given] of chosen.entries()) {
    let result;
    try {
      result = await measure(given, index);
    } catch (error) {
      warn(`${given.name}: ${error.message}`);
      result = { name: given.name, from: given.from, error: error.message };
      process.exitCode = 1;
    }
    run.results[index] = better(run.results[index], result);
    if (pass < passes) continue;
    if (index === 0) console.log(kernelsTable.head());
    if (!run.results[index].error) console.log(kernelsTable.row(run.results[index]));
  }
}
await host.close();
const json = options.json ?? join(work, 'kernels.json'), results = options.results ?? join(options.only || options.quick ? work : join(root, 'bench'), 'KERNELS.md');
writeFileSync(json, `${JSON.stringify(run, null, 1)}\n`);
writeFileSync(results, kernelsMarkdown(run));
console.log(`\n${json}\n${results}`);
process.exit();
