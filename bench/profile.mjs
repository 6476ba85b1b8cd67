#!/usr/bin/env node
// Where the time of one model goes, step by step, beside what onnxruntime-web and native onnxruntime-node need for the same nodes: so that each gap has a name.
//   bench/profile.mjs MODEL [--runs 30] [--rows 40] [--order] [--json FILE] [--engines onnxruntime-web,onnxruntime-node] [--core N] [--node PATH]
// MODEL: a name of bench/models.mjs, or an .onnx file whose inputs have fixed sizes. Sizes are fixed to those that are fed. --order: in the order of the run.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { flops as peakFlops } from './engines/peak.mjs';
import { defaultCore } from './hosts/pin.mjs';
import { nodeBinary, startNode } from './hosts/node.mjs';
import { nodeMacs, profiled } from './macs.mjs';
import { models } from './models.mjs';
import { withFixedSizes } from './peers/onnx_graph.mjs';
import { nodeNames } from './node_names.mjs';
import { compile, onnxFile, preparePeak, root, work } from './prepare.mjs';
import { classTable, stepTable } from './report/profile.mjs';
import { randomFeeds } from './random_feeds.mjs';
import { min } from './report/statistics.mjs';
import { encodeTensors } from './tensor_file.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '30' }, rows: { type: 'string', default: '40' }, order: { type: 'boolean', default: false }, json: { type: 'string' },
    engines: { type: 'string', default: 'onnxruntime-web,onnxruntime-node' }, core: { type: 'string', default: String(defaultCore()) }, node: { type: 'string' },
  },
});
function fail(message) {
  console.error(`profile: ${message}`);
  process.exit(2);
}
if (positionals.length !== 1) fail('name one model, of bench/models.mjs or an .onnx file');
const [given] = positionals, isFile = given.endsWith('.onnx');
if (!isFile && !models[given]) fail(`there is no model '${given}'; there are ${Object.keys(models).join(', ')}`);
const original = isFile ? given : onnxFile(given);
if (!existsSync(original)) fail(`${original} is not there${isFile ? '' : `; scripts/fetch.mjs ${given} fetches it`}`);
const engines = options.engines ? options.engines.split(',') : [], unknown = engines.find((engine) => !['onnxruntime-web', 'onnxruntime-node'].includes(engine));
if (unknown) fail(`${unknown} has no profile by node; onnxruntime-web and onnxruntime-node have`);

const folder = join(work, isFile ? basename(given, '.onnx') : given), seen = (file) => relative(root, join(folder, file));
mkdirSync(folder, { recursive: true });
const feeds = isFile ? randomFeeds(readFileSync(original)) : models[given].feeds(), onnx = join(folder, 'fixed.onnx');
writeFileSync(onnx, withFixedSizes(readFileSync(original), feeds));
writeFileSync(join(folder, 'feeds.bin'), encodeTensors(feeds));
compile(onnx, join(folder, 'profile.wasm'), ['--profile']);
const files = { onnx: seen('fixed.onnx'), wasm: seen('profile.wasm'), loader: seen('profile.mjs'), feeds: seen('feeds.bin') };
// What the file's own nodes compute, by name.
const nodes = new Map((await profiled(onnx, feeds)).map((node) => [node.name, { ...node, macs: nodeMacs(node.op, node.inputs, node.outputs) }]));

const host = await startNode({ core: options.core, node: nodeBinary(options.node, (message) => console.error(`profile: ${message}`)) }), runs = Number(options.runs);

async function inGuest(engine, use, given = files) {
  const session = await host.open();
  try {
    await session.call('open', { engine, files: given });
    return await use(session);
  } finally {
    await session.close();
  }
}
const profileOf = (engine) => inGuest(engine, async (session) => {
  await session.call('warm', { milliseconds: 1500, count: 5 });
  return session.call('profile', { runs });
});
const peak = await inGuest('peak', async (session) => {
  const times = [];
  for (let i = 0; i < 40; i++) times.push(await session.call('sample', { count: 2 }));
  return peakFlops / min(times) / 1e6;
}, preparePeak());
const steps = await profileOf('onnx2wasm-steps'), peers = {};
for (const engine of engines) peers[engine] = await profileOf(`${engine}-nodes`);
await host.close();

const best = ({ times, ...rest }) => ({ ...rest, milliseconds: min(times) }), names = nodeNames(readFileSync(onnx));
const named = ({ node, ...rest }) => ({ ...rest, node: names.get(node)?.own ?? node, candidates: names.get(node)?.candidates ?? [] });
const profile = { model: given, date: new Date().toISOString(), host: host.version, runs, peak, steps: steps.map(best).map(named), peers: Object.fromEntries(Object.entries(peers).map(([engine, list]) => [engine, list.map(best)])) };
console.log(`${given}, ${host.version}; best of ${runs} runs; registers' limit ${peak.toFixed(1)} GFLOP/s\n`);
console.log(classTable(profile, nodes));
console.log(`\n${stepTable(profile, nodes, { rows: Number(options.rows), inOrder: options.order })}`);
if (options.json) writeFileSync(options.json, `${JSON.stringify(profile, null, 1)}\n`);
process.exit(0);
