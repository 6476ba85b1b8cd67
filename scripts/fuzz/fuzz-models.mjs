// Damaged models without end: scripts/fuzz-models.sh runs this. Each seed takes one model of ONNX's test data, damages it
// and has it compiled; anything but success or one clear error is a failure, and its model is kept.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, places, print } from './onnx-tree.mjs';

const [command, data, firstSeed, seconds, jobs, keep] = process.argv.slice(2);
const largest = 100_000;    // bytes of a model: larger ones are mostly weights, where damage tells nothing
const slowest = 120_000;    // milliseconds for one model

// mulberry32
function generator(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const models = ['node', 'simple', 'pytorch-operator', 'pytorch-converted'].flatMap((suite) => {
  const folder = join(data, suite);
  return existsSync(folder) ? readdirSync(folder).sort().map((name) => join(folder, name, 'model.onnx')) : [];
}).filter((path) => existsSync(path));

// Every kind of damage keeps enough intact to get beyond the reader now and then.
const damages = {
  truncated: (bytes, random) => bytes.subarray(0, random(bytes.length)),
  flipped: (bytes, random) => {
    for (let flips = 1 + random(6); flips > 0; flips--) bytes[random(bytes.length)] ^= 1 << random(8);
    return bytes;
  },
  overwritten: (bytes, random) => {
    const odd = [0, 1, 2, 0x7f, 0x80, 0xff];
    for (let places = 1 + random(3); places > 0; places--) bytes[random(bytes.length)] = odd[random(odd.length)];
    return bytes;
  },
  // Small integers are where types, axes, dims and attribute values are.
  nudged: (bytes, random) => {
    for (let tries = 0, left = 1 + random(2); tries < 200 && left > 0; tries++) {
      const at = random(bytes.length);
      if (bytes[at] > 20) continue;
      bytes[at] = random(20);
      left--;
    }
    return bytes;
  },
  // A piece of one model in the place of another's.
  spliced: (bytes, random) => {
    const other = readFileSync(models[random(models.length)]);
    const from = random(bytes.length), length = Math.min(1 + random(40), bytes.length - from, other.length);
    const start = random(other.length - length + 1);
    other.copy(bytes, from, start, start + length);
    return bytes;
  },
  removed: (bytes, random) => {
    const from = random(bytes.length), length = 1 + random(8);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + length)]);
  },
};

// A readable model with something changed: a number, a name, bytes; a field dropped, doubled, moved or taken from elsewhere.
const numbers = [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n, 10n, 11n, 16n, 64n, 255n, 65536n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n, 2n ** 62n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n - 2n, 2n ** 64n - 3n];
damages.restructured = (bytes, random) => {
  const model = parse(bytes);
  for (let changes = 1 + random(3); changes > 0; changes--) {
    const all = places(model);
    const { fields, entry } = all[random(all.length)];
    const alike = all.filter(({ entry: other }) => other.message === entry.message && other.wire === entry.wire);
    const other = alike[random(alike.length)].entry;
    switch (random(8)) {
      case 0: fields.splice(fields.indexOf(entry), 1); break;
      case 1: fields.push(entry); break;
      case 2: fields.reverse(); break;
      default:
        if (entry.wire === 0) entry.value = numbers[random(numbers.length)];
        else if (Array.isArray(entry.value) || random(3) > 0) entry.value = structuredClone(other.value);
        else if (entry.value.length > 0) (entry.value = Buffer.from(entry.value))[random(entry.value.length)] = Number(numbers[random(10)]);
    }
  }
  return print(model);
};
// Twice as often as all others together: it gets furthest.
const kinds = [...Object.keys(damages), ...Array(12).fill('restructured')];

function damaged(seed) {
  const random = generator(seed);
  let path, bytes;
  do {
    path = models[random(models.length)];
    bytes = readFileSync(path);
  } while (bytes.length === 0 || bytes.length > largest);
  const kind = kinds[random(kinds.length)];
  return { what: `${kind} ${path}`, bytes: damages[kind](bytes, random) };
}

const folder = mkdtempSync(join(tmpdir(), 'fuzz-models-'));
const end = Date.now() + 1000 * Number(seconds);
const counts = { compiled: 0, refused: 0, failed: 0 };
let next = Number(firstSeed);

function run(seed) {
  const { what, bytes } = damaged(seed);
  const model = join(folder, `${seed}.onnx`), wasm = join(folder, `${seed}.wasm`);
  writeFileSync(model, bytes);
  return new Promise((resolve) => {
    const child = spawn(command, [model, '-o', wasm, '--quiet'], { stdio: ['ignore', 'ignore', 'pipe'], timeout: slowest, killSignal: 'SIGKILL' });
    let said = '';
    child.stderr.on('data', (text) => { said = (said + text).slice(0, 20_000); });
    child.on('close', (code, signal) => {
      const written = existsSync(wasm);
      const good = code === 0 ? written : code === 1 && !written && /error: /.test(said);
      counts[good ? (code === 0 ? 'compiled' : 'refused') : 'failed']++;
      if (!good) {
        mkdirSync(keep, { recursive: true });
        writeFileSync(join(keep, `${seed}.onnx`), bytes);
        const lines = said.split('\n').filter((line) => /error|ERROR|#[0-6] |runtime/.test(line)).slice(0, 9);
        console.log(`seed ${seed}: status ${code} signal ${signal ?? 'none'}: ${what}\n  ${lines.join('\n  ')}`);
      }
      rmSync(model, { force: true });
      rmSync(wasm, { force: true });
      resolve();
    });
  });
}

async function worker() {
  while (Date.now() < end) await run(next++);
}
await Promise.all(Array.from({ length: Number(jobs) }, worker));
rmSync(folder, { recursive: true, force: true });
console.log(`seeds ${firstSeed}..${next - 1}: ${counts.compiled} compiled, ${counts.refused} refused, ${counts.failed} failed`);
process.exit(counts.failed === 0 ? 0 : 1);
