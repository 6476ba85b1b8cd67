// All models of a folder through compare.mjs, going on behind those that take ONNX Runtime down.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const script = join(dirname(fileURLToPath(import.meta.url)), 'compare.mjs');

/** [{name, verdict: same|different|refused|crashed, detail}] */
export function compareAll(folder) {
  const names = readdirSync(folder).filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -5)).sort((a, b) => a - b);
  const verdicts = [];
  for (let first = ''; ;) {
    const result = spawnSync(process.execPath, [script, folder, ...(first ? [first] : [])], { encoding: 'utf8', maxBuffer: 1 << 28 });
    let started = '';
    for (const line of result.stdout.split('\n')) {
      if (line.startsWith('start ')) started = line.slice(6);
      else if (line) verdicts.push(JSON.parse(line));
    }
    if (result.status === 0) return verdicts;
    if (!started || verdicts.at(-1)?.name === started) throw new Error(`compare.mjs failed: ${result.stderr}`);
    verdicts.push({ name: started, verdict: 'crashed', detail: `signal ${result.signal}` });
    const next = names.indexOf(started) + 1;
    if (next >= names.length) return verdicts;
    first = names[next];
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const verdicts = compareAll(process.argv[2]);
  const counts = {};
  for (const { name, verdict, detail } of verdicts) {
    counts[verdict] = (counts[verdict] ?? 0) + 1;
    if (verdict === 'different' || verdict === 'crashed' || process.argv.includes('--all')) console.log(`${name}: ${verdict}: ${detail}`);
  }
  console.log(JSON.stringify(counts));
  process.exit(verdicts.some(({ verdict }) => verdict === 'different') ? 1 : 0);
}
