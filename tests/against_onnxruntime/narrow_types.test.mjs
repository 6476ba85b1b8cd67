// Types of 8 bits and less: conversions at the ends of their ranges, quantization to them and back, bits under another type.
import test from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { float, model, node, tensor, typeCodes, value } from '../support/onnx_model.mjs';

const exact = { rtol: 0, atol: 0 };
const random = generator(21);

// Numbers at and around the limits of the 8-bit floats, their ties and subnormals, and what has no number.
const limits = [0, 2 ** -17, 2 ** -16, 3 * 2 ** -18, 2 ** -10, 3 * 2 ** -11, 0.0625, 1, 1.0625, 1.125, 17, 18, 240, 247.9, 248, 256, 448, 463.9, 464, 465, 480, 512,
  57344, 61439, 61440, 61441, 65504, 1e6, 3e38, Infinity, NaN];
// Without saturation, ONNX Runtime 1.30 makes 480..512 the largest number of float8e4m3fn, 448, and 61440..65536 NaN in float8e5m2; by ONNX's
// specification they are NaN and infinite. Those are left out, and negative numbers as well where positive ones are.
const feeds = (saturate, scale = 1) => {
  const odd = (number) => !saturate && ((number / scale >= 480 && number / scale < 512) || (number / scale >= 61440 && number / scale < 65536));
  const numbers = limits.filter((number) => !odd(number));
  const both = [...numbers, ...numbers.filter((number) => saturate || number < 240 || number > 65504).map((number) => -number)];
  return { x: tensor('float32', [both.length], both) };
};

for (const type of ['float8e4m3fn', 'float8e4m3fnuz', 'float8e5m2', 'float8e5m2fnuz']) {
  for (const saturate of [0, 1]) {
    test(`Cast to ${type} and back, saturate ${saturate}`, () => agreesWithOnnxRuntime(model({
      inputs: { x: value('float32', ['n']) }, outputs: { y: value('float32', ['n']) },
      nodes: [node('Cast', ['x'], ['t'], { to: typeCodes[type], saturate }), node('Cast', ['t'], ['y'], { to: typeCodes.float32 })], opset: 19, irVersion: 9,
    }), [feeds(saturate)], exact));

    test(`QuantizeLinear to ${type} and back, saturate ${saturate}`, () => agreesWithOnnxRuntime(model({
      inputs: { x: value('float32', ['n']) }, outputs: { y: value('float32', ['n']) }, initializers: { s: tensor('float32', [], [0.5]), z: tensor('uint8', [1], [0]) },
      nodes: [node('Cast', ['s'], ['s8'], { to: typeCodes[type] }), node('Sub', ['s', 's'], ['zero']), node('Cast', ['zero'], ['z8'], { to: typeCodes[type] }),
        node('QuantizeLinear', ['x', 's', 'z8'], ['t'], { saturate }), node('DequantizeLinear', ['t', 's'], ['y'])], opset: 19, irVersion: 9,
    }), [feeds(saturate, 0.5)], exact));
  }
}

for (const type of ['int4', 'uint4', 'int8', 'uint8', 'int16', 'uint16']) {
  test(`QuantizeLinear to ${type} per axis and in blocks`, () => {
    const data = tensor('float32', [4, 6], Array.from({ length: 24 }, () => (random() - 0.5) * 40));
    const zero = (name, dims) => node('Cast', [name], [`${name}_${type}`], { to: typeCodes[type] });
    return agreesWithOnnxRuntime(model({
      inputs: { x: value('float32', ['n', 6]) }, outputs: { a: value('float32'), b: value('float32') },
      initializers: {
        axis_scale: tensor('float32', [6], [1, 2, 0.5, 0.25, 3, 1.5]), axis_zero: tensor('float32', [6], [1, 0, 2, 3, 1, 0]),
        block_scale: tensor('float32', [4, 3], Array.from({ length: 12 }, (_, i) => 0.5 + i / 4)), block_zero: tensor('float32', [4, 3], Array.from({ length: 12 }, (_, i) => i % 3)),
      },
      nodes: [zero('axis_zero'), zero('block_zero'),
        node('QuantizeLinear', ['x', 'axis_scale', `axis_zero_${type}`], ['q'], { axis: 1 }), node('DequantizeLinear', ['q', 'axis_scale', `axis_zero_${type}`], ['a'], { axis: 1 }),
        node('QuantizeLinear', ['x', 'block_scale', `block_zero_${type}`], ['r'], { axis: 1, block_size: 2 }),
        node('DequantizeLinear', ['r', 'block_scale', `block_zero_${type}`], ['b'], { axis: 1, block_size: 2 })], opset: 21, irVersion: 10,
    }), [{ x: data }], exact);
  });
}
