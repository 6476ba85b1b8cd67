// A profile of a model that is written here: steps with times, beside the peers' nodes of the same names.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { model, node, tensor, value } from '../support/onnx_model.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

test('a convolution and a product', () => {
  const folder = mkdtempSync(join(tmpdir(), 'onnx2wasm-bench-'));
  try {
    const onnx = join(folder, 'small.onnx'), json = join(folder, 'profile.json');
    writeFileSync(onnx, model({
      inputs: { x: value('float32', [1, 8, 16, 16]) }, outputs: { y: value('float32', [1, 8, 16, 4]) },
      initializers: { w: tensor('float32', [8, 8, 3, 3], new Float32Array(576).fill(0.01)), b: tensor('float32', [16, 4], new Float32Array(64).fill(0.1)) },
      nodes: [node('Conv', ['x', 'w'], ['c'], { pads: [1, 1, 1, 1] }), node('MatMul', ['c', 'b'], ['y'])],
    }));
    const said = execFileSync(process.execPath, [join(root, 'bench/profile.mjs'), onnx, '--runs', '3', '--json', json], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    assert.match(said, /conv 3x3/);
    const { steps, peers, peak } = JSON.parse(readFileSync(json, 'utf8'));
    assert.ok(peak > 0 && steps.every(({ milliseconds }) => milliseconds >= 0));
    assert.ok(['Conv_0', 'MatMul_1'].every((name) => steps.some((step) => step.node === name)), steps.map((step) => step.node).join());
    for (const engine of ['onnxruntime-web', 'onnxruntime-node']) assert.ok(peers[engine].some(({ op }) => op === 'MatMul'), engine);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
