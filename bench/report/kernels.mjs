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

export function kernelsMarkdown({ date, machine, host, engines, results }) {
  const measured = results.filter(({ error }) => !error), failed = results.filter(({ error }) => error), mean = (list) => `${geometricMean(list.filter((value) => value > 0 && Number.isFinite(value))).toFixed(2)}x`;
  const rows = measured.map((result) => [...cells(result), result.kernels.join(', '), result.from]);
  rows.push(['**geometric mean**', '', '', '', `**${mean(measured.map(({ ours, web }) => web / ours))}**`, `**${mean(measured.map(({ ours, native }) => ours / native))}**`, '', '', '', '', '']);
  const failures = failed.length ? `\n## Failures\n\n${failed.map(({ name, error }) => `- ${name}: ${error}`).join('\n')}\n` : '';
  return `# Kernels

Made by \`bench/kernels.mjs\` on ${date.slice(0, 10)} at ${date.slice(11, 16)} UTC: ${machine}; ${host}; ${Object.entries(engines).map(([name, version]) => `${name} ${version}`).join(', ')}. One operator at a time on shapes of
real models, one thread, best runs in milliseconds. Times are those of the operator's own steps (ours) and nodes (theirs, from their own profiles, which cost some microseconds a node); transposes into
and out of another order of axes are left out but where they are the case. Operations are counted as ONNX writes them: Winograd's algorithm can exceed the registers' limit, which "of peak" is a share of.

${markdownTable([...columns.map(([title]) => title), 'kernels', 'shape from'], rows)}
${failures}`;
}
