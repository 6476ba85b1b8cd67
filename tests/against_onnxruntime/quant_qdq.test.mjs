// QuantizeLinear and DequantizeLinear in all types and granularities, and models in the QDQ form around float operators.
import test from 'node:test';
import { agreesWithOnnxRuntime } from '../support/against_onnxruntime.mjs';
import { float, model, node, tensor, value } from '../support/onnx_model.mjs';
import { randomTensors } from '../support/random_tensors.mjs';

const ms = 'com.microsoft';
const range = { uint8: [0, 255], int8: [-128, 127], uint16: [0, 65535], int16: [-32768, 32767], uint4: [0, 15], int4: [-8, 7] };
const middle = (type) => Math.floor((range[type][0] + range[type][1] + 1) / 2);

/** A tensor of a type, 4-bit ones packed as files hold them. */
function quantized(t, type, dims, low = range[type][0], high = range[type][1]) {
  if (!type.endsWith('int4')) return t.integers(type, dims, low, high);
  const total = dims.reduce((a, b) => a * b, 1);
  const numbers = Array.from({ length: total }, () => t.integer(low, high) & 15);
  return { type, dims, data: Uint8Array.from({ length: Math.ceil(total / 2) }, (_, i) => numbers[2 * i] | ((numbers[2 * i + 1] ?? 0) << 4)) };
}

for (const domain of ['', ms]) {
  for (const type of ['uint8', 'int8', 'uint16', 'int16', 'uint4', 'int4']) {
    test(`${domain || 'ai.onnx'} QuantizeLinear and DequantizeLinear of ${type}: per tensor and per channel`, async () => {
      const t = randomTensors(1);
      for (const perChannel of [false, true]) {
        const size = perChannel ? [5] : [];
        const steps = range[type][1] - range[type][0];
        const bytes = model({
          inputs: { x: value('float32', ['n', 5, 7]) }, outputs: { y: value('float32') }, opset: 21, opsets: { [ms]: 1 },
          initializers: { s: t.floats(size, 1 / steps, 4 / steps), z: quantized(t, type, size, middle(type) - 1, middle(type) + 1) },
          nodes: [node('QuantizeLinear', ['x', 's', 'z'], ['q'], { axis: 1 }, domain), node('DequantizeLinear', ['q', 's', 'z'], ['y'], { axis: 1 }, domain)],
        });
        for (const graphOptimizationLevel of ['disabled', 'all']) {
          await agreesWithOnnxRuntime(bytes, [3, 1].map((n) => ({ x: t.floats([n, 5, 7], -2, 2) })), { rtol: 1e-6, atol: 1e-7, sessionOptions: { graphOptimizationLevel } });
        }
      }
    });
  }
}

test('QuantizeLinear to 8-bit floats, saturating and not', async () => {
  const t = randomTensors(6);
  for (const type of ['float8e4m3fn', 'float8e5m2']) {
    for (const saturate of [0, 1]) {
      const bytes = model({
        inputs: { x: value('float32', ['n']) }, outputs: { y: value('float32') }, opset: 21,
        initializers: { s: tensor('float32', [], [0.5]), z: { type, dims: [], data: Uint8Array.of(0) } },
        nodes: [node('QuantizeLinear', ['x', 's', 'z'], ['q'], { saturate }), node('DequantizeLinear', ['q', 's', 'z'], ['y'])],
      });
      await agreesWithOnnxRuntime(bytes, [{ x: t.floats([50], -3, 3) }, { x: t.floats([20], -1e5, 1e5) }], { rtol: 0, atol: 0, sessionOptions: { graphOptimizationLevel: 'disabled' } });
    }
  }
});

test('DequantizeLinear of weights in blocks, into a product', async () => {
  const t = randomTensors(2);
  for (const [type, axis] of [['uint4', 0], ['int4', 1], ['int8', 0], ['uint8', 1]]) {
    const k = 64, n = 32, block_size = 16;
    const parameters = axis === 0 ? [k / block_size, n] : [k, n / block_size];
    const bytes = model({
      inputs: { x: value('float32', ['m', k]) }, outputs: { y: value('float32') }, opset: 21,
      initializers: { w: quantized(t, type, [k, n]), s: t.floats(parameters, 0.01, 0.05), z: quantized(t, type, parameters) },
      nodes: [node('DequantizeLinear', ['w', 's', 'z'], ['d'], { axis, block_size }), node('MatMul', ['x', 'd'], ['y'])],
    });
    await agreesWithOnnxRuntime(bytes, [3, 1].map((m) => ({ x: t.floats([m, k]) })), { rtol: 1e-5, atol: 1e-4, sessionOptions: { graphOptimizationLevel: 'disabled' } });
  }
});

// A small network as quantization tools write it: every activation through Q and DQ, weights and biases as DQ of integers.
function network(t, { activation, weight, perChannel }) {
  const initializers = {}, nodes = [];
  let last = 'x', count = 0;
  const scalar = (number) => tensor('float32', [], [number]);
  const pair = (scale) => {
    const id = count++;
    initializers[`s${id}`] = scalar(scale);
    initializers[`z${id}`] = tensor(activation, [], [activation === 'uint8' ? 120 + (id % 5) : 3 - (id % 5)]);
    nodes.push(node('QuantizeLinear', [last, `s${id}`, `z${id}`], [`q${id}`]), node('DequantizeLinear', [`q${id}`, `s${id}`, `z${id}`], [`d${id}`]));
    last = `d${id}`;
    return scale;
  };
  const weights = (name, dims, axis, scale) => {
    const channels = dims[axis];
    initializers[`${name}_q`] = t.weights(weight, dims);
    initializers[`${name}_s`] = perChannel ? t.floats([channels], 0.5 * scale, scale) : scalar(scale);
    initializers[`${name}_z`] = tensor(weight, perChannel ? [channels] : [], Array(perChannel ? channels : 1).fill(weight === 'uint8' ? 128 : 0));
    nodes.push(node('DequantizeLinear', [`${name}_q`, `${name}_s`, `${name}_z`], [name], { axis }));
  };
  const bias = (name, weightName, channels, inputScale) => {
    const s = initializers[`${weightName}_s`].data;
    initializers[`${name}_q`] = t.integers('int32', [channels], -500, 500);
    initializers[`${name}_s`] = tensor('float32', perChannel ? [channels] : [], Array.from({ length: perChannel ? channels : 1 }, (_, i) => Math.fround(Math.fround(inputScale) * s[i])));
    initializers[`${name}_z`] = tensor('int32', perChannel ? [channels] : [], Array(perChannel ? channels : 1).fill(0));
    nodes.push(node('DequantizeLinear', [`${name}_q`, `${name}_s`, `${name}_z`], [name], { axis: 0 }));
  };
  let scale = pair(0.02);
  weights('w0', [8, 3, 3, 3], 0, 0.01);
  bias('b0', 'w0', 8, scale);
  nodes.push(node('Conv', [last, 'w0', 'b0'], ['c0'], { pads: [1, 1, 1, 1] }), node('Relu', ['c0'], ['r0']));
  last = 'r0';
  scale = pair(0.05);
  const skip = last;
  weights('w1', [8, 1, 3, 3], 0, 0.01);
  bias('b1', 'w1', 8, scale);
  nodes.push(node('Conv', [last, 'w1', 'b1'], ['c1'], { pads: [1, 1, 1, 1], group: 8 }));
  last = 'c1';
  pair(0.06);
  nodes.push(node('Add', [last, skip], ['a0']));
  last = 'a0';
  pair(0.07);
  nodes.push(node('MaxPool', [last], ['m0'], { kernel_shape: [2, 2], strides: [2, 2] }));
  last = 'm0';
  pair(0.07);
  nodes.push(node('LeakyRelu', [last], ['l0'], { alpha: float(0.1) }));
  last = 'l0';
  pair(0.05);
  nodes.push(node('GlobalAveragePool', [last], ['g0']));
  last = 'g0';
  pair(0.02);
  nodes.push(node('Flatten', [last], ['f0']));
  last = 'f0';
  scale = pair(0.02);
  weights('w2', [8, 10], 1, 0.02);
  nodes.push(node('MatMul', [last, 'w2'], ['p0']));
  last = 'p0';
  pair(0.03);
  nodes.push(node('Softmax', [last], ['y'], { axis: -1 }));
  return model({ inputs: { x: value('float32', ['n', 3, 12, 'w']) }, outputs: { y: value('float32') }, opset: 13, initializers, nodes });
}

for (const [activation, weight, perChannel] of [['uint8', 'int8', true], ['uint8', 'uint8', false], ['int8', 'int8', false]]) {
  test(`a network in the QDQ form, ${activation} by ${weight}, with ONNX Runtime's optimisations on and off`, async () => {
    const t = randomTensors(3);
    const bytes = network(t, { activation, weight, perChannel });
    const runs = [[1, 12], [2, 20]].map(([n, w]) => ({ x: t.floats([n, 3, 12, w], -2, 2) }));
    // Optimised, ONNX Runtime computes between the pairs in integers: a tie may round the other way, which is one step (0.03) of the last
    // logits; softmax makes at most a quarter of a logit's difference of it, and one step more of what was added up before. Not optimised it
    // computes in floats as we do.
    await agreesWithOnnxRuntime(bytes, runs, { rtol: 0, atol: 0.0075, sessionOptions: { graphOptimizationLevel: 'disabled' } });
    await agreesWithOnnxRuntime(bytes, runs, { rtol: 0, atol: 0.015, sessionOptions: { graphOptimizationLevel: 'all' } });
  });
}
