// Prints what the tests of real models measured: node tests/zoo/report.mjs FILE (written with ONNX2WASM_ZOO_REPORT=FILE).
import { readFileSync } from 'node:fs';

const megabytes = (bytes) => (bytes === undefined ? '' : (bytes / 1e6).toFixed(1));
const rows = [['model', 'compile s', 'peak MB', 'weights MB', 'code KB', 'memory MB', 'first run ms', 'steady ms']];
for (const line of readFileSync(process.argv[2], 'utf8').trim().split('\n')) {
  const { name, seconds, peak, weights, code, memory, first, steady } = JSON.parse(line);
  rows.push([name, seconds.toFixed(2), megabytes(peak), megabytes(weights), (code / 1000).toFixed(0), megabytes(memory), first.toFixed(1), steady.toFixed(1)]);
}
const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
for (const row of rows) console.log(row.map((cell, column) => (column ? cell.padStart(widths[column]) : cell.padEnd(widths[column]))).join('  '));
