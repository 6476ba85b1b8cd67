// A quick run of the benchmark on one small model: it ends well, its engines agree with native ONNX Runtime, and its report has the figures. What they are is not looked at.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromiumPath } from '../../bench/hosts/chromium.mjs';
import { onnxFile } from '../../bench/prepare.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..'), model = 'blazeface_front';
const missing = existsSync(onnxFile(model)) ? false : `${model}.onnx is not there; scripts/fetch.mjs ${model} fetches it`;

function quickRun(host) {
  const folder = mkdtempSync(join(tmpdir(), 'onnx2wasm-bench-'));
  try {
    const json = join(folder, 'results.json'), markdown = join(folder, 'RESULTS.md');
    execFileSync(process.execPath, [join(root, 'bench/run.mjs'), '--quick', '--rounds', '1', '--models', model, '--hosts', host, '--json', json, '--results', markdown], { stdio: ['ignore', 'pipe', 'pipe'] });
    const { results: [result] } = JSON.parse(readFileSync(json, 'utf8'));
    assert.equal(result.error, undefined);
    assert.ok(result.macs > 1e6);
    for (const [engine, figures] of Object.entries(result.hosts[host])) {
      assert.equal(figures.error, undefined, engine);
      assert.ok(figures.median > 0 && figures.gflops > 0, engine);
      if (engine === 'peak') continue;
      assert.ok(figures.cold.answer > 0 && figures.cold.runs.length === 5 && figures.cold.peakBytes > 0, engine);
      if (engine !== 'onnxruntime-node') assert.ok(figures.cold.memory > 0 && result.shipped[engine].code.raw > result.shipped[engine].code.brotli, engine);
    }
    assert.match(readFileSync(markdown, 'utf8'), /geometric mean, f32/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('a quick run in Node', { skip: missing }, () => quickRun('node'));
test('a quick run in Chromium', { skip: missing || (chromiumPath() ? false : 'Chromium is not there; scripts/setup-bench.sh installs it') }, () => quickRun('chromium'));
