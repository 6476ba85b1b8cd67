// What each ONNX operator becomes in a network (see network.mjs): one function (network, node) per operator.
import { size, toLast, toSecond } from './layout.mjs';
import { Unsupported } from './network.mjs';

const refuse = (node, what) => {
  throw new Unsupported(`the importer has no ${node.op} with ${what} (node ${node.name || node.outputs[0]})`);
};

// [[top, bottom], [left, right]] of a window of `kernel` over `x` [n, h, w, c] that gives `out` [n, oh, ow, c]: pads of the end may be larger or smaller than the
// attribute says where sizes are rounded.
function windowPads({ attributes }, x, out, kernel, strides, dilations) {
  return [0, 1].map((i) => {
    const total = Math.max(0, (out[i + 1] - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1 - x[i + 1]);
    let begin = attributes.pads?.[i] ?? 0;
    if (attributes.auto_pad === 'SAME_UPPER') begin = total >> 1;
    if (attributes.auto_pad === 'SAME_LOWER') begin = total - (total >> 1);
    return [begin, Math.max(0, total - begin)];
  });
}

// ONNX's [m, c/group, kh, kw] -> [kh, kw, c/group, m].
function kernelOf({ dims: [m, c, kh, kw], data }) {
  const out = new Float32Array(data.length);
  for (let o = 0, at = 0; o < m; o++) for (let i = 0; i < c; i++) for (let k = 0; k < kh * kw; k++) out[(k * c + i) * m + o] = data[at++];
  return { type: 'float32', dims: [kh, kw, c, m], data: out };
}

const biasOf = (net, node, m) => net.constant(net.contents(node.inputs[2]) ?? { type: 'float32', dims: [m], data: new Float32Array(m) });

function conv(net, node) {
  const x = net.last(net.values.get(node.inputs[0])), weights = net.known(node, 1, 'weight'), { group = 1 } = node.attributes;
  if (x.dims.length !== 4) refuse(node, `${x.dims.length} dimensions`);
  const [m, , kh, kw] = weights.dims, strides = node.attributes.strides ?? [1, 1], dilations = node.attributes.dilations ?? [1, 1], dims = net.stored(node, true);
  const settings = { strides, dilations, pads: windowPads(node, x.dims, dims, [kh, kw], strides, dilations) };
  const depthwise = group > 1 && group === x.dims[3] && group === m;
  if (group > 1 && !depthwise) refuse(node, `${group} groups of ${x.dims[3]} channels`);
  const kernel = kernelOf(weights);
  const w = net.constant(depthwise ? { ...kernel, dims: [kh, kw, m, 1] } : kernel);
  net.set(node, net.add(depthwise ? 'depthwise' : 'conv', [x, w, biasOf(net, node, m)], dims, settings, true));
}

function convTranspose(net, node) {
  const x = net.last(net.values.get(node.inputs[0])), { dims: [c, m, kh, kw], data } = net.known(node, 1, 'weight'), { group = 1, strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0] } = node.attributes;
  if (group !== 1 || dilations.some((d) => d !== 1) || pads.some((p) => p !== 0) || kh !== strides[0] || kw !== strides[1]) refuse(node, 'groups, dilations, pads or overlaps');
  const w = new Float32Array(data.length);  // [kh, kw, m, c]
  for (let i = 0, at = 0; i < c; i++) for (let o = 0; o < m; o++) for (let k = 0; k < kh * kw; k++) w[(k * m + o) * c + i] = data[at++];
  const dims = net.stored(node, true), kernel = net.constant({ type: 'float32', dims: [kh, kw, m, c], data: w });
  const result = net.add('deconv', [x, kernel], dims, { strides }, true);
  net.set(node, net.contents(node.inputs[2]) ? net.add('add', [result, biasOf(net, node, m)], dims, {}, true) : result);
}

function pool(net, node) {
  const x = net.last(net.values.get(node.inputs[0])), { kernel_shape: kernel, strides = [1, 1], dilations = [1, 1], count_include_pad: withPads = 0 } = node.attributes;
  if (x.dims.length !== 4 || dilations.some((d) => d !== 1)) refuse(node, 'dilations or other than two axes');
  const dims = net.stored(node, true), pads = windowPads(node, x.dims, dims, kernel, strides, dilations);
  if (node.op === 'AveragePool' && withPads && pads.flat().some((pad) => pad)) refuse(node, 'pads that count');
  net.set(node, net.add(node.op === 'MaxPool' ? 'maxpool' : 'avgpool', [x], dims, { kernel, strides, pads }, true));
}

function binary(op) {
  return (net, node) => {
    const rank = net.shape(node).length, last = rank === 4 && node.inputs.some((name) => net.values.get(name)?.last);
    if (node.inputs.length === 1) return net.set(node, net.values.get(node.inputs[0]));
    const [a, b, ...more] = node.inputs.map((name) => net.operand(name, rank, last));
    net.set(node, [b, ...more].reduce((sum, next) => net.add(op, [sum, next], net.stored(node, last), {}, last), a));
  };
}

// Elementwise on one input: order of axes does not matter.
function unary(op, settings = () => ({})) {
  return (net, node) => {
    const x = net.values.get(node.inputs[0]);
    net.set(node, net.add(op, [x], x.dims, settings(net, node), x.last));
  };
}

function clip(net, node) {
  const bound = (index, name, none) => Number(net.contents(node.inputs[index])?.data[0] ?? node.attributes[name] ?? none);
  const low = bound(1, 'min', -Infinity), high = bound(2, 'max', Infinity), x = net.values.get(node.inputs[0]);
  if (node.inputs.slice(1).some((name) => name && !net.contents(name))) refuse(node, 'bounds that are not constant');
  net.set(node, low === 0 && high === 6 ? net.add('relu6', [x], x.dims, {}, x.last) : net.add('clip', [x], x.dims, { low, high }, x.last));
}

function prelu(net, node) {
  const x = net.values.get(node.inputs[0]);
  net.set(node, net.add('prelu', [x, net.operand(node.inputs[1], 4, x.last)], x.dims, {}, x.last));
}

function concat(net, node) {
  const rank = net.shape(node).length, last = rank === 4 && node.inputs.some((name) => net.values.get(name)?.last);
  const parts = node.inputs.map((name) => (net.contents(name) && last ? net.constant(net.graph.constants[name]) : net.value(name))).map((value) => (last ? net.last(value) : net.plain(value)));
  net.set(node, net.add('concat', parts, net.stored(node, last), { axis: net.axis(node.attributes.axis, rank, last) }, last));
}

function transpose(net, node) {
  const x = net.values.get(node.inputs[0]), perm = node.attributes.perm ?? x.dims.map((_, i) => x.dims.length - 1 - i), dims = net.shape(node);
  if (x.last && String(perm) === String(toLast)) return net.set(node, { ...x, last: false, asLast: undefined, asPlain: undefined });
  if (!x.last && String(perm) === String(toSecond)) return net.set(node, { ...x, last: true, asLast: undefined, asPlain: undefined });
  net.set(node, net.add('transpose', [net.plain(x)], dims, { perm }));
}

function reshape(net, node) {
  const x = net.plain(net.values.get(node.inputs[0]));
  net.set(node, net.add('reshape', [x], net.shape(node), { type: x.type }));
}

function cast(net, node) {
  const x = net.values.get(node.inputs[0]), floats = node.attributes.to === 1;
  if (!floats) refuse(node, 'a result that is not float');
  net.set(node, x.type === 'int32' ? net.add('cast', [x], x.dims, {}, x.last) : x);
}

function gather(net, node) {
  const table = net.known(node, 0, 'table'), indices = net.values.get(node.inputs[1]);
  if ((node.attributes.axis ?? 0) !== 0 || table.type !== 'float32' || indices?.type !== 'int32') refuse(node, 'an axis other than the first, or indices that are not fed');
  net.set(node, net.add('gather', [net.value(node.inputs[0]), indices], net.shape(node)));
}

// Squares are products.
function pow(net, node) {
  const exponent = net.contents(node.inputs[1]), x = net.values.get(node.inputs[0]);
  if (exponent?.data.length === 1 && Number(exponent.data[0]) === 2) return net.set(node, net.add('mul', [x, x], x.dims, {}, x.last));
  return binary('pow')(net, node);
}

function softmax(net, node) {
  const x = net.values.get(node.inputs[0]), rank = x.dims.length, since13 = net.graph.opset >= 13;
  const axis = node.attributes.axis ?? (since13 ? -1 : 1), positive = axis < 0 ? axis + rank : axis;
  // Before opset 13 all axes from `axis` on count as one.
  if (!since13 && size(net.plain(x).dims.slice(positive + 1)) !== 1) refuse(node, 'several axes');
  const at = net.axis(positive, rank, x.last);
  if (at === rank - 1) return net.set(node, net.add('softmax', [x], x.dims, {}, x.last));
  const plain = net.plain(x), perm = plain.dims.map((_, i) => i).filter((i) => i !== positive).concat(positive), back = perm.map((_, i) => perm.indexOf(i));
  const turned = net.add('transpose', [plain], perm.map((i) => plain.dims[i]), { perm });
  net.set(node, net.add('transpose', [net.add('softmax', [turned], turned.dims)], plain.dims, { perm: back }));
}

function resize(net, node) {
  const x = net.last(net.values.get(node.inputs[0])), dims = net.stored(node, true), { mode = 'nearest', coordinate_transformation_mode: where = node.op === 'Upsample' ? 'asymmetric' : 'half_pixel' } = node.attributes;
  if (!['nearest', 'linear'].includes(mode) || dims[3] !== x.dims[3]) refuse(node, `mode ${mode}, or along channels`);
  const whole = dims[1] % x.dims[1] === 0 && dims[2] % x.dims[2] === 0;
  // Nearest by whole numbers repeats pixels, however coordinates are rounded.
  if (mode === 'nearest' && !whole) refuse(node, 'nearest by fractions');
  const half = mode === 'linear' && ['half_pixel', 'pytorch_half_pixel'].includes(where);
  net.set(node, net.add('resize', [x], dims, { mode, half, align: mode === 'linear' && where === 'align_corners' }, true));
}

function pad(net, node) {
  const x = net.values.get(node.inputs[0]), rank = x.dims.length, { mode = 'constant' } = node.attributes;
  const pads = Array.from(node.attributes.pads ?? net.known(node, 1, 'pads').data, Number), value = Number(net.contents(node.inputs[2])?.data[0] ?? node.attributes.value ?? 0);
  if (mode !== 'constant' || value !== 0) refuse(node, `mode ${mode} or a value other than 0`);
  const pairs = x.dims.map(() => [0, 0]);
  for (let i = 0; i < rank; i++) pairs[net.axis(i, rank, x.last)] = [pads[i], pads[rank + i]];
  net.set(node, net.add('pad', [x], net.stored(node, x.last), { pads: pairs }, x.last));
}

function slice(net, node) {
  const x = net.values.get(node.inputs[0]), rank = x.dims.length, list = (index, name) => (node.attributes[name] ?? (net.contents(node.inputs[index]) ? Array.from(net.contents(node.inputs[index]).data, Number) : undefined));
  const starts = list(1, 'starts'), axes = list(3, 'axes') ?? starts.map((_, i) => i), steps = list(4, 'steps') ?? [];
  if (!starts || steps.some((step) => step !== 1)) refuse(node, 'steps, or starts that are not constant');
  const begin = x.dims.map(() => 0);
  axes.forEach((axis, i) => {
    const at = net.axis(axis, rank, x.last), start = starts[i] < 0 ? starts[i] + x.dims[at] : starts[i];
    begin[at] = Math.min(Math.max(start, 0), x.dims[at]);
  });
  net.set(node, net.add('slice', [x], net.stored(node, x.last), { begin }, x.last));
}

function split(net, node) {
  const x = net.values.get(node.inputs[0]), rank = x.dims.length, axis = net.axis(node.attributes.axis ?? 0, rank, x.last);
  let at = 0;
  node.outputs.forEach((name, i) => {
    const begin = x.dims.map((_, d) => (d === axis ? at : 0)), plain = net.shape(node, i), dims = x.last ? toLast.map((d) => plain[d]) : plain;
    net.set(node, net.add('slice', [x], dims, { begin }, x.last), i);
    at += dims[axis];
  });
}

function reduceMean(net, node) {
  const x = net.values.get(node.inputs[0]), rank = x.dims.length, given = node.attributes.axes ?? (net.contents(node.inputs[1]) && Array.from(net.contents(node.inputs[1]).data, Number));
  const axes = (node.op === 'GlobalAveragePool' ? [2, 3] : given ?? x.dims.map((_, i) => i)), keep = node.op === 'GlobalAveragePool' || (node.attributes.keepdims ?? 1) === 1;
  const from = keep ? x : net.plain(x);
  net.set(node, net.add('mean', [from], net.stored(node, keep && x.last), { axes: axes.map((axis) => net.axis(axis, rank, from.last)), keep }, keep && x.last));
}

function matmul(net, node) {
  const a = net.plain(net.value(node.inputs[0])), b = net.plain(net.value(node.inputs[1])), dims = net.shape(node);
  if (b.dims.length === 2) {
    const rows = size(a.dims) / b.dims[0], flat = a.dims.length === 2 ? a : net.add('reshape', [a], [rows, b.dims[0]]), product = net.add('matmul', [flat, b], [rows, b.dims[1]]);
    return net.set(node, dims.length === 2 ? product : net.add('reshape', [product], dims));
  }
  net.set(node, net.add('matmul', [a, b], dims));
}

function gemm(net, node) {
  const { alpha = 1, beta = 1, transA = 0, transB = 0 } = node.attributes, a = net.plain(net.value(node.inputs[0]));
  if (alpha !== 1 || beta !== 1 || transA) refuse(node, 'alpha, beta or a transposed left side');
  const weights = net.known(node, 1, 'right side'), [rows, columns] = weights.dims;
  const b = transB ? { ...weights, dims: [columns, rows], data: Float32Array.from({ length: rows * columns }, (_, i) => weights.data[(i % rows) * columns + Math.floor(i / rows)]) } : weights;
  const product = net.add('matmul', [a, net.constant(b)], net.shape(node));
  net.set(node, node.inputs[2] ? net.add('add', [product, net.value(node.inputs[2])], net.shape(node)) : product);
}

// What inference computes: the input, scaled and moved by channel.
function batchNorm(net, node) {
  const given = net.values.get(node.inputs[0]), x = given.dims.length === 4 ? net.last(given) : given, [scale, bias, mean, variance] = [1, 2, 3, 4].map((i) => net.known(node, i, 'statistics').data), epsilon = node.attributes.epsilon ?? 1e-5;
  const factor = Float32Array.from(scale, (s, i) => s / Math.sqrt(variance[i] + epsilon)), addend = Float32Array.from(bias, (b, i) => b - mean[i] * factor[i]), dims = [factor.length];
  if (x.dims[x.dims.length - 1] !== factor.length) refuse(node, `${x.dims.length} dimensions`);
  const scaled = net.add('mul', [x, net.constant({ type: 'float32', dims, data: factor })], x.dims, {}, x.last);
  net.set(node, net.add('add', [scaled, net.constant({ type: 'float32', dims, data: addend })], x.dims, {}, x.last));
}

// Per picture and channel: what TensorFlow computes from its moments.
function instanceNorm(net, node) {
  const x = net.last(net.values.get(node.inputs[0])), channels = (index) => net.constant(net.known(node, index, 'scale or bias')), [n, , , c] = x.dims, flat = [n, 1, 1, c];
  const number = (value) => net.constant({ type: 'float32', dims: [], data: Float32Array.of(value) }), mean = (value) => net.add('mean', [value], flat, { axes: [1, 2], keep: true }, true);
  const centred = net.add('sub', [x, mean(x)], x.dims, {}, true), variance = mean(net.add('mul', [centred, centred], x.dims, {}, true));
  const deviation = net.add('sqrt', [net.add('add', [variance, number(node.attributes.epsilon ?? 1e-5)], flat, {}, true)], flat, {}, true);
  const factor = net.add('div', [channels(1), deviation], flat, {}, true);
  net.set(node, net.add('add', [net.add('mul', [centred, factor], x.dims, {}, true), channels(2)], x.dims, {}, true));
}

// Elementwise operators broadcast by themselves.
function expand(net, node) {
  const readers = net.graph.nodes.filter(({ inputs }) => inputs.includes(node.outputs[0]));
  if (!readers.every(({ op }) => ['Add', 'Sub', 'Mul', 'Div'].includes(op))) refuse(node, 'readers that do not broadcast');
  net.set(node, net.values.get(node.inputs[0]));
}

function hardSigmoid(net, node) {
  const x = net.values.get(node.inputs[0]), { alpha = 0.2, beta = 0.5 } = node.attributes, number = (value) => net.constant({ type: 'float32', dims: [], data: Float32Array.of(value) });
  const line = net.add('add', [net.add('mul', [x, number(alpha)], x.dims, {}, x.last), number(beta)], x.dims, {}, x.last);
  net.set(node, net.add('clip', [line], x.dims, { low: 0, high: 1 }, x.last));
}

export const operators = {
  Conv: conv, ConvTranspose: convTranspose, MaxPool: pool, AveragePool: pool, GlobalAveragePool: reduceMean, ReduceMean: reduceMean,
  Add: binary('add'), Sum: binary('add'), Sub: binary('sub'), Mul: binary('mul'), Div: binary('div'), Max: binary('max'), Min: binary('min'), Pow: pow, Erf: unary('erf'), Cast: cast, Gather: gather,
  Relu: unary('relu'), Sigmoid: unary('sigmoid'), Tanh: unary('tanh'), Sqrt: unary('sqrt'), Exp: unary('exp'), Identity: (net, node) => net.set(node, net.values.get(node.inputs[0])),
  LeakyRelu: unary('leakyrelu', (_, { attributes }) => ({ alpha: attributes.alpha ?? 0.01 })), PRelu: prelu, Clip: clip, HardSigmoid: hardSigmoid,
  Dropout: (net, node) => net.set(node, net.values.get(node.inputs[0])), BatchNormalization: batchNorm, InstanceNormalization: instanceNorm, Expand: expand,
  Concat: concat, Transpose: transpose, Reshape: reshape, Flatten: reshape, Squeeze: reshape, Unsqueeze: reshape, Softmax: softmax, Resize: resize, Upsample: resize, Pad: pad,
  Slice: slice, Split: split, MatMul: matmul, Gemm: gemm,
};
