// The kernel benchmark's table, on the terminal and as KERNELS.md.
import { ms, number, percent, ratio } from './format.mjs';
import { markdownTable } from './markdown.mjs';
import { geometricMean } from './statistics.mjs';

const columns = [['case', 58], ['ours ms', 9], ['web ms', 9], ['native ms', 10], ['web/ours', 9], ['ours/nat', 9], ['GFLOP/s', 8], ['GB/s', 7], ['of peak', 8]];
const cells = ({ name, ours, web, native, macs, bytes, peak, kernels }) => {
  // The limit is that of float instructions.
  const isFloat = !kernels.some((kernel) => / i(8|16)_/.test(kernel));
  const gflops = macs ? (2 * macs) / ours / 1e6 : undefined;
  return [name, ms(ours), ms(web), ms(native), ratio(web / ours), ratio(ours / native), number(gflops), gflops || !bytes ? '' : number(bytes / ours / 1e6), isFloat ? percent(gflops / peak) : ''];
};
const line = (list) => list.map((cell, i) => (i === 0 ? cell.padEnd(columns[0][1]) : cell.padStart(columns[i][1]))).join('');

export const kernelsTable = {
  head: () => `${line(columns.map(([title]) => title))}  kernels`,
  row: (result) => `${line(cells(result))}  ${result.kernels.join(', ')}`,
};

// The project's targets per operation: a share of the registers' limit (written for 62 GFLOP/s), or of onnxruntime-web's time.
const targets = [
  ['conv 1x1', /^conv 1x1/, { share: 52 / 62 }],
  ['matmul', /^matmul/, { share: 52 / 62 }],
  ['conv 3x3, 64 channels or more', /^conv 3x3 (64|96|128) to/, { share: 100 / 62 }],
  ['depthwise 3x3', /^depthwise 3x3 \d+,/, { share: 35 / 62 }],
  ['layer norm', /^layer norm/, { web: 0.1 }],
  ['softmax', /^softmax \d/, { web: 0.75 }],
];

function targetRows(results) {
  return targets.flatMap(([title, pattern, { share, web }]) => {
    const chosen = results.filter(({ name }) => pattern.test(name));
    if (chosen.length === 0) return [];
    const reached = chosen.map(({ name, macs, ours, peak, web: theirs }) => ({ name, value: share ? (2 * macs) / ours / 1e6 / peak : ours / theirs }));
    const worst = reached.reduce((a, b) => ((share ? b.value < a.value : b.value > a.value) ? b : a)), text = share ? percent : (value) => `${value.toFixed(2)}x`;
    return [[
      `${title}: ${share ? `${percent(share)} of the limit` : `${web} of onnxruntime-web's time`}`, text(geometricMean(reached.map(({ value }) => value))), `${text(worst.value)} (${worst.name})`,
      `${reached.filter(({ value }) => (share ? value >= share : value <= web)).length} of ${reached.length}`,
    ]];
  });
}

export function kernelsMarkdown({ date, machine, host, engines, passes, results }) {
  const measured = results.filter(({ error }) => !error), failed = results.filter(({ error }) => error), mean = (list) => `${geometricMean(list.filter((value) => value > 0 && Number.isFinite(value))).toFixed(2)}x`;
  const rows = measured.map((result) => [...cells(result), result.kernels.join(', '), result.from]);
  rows.push(['**geometric mean**', '', '', '', `**${mean(measured.map(({ ours, web }) => web / ours))}**`, `**${mean(measured.map(({ ours, native }) => ours / native))}**`, '', '', '', '', '']);
  const failures = failed.length ? `\n## Failures\n\n${failed.map(({ name, error }) => `- ${name}: ${error}`).join('\n')}\n` : '';
  return `# Kernels

Made by \`bench/kernels.mjs\` on ${date.slice(0, 10)} at ${date.slice(11, 16)} UTC: ${machine}; ${host}; ${Object.entries(engines).map(([name, version]) => `${name} ${version}`).join(', ')}. One operator at a time on shapes of
real models, one thread, best runs of ${passes} passes in milliseconds. Times are those of the operator's own steps (ours) and nodes (theirs, from their own profiles, which cost some microseconds a node); transposes into
and out of another order of axes are left out but where they are the case. Operations are counted as ONNX writes them: Winograd's algorithm can exceed the registers' limit, which "of peak" is a share of.

${markdownTable(['target', 'geometric mean', 'worst', 'met by'], targetRows(measured))}

${markdownTable([...columns.map(([title]) => title), 'kernels', 'shape from'], rows)}
${failures}`;
}
