import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const command = process.env.ONNX2WASM;
const data = '/usr/share/libonnx-testdata/data';
const relu = `${data}/simple/test_single_relu_model/model.onnx`;
const linear = `${data}/pytorch-converted/test_Linear/model.onnx`;
let folder;

before(() => { folder = mkdtempSync(join(tmpdir(), 'cli-')); });
after(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args) => spawnSync(command, args, { encoding: 'utf8', cwd: folder });
const expect = (result, status, pattern) => {
  assert.equal(result.status, status, result.stdout + result.stderr);
  assert.match(status === 0 ? result.stdout : result.stderr, pattern);
  return result;
};
// A failure: one clear error, and no file of that name or a part of it.
const fails = (output, status, pattern, ...args) => {
  const result = expect(run(...args), status, pattern);
  assert.doesNotMatch(result.stderr, /internal error/);
  assert.deepEqual(readdirSync(folder).filter((name) => name.startsWith(output)), []);
};

test('compiles to a module that imports nothing', () => {
  expect(run(relu, '-o', 'relu.wasm'), 0, /relu\.wasm +[\d.]+ KB/);
  const module = new WebAssembly.Module(readFileSync(join(folder, 'relu.wasm')));
  assert.deepEqual(WebAssembly.Module.imports(module), []);
  const names = WebAssembly.Module.exports(module).map(({ name }) => name);
  for (const name of ['memory', 'load', 'load_by_name', 'init_execution_context', 'set_input', 'compute', 'get_output', 'o2w_run', 'o2w_last_error']) {
    assert.ok(names.includes(name), `export ${name}`);
  }
});

test('the same model and options give the same bytes', () => {
  run(linear, '-o', 'a.wasm');
  run('compile', linear, '-o', 'b.wasm');
  assert.deepEqual(readFileSync(join(folder, 'a.wasm')), readFileSync(join(folder, 'b.wasm')));
});

test('the text form and the loader go beside the module', () => {
  expect(run(relu, '-o', 'r.wasm', '--emit', 'wasm,wat,js'), 0, /r\.mjs/);
  assert.match(readFileSync(join(folder, 'r.wat'), 'utf8'), /^\(module/);
  assert.ok(existsSync(join(folder, 'r.d.ts')));
});

test('both engines give the same bits', () => {
  run(linear, '-o', 'linear.wasm');
  for (const engine of ['node', 'interpreter']) {
    const result = run('run', 'linear.wasm', '--input', `${portName(linear)}=random`, '--engine', engine, '--output-dir', engine);
    assert.equal(result.status, 0, result.stderr);
  }
  const files = readdirSync(join(folder, 'node'));
  assert.ok(files.length > 0);
  for (const file of files) {
    assert.deepEqual(readFileSync(join(folder, 'node', file)), readFileSync(join(folder, 'interpreter', file)), file);
  }
});

const inspected = (model) => JSON.parse(run('inspect', model, '--json').stdout);
const portName = (model) => inspected(model).inputs[0].name;

test('inspect tells ports and operators', () => {
  const summary = inspected(linear);
  assert.equal(summary.inputs.length, 1);
  assert.ok(summary.operators.every((op) => op.supported));
  expect(run('inspect', linear), 0, /operators:/);
});

test('inspect --sizes tells what a module\'s bytes are', () => {
  expect(run(linear, '-o', 'sized.wasm'), 0, /sized/);
  const sizes = JSON.parse(run('inspect', linear, '--sizes', '--json').stdout);
  const sum = (list) => list.reduce((all, { bytes }) => all + bytes, 0);
  assert.equal(sum(sizes.parts), readFileSync(join(folder, 'sized.wasm')).length);
  assert.ok(sum(sizes.functions) <= sizes.parts.find(({ name }) => name === 'functions').bytes);
  const kernels = sizes.functions.filter(({ kind }) => kind === 'kernel');
  assert.ok(kernels.length > 0 && kernels.every(({ nodes }) => nodes.length > 0));
  assert.ok(sizes.nodes.some(({ code_bytes: code, weight_bytes: weights }) => code > 0 && weights > 0));
  assert.ok(sizes.weights.every(({ bytes, nodes }) => bytes > 0 && nodes.length > 0));
  expect(run('inspect', linear, '--sizes'), 0, /^module:\n[^]*functions:\n[^]*nodes \(code[^]*weights:\n/);
});

test('list-ops', () => {
  const list = JSON.parse(run('list-ops', '--format', 'json').stdout);
  assert.ok(list.length > 150);
  assert.ok(list.some(({ name, domain }) => name === 'Conv' && domain === 'ai.onnx'));
});

test('docs/operators.md is what the table says', () => {
  const text = readFileSync(join(root, 'docs/operators.md'), 'utf8');
  assert.equal(text, run('list-ops', '--format', 'markdown').stdout, 'stale: onnx2wasm list-ops --format markdown > docs/operators.md');
});

test('docs/architecture.md has the numbers of operators, nodes and kernels', () => {
  const sentence = run('list-ops', '--format', 'markdown').stdout.match(/^\d+ operators are served by .*$/m)[0];
  const text = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
  assert.ok(text.includes(sentence), `stale, run scripts/update-docs.sh: ${sentence}`);
});

test('every operator says which element types it takes', () => {
  const list = JSON.parse(run('list-ops', '--format', 'json').stdout);
  assert.deepEqual(list.filter(({ types }) => types.length === 0).map(({ domain, name }) => `${domain}.${name}`), []);
});

test('verify agrees with the reference', () => {
  // Native ONNX Runtime takes no operators as old as those of the other models here.
  expect(run('verify', `${data}/node/test_matmul_2d/model.onnx`), 0, /largest absolute difference/);
});

test('--dump-phases writes the forms in order', () => {
  expect(run(relu, '-o', 'd.wasm', '--dump-phases', 'phases'), 0, /d\.wasm/);
  const names = readdirSync(join(folder, 'phases')).sort();
  assert.match(names[0], /^00-import/);
  assert.ok(names.some((name) => name.endsWith('program.txt')));
});

test('--max-memory is the declared maximum of memory', () => {
  // The type of memory 0: flags 1 (has a maximum), pages at first, pages at most.
  const pages = (file) => {
    const bytes = readFileSync(join(folder, file));
    const leb = (at) => { let value = 0, shift = 0; do { value |= (bytes[at] & 127) << shift; shift += 7; } while (bytes[at++] & 128); return [value, at]; };
    for (let at = 8; at < bytes.length;) {
      const id = bytes[at], [size, start] = leb(at + 1);
      if (id === 5) return leb(leb(start + 2)[1])[0];
      at = start + size;
    }
    return null;
  };
  expect(run(relu, '-o', 'unlimited.wasm'), 0, /unlimited/);
  assert.equal(pages('unlimited.wasm'), 65535);
  for (const [text, expected] of [['1048576', 16], ['512K', 8], ['100K', 1], ['2M', 32], ['1G', 16384], ['100G', 65535]]) {
    const small = expected === 1 && run(relu, '-o', 'limited.wasm', '--max-memory', text);
    if (small) expect(small, 1, /needs \d+ bytes of memory before its first run.*--max-memory allows 102400/);
    else {
      expect(run(relu, '-o', 'limited.wasm', '--max-memory', text), 0, /limited/);
      assert.equal(pages('limited.wasm'), expected, text);
    }
  }
  for (const text of ['many', '12X', '', '-1', '1K', '9999999G']) fails('x', 2, /--max-memory/, relu, '-o', 'x.wasm', `--max-memory=${text}`);
});

test('usage errors exit with 2', () => {
  fails('x', 2, /model/, 'compile');
  fails('x', 2, /--nonsense/, relu, '-o', 'x.wasm', '--nonsense');
  fails('x', 2, /whole number/, relu, '-o', 'x.wasm', '--dim', 'n=three');
  fails('x', 2, /\.wasm/, relu, '-o', 'x.bin');
  fails('x', 2, /-O/, relu, '-o', 'x.wasm', '-O7');
  assert.equal(run('--help').status, 0);
  assert.match(run('--version').stdout, /onnx2wasm \d+\.\d+\.\d+/);
});

test('bad input exits with 1 and leaves no file', () => {
  fails('x', 1, /no-such\.onnx/, 'no-such.onnx', '-o', 'x.wasm');
  mkdirSync(join(folder, 'a-folder'));
  fails('x', 1, /directory/, 'a-folder', '-o', 'x.wasm');
  writeFileSync(join(folder, 'empty.onnx'), '');
  fails('x', 1, /empty\.onnx|empty/, 'empty.onnx', '-o', 'x.wasm');
  writeFileSync(join(folder, 'cut.onnx'), readFileSync(linear).subarray(0, 60));
  fails('x', 1, /error/, 'cut.onnx', '-o', 'x.wasm');
  fails('x', 1, /nothing/, relu, '-o', 'x.wasm', '--dim', 'nothing=3');
  fails('x', 1, /no\/such/, relu, '-o', 'no/such/x.wasm');
});

test('a full disk is an error and leaves nothing', () => {
  // A file size limit makes write() fail in the same place as a full disk does.
  const result = spawnSync('bash', ['-c', `ulimit -f 4; exec "${command}" "${linear}" -o full.wasm`], { encoding: 'utf8', cwd: folder });
  expect(result, 1, /cannot write 'full\.wasm'/);
  assert.deepEqual(readdirSync(folder).filter((name) => name.startsWith('full')), []);
});

test('run names what is missing', () => {
  fails('x', 1, /no contents for input/, 'run', relu);
  fails('x', 1, /no input is called 'nothing'/, 'run', relu, '--input', 'nothing=random');
  fails('x', 1, /not a module made by onnx2wasm/, 'run', 'empty.wasm', ...(writeFileSync(join(folder, 'empty.wasm'), Buffer.from([0, 97, 115, 109, 1, 0, 0, 0])), []));
});
