// Tables of a profile: by class of operation, and by step.
import { ms, number, percent, ratio } from './format.mjs';

const product = (dims) => dims.reduce((all, dim) => all * dim, 1);

/** "conv 3x3 s2", "depthwise 3x3", "matmul", ... of an ONNX (or ONNX Runtime's own) node with these dims. */
export function classOf({ op, inputs, outputs }) {
  if (/^(Fused|NhwcFused)?Conv$/.test(op) && inputs[1]?.length >= 3 && inputs[0]?.length >= 3) {
    const [x, w] = inputs, [y] = outputs, window = w.slice(2).join('x'), stride = Math.max(1, Math.round(x[2] / y[2]));
    const kind = w[1] === 1 && x[1] > 1 && w[0] >= x[1] ? 'depthwise' : w[1] < x[1] ? 'grouped conv' : 'conv';
    return `${kind} ${window}${stride > 1 ? ` s${stride}` : ''}`;
  }
  if (/MatMul|Gemm/.test(op)) return inputs[0] && product(inputs[0].slice(0, -1)) === 1 ? 'matmul, one row' : 'matmul';
  return { QuickGelu: 'Sigmoid', ReorderInput: 'layout', ReorderOutput: 'layout' }[op] ?? op;
}

function textTable(rows, leading = 1) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => String(row[i]).length)));
  return rows.map((row) => row.map((cell, i) => (i < leading ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i]))).join('  ')).join('\n');
}

// Of a step: the class of the node that it came from; steps of no node are the module's own work.
const stepClass = (step, nodes) => {
  const node = nodes.get(step.node);
  return node ? classOf(node) : step.op ? step.op.replace(/-\d+$/, '') : step.family;
};

export function classTable({ steps, peers }, nodes) {
  const sums = new Map(), engines = Object.keys(peers);
  const add = (name, engine, milliseconds, flops = 0) => {
    const entry = sums.get(name) ?? { flops: 0 };
    entry[engine] = (entry[engine] ?? 0) + milliseconds;
    if (engine === 'ours') entry.flops += flops;
    sums.set(name, entry);
  };
  for (const step of steps) add(stepClass(step, nodes), 'ours', step.milliseconds, 2 * (nodes.get(step.node)?.macs ?? 0) && (step.flops ?? 0));
  for (const engine of engines) for (const node of peers[engine]) add(classOf(node), engine, node.milliseconds);
  const total = (engine) => [...sums.values()].reduce((sum, entry) => sum + (entry[engine] ?? 0), 0), all = total('ours');
  const rows = [...sums].sort(([, a], [, b]) => (b.ours ?? 0) - (a.ours ?? 0)).map(([name, entry]) => [
    name, ms(entry.ours), percent((entry.ours ?? 0) / all), entry.flops ? number(entry.flops / entry.ours / 1e6) : '', ...engines.flatMap((engine) => [ms(entry[engine]), ratio(entry[engine] / entry.ours)]),
  ]);
  const totals = ['all', ms(all), '', '', ...engines.flatMap((engine) => [ms(total(engine)), ratio(total(engine) / all)])];
  return textTable([['class', 'ours ms', 'share', 'GFLOP/s', ...engines.flatMap((engine) => [`${engine.replace('onnxruntime-', '')} ms`, '/ ours'])], ...rows, totals]);
}

const shapes = (node) => (node ? `${(node.inputs[0] ?? []).join('x')} -> ${(node.outputs[0] ?? []).join('x')}` : '');

export function stepTable({ steps, peers, peak }, nodes, { rows, inOrder }) {
  const engines = Object.keys(peers), all = steps.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const byName = Object.fromEntries(engines.map((engine) => [engine, new Map(peers[engine].map((node) => [node.name, node]))]));
  const shown = steps.map((step, i) => ({ ...step, number: i }));
  if (!inOrder) shown.sort((a, b) => b.milliseconds - a.milliseconds);
  const body = shown.slice(0, rows).map((step) => {
    const node = nodes.get(step.node), hasProducts = Boolean(node?.macs), gflops = step.flops && hasProducts ? step.flops / step.milliseconds / 1e6 : undefined;
    return [
      `${step.number}`, step.node ?? '', stepClass(step, nodes), shapes(node), step.function ?? step.family, ms(step.milliseconds), percent(step.milliseconds / all),
      gflops ? `${number(gflops)} GF` : step.bytes ? `${number(step.bytes / step.milliseconds / 1e6)} GB` : '', gflops ? percent(gflops / peak) : '', ...engines.map((engine) => ms(step.candidates.map((name) => byName[engine].get(name)).find(Boolean)?.milliseconds)),
    ];
  });
  return textTable([['step', 'node', 'class', 'shapes', 'kernel', 'ms', 'share', 'per s', 'of peak', ...engines.map((engine) => `${engine.replace('onnxruntime-', '')} ms`)], ...body], 5);
}
