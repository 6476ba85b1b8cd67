// Runs a module of onnx2wasm, or an ONNX model in onnxruntime-node, on tensors in files. Given to Node by `onnx2wasm run` and `verify`.
// Argument: a job as JSON {wasm, weights: [files] | onnx, search: [folders], inputs: [{name, type, dims, file}], folder}. `type` is an ONNX type code.
// Prints {outputs: [{name, type, dims, file}], instantiate, first} or {error} as JSON; {missing: true} when there is no onnxruntime-node.
import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const job = JSON.parse(readFileSync(process.argv[2], 'utf8'));

// ONNX type code -> [name in onnxruntime, array type].
const types = {
  1: ['float32', Float32Array], 2: ['uint8', Uint8Array], 3: ['int8', Int8Array], 4: ['uint16', Uint16Array],
  5: ['int16', Int16Array], 6: ['int32', Int32Array], 7: ['int64', BigInt64Array], 9: ['bool', Uint8Array],
  8: ['string', Array],
  10: ['float16', Uint16Array], 11: ['float64', Float64Array], 12: ['uint32', Uint32Array], 13: ['uint64', BigUint64Array],
};

function bytesOf(input) {
  const bytes = readFileSync(input.file);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

// Strings are in files as a list in JSON, in memory as {address, length} of UTF-8.
const STRING = 8;
const stringsOf = (input) => JSON.parse(readFileSync(input.file, 'utf8'));
const saved = (strings) => new TextEncoder().encode(JSON.stringify(strings));

function save(index, name, type, dims, bytes) {
  const file = join(job.folder, `output_${index}.raw`);
  writeFileSync(file, bytes);
  return { name, type, dims, file };
}

// Reads the files of weights straight into the module's memory.
function loadWeights(api, check) {
  const [address, bytes] = new Uint32Array(api.memory.buffer, api.o2w_weights() >>> 0, 2);
  let at = 0;
  for (const name of job.weights) {
    const file = openSync(name);
    for (;;) {
      const room = Math.min(bytes - at, 1 << 26);
      const count = readSync(file, room > 0 ? new Uint8Array(api.memory.buffer, address + at, room) : new Uint8Array(1));
      if (count === 0) break;
      if (room === 0) throw new Error(`${name} has more bytes than the model's weights, which are ${bytes}`);
      check(api.o2w_weights_commit(count));
      at += count;
    }
    closeSync(file);
  }
}

function runModule() {
  const start = performance.now();
  const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(job.wasm)), {});
  const api = instance.exports;
  const memory = () => new DataView(api.memory.buffer);
  const port = (address) => {
    const view = memory();
    const word = (at) => view.getUint32(address + at, true);
    const name = new TextDecoder().decode(new Uint8Array(api.memory.buffer, word(0), word(4)));
    const dims = Array.from({ length: word(16) }, (_, i) => view.getInt32(address + 20 + 4 * i, true));
    return { name, type: word(8), dims, data: word(52), bytes: word(56) };
  };
  const check = (errno) => {
    if (errno === 0) return;
    const all = new Uint8Array(api.memory.buffer);
    const at = api.o2w_last_error();
    throw new Error(`${new TextDecoder().decode(all.subarray(at, all.indexOf(0, at)))} (errno ${errno})`);
  };
  if (job.weights.length > 0) loadWeights(api, check);
  const instantiate = performance.now() - start;
  const inputs = Array.from({ length: api.o2w_input_count() }, (_, i) => port(api.o2w_input(i)));
  const tensors = inputs.map(({ name }) => job.inputs.find((input) => input.name === name));
  tensors.forEach(({ dims }, i) => {
    const space = api.o2w_alloc(Math.max(4 * dims.length, 4));
    dims.forEach((dim, k) => memory().setInt32(space + 4 * k, dim, true));
    check(api.o2w_set_input_shape(i, space, dims.length));
    api.o2w_free(space);
  });
  check(api.o2w_prepare());
  tensors.forEach((tensor, i) => {
    if (tensor.type === STRING) {
      const texts = stringsOf(tensor).map((text) => new TextEncoder().encode(text));
      const places = texts.map(({ length }) => api.o2w_alloc(Math.max(length, 1)));
      const { data } = port(api.o2w_input(i));
      texts.forEach((text, k) => {
        new Uint8Array(api.memory.buffer, places[k], text.length).set(text);
        memory().setUint32(data + 8 * k, places[k], true);
        memory().setUint32(data + 8 * k + 4, text.length, true);
      });
      return;
    }
    const bytes = bytesOf(tensor);
    new Uint8Array(api.memory.buffer, port(api.o2w_input(i)).data, bytes.length).set(bytes);
  });
  const before = performance.now();
  check(api.o2w_run());
  const first = performance.now() - before;
  const outputs = Array.from({ length: api.o2w_output_count() }, (_, i) => {
    const { name, type, dims, data, bytes } = port(api.o2w_output(i));
    if (type === STRING) {
      const strings = Array.from({ length: bytes / 8 }, (_, k) => {
        const [start, length] = [memory().getUint32(data + 8 * k, true), memory().getUint32(data + 8 * k + 4, true)];
        return new TextDecoder('utf-8', { ignoreBOM: true }).decode(new Uint8Array(api.memory.buffer, start, length));
      });
      return save(i, name, type, dims, saved(strings));
    }
    return save(i, name, type, dims, new Uint8Array(api.memory.buffer, data, bytes));
  });
  return { outputs, instantiate, first };
}

function findOnnxRuntime() {
  for (const folder of job.search) {
    try {
      return createRequire(join(folder, 'x.js'))('onnxruntime-node');
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  return null;
}

async function runOnnxRuntime(ort) {
  const start = performance.now();
  const session = await ort.InferenceSession.create(job.onnx, { logSeverityLevel: 3 });
  const instantiate = performance.now() - start;
  const feeds = {};
  for (const input of job.inputs) {
    const [name, Type] = types[input.type] ?? [];
    if (!name) throw new Error(`input '${input.name}': onnxruntime-node takes no tensors of ONNX type ${input.type}`);
    const data = input.type === STRING ? stringsOf(input) : new Type(bytesOf(input).slice().buffer);
    feeds[input.name] = new ort.Tensor(name, data, input.dims);
  }
  const before = performance.now();
  const results = await session.run(feeds);
  const first = performance.now() - before;
  const outputs = session.outputNames.map((name, i) => {
    const tensor = results[name];
    const type = Number(Object.keys(types).find((code) => types[code][0] === tensor.type));
    const data = tensor.data;
    if (type === STRING) return save(i, name, type, [...tensor.dims], saved([...data]));
    return save(i, name, type, [...tensor.dims], new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  });
  return { outputs, instantiate, first };
}

try {
  let result;
  if (job.wasm) {
    result = runModule();
  } else {
    const ort = findOnnxRuntime();
    result = ort ? await runOnnxRuntime(ort) : { missing: true };
  }
  process.stdout.write(JSON.stringify(result));
} catch (error) {
  process.stdout.write(JSON.stringify({ error: String(error.message ?? error) }));
}
