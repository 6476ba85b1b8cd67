// RESULTS.md: what a run measured, and its targets beside what was reached.
import { kilobytes, megabytes, ms, number, percent, ratio } from './format.mjs';
import { geometricMean } from './statistics.mjs';
import { targets } from './targets.mjs';

export function markdownTable(heads, rows) {
  const text = (cells) => `| ${cells.join(' | ')} |`;
  return [text(heads), `|${heads.map((_, i) => (i === 0 ? '---' : '--:')).join('|')}|`, ...rows.map(text)].join('\n');
}

const peers = ['onnxruntime-web', 'litert', 'tfjs'];
const title = { node: 'Node', chromium: 'Chromium' };

function latency({ results }, host) {
  const native = (result) => result.hosts[host]['onnxruntime-node'] ?? result.hosts.node?.['onnxruntime-node'];
  const rows = results.map((result) => {
    const mine = result.hosts[host], ours = mine.onnx2wasm ?? {};
    const cell = (engine) => (mine[engine]?.median ? `${ms(mine[engine].median)} (${ms(mine[engine].min)})` : mine[engine]?.error ? 'fails' : '');
    return [
      result.f32 ? result.name : `${result.name} (int)`, number(result.macs / 1e6), cell('onnx2wasm'), ...peers.map(cell), native(result)?.median ? `${ms(native(result).median)} (${ms(native(result).min)})` : '',
      ...peers.map((engine) => ratio(mine[engine]?.median / ours.median)), ratio(ours.median / native(result)?.median), number(ours.gflops), percent(ours.share),
    ];
  });
  const means = (ratioOf) => {
    const list = results.filter(({ f32 }) => f32).map(ratioOf).filter(Number.isFinite);
    return list.length ? `**${geometricMean(list).toFixed(2)}x** (${list.length})` : '';
  };
  rows.push([
    '**geometric mean, f32**', '', '', '', '', '', '', ...peers.map((engine) => means((r) => r.hosts[host][engine]?.median / r.hosts[host].onnx2wasm?.median)),
    means((r) => r.hosts[host].onnx2wasm?.median / native(r)?.median), '', '',
  ]);
  return markdownTable(['model', 'MMAC', 'ours', ...peers, 'native', ...peers.map((engine) => `${engine} / ours`), 'ours / native', 'GFLOP/s', 'of peak'], rows);
}

function coldStarts({ results }, host) {
  const rows = results.flatMap((result) => ['onnx2wasm', 'onnx2wasm-sidecar', ...peers, 'onnxruntime-node'].flatMap((engine) => {
    const { cold, median } = result.hosts[host][engine] ?? {};
    if (!cold) return [];
    const { read, compile, instantiate, ready, first, answer, runs, memory, peakBytes } = cold;
    return [[
      result.name, engine, ms(read), ms(compile), ms(instantiate), ms(Math.max(0, ready - read - compile - instantiate)), ms(first), ms(answer), runs.slice(1).map(ms).join(' '), ratio(first / median),
      memory ? megabytes(memory) : '', megabytes(peakBytes),
    ]];
  }));
  return markdownTable(['model', 'engine', 'read', 'compile', 'instantiate', 'other', 'first run', 'first answer after', 'runs 2 to 5', 'first / steady', 'linear memory MB', 'process peak MB'], rows);
}

function shipped({ results }) {
  const rows = results.flatMap(({ name, shipped: sizes }) => Object.entries(sizes).flatMap(([engine, size]) => (size ? [[
    name, engine, ...['raw', 'gzip', 'brotli'].map((kind) => kilobytes(size.code[kind])), ...['raw', 'gzip', 'brotli'].map((kind) => kilobytes(size.weights[kind])),
  ]] : [])));
  return markdownTable(['model', 'engine', 'code KB', 'gzip', 'brotli', 'weights KB', 'gzip', 'brotli'], rows);
}

const compiling = ({ results }) => markdownTable(['model', 's', 'peak memory MB', 'code KB', 'weights KB'], results.map(({ name, compiled }) => [
  name, compiled.seconds.toFixed(2), megabytes(compiled.peakBytes), kilobytes(compiled.codeBytes), kilobytes(compiled.weightBytes),
]));

export function resultsMarkdown(run) {
  const measured = { ...run, results: run.results.filter(({ error }) => !error) }, hosts = Object.keys(run.hosts);
  const failures = run.results.flatMap(({ name, error, hosts: byHost = {} }) => [
    ...(error ? [`- ${name}: ${error}`] : []),
    ...Object.entries(byHost).flatMap(([host, byEngine]) => Object.entries(byEngine).filter(([, { error: why }]) => why).map(([engine, { error: why }]) => `- ${name}, ${engine} in ${title[host]}: ${why}`)),
  ]);
  const left = measured.results.flatMap(({ name, missing }) => Object.entries(missing ?? {}).map(([form, why]) => `- ${name} as ${form}: ${why}`));
  const peaks = hosts.map((host) => {
    const list = measured.results.map((result) => result.hosts[host].peak?.gflops).filter(Boolean);
    return list.length ? `${title[host]} ${geometricMean(list).toFixed(1)} GFLOP/s (${Math.min(...list).toFixed(1)} to ${Math.max(...list).toFixed(1)})` : '';
  }).filter(Boolean);
  const parts = [
    `# Results\n\nMade by \`bench/run.mjs\` on ${run.date.slice(0, 10)} at ${run.date.slice(11, 16)} UTC: ${run.machine}; ${Object.values(run.hosts).join('; ')};
${Object.entries(run.engines).map(([name, version]) => `${name} ${version.replace(`${name} `, '')}`).join(', ')}. One thread each, on one core, taking turns in one run:
medians of ${run.rounds} rounds (five at least of slow models), minima in brackets, in milliseconds. Machines are shared and slow down for minutes: only ratios within the run count. The loop of multiplications
and additions in registers, measured among the rest: ${peaks.join('; ')}; "of peak" is a share of it.`,
    `## Targets\n\n${markdownTable(['target', 'reached', 'met'], targets(measured))}`,
    ...hosts.map((host) => `## Latency in ${title[host]}\n\n${latency(measured, host)}`),
    ...hosts.map((host) => `## Cold start in ${title[host]}\n\nIn a fresh ${host === 'node' ? 'process' : 'page in a renderer process of its own'}, medians of ${run.cold} (two at least of slow models), in milliseconds. ${host === 'chromium' ? 'Compiling includes fetching where an engine streams. ' : ''}"Other" is what the engine does besides until it can be asked: its JavaScript, reading the model's graph, packing weights.\n\n${coldStarts(measured, host)}`),
    `## Shipped bytes\n\nBrotli at quality 11 of code, 5 of weights.\n\n${shipped(measured)}`,
    `## Compiling\n\n${compiling(measured)}`,
  ];
  if (left.length) parts.push(`## Left out\n\nLiteRT and TensorFlow.js cannot read ONNX; they get the same network in their own form where its importer (bench/peers) knows all operators, and native ONNX Runtime's answer is\nasked for before they are timed.\n\n${left.join('\n')}`);
  if (failures.length) parts.push(`## Failures\n\n${failures.join('\n')}`);
  return `${parts.join('\n\n')}\n`;
}
