// The kernel benchmark covers every kernel that the compiler has, and runs. No time is looked at.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { cases } from '../../bench/kernels/cases.mjs';
import { formsOf } from '../../bench/kernels/forms.mjs';
import { compile, onnxFile } from '../../bench/prepare.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..'), source = (file) => readFileSync(join(root, file), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'onnx2wasm-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

function compiledForms(onnx) {
  const wasm = join(folder, 'model.wasm');
  compile(onnx, wasm, ['--profile']);
  return formsOf(readFileSync(wasm));
}

// The strings that a function of the compiler returns.
function returned(file, name) {
  const text = source(file), start = text.search(name);
  assert.ok(start >= 0, `${file} has no ${name}: this test reads the names of kernels there`);
  return [...text.slice(start, text.indexOf('\n}', start)).matchAll(/return "([^"]+)"/g)].map(([, found]) => found);
}

const covered = new Set(cases.flatMap(({ name, model }) => {
  const onnx = join(folder, 'model.onnx');
  writeFileSync(onnx, model().bytes);
  const forms = compiledForms(onnx);
  assert.ok(forms.length > 0, name);
  return forms;
}));
const list = [...covered].sort().join(', ');

test('every family of kernels', () => {
  const text = source('compiler/schedule/step_work.cpp'), families = [...text.slice(text.indexOf('std::string family_of')).matchAll(/"([a-z_0-9]+)"/g)].map(([, name]) => name);
  assert.ok(families.length >= 6, families.join());
  for (const family of families) assert.ok([...covered].some((form) => form.split(' ')[0] === family), `no case has a kernel of the family ${family}; covered are ${list}`);
});

test('every kind of factors', () => {
  const names = returned('compiler/codegen/kernels/tile.cpp', /const char\* name_of\(Factors/);
  assert.ok(names.length >= 5, names.join());
  for (const name of names) assert.ok([...covered].some((form) => new RegExp(` ${name}_(matmul|conv2d|dwconv)`).test(form)), `no case multiplies ${name}; covered are ${list}`);
});

const zoo = JSON.parse(source('tests/zoo/models.json')).models;
for (const name of Object.keys(zoo).filter((key) => zoo[key].ci)) {
  test(`every kernel of ${name}`, { skip: existsSync(onnxFile(name)) ? false : `${name}.onnx is not there; scripts/fetch.mjs ${name} fetches it` }, () => {
    const missing = compiledForms(onnxFile(name)).filter((form) => !covered.has(form) && !/^(branch|loop|sizes|check|memory)/.test(form));
    assert.deepEqual([...new Set(missing)], []);
  });
}

test('a quick run of one case', () => {
  const json = join(folder, 'kernels.json');
  execFileSync(process.execPath, [join(root, 'bench/kernels.mjs'), '--quick', '--only', 'layer norm', '--json', json, '--results', join(folder, 'KERNELS.md')], { stdio: ['ignore', 'pipe', 'pipe'] });
  const { results: [result] } = JSON.parse(readFileSync(json, 'utf8'));
  assert.equal(result.error, undefined);
  assert.ok(result.ours > 0 && result.web > 0 && result.native > 0 && result.kernels.length > 0);
});
