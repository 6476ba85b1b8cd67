// Other forms of models that quantize activations while they run, for ONNX Runtime to compute: what the comparison of quantized models goes by.
import assert from 'node:assert/strict';
import { attributeProto, ModelProto, tensor } from './onnx_model.mjs';

const FLOAT = 1, UINT8 = 2, INT8 = 3, INT32 = 6;

const graphsOf = (graph) => [graph, ...graph.node.flatMap(({ attribute }) => attribute.filter(({ g }) => g).flatMap(({ g }) => graphsOf(g)))];
// Which inputs of an operator are 8-bit weights, and which is their zero point.
const WEIGHTS = { MatMulInteger: [[1, 3]], ConvInteger: [[1, 3]], DynamicQuantizeLSTM: [[1, 9], [2, 11]] };

/**
 * The model with int8 weights as uint8, weights and zero points moved by 128: the same integers. ONNX Runtime's kernel for u8 times s8 saturates on x64 processors that
 * have AVX2 but no VNNI instructions (see exactIntegers), and the session option against that does not reach into branches whose weights lie outside.
 */
export function withUnsignedWeights(bytes) {
  const message = ModelProto.decode(bytes), graphs = graphsOf(message.graph), names = new Set();
  for (const { op_type, input } of graphs.flatMap(({ node }) => node)) {
    for (const [weights, zero] of WEIGHTS[op_type] ?? []) {
      if (!input[zero]) throw new Error(`${op_type} without a zero point of its weights`);
      names.add(input[weights]).add(input[zero]);
    }
  }
  for (const initializer of graphs.flatMap((graph) => graph.initializer)) {
    if (!names.has(initializer.name) || initializer.data_type !== INT8) continue;
    const numbers = initializer.raw_data.length ? initializer.raw_data : Uint8Array.from(initializer.int32_data, (number) => number & 255);
    Object.assign(initializer, { data_type: UINT8, int32_data: [], raw_data: Uint8Array.from(numbers, (number) => number ^ 128) });
  }
  for (const graph of graphs) graph.value_info = [];
  return ModelProto.encode(message).finish();
}

function rewritten(graph, fresh) {
  const nodes = [], add = (op_type, input, output, attribute = []) => nodes.push({ op_type, input, output, name: `${op_type}_${output[0]}`, attribute });
  const constant = (output, number) => add('Constant', [], [output], [attributeProto('value', tensor('float32', [], [number]))]);
  // (numbers - zero point) as floats.
  const float = (numbers, zero) => {
    const cast = fresh();
    add('Cast', [numbers], [cast], [attributeProto('to', FLOAT)]);
    if (!zero) return cast;
    const castZero = fresh(), shifted = fresh();
    add('Cast', [zero], [castZero], [attributeProto('to', FLOAT)]);
    add('Sub', [cast, castZero], [shifted]);
    return shifted;
  };
  // The weights of a DynamicQuantizeLSTM: stored transposed, one scale per direction.
  const lstmWeights = (weights, scale, zero) => {
    const [unscaled, shape, scales, scaled, transposed] = Array.from({ length: 5 }, fresh);
    add('Constant', [], [shape], [attributeProto('value', tensor('int64', [3], [-1, 1, 1]))]);
    const spread = (name) => {
      const output = fresh();
      add('Reshape', [name, shape], [output]);
      return output;
    };
    add('Identity', [float(weights, spread(zero))], [unscaled]);
    add('Identity', [spread(scale)], [scales]);
    add('Mul', [unscaled, scales], [scaled]);
    add('Transpose', [scaled], [transposed], [attributeProto('perm', [0, 2, 1])]);
    return transposed;
  };
  // Biases in units of the product's integers, rounded down: Cast(Floor(...)) to int32.
  const floors = new Set(graph.node.filter(({ op_type }) => op_type === 'Floor').map(({ output }) => output[0])), biases = new Set();
  for (const { op_type, input, output, attribute } of graph.node) {
    if (op_type === 'Cast' && floors.has(input[0]) && Number(attribute[0].i) === INT32) biases.add(input[0]).add(output[0]);
  }
  for (const node of graph.node) {
    const { op_type, input, output, attribute } = node;
    for (const { g } of attribute) if (g) rewritten(g, fresh);
    if (op_type === 'DynamicQuantizeLinear') {
      add('Identity', [input[0]], [output[0]]);
      constant(output[1], 1);
      constant(output[2], 0);
    } else if (op_type === 'MatMulInteger') {
      add('MatMul', [input[0], float(input[1], input[3])], output);
    } else if (op_type === 'ConvInteger') {
      add('Conv', [input[0], float(input[1], input[3])], output, attribute);
    } else if (biases.has(output[0])) {
      add('Identity', [input[0]], output);
    } else if (op_type === 'DynamicQuantizeLSTM') {
      const [x, w, r, bias, lengths, h, c, peepholes, wScale, wZero, rScale, rZero] = input;
      add('LSTM', [x, lstmWeights(w, wScale, wZero), lstmWeights(r, rScale, rZero), bias, lengths, h, c, peepholes].map((name) => name ?? ''), output, attribute);
    } else {
      nodes.push(node);
    }
  }
  graph.node = nodes;
  graph.value_info = [];
}

/**
 * The model without quantization of activations: products of dynamically quantized tensors become products of floats with the same (dequantized) weights. It computes the
 * value that the quantized model stands for; how far quantized computations are from it says how far they may be from each other.
 */
export function dequantized(bytes) {
  const message = ModelProto.decode(bytes);
  let count = 0;
  rewritten(message.graph, () => `dequantized_${count++}`);
  return ModelProto.encode(message).finish();
}

function rootMeanSquare(length, at) {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += at(i) ** 2;
  return Math.sqrt(sum / Math.max(1, length));
}

/**
 * Two computations of a quantized model: equal to rounding until a value lies so near the middle of two levels that they round it apart; from there on they differ by up to
 * what quantization itself is off. So: `ours` is no further from `exact` (the dequantized model's output) than ONNX Runtime's `reference` is, within 15 %, and the two are
 * no further apart than two independent errors of that size are; or less than a hundredth of the output's root mean square, where few values decide.
 */
export function assertQuantizedClose(label, ours, reference, exact) {
  assert.deepEqual(ours.dims.map(Number), reference.dims.map(Number), `${label}: shape`);
  const distance = (a, b) => rootMeanSquare(a.data.length, (i) => a.data[i] - b.data[i]);
  const scale = rootMeanSquare(exact.data.length, (i) => exact.data[i]);
  const noise = distance(reference, exact), error = distance(ours, exact), apart = distance(ours, reference);
  const figures = `of values of ${scale}, ours are off by ${error}, ONNX Runtime's by ${noise}, they are ${apart} apart`;
  assert.ok(error <= Math.max(0.01 * scale, 1.15 * noise), `${label}: ${figures}`);
  assert.ok(apart <= Math.max(0.01 * scale, 1.05 * Math.SQRT2 * noise), `${label}: ${figures}`);
}
