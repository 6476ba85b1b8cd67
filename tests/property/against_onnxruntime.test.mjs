// Random models: what the modules answer and what native ONNX Runtime answers. The seed of a model is its name.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

const tool = process.env.PROPERTY_TOOL;
const available = await import('onnxruntime-node').then(() => true, () => false);

test('random models agree with ONNX Runtime', { skip: available ? false : 'onnxruntime-node is not installed' }, async (context) => {
  const { compareAll } = await import('./compare_all.mjs');
  const folder = mkdtempSync(join(tmpdir(), 'property-'));
  try {
    const made = spawnSync(tool, ['--seed', '1', '--count', '400', '--answers', folder, '--keep', join(folder, 'failures')], { encoding: 'utf8' });
    assert.equal(made.status, 0, made.stdout + made.stderr);
    const verdicts = compareAll(folder);
    const of = (verdict) => verdicts.filter((entry) => entry.verdict === verdict);
    context.diagnostic(`${of('same').length} agree; ONNX Runtime refuses ${of('refused').length} and crashes on ${of('crashed').length}`);
    assert.deepEqual(of('different'), []);
    assert.ok(of('same').length > 150, 'too few models are compared');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
