// wasi-nn's functions as a host calls them over the module's own memory.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

async function instantiate(name) {
  const { instance } = await WebAssembly.instantiate(await readFile(join(process.env.MODULES, `${name}.wasm`)), {});
  return instance.exports;
}

test('computes, and never traps on wrong arguments', async () => {
  const nn = await instantiate('static');
  const at = nn.o2w_alloc(4096);
  const view = () => new DataView(nn.memory.buffer);
  assert.equal(nn.load(0, 0, 1, 0, at), 0);
  assert.equal(nn.init_execution_context(view().getUint32(at, true), at), 0);
  const context = view().getUint32(at, true);
  assert.equal(nn.compute(context), 1);
  [2, 4].forEach((size, i) => view().setUint32(at + 64 + 4 * i, size, true));
  [at + 64, 2, 1, at + 256, 32].forEach((word, i) => view().setUint32(at + 4 * i, word, true));
  new Float32Array(nn.memory.buffer, at + 256, 8).fill(0);
  assert.equal(nn.set_input(context, 0, at), 0);
  assert.equal(nn.compute(context), 0);
  assert.equal(nn.get_output(context, 0, at + 512, 31, at), 7);
  assert.equal(view().getUint32(at, true), 32);
  assert.equal(nn.get_output(context, 0, at + 512, 32, at), 0);
  assert.deepEqual([...new Float32Array(nn.memory.buffer, at + 512, 4)], [1.5, 2, 2.5, 3]);

  // Every function with every mix of odd numbers answers with an errno.
  const odd = [0, 1, 3, 1023, at, -1, -4, 0x7fffffff, nn.memory.buffer.byteLength - 2];
  for (const name of ['load', 'load_by_name', 'init_execution_context', 'set_input', 'compute', 'get_output',
                      'finalize_execution_context', 'o2w_set_input_shape', 'o2w_input', 'o2w_output', 'o2w_free', 'unload']) {
    const call = nn[name];
    for (let seed = 0; seed < 2000; ++seed) {
      const args = Array.from({ length: call.length }, (_, i) => odd[Math.floor(seed * 7919 / 9 ** i) % 9]);
      const answer = call(...args);
      assert.ok(answer === undefined || Number.isInteger(answer));
    }
  }
});
