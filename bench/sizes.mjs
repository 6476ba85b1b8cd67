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

// Splits a module (WebAssembly core specification, section 5.5) into its weights, which are the largest segment of the data section, and all the rest.
function splitModule(bytes) {
  let at = 8;
  const number = () => {
    let value = 0, shift = 0, byte;
    do {
      byte = bytes[at++];
      value += (byte & 127) * 2 ** shift;
      shift += 7;
    } while (byte & 128);
    return value;
  };
  const rest = [bytes.subarray(0, 8)];
  let weights = bytes.subarray(0, 0);
  while (at < bytes.length) {
    const start = at, id = bytes[at++], size = number(), end = at + size;
    if (id === 11) {
      const segments = [];
      for (let left = number(); left > 0; left--) {
        if (number() !== 0 || bytes[at++] !== 0x41) throw new Error('a segment that is not at a fixed place of the memory');
        number();
        if (bytes[at++] !== 0x0b) throw new Error('a place that is no constant');
        const length = number();
        segments.push(bytes.subarray(at, at + length));
        at += length;
      }
      weights = segments.reduce((largest, segment) => (segment.length > largest.length ? segment : largest), weights);
      rest.push(...segments.filter((segment) => segment !== weights));
    } else {
      rest.push(bytes.subarray(start, end));
    }
    at = end;
  }
  return { weights, rest: Buffer.concat(rest) };
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

/** {code, weights}, each {raw, gzip, brotli}; undefined of native code. Tables and initial values of our modules count as code. */
export function shippedBytes(engine, files, compiled) {
  if (engine === 'onnx2wasm') {
    const module = read(files.wasm), { weights, rest } = splitModule(module), apart = compiled.weightBytes > weights.length / 2;
    // Small weights may be less than the tables.
    const code = [apart ? rest : module, read(files.loader)].map((bytes) => compressed(bytes, true));
    if (!apart) return { code: sum(code), weights: { raw: 0, gzip: 0, brotli: 0 } };
    // What fills the gaps between weights, and the segments' headers, are code.
    const gaps = module.length - rest.length - Math.round(compiled.weightBytes), filling = { raw: gaps, gzip: 0, brotli: 0 };
    return { code: sum([...code, filling]), weights: { ...compressed(weights, false), raw: Math.round(compiled.weightBytes) } };
  }
  if (engine === 'onnx2wasm-sidecar') return { code: sum([files.wasm, files.loader].map((file) => compressed(read(file), true))), weights: sum(files.sidecars.map((file) => compressed(read(file), false))) };
  if (!codeOf[engine]) return undefined;
  return { code: sum(codeOf[engine].map((file) => compressed(read(file), true))), weights: sum(weightsOf[engine](files).map((file) => compressed(read(file), false))) };
}

export const versionOf = (name) => JSON.parse(read(`node_modules/${name}/package.json`)).version;
