// onnx2wasm_add_model in a project of its own: builds, runs, and builds again when the model changes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

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

test('weights beside the module are an array of their own', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'build-step-')), at = (name) => join(folder, name);
  const run = (program, ...args) => {
    const result = spawnSync(program, args, { encoding: 'utf8', cwd: folder });
    assert.equal(result.status, 0, result.stdout + result.stderr);
  };
  try {
    copyFileSync(`${data}/pytorch-converted/test_Linear/model.onnx`, at('m.onnx'));
    writeFileSync(at('CMakeLists.txt'), `cmake_minimum_required(VERSION 3.25)
project(sidecar LANGUAGES C)
find_package(onnx2wasm REQUIRED)
onnx2wasm_add_model(TARGET net MODEL m.onnx OPTIONS --weights=sidecar)
add_executable(give give.c)
target_link_libraries(give PRIVATE net)
`);
    writeFileSync(at('give.c'), `#include <stdio.h>
#include "net.h"
static int give(const char* name, const unsigned char* bytes, unsigned long size) {
  FILE* file = fopen(name, "wb");
  return !file || fwrite(bytes, 1, size, file) != size || fclose(file);
}
int main(void) { return give("given.wasm", net_wasm, net_wasm_size) || give("given.weights", net_weights, net_weights_size); }
`);
    run(cmake, '-S', '.', '-B', 'b', '-G', 'Ninja', `-Donnx2wasm_DIR=${process.env.ONNX2WASM_BUILD}`);
    run(cmake, '--build', 'b');
    run(at('b/give'));
    const made = at('b/net.onnx2wasm'), [wasm, weights] = [readFileSync(at('given.wasm')), readFileSync(at('given.weights'))];
    assert.ok(weights.equals(readFileSync(join(made, 'net.weights'))));
    const { create } = await import(pathToFileURL(join(made, 'net.mjs')));
    const beside = await create(), given = await create(wasm, { weights });
    const [{ name, shape }] = beside.inputs, x = { data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i)), dims: shape };
    assert.deepEqual(given.run({ [name]: x }), beside.run({ [name]: x }));
    // A model that has none.
    copyFileSync(`${data}/pytorch-converted/test_Tanh/model.onnx`, at('m.onnx'));
    run(cmake, '--build', 'b');
    run(at('b/give'));
    assert.equal(statSync(at('given.weights')).size, 0);
    const without = await (await import(`${pathToFileURL(join(made, 'net.mjs'))}?without`)).create(readFileSync(at('given.wasm')), { weights: readFileSync(at('given.weights')) });
    assert.ok(without.inputs.length > 0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
