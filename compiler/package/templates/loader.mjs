//! Made by onnx2wasm from compiler/package/templates/loader.mjs. Loads @WASM@ and runs it: Node, browsers, workers, Deno, Bun.
//!   import { create } from './@MODULE@';
//!   const model = await create();
//!   const { y } = model.run({ x: { data: new Float32Array(6), dims: [2, 3] } });   // y.data, y.dims

// The loader of a module is made of this text (loader_template.cpp): what stands between "//: NAME {" and "//: }", and lines that end with "//: NAME", only where
// the model needs it: `sidecar` (weights in files beside the module), `strings`, `lists`, `complex`, `float16`, `bits` (bf16 and types of 8 bits and less) among
// inputs or outputs. Comments but those with "//!" and indentation are left out. So a comment has lines of its own, and no literal goes over several lines.

const FILE = @FILE@;
//: sidecar {
// Files of weights beside the module, in order.
const WEIGHTS = @WEIGHTS@;
//: }
const SECTION = '@SECTION@';

// By ONNX element type. Types that JavaScript has no array for are given as their bits.
const ARRAYS = {
  1: Float32Array, 2: Uint8Array, 3: Int8Array, 4: Uint16Array, 5: Int16Array, 6: Int32Array, 7: BigInt64Array,
  9: Uint8Array, 11: Float64Array, 12: Uint32Array, 13: BigUint64Array,
  10: Uint16Array,  //: float16
  14: Float32Array, 15: Float64Array,  //: complex
  //: bits {
  16: Uint16Array, 17: Uint8Array, 18: Uint8Array, 19: Uint8Array, 20: Uint8Array, 21: Uint8Array,
  22: Int8Array, 23: Uint8Array, 24: Uint8Array, 25: Uint8Array, 26: Int8Array,
  //: }
};
//: strings {
// Strings are plain arrays of JavaScript strings: UTF-8 in the module's memory, {address, length} per element.
const STRING = 8;
//: }
//: complex {
// Elements of these types are two of the array's: real and imaginary part.
const COMPLEX = [14, 15];
//: }

// `errno` is that of wasi-nn: 1 wrong argument, 5 failure while running, 7 out of memory.
export class ModelError extends Error {
  constructor(message, errno) {
    super(message);
    this.name = 'ModelError';
    this.errno = errno;
  }
}

const isNode = typeof process !== 'undefined' && Boolean(process.versions?.node);

async function compileResponse(response) {
  if (!response.ok) throw new ModelError(`cannot load ${response.url}: HTTP status ${response.status}`, 8);
  // Servers may send another type than streaming takes.
  if (WebAssembly.compileStreaming && response.headers.get('content-type')?.trim().toLowerCase() === 'application/wasm') return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

// What a path or an address means: in Node a path of the file system, elsewhere relative to the page.
async function urlOf(source) {
  if (source instanceof URL) return source;
  if (isNode && !/^[a-z]+:\/\//.test(source)) {
    const { pathToFileURL } = await import('node:url');
    return pathToFileURL(source);
  }
  return new URL(source, globalThis.location?.href);
}

const isFile = (url) => url.protocol === 'file:' && isNode;
const isBytes = (source) => source instanceof ArrayBuffer || ArrayBuffer.isView(source);
const isResponse = (source) => typeof Response !== 'undefined' && source instanceof Response;

async function compileUrl(url) {
  if (!isFile(url)) return compileResponse(await fetch(url));
  const { readFile } = await import('node:fs/promises');
  return WebAssembly.compile(await readFile(url));
}

async function compile(source) {
  if (source instanceof WebAssembly.Module) return source;
  if (isBytes(source)) return WebAssembly.compile(source);
  return isResponse(source) ? compileResponse(source) : compileUrl(await urlOf(source));
}

function lastError(exports) {
  const memory = new Uint8Array(exports.memory.buffer);
  const start = exports.o2w_last_error() >>> 0;
  return new TextDecoder().decode(memory.slice(start, memory.indexOf(0, start)));
}

//: sidecar {
// The place for weights in the module's memory, filled from its start. Views are made anew each time: memory may grow.
class WeightsPlace {
  #exports;
  #address;
  #given = 0;

  constructor(exports) {
    this.#exports = exports;
    const descriptor = new DataView(exports.memory.buffer, exports.o2w_weights() >>> 0, 20);
    this.#address = descriptor.getUint32(0, true);
    this.size = descriptor.getUint32(4, true);
  }

  get given() { return this.#given; }

  // Room for the next bytes, at most `count` of them; a byte of no use when all are there, to find files that are too long.
  room(count) {
    const left = Math.min(count, this.size - this.#given);
    return left === 0 ? new Uint8Array(1) : new Uint8Array(this.#exports.memory.buffer, this.#address + this.#given, left);
  }
  // `count` bytes have been put there. Says so to the module with commit(), which may be later.
  advance(count, name) {
    if (count > this.size - this.#given) throw new ModelError(`${name}: more bytes than the model has weights, which are ${this.size}`, 1);
    this.#given += count;
  }
  commit(count, name) {
    const errno = this.#exports.o2w_weights_commit(count);
    if (errno !== 0) throw new ModelError(`${name}: ${lastError(this.#exports)}`, errno);
  }
  write(bytes, name) {
    const start = this.#given;
    this.advance(bytes.length, name);
    new Uint8Array(this.#exports.memory.buffer, this.#address + start, bytes.length).set(bytes);
    this.commit(bytes.length, name);
  }
}

const STEP = 1 << 22;

// A file is read straight into memory, and the module checks one part while the next is read.
async function readFile(url, place) {
  const { open } = await import('node:fs/promises');
  const file = await open(url).catch((error) => {
    throw new ModelError(`cannot load ${url.pathname}: ${error.code}`, 8);
  });
  try {
    const read = () => file.read(place.room(STEP));
    for (let reading = read(); ;) {
      const { bytesRead } = await reading;
      if (bytesRead === 0) return;
      place.advance(bytesRead, url.pathname);
      reading = read();
      reading.catch(() => {});
      try {
        place.commit(bytesRead, url.pathname);
      } catch (error) {
        // Which writes to memory.
        await reading.catch(() => {});
        throw error;
      }
    }
  } finally {
    await file.close();
  }
}

async function readResponse(response, name, place) {
  if (!response.ok) throw new ModelError(`cannot load ${name}: HTTP status ${response.status}`, 8);
  if (!response.body) return place.write(new Uint8Array(await response.arrayBuffer()), name);
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return undefined;
      place.write(value, name);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

// Begins to fetch a file of weights; the result writes it to its place.
function openWeights(source, index) {
  const name = WEIGHTS[index] ?? `weights ${index}`;
  if (isBytes(source)) {
    const bytes = ArrayBuffer.isView(source) ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength) : new Uint8Array(source);
    return async (place) => place.write(bytes, name);
  }
  if (isResponse(source)) return (place) => readResponse(source, name, place);
  const opening = urlOf(source).then((url) => (isFile(url) ? url : fetch(url)));
  // An error is reported when it is read.
  opening.catch(() => {});
  return async (place) => {
    const opened = await opening.catch((error) => { throw new ModelError(`cannot load ${name}: ${error.message}`, 8); });
    return opened instanceof URL ? readFile(opened, place) : readResponse(opened, name, place);
  };
}

async function loadWeights(model, files, open) {
  const place = new WeightsPlace(model.exports), expected = model.metadata.weights.files;
  let end = 0;
  for (let i = 0; i < files.length; i++) {
    await open(i)(place);
    end += expected[i]?.bytes ?? 0;
    if (files.length === expected.length && place.given !== end) {
      throw new ModelError(`${expected[i].name}: has ${place.given - end + expected[i].bytes} bytes, expected ${expected[i].bytes}`, 1);
    }
  }
  if (place.given < place.size) throw new ModelError(`the weights end after ${place.given} of ${place.size} bytes`, 1);
}

// How many files of weights are fetched at the same time.
const AHEAD = 4;

// The files of weights beside the module, or beside this loader when it is not known where the module came from.
async function besideModule(source) {
  const url = isResponse(source) ? source.url : isBytes(source) || source instanceof WebAssembly.Module ? '' : await urlOf(source);
  return WEIGHTS.map((name) => new URL(`./${encodeURIComponent(name)}`, url || import.meta.url));
}

//: }
// A tensor given as {data, dims}, or as a typed array alone.
function asTensor(value) {
  return ArrayBuffer.isView(value) || Array.isArray(value) ? { data: value, dims: undefined } : value;
}

//: lists {
function describeList({ kind, list, dtype, shape }) {
  const sizes = shape ? `[${shape.map((size) => size ?? '?').join(', ')}]` : '';
  return `${kind}(${list ? describeList(list) : dtype + sizes})`;
}
//: }
function describe(port) {
  if (port.list) return describeList(port.list);  //: lists
  return `${port.dtype}[${port.shape.join(', ')}]`;
}
const quotedInput = (port) => `input "${port.name}"`;
const input = (port) => `${quotedInput(port)} (${describe(port)})`;

export class Model {
  #exports;
  #metadata;

  constructor(module, instance) {
    this.#exports = instance.exports;
    const [section] = WebAssembly.Module.customSections(module, SECTION);
    if (!section) throw new ModelError(`not a module of onnx2wasm: it has no "${SECTION}" section`, 1);
    this.#metadata = JSON.parse(new TextDecoder().decode(section));
  }

  // Names, element types and shapes; a size that varies is given by name.
  get inputs() { return this.#metadata.inputs; }
  get outputs() { return this.#metadata.outputs; }
  get metadata() { return this.#metadata; }

  // The WebAssembly exports: the plain ABI and wasi-nn.
  get exports() { return this.#exports; }

  // Computes all outputs. The results are copies that later runs do not touch.
  run(inputs) {
    for (const name of Object.keys(inputs)) {
      if (!this.inputs.some((port) => port.name === name)) {
        throw new ModelError(`the model has no input "${name}"; it has ${this.inputs.map((p) => `"${p.name}"`).join(', ')}`, 1);
      }
    }
    const tensors = this.inputs.map((port) => {
      if (port.list) return { port, dims: [] };  //: lists
      return this.#check(port, inputs[port.name]);
    });
    tensors.forEach(({ dims }, i) => this.#setShape(i, dims));
    this.#call('o2w_prepare');
    // Handles of lists, and blocks of strings.
    const lists = [];  //: lists
    const blocks = [];  //: strings
    try {
      //: lists {
      tensors.filter(({ port }) => port.list).forEach((entry) => {
        entry.list = this.#makeList(quotedInput(entry.port), entry.port.list, inputs[entry.port.name]);
        lists.push(entry.list);
      });
      //: }
      tensors.forEach(({ data, port }, i) => {
        if (port.list) return;  //: lists
        const { bytes } = this.#port(this.#exports.o2w_input(i));
        let size = ARRAYS[port.onnx_dtype]?.BYTES_PER_ELEMENT;
        if (port.onnx_dtype === STRING) size = 8;  //: strings
        if (data.length !== bytes / size) throw new ModelError(`${quotedInput(port)}: expected ${bytes / size} elements, got ${data.length}`, 1);
      });
      tensors.forEach((entry, i) => {
        const { data, port } = entry;
        //: strings {
        if (port.onnx_dtype === STRING) {
          blocks.push(this.#writeStrings(i, data));
          return;
        }
        //: }
        // Views are made anew each time: memory may have grown.
        const { address } = this.#port(this.#exports.o2w_input(i));
        if (port.list) return new DataView(this.#exports.memory.buffer).setUint32(address, entry.list, true);  //: lists
        new ARRAYS[port.onnx_dtype](this.#exports.memory.buffer, address, data.length).set(data);
      });
      this.#call('o2w_run');
      // Before the inputs are freed: an output may be a list that came in.
      return Object.fromEntries(this.outputs.map((port, i) => {
        const { address, bytes, dims } = this.#port(this.#exports.o2w_output(i));
        if (port.list) return [port.name, this.#readList(port.list, new DataView(this.#exports.memory.buffer).getUint32(address, true))];  //: lists
        if (port.onnx_dtype === STRING) return [port.name, { data: this.#readStrings(address, bytes / 8), dims }];  //: strings
        const array = ARRAYS[port.onnx_dtype];
        return [port.name, { data: new array(this.#exports.memory.buffer, address, bytes / array.BYTES_PER_ELEMENT).slice(), dims }];
      }));
    } finally {
      for (const block of blocks) this.#exports.o2w_free(block);  //: strings
      lists.forEach((list) => this.#exports.o2w_list_free(list));  //: lists
    }
  }

  //: strings {
  // Returns the block that holds the bytes; the module reads it when it runs.
  #writeStrings(index, strings) {
    const encoded = strings.map((text) => new TextEncoder().encode(text));
    const total = encoded.reduce((sum, { length }) => sum + length, 0);
    const block = this.#exports.o2w_alloc(Math.max(total, 1)) >>> 0;
    if (block === 0) throw new ModelError('out of memory', 7);
    const { address } = this.#port(this.#exports.o2w_input(index));
    const memory = new Uint8Array(this.#exports.memory.buffer);
    const elements = new Uint32Array(this.#exports.memory.buffer, address, 2 * encoded.length);
    let at = block;
    encoded.forEach((text, i) => {
      memory.set(text, at);
      elements[2 * i] = at;
      elements[2 * i + 1] = text.length;
      at += text.length;
    });
    return block;
  }

  #readStrings(address, count) {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    const elements = new Uint32Array(this.#exports.memory.buffer, address, 2 * count);
    return Array.from({ length: count }, (_, i) =>
      decoder.decode(new Uint8Array(this.#exports.memory.buffer, elements[2 * i], elements[2 * i + 1])));
  }

  //: }
  //: lists {
  // A sequence is given as an array of its elements; an optional as its element, or null. Returns the list's handle.
  #makeList(what, type, value) {
    const elements = type.kind === 'optional' ? (value === null || value === undefined ? [] : [value]) : value;
    if (!Array.isArray(elements)) throw new ModelError(`${what} (${describeList(type)}): expected an array of its elements`, 1);
    const list = this.#exports.o2w_list_new() >>> 0;
    if (list === 0) throw new ModelError(this.#lastError(), 7);
    try {
      elements.forEach((element, i) => {
        const where = type.kind === 'optional' ? what : `${what}, element ${i}`;
        if (type.list) {
          this.#call('o2w_list_append_list', list, this.#makeList(where, type.list, element));
        } else {
          this.#append(where, list, type, element);
        }
      });
    } catch (error) {
      this.#exports.o2w_list_free(list);
      throw error;
    }
    return list;
  }

  #append(what, list, type, value) {
    const array = ARRAYS[type.onnx_dtype];
    const shape = type.shape?.every((size) => typeof size === 'number') ? type.shape : undefined;
    const { data, dims } = asTensor(value ?? {});
    const sizes = dims ?? shape;
    const named = data?.constructor?.name ?? typeof data;
    if (!(data instanceof array || Array.isArray(data))) throw new ModelError(`${what}: expected ${array.name}, got ${named}`, 1);
    if (!Array.isArray(sizes)) throw new ModelError(`${what}: give its dims, as {data, dims}`, 1);
    if (sizes.reduce((count, size) => count * size, 1) !== data.length) {
      throw new ModelError(`${what}: ${data.length} elements do not fit dims of ${JSON.stringify(sizes)}`, 1);
    }
    const header = Math.ceil((4 * sizes.length + 1) / 8) * 8;
    const address = this.#exports.o2w_alloc(header + data.length * array.BYTES_PER_ELEMENT) >>> 0;
    if (address === 0) throw new ModelError('out of memory', 7);
    try {
      new Int32Array(this.#exports.memory.buffer, address, sizes.length).set(sizes);
      new array(this.#exports.memory.buffer, address + header, data.length).set(data);
      this.#call('o2w_list_append', list, type.onnx_dtype, sizes.length, address, address + header);
    } finally {
      this.#exports.o2w_free(address);
    }
  }

  #readList(type, list) {
    const elements = Array.from({ length: this.#exports.o2w_list_length(list) }, (_, i) => {
      const pointer = this.#exports.o2w_list_element(list, i) >>> 0;
      if (pointer === 0) throw new ModelError(this.#lastError(), 5);
      const view = new DataView(this.#exports.memory.buffer, pointer, 48);
      const data = view.getUint32(40, true);
      if (type.list) return this.#readList(type.list, data);
      const array = ARRAYS[type.onnx_dtype];
      const dims = Array.from({ length: view.getUint32(4, true) }, (_, d) => view.getInt32(8 + 4 * d, true));
      if (type.onnx_dtype === STRING) return { data: this.#readStrings(data, view.getUint32(44, true) / 8), dims };  //: strings
      return { data: new array(this.#exports.memory.buffer, data, view.getUint32(44, true) / array.BYTES_PER_ELEMENT).slice(), dims };
    });
    return type.kind === 'optional' ? elements[0] ?? null : elements;
  }

  //: }
  #check(port, value) {
    if (value === undefined) throw new ModelError(`${input(port)} is missing`, 1);
    const { data, dims } = asTensor(value);
    //: strings {
    if (port.onnx_dtype === STRING) {
      if (!Array.isArray(data) || !data.every((text) => typeof text === 'string')) throw new ModelError(`${input(port)}: expected an array of strings`, 1);
      return { port, data, dims: dims ?? this.#inferDims(port, data.length) };
    }
    //: }
    const array = ARRAYS[port.onnx_dtype], named = data?.constructor?.name ?? typeof data;
    let fits = data instanceof array || Array.isArray(data) || (array === Uint8Array && named === 'Uint8ClampedArray'), given = data;
    //: float16 {
    if (port.dtype === 'float16' && named === 'Float16Array') {
      fits = true;
      given = new Uint16Array(data.buffer, data.byteOffset, data.length);
    }
    //: }
    if (!fits) throw new ModelError(`${input(port)}: expected ${array.name}, got ${named}`, 1);
    let count = data.length;
    if (COMPLEX.includes(port.onnx_dtype)) count /= 2;  //: complex
    return { port, data: given, dims: dims ?? this.#inferDims(port, count) };
  }

  // A shape that the element count alone decides: all sizes fixed, or one that varies.
  #inferDims(port, count) {
    const { shape } = port;
    const known = shape.reduce((product, size) => (typeof size === 'number' ? product * size : product), 1);
    const unknown = shape.filter((size) => typeof size !== 'number').length;
    if (unknown > 1 || (unknown === 1 && (known === 0 || count % known !== 0))) throw new ModelError(`${input(port)}: give its dims, as {data, dims}`, 1);
    return shape.map((size) => (typeof size === 'number' ? size : count / known));
  }

  #setShape(index, dims) {
    if (!Array.isArray(dims) || !dims.every((size) => Number.isSafeInteger(size) && size >= 0 && size < 2 ** 31)) {
      throw new ModelError(`${quotedInput(this.inputs[index])}: dims must be a list of sizes, got ${JSON.stringify(dims)}`, 1);
    }
    const address = this.#exports.o2w_alloc(Math.max(4 * dims.length, 4)) >>> 0;
    if (address === 0) throw new ModelError('out of memory', 7);
    new Int32Array(this.#exports.memory.buffer, address, dims.length).set(dims);
    try {
      this.#call('o2w_set_input_shape', index, address, dims.length);
    } finally {
      this.#exports.o2w_free(address);
    }
  }

  #port(pointer) {
    if (pointer === 0) throw new ModelError(this.#lastError(), 7);
    const view = new DataView(this.#exports.memory.buffer, pointer >>> 0, 60);
    return {
      dims: Array.from({ length: view.getUint32(16, true) }, (_, i) => view.getInt32(20 + 4 * i, true)),
      address: view.getUint32(52, true),
      bytes: view.getUint32(56, true),
    };
  }

  #call(name, ...args) {
    const errno = this.#exports[name](...args);
    if (errno !== 0) throw new ModelError(this.#lastError(), errno);
  }

  #lastError() { return lastError(this.#exports); }
}

// Loads the model. `source` is the module: its URL or path, bytes, a fetch Response or a WebAssembly.Module; without it, the file beside this one.
// `weights`: where the files of weights are, in order (URLs, paths, bytes or Responses); without it, beside the module. They are
// fetched while the module is compiled, and written to its memory as they arrive.
export async function create(source = new URL(`./${encodeURIComponent(FILE)}`, import.meta.url), { weights } = {}) {
  //: sidecar {
  const files = weights === undefined ? await besideModule(source) : [weights].flat();
  const opened = [];
  const open = (i) => {
    for (let k = opened.length; k < Math.min(files.length, i + AHEAD); k++) opened.push(openWeights(files[k], k));
    return opened[i];
  };
  open(0);
  //: }
  const module = await compile(source), model = new Model(module, await WebAssembly.instantiate(module, {}));
  await loadWeights(model, files, open);  //: sidecar
  return model;
}

export default create;
