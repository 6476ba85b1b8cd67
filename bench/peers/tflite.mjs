// A network (network.mjs) as a .tflite file: a flatbuffer whose tables, slots and enumerations are those of the TensorFlow Lite schema (tensorflow/lite/schema/schema.fbs, version 3).
import * as flatbuffers from 'flatbuffers';

// BuiltinOperator
const codes = {
  add: 0, gather: 36, cast: 53, gelu: 150, avgpool: 1, concat: 2, conv: 3, depthwise: 4, fullyconnected: 9, sigmoid: 14, maxpool: 17, mul: 18, relu: 19, relu6: 21, reshape: 22, resizebilinear: 23, softmax: 25, tanh: 28, pad: 34,
  transpose: 39, mean: 40, sub: 41, div: 42, exp: 47, prelu: 54, max: 55, min: 57, padv2: 60, slice: 65, deconv: 67, sqrt: 75, pow: 78, resizenearest: 97, leakyrelu: 98, hardswish: 117, matmul: 126,
};
// The union BuiltinOptions, and per slot of the table how its value is written.
const optionTables = {
  conv: [1, ['byte', 'int', 'int', 'byte', 'int', 'int']], depthwise: [2, ['byte', 'int', 'int', 'int', 'byte', 'int', 'int']], pool: [5, ['byte', 'int', 'int', 'int', 'int', 'byte']],
  fullyconnected: [8, ['byte', 'byte', 'bool']], softmax: [9, ['float']], concat: [10, ['int', 'byte']], add: [11, ['byte']], resizebilinear: [15, ['int', 'int', 'bool', 'bool']], reshape: [17, []],
  mul: [21, ['byte']], pad: [22, []], transpose: [26, []], reducer: [27, ['bool']], sub: [28, ['byte']], div: [29, ['byte']], padv2: [43, []], slice: [48, []], deconv: [49, ['byte', 'int', 'int']],
  gather: [23, ['int', 'int']], cast: [37, ['byte', 'byte']], resizenearest: [74, ['bool', 'bool']], leakyrelu: [75, ['float']], matmul: [101, ['bool', 'bool']],
};
const activationCodes = { undefined: 0, relu: 1, relu6: 3 };
const tensorTypes = { float32: 0, int32: 2 };
const paddings = { same: 0, valid: 1 };

class Tensors {
  list = [];   // {dims, type, data}
  byId = new Map();
  add(dims, type, data) {
    this.list.push({ dims, type, data });
    return this.list.length - 1;
  }
  ints(values) {
    return this.add([values.length], 'int32', Int32Array.from(values));
  }
}

// x -> its tensor padded so that `same` or `valid` is left to do; LiteRT has no pads of its own.
function padded(lowering, { pads, strides, kernel }, x, dims, isMax) {
  const zero = pads.flat().every((pad) => pad === 0);
  if (zero) return ['valid', x];
  const isSame = pads.every(([begin, end], i) => {
    const total = Math.max(0, (Math.ceil(dims[i + 1] / strides[i]) - 1) * strides[i] + kernel[i] - dims[i + 1]);
    return begin === total >> 1 && begin + end === total;
  });
  if (isSame) return ['same', x];
  const full = [[0, 0], ...pads, [0, 0]], out = dims.map((dim, i) => dim + full[i][0] + full[i][1]), amounts = lowering.tensors.add([4, 2], 'int32', Int32Array.from(full.flat()));
  if (!isMax) return ['valid', lowering.op('pad', [x, amounts], out, 'pad')];
  return ['valid', lowering.op('padv2', [x, amounts, lowering.tensors.add([], 'float32', Float32Array.of(-3.4e38))], out, 'padv2')];
}

class Lowering {
  tensors = new Tensors();
  operators = [];  // {code, inputs, outputs, options: [table, values]}

  constructor(network) {
    this.network = network;
    this.dims = new Map(network.inputs.map(({ id, dims }) => [id, dims]));
    for (const [id, { dims, data }] of network.constants) this.constant(id, dims, data);
    for (const { id, dims, type } of network.inputs) this.tensors.byId.set(id, this.tensors.add(dims, type));
    for (const op of withGelu(network, withHardSwish(network))) {
      if (!lowerings[op.op]) throw new Error(`the writer of .tflite files has no ${op.op}`);
      lowerings[op.op](this, op, op.inputs.map((id) => this.tensors.byId.get(id)));
    }
  }
  constant(id, dims, data) {
    this.dims.set(id, dims);
    this.tensors.byId.set(id, this.tensors.add(dims, 'float32', data));
  }
  op(name, inputs, dims, table, values = [], type = 'float32') {
    const out = this.tensors.add(dims, type);
    this.operators.push({ code: codes[name], inputs, outputs: [out], options: table ? [table, values] : null });
    return out;
  }
  set({ output, dims }, tensor) {
    this.tensors.byId.set(output, tensor);
    this.dims.set(output, dims);
  }
  /** The constant of an operation's input with other dims. */
  rearranged(id, dims, data) {
    return this.tensors.add(dims, 'float32', data ?? this.network.constants.get(id).data);
  }
}

// x * clip(x + 3, 0, 6) / 6, in the orders that exporters write it, is one operation here, as TensorFlow's converter makes it.
function withHardSwish({ ops, constants }) {
  const made = new Map(ops.map((op) => [op.output, op])), scalar = (id) => (constants.get(id)?.data.length === 1 ? constants.get(id).data[0] : undefined), gone = new Set(), uses = new Map();
  for (const op of ops) for (const id of op.inputs) uses.set(id, (uses.get(id) ?? 0) + 1);
  const result = ops.map((op) => {
    const [product, six] = op.inputs, mul = made.get(product);
    if (!(op.op === 'div' && scalar(six) === 6 && mul?.op === 'mul')) return op;
    for (const [x, gate] of [mul.inputs, [...mul.inputs].reverse()]) {
      let clip = made.get(gate), add = clip?.op === 'relu6' ? made.get(clip.inputs[0]) : clip;
      if (clip?.op !== 'relu6' && clip?.activation !== 'relu6') continue;
      if (add?.op !== 'add' || add.inputs[0] !== x || scalar(add.inputs[1]) !== 3) continue;
      for (const part of [mul, clip, add]) if (uses.get(part.output) === 1 || part === add) gone.add(part);
      return { ...op, op: 'hardswish', inputs: [x] };
    }
    return op;
  });
  return result.filter((op) => !gone.has(op));
}

// x * (1 + erf(x / sqrt(2))) / 2 is one operation here; there is none for erf itself.
function withGelu({ constants }, ops) {
  const made = new Map(ops.map((op) => [op.output, op])), scalar = (id) => (constants.get(id)?.data.length === 1 ? constants.get(id).data[0] : undefined), gone = new Set(), near = (a, b) => Math.abs(a - b) < 1e-3;
  const result = ops.map((op) => {
    if (op.op !== 'mul' || !near(scalar(op.inputs[1]), 0.5)) return op;
    const product = made.get(op.inputs[0]);
    if (product?.op !== 'mul') return op;
    for (const [x, gate] of [product.inputs, [...product.inputs].reverse()]) {
      const sum = made.get(gate), erf = sum?.op === 'add' && scalar(sum.inputs[1]) === 1 ? made.get(sum.inputs[0]) : undefined, quotient = erf?.op === 'erf' ? made.get(erf.inputs[0]) : undefined;
      if (quotient?.op !== 'div' || quotient.inputs[0] !== x || !near(scalar(quotient.inputs[1]), Math.SQRT2)) continue;
      for (const part of [product, sum, erf, quotient]) gone.add(part);
      return { ...op, op: 'gelu', inputs: [x] };
    }
    return op;
  });
  return result.filter((op) => !gone.has(op));
}

const same = (name, table, values = () => []) => (l, op, inputs) => l.set(op, l.op(name, inputs, op.dims, table, values(op)));
const flipped = (w, [kh, kw, c, m], order) => {
  const out = new Float32Array(w.length);
  for (let k = 0, at = 0; k < kh * kw; k++) for (let i = 0; i < c; i++) for (let o = 0; o < m; o++) out[order(k, i, o)] = w[at++];
  return out;
};

const lowerings = {
  conv: (l, op, [x, , bias]) => {
    const [kh, kw, c, m] = l.dims.get(op.inputs[1]), w = l.network.constants.get(op.inputs[1]).data;
    const [padding, from] = padded(l, { ...op, kernel: [(kh - 1) * op.dilations[0] + 1, (kw - 1) * op.dilations[1] + 1] }, x, l.dims.get(op.inputs[0]));
    const filter = l.tensors.add([m, kh, kw, c], 'float32', flipped(w, [kh, kw, c, m], (k, i, o) => (o * kh * kw + k) * c + i));
    l.set(op, l.op('conv', [from, filter, bias], op.dims, 'conv', [paddings[padding], op.strides[1], op.strides[0], activationCodes[op.activation], op.dilations[1], op.dilations[0]]));
  },
  depthwise: (l, op, [x, , bias]) => {
    const [kh, kw, c] = l.dims.get(op.inputs[1]), [padding, from] = padded(l, { ...op, kernel: [(kh - 1) * op.dilations[0] + 1, (kw - 1) * op.dilations[1] + 1] }, x, l.dims.get(op.inputs[0]));
    const filter = l.rearranged(op.inputs[1], [1, kh, kw, c]);
    l.set(op, l.op('depthwise', [from, filter, bias], op.dims, 'depthwise', [paddings[padding], op.strides[1], op.strides[0], 1, activationCodes[op.activation], op.dilations[1], op.dilations[0]]));
  },
  deconv: (l, op, [x]) => {
    const [kh, kw, m, c] = l.dims.get(op.inputs[1]), w = l.network.constants.get(op.inputs[1]).data;
    const filter = l.tensors.add([m, kh, kw, c], 'float32', flipped(w, [kh, kw, m, c], (k, o, i) => (o * kh * kw + k) * c + i));
    l.set(op, l.op('deconv', [l.tensors.ints(op.dims), filter, x], op.dims, 'deconv', [paddings.valid, op.strides[1], op.strides[0]]));
  },
  maxpool: (l, op, [x]) => pooled(l, op, x, 'maxpool', true),
  avgpool: (l, op, [x]) => pooled(l, op, x, 'avgpool', false),
  mean: (l, op, [x]) => l.set(op, l.op('mean', [x, l.tensors.ints(op.axes)], op.dims, 'reducer', [op.keep])),
  add: same('add', 'add', ({ activation }) => [activationCodes[activation]]), sub: same('sub', 'sub', () => [0]), mul: same('mul', 'mul', () => [0]), div: same('div', 'div', () => [0]),
  max: same('max'), min: same('min'), pow: same('pow'), relu: same('relu'), relu6: same('relu6'), sigmoid: same('sigmoid'), tanh: same('tanh'), sqrt: same('sqrt'), exp: same('exp'), hardswish: same('hardswish'),
  leakyrelu: same('leakyrelu', 'leakyrelu', ({ alpha }) => [alpha]),
  prelu: (l, op, [x]) => {
    const slope = l.network.constants.get(op.inputs[1]);
    l.set(op, l.op('prelu', [x, l.rearranged(op.inputs[1], [1, 1, slope.data.length])], op.dims));
  },
  clip: (l, op, [x]) => {
    let value = x;
    if (Number.isFinite(op.low)) value = op.low === 0 ? l.op('relu', [value], op.dims) : l.op('max', [value, l.tensors.add([], 'float32', Float32Array.of(op.low))], op.dims);
    if (Number.isFinite(op.high)) value = l.op('min', [value, l.tensors.add([], 'float32', Float32Array.of(op.high))], op.dims);
    l.set(op, value);
  },
  concat: same('concat', 'concat', ({ axis }) => [axis, 0]),
  transpose: (l, op, [x]) => l.set(op, l.op('transpose', [x, l.tensors.ints(op.perm)], op.dims, 'transpose')),
  reshape: (l, op, [x]) => l.set(op, l.op('reshape', [x, l.tensors.ints(op.dims)], op.dims, 'reshape', [], op.type)),
  gather: same('gather', 'gather', () => [0, 0]), cast: same('cast', 'cast', () => [tensorTypes.int32, tensorTypes.float32]), gelu: same('gelu'),
  softmax: same('softmax', 'softmax', () => [1]),
  resize: (l, op, [x]) => {
    const size = l.tensors.ints(op.dims.slice(1, 3));
    l.set(op, op.mode === 'linear' ? l.op('resizebilinear', [x, size], op.dims, 'resizebilinear', [0, 0, op.align, op.half]) : l.op('resizenearest', [x, size], op.dims, 'resizenearest', [false, false]));
  },
  pad: (l, op, [x]) => l.set(op, l.op('pad', [x, l.tensors.add([op.pads.length, 2], 'int32', Int32Array.from(op.pads.flat()))], op.dims, 'pad')),
  slice: (l, op, [x]) => l.set(op, l.op('slice', [x, l.tensors.ints(op.begin), l.tensors.ints(op.dims)], op.dims, 'slice')),
  matmul: (l, op, [a, b]) => {
    const weights = l.network.constants.get(op.inputs[1]);
    if (!weights) return l.set(op, l.op('matmul', [a, b], op.dims, 'matmul', [false, false]));
    const [k, n] = weights.dims, turned = Float32Array.from({ length: k * n }, (_, i) => weights.data[(i % k) * n + Math.floor(i / k)]);
    l.set(op, l.op('fullyconnected', [a, l.tensors.add([n, k], 'float32', turned)], op.dims, 'fullyconnected', [0, 0, false]));
  },
};

function pooled(l, op, x, name, isMax) {
  const [padding, from] = padded(l, op, x, l.dims.get(op.inputs[0]), isMax);
  if (!isMax && padding === 'valid' && from !== x) throw new Error('the writer of .tflite files has no average over pads');
  l.set(op, l.op(name, [from], op.dims, 'pool', [paddings[padding], op.strides[1], op.strides[0], op.kernel[1], op.kernel[0], 0]));
}

// --- The file ---

const adders = { byte: 'addFieldInt8', bool: 'addFieldInt8', int: 'addFieldInt32', float: 'addFieldFloat32', offset: 'addFieldOffset' };

/** A table: a list of [slot, kind, value]. */
function table(builder, slots, fields) {
  builder.startObject(slots);
  for (const [slot, kind, value] of fields) builder[adders[kind]](slot, Number(value), kind === 'float' ? NaN : kind === 'offset' ? 0 : -128);
  return builder.endObject();
}

function intVector(builder, values) {
  builder.startVector(4, values.length, 4);
  for (let i = values.length - 1; i >= 0; i--) builder.addInt32(values[i]);
  return builder.endVector();
}

function offsetVector(builder, offsets) {
  builder.startVector(4, offsets.length, 4);
  for (let i = offsets.length - 1; i >= 0; i--) builder.addOffset(offsets[i]);
  return builder.endVector();
}

function bytesVector(builder, data) {
  builder.startVector(1, data.byteLength, 16);
  builder.space -= data.byteLength;
  builder.bb.bytes().set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), builder.space);
  return builder.endVector();
}

export function tfliteModel(network) {
  const { tensors, operators } = new Lowering(network), builder = new flatbuffers.Builder(1 << 20);
  // Buffer 0 is empty by convention; the tensors that the run computes have it.
  const buffers = [table(builder, 3, [])], bufferOf = tensors.list.map(({ data }) => {
    if (!data) return 0;
    buffers.push(table(builder, 3, [[0, 'offset', bytesVector(builder, data)]]));
    return buffers.length - 1;
  });
  const tensorOffsets = tensors.list.map(({ dims, type }, i) => {
    const shape = intVector(builder, dims), name = builder.createString(`t${i}`);
    return table(builder, 8, [[0, 'offset', shape], [1, 'byte', tensorTypes[type]], [2, 'int', bufferOf[i]], [3, 'offset', name]]);
  });
  const used = [...new Set(operators.map(({ code }) => code))];
  const operatorOffsets = operators.map(({ code, inputs, outputs, options }) => {
    const from = intVector(builder, inputs), to = intVector(builder, outputs), fields = [[0, 'int', used.indexOf(code)], [1, 'offset', from], [2, 'offset', to]];
    if (options) {
      const [union, kinds] = optionTables[options[0]];
      fields.push([3, 'byte', union], [4, 'offset', table(builder, kinds.length, options[1].map((value, slot) => [slot, kinds[slot], value]))]);
    }
    return table(builder, 9, fields);
  });
  const ports = (list) => intVector(builder, list.map(({ id }) => tensors.byId.get(id)));
  const inputs = ports(network.inputs), outputs = ports(network.outputs), tensorList = offsetVector(builder, tensorOffsets), operatorList = offsetVector(builder, operatorOffsets);
  const subgraph = table(builder, 5, [[0, 'offset', tensorList], [1, 'offset', inputs], [2, 'offset', outputs], [3, 'offset', operatorList]]);
  // The first slot holds the code of old readers, in a byte.
  const codeList = offsetVector(builder, used.map((code) => table(builder, 4, [[0, 'byte', Math.min(code, 127)], [2, 'int', 1], [3, 'int', code]])));
  const subgraphs = offsetVector(builder, [subgraph]), description = builder.createString(''), bufferList = offsetVector(builder, buffers);
  builder.finish(table(builder, 8, [[0, 'int', 3], [1, 'offset', codeList], [2, 'offset', subgraphs], [3, 'offset', description], [4, 'offset', bufferList]]), 'TFL3');
  return builder.asUint8Array();
}
