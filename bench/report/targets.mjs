// The project's targets for speed, start and size, beside what a run reached.
import { geometricMean } from './statistics.mjs';

const worst = (list, better) => list.reduce((a, b) => (better(a.value, b.value) ? b : a));

export function targets({ results, hosts }) {
  const rows = [], f32 = results.filter((result) => result.f32);
  const each = (list, value) => list.map((result) => ({ name: result.name, value: value(result) })).filter((entry) => Number.isFinite(entry.value));
  const add = (target, list, reach, text) => {
    if (list.length === 0) return rows.push([target, 'not measured', '']);
    rows.push([target, text(list), reach(list) ? 'yes' : 'no']);
  };
  const mean = (list) => geometricMean(list.map(({ value }) => value));
  const least = (list) => worst(list, (a, b) => b < a), most = (list) => worst(list, (a, b) => b > a);
  const shown = ({ name, value }, unit = 'x') => `${value.toFixed(2)}${unit} (${name})`;

  for (const host of Object.keys(hosts)) {
    const where = host === 'node' ? 'Node' : 'Chromium', against = (engine, list = f32) => each(list, (r) => r.hosts[host][engine]?.median / r.hosts[host].onnx2wasm?.median);
    const web = against('onnxruntime-web');
    add(`${where}: geometric mean at least 2.5 times as fast as onnxruntime-web, f32 models`, web, (l) => mean(l) >= 2.5, (l) => `${mean(l).toFixed(2)}x over ${l.length}`);
    add(`${where}: none under 1.5 times`, web, (l) => least(l).value >= 1.5, (l) => `least ${shown(least(l))}; ${l.filter(({ value }) => value < 1.5).length} under`);
    for (const engine of ['litert', 'tfjs']) {
      const list = against(engine);
      if (engine === 'tfjs' || host === 'chromium') add(`${where}: at least 1.4 times as fast as ${engine}`, list, (l) => mean(l) >= 1.4, (l) => `${mean(l).toFixed(2)}x over ${l.length}, least ${shown(least(l))}`);
    }
    const native = each(f32, (r) => r.hosts[host].onnx2wasm?.median / (r.hosts[host]['onnxruntime-node'] ?? r.hosts.node?.['onnxruntime-node'])?.median);
    add(`${where}: latency at most 2.6 times native ONNX Runtime's, geometric mean`, native, (l) => mean(l) <= 2.6, (l) => `${mean(l).toFixed(2)}x over ${l.length}`);
    const cold = (list) => each(list, (r) => r.hosts[host]['onnxruntime-web']?.cold?.answer / r.hosts[host].onnx2wasm?.cold?.answer);
    const weight = (r) => r.compiled.weightBytes / 1e6;
    add(`${where}: first answer at least 10 times as soon as onnxruntime-web's, models up to 15 MB`, cold(results.filter((r) => weight(r) <= 15)), (l) => least(l).value >= 10, (l) => `${mean(l).toFixed(1)}x over ${l.length}, least ${shown(least(l))}`);
    add(`${where}: at least 4 times, up to 90 MB`, cold(results.filter((r) => weight(r) > 15)), (l) => least(l).value >= 4, (l) => `${mean(l).toFixed(1)}x over ${l.length}, least ${shown(least(l))}`);
    const own = (r) => r.hosts[host].onnx2wasm ?? {};
    add(`${where}: first run at most 6 times the steady one`, each(results, (r) => own(r).cold?.first / own(r).median), (l) => most(l).value <= 6, (l) => `most ${shown(most(l))}`);
    add(`${where}: steady within five runs (the fifth at most 1.25 times the steady one)`, each(results, (r) => own(r).cold?.runs[4] / own(r).median), (l) => most(l).value <= 1.25, (l) => `most ${shown(most(l))}; ${l.filter(({ value }) => value > 1.25).length} of ${l.length} over`);
    add(`${where}: linear memory at most 0.6 of onnxruntime-web's`, each(results, (r) => own(r).cold?.memory / r.hosts[host]['onnxruntime-web']?.cold?.memory), (l) => most(l).value <= 0.6, (l) => `${mean(l).toFixed(2)} over ${l.length}, most ${shown(most(l))}`);
  }
  const code = (kind) => each(results, (r) => r.shipped.onnx2wasm?.code[kind] / 1000);
  add('code of a model at most 80 KB', code('raw'), (l) => most(l).value <= 80, (l) => `most ${shown(most(l), ' KB')}; ${l.filter(({ value }) => value > 80).length} of ${l.length} over`);
  add('brotli 25 KB', code('brotli'), (l) => most(l).value <= 25, (l) => `most ${shown(most(l), ' KB')}; ${l.filter(({ value }) => value > 25).length} of ${l.length} over`);
  const named = (name) => results.filter((r) => r.name === name);
  add('yolov8n compiles in 3 s', each(named('yolov8n'), (r) => r.compiled.seconds), (l) => most(l).value <= 3, (l) => shown(most(l), ' s'));
  add('minilm_l6_fp32 (90 MB) compiles in 6 s', each(named('minilm_l6_fp32'), (r) => r.compiled.seconds), (l) => most(l).value <= 6, (l) => shown(most(l), ' s'));
  add('minilm_l6_fp32 compiles in three times its size of memory', each(named('minilm_l6_fp32'), (r) => r.compiled.peakBytes / r.compiled.weightBytes), (l) => most(l).value <= 3, (l) => shown(most(l)));
  return rows;
}
