// Times the engines on one model: cold starts in fresh guests, then rounds in which all engines of all hosts take turns.
import { setTimeout as delay } from 'node:timers/promises';
import { engines } from './engines/index.mjs';
import { flops as peakFlops } from './engines/peak.mjs';
import { median, min } from './report/statistics.mjs';

// Agreement with native ONNX Runtime that is asked for before an engine is timed, relative to each output's largest value: a check that the engines compute the same, looser
// than the tests' (for integer models, whose activations are quantized while they run, looser still).
const agreement = { f32: 2e-3, integer: 0.5 };

// Milliseconds for what an engine does after it has answered (collecting garbage, say) to end before the next one's sample begins.
const settle = 30;

/** What the engine needs of the model, or undefined. */
export const filesOf = (model, engine) => model.forms[engines[engine].needs ?? 'onnx'];

/** The engines of `chosen` that can run the model in this host. */
const applicable = (model, host, chosen) => chosen.filter((engine) => engines[engine].hosts.includes(host.name) && filesOf(model, engine));

async function coldStart(host, engine, files) {
  const session = await host.open();
  try {
    const parts = await session.call('open', { engine, files });
    const runs = await session.call('runs', { count: 5 });
    return { ...parts, first: runs[0], answer: parts.ready + runs[0], runs, memory: await session.call('memory'), peakBytes: await session.peakBytes() };
  } finally {
    await session.close();
  }
}

// Medians of each part over the cold starts.
const summary = (starts) => Object.fromEntries(Object.keys(starts[0]).map((key) => {
  if (key === 'runs') return [key, starts[0].runs.map((_, i) => median(starts.map(({ runs }) => runs[i])))];
  return [key, median(starts.map((start) => start[key] ?? 0))];
}));

async function openAndCheck(host, engine, model, log) {
  const files = filesOf(model, engine), session = await host.open();
  try {
    await session.call('open', { engine, files });
    const errors = await session.call('compare', { reference: files.reference, ofLargest: agreement[model.f32 ? 'f32' : 'integer'] });
    const wrong = Object.entries(errors).filter(([, error]) => !(error <= 1));
    if (wrong.length) throw new Error(`not native ONNX Runtime's answer: ${wrong.map(([name, error]) => `${name} is ${error.toPrecision(3)} tolerances off`).join(', ')}`);
    return session;
  } catch (error) {
    await session.close();
    log(`${model.name}, ${engine} in ${host.name}: ${error.message}`);
    return { error: error.message };
  }
}

/** {host: {engine: {median, min, gflops, share, cold} or {error}}}. */
export async function measure(model, hosts, { chosen, rounds, cold, budget, peak, log }) {
  const result = {}, open = [];
  for (const host of hosts) {
    result[host.name] = {};
    for (const engine of applicable(model, host, chosen)) {
      const session = await openAndCheck(host, engine, model, log);
      if (session.error) result[host.name][engine] = session;
      else open.push({ host, engine, session, times: [] });
    }
    const session = await host.open();
    await session.call('open', { engine: 'peak', files: peak });
    open.push({ host, engine: 'peak', session, times: [] });
  }
  try {
    for (const entry of open) {
      const once = await entry.session.call('warm', { milliseconds: budget.warm, count: 4 });
      entry.count = Math.max(1, Math.ceil(budget.sample / once));
    }
    // Slow models get fewer rounds, but five.
    for (let round = 0, begin = performance.now(); round < rounds && (round < 5 || performance.now() - begin < budget.rounds); round++) {
      // Another one begins each time: who follows a change of hosts shares the core with what the other host still has to do.
      const first = (round * 3) % open.length;
      for (const { session, times, count } of [...open.slice(first), ...open.slice(0, first)]) {
        await delay(settle);
        times.push(await session.call('sample', { count }));
      }
    }
  } finally {
    for (const { session } of open) await session.close();
  }
  for (const host of hosts) {
    const mine = open.filter((entry) => entry.host === host), peakTimes = mine.find(({ engine }) => engine === 'peak').times;
    const peakGflops = peakFlops / median(peakTimes) / 1e6;
    for (const { engine, times } of mine) {
      const figures = { median: median(times), min: min(times) };
      figures.gflops = (engine === 'peak' ? peakFlops : 2 * model.macs) / figures.median / 1e6;
      figures.share = figures.gflops / peakGflops;
      result[host.name][engine] = figures;
    }
    const starts = Object.fromEntries(mine.filter(({ engine }) => engine !== 'peak').map(({ engine }) => [engine, []]));
    for (let i = 0, begin = performance.now(); i < cold && (i < 2 || performance.now() - begin < budget.cold); i++) {
      for (const engine of Object.keys(starts)) starts[engine].push(await coldStart(host, engine, filesOf(model, engine)));
    }
    for (const [engine, list] of Object.entries(starts)) if (list.length) result[host.name][engine].cold = summary(list);
  }
  return result;
}
