// onnx2wasm_add_model in a project of its own: builds, runs, and builds again when the model changes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const cmake = process.env.CMAKE ?? 'cmake';
const data = '/usr/share/libonnx-testdata/data';

test('the sample builds a model in, runs it, and follows its changes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'build-step-'));
  const run = (program, ...args) => {
    const result = spawnSync(program, args, { encoding: 'utf8', cwd: folder });
    assert.equal(result.status, 0, result.stdout + result.stderr);
    return result.stdout;
  };
  try {
    copyFileSync(`${data}/pytorch-converted/test_Linear/model.onnx`, join(folder, 'm.onnx'));
    run(cmake, '-S', join(root, 'samples/cmake-build-step'), '-B', 'b', '-G', 'Ninja', `-Donnx2wasm_DIR=${process.env.ONNX2WASM_BUILD}`, `-DMODEL=${join(folder, 'm.onnx')}`);
    run(cmake, '--build', 'b');
    const module = join(folder, 'b/model.onnx2wasm/model.wasm'), before = statSync(module);
    const first = run(join(folder, 'b/run_model'));
    assert.match(first, /^\S+: -?\d/);
    run(cmake, '--build', 'b');
    assert.equal(statSync(module).mtimeMs, before.mtimeMs, 'nothing changed, nothing was compiled');
    copyFileSync(`${data}/pytorch-converted/test_Tanh/model.onnx`, join(folder, 'm.onnx'));
    run(cmake, '--build', 'b');
    assert.notEqual(run(join(folder, 'b/run_model')), first);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
