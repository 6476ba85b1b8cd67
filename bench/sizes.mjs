// What has to be shipped to a page: bytes as they are, gzip (level 9) and brotli (quality 11 of code, 5 of weights, which hardly shrink), code apart from weights.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { root, work } from './prepare.mjs';

const store = join(work, 'sizes');

// Compressing takes long: results are kept by what was compressed.
function compressed(bytes, isCode) {
  const quality = isCode ? 11 : 5, file = join(store, `${createHash('sha256').update(bytes).digest('hex')}-${quality}.json`);
  if (!existsSync(file)) {
    mkdirSync(store, { recursive: true });
    const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length, [constants.BROTLI_PARAM_LGWIN]: 24 } });
    writeFileSync(file, JSON.stringify({ raw: bytes.length, gzip: gzipSync(bytes, { level: isCode ? 9 : 6 }).length, brotli: brotli.length }));
  }
  return JSON.parse(readFileSync(file, 'utf8'));
}

const sum = (list) => list.reduce((all, one) => ({ raw: all.raw + one.raw, gzip: all.gzip + one.gzip, brotli: all.brotli + one.brotli }), { raw: 0, gzip: 0, brotli: 0 });

// Splits a module into its data section's contents and all the rest (WebAssembly core specification, section 5.5).
function splitModule(bytes) {
  const rest = [bytes.subarray(0, 8)];
  let data = bytes.subarray(0, 0);
  for (let at = 8; at < bytes.length;) {
    const start = at, id = bytes[at++];
    let size = 0, shift = 0, byte;
    do {
      byte = bytes[at++];
      size += (byte & 127) * 2 ** shift;
      shift += 7;
    } while (byte & 128);
    if (id === 11) data = bytes.subarray(at, at + size);
    else rest.push(bytes.subarray(start, at + size));
    at += size;
  }
  return { data, rest: Buffer.concat(rest) };
}

const read = (file) => readFileSync(join(root, file));
const modules = (list) => list.map((file) => `node_modules/${file}`);
const codeOf = {
  'onnxruntime-web': modules(['onnxruntime-web/dist/ort.wasm.bundle.min.mjs', 'onnxruntime-web/dist/ort-wasm-simd-threaded.wasm']),
  tfjs: modules([
    '@tensorflow/tfjs-core/dist/tf-core.es2017.min.js', '@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.es2017.min.js', '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm',
  ]),
  litert: modules(['@litertjs/core/dist/index.js', '@litertjs/wasm-utils/dist/bundle.js', '@litertjs/core/wasm/litert_wasm_internal.js', '@litertjs/core/wasm/litert_wasm_internal.wasm']),
};
const weightsOf = { 'onnxruntime-web': ({ onnx }) => [onnx], tfjs: ({ graph, weights }) => [graph, weights], litert: ({ tflite }) => [tflite] };

/** {code, weights}, each {raw, gzip, brotli}; undefined of native code. Tables and initial values among our data count as code. */
export function shippedBytes(engine, files, compiled) {
  if (engine === 'onnx2wasm') {
    const { data, rest } = splitModule(read(files.wasm)), code = sum([rest, read(files.loader)].map((bytes) => compressed(bytes, true)));
    const tables = Math.max(0, Math.round(data.length - compiled.weightBytes)), weights = compressed(data, false), share = data.length ? tables / data.length : 0;
    // Tables lie among the weights; what they compress to is taken to be what the whole section does.
    const part = (total, fraction) => Object.fromEntries(Object.entries(total).map(([key, value]) => [key, Math.round(value * fraction)]));
    return { code: sum([code, part(weights, share)]), weights: part(weights, 1 - share) };
  }
  if (engine === 'onnx2wasm-sidecar') return { code: sum([files.wasm, files.loader].map((file) => compressed(read(file), true))), weights: sum(files.sidecars.map((file) => compressed(read(file), false))) };
  if (!codeOf[engine]) return undefined;
  return { code: sum(codeOf[engine].map((file) => compressed(read(file), true))), weights: sum(weightsOf[engine](files).map((file) => compressed(read(file), false))) };
}

export const versionOf = (name) => JSON.parse(read(`node_modules/${name}/package.json`)).version;
