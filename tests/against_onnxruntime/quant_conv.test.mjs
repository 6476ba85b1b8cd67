// Convolutions of 8-bit tensors: 1 and 2 (and 3) spatial dimensions, groups, depthwise, strides, dilations, padding, zero points.
import test from 'node:test';
import { agreesWithOnnxRuntime } from '../support/against_onnxruntime.mjs';
import { model, node, tensor, value } from '../support/onnx_model.mjs';
import { randomTensors } from '../support/random_tensors.mjs';

const exact = { rtol: 0, atol: 0 };
const mean = (type) => (type === 'uint8' ? 128 : 0);

// x without batch, w, attributes
const forms = [
  { x: [3, 8, 9], w: [5, 3, 3, 3], attributes: { pads: [1, 1, 1, 1] } },
  { x: [8, 7, 6], w: [16, 8, 1, 1], attributes: {} },
  { x: [4, 11, 10], w: [8, 4, 3, 2], attributes: { strides: [2, 1], dilations: [1, 2], pads: [0, 1, 2, 1] } },
  { x: [6, 9, 9], w: [9, 2, 3, 3], attributes: { group: 3, pads: [1, 1, 1, 1] } },
  { x: [12, 9, 8], w: [12, 1, 3, 3], attributes: { group: 12, pads: [1, 1, 1, 1], strides: [2, 2] } },
  { x: [5, 20], w: [7, 5, 4], attributes: { pads: [2, 1] } },
  { x: [2, 5, 6, 4], w: [3, 2, 2, 2, 2], attributes: { pads: [1, 0, 0, 0, 1, 0] } },
];

test('ConvInteger', async () => {
  const t = randomTensors(1);
  for (const { x, w, attributes } of forms.filter(({ x }) => x.length < 4)) {
    for (const b of ['uint8', 'int8']) {
      const bytes = model({
        inputs: { x: value('uint8', ['n', ...x]) }, outputs: { y: value('int32') },
        initializers: { w: t.weights(b, w), xz: tensor('uint8', [], [121]), wz: tensor(b, [], [b === 'uint8' ? 90 : 0]) },
        nodes: [node('ConvInteger', ['x', 'w', 'xz', ...(b === 'uint8' ? ['wz'] : [])], ['y'], attributes)],
      });
      await agreesWithOnnxRuntime(bytes, [2, 1].map((n) => ({ x: t.integers('uint8', [n, ...x]) })), exact);
    }
  }
});

test('ConvInteger on pictures of any size', async () => {
  const t = randomTensors(2);
  const bytes = model({
    inputs: { x: value('uint8', ['n', 4, 'h', 'w']) }, outputs: { y: value('int32') },
    initializers: { w: t.weights('uint8', [10, 4, 3, 3]), xz: tensor('uint8', [], [121]), wz: tensor('uint8', [], [131]) },
    nodes: [node('ConvInteger', ['x', 'w', 'xz', 'wz'], ['y'], { pads: [1, 1, 1, 1] })],
  });
  await agreesWithOnnxRuntime(bytes, [[1, 5, 7], [2, 12, 3], [1, 1, 1]].map(([n, h, w]) => ({ x: t.integers('uint8', [n, 4, h, w]) })), exact);
});

for (const [x, w, y] of [['uint8', 'int8', 'uint8'], ['uint8', 'uint8', 'uint8'], ['int8', 'int8', 'int8']]) {
  test(`QLinearConv ${x} by ${w}: bias, scales per tensor and per channel`, async () => {
    const t = randomTensors(3);
    for (const form of forms) {
      for (const perChannel of [false, true]) {
        const m = form.w[0], size = perChannel ? [m] : [];
        const bytes = model({
          inputs: { x: value(x, ['n', ...form.x]) }, outputs: { y: value(y) },
          initializers: {
            w: t.weights(w, form.w), xs: tensor('float32', [], [0.03]), ws: t.floats(size, 0.01, 0.02), ys: tensor('float32', [], [0.8]),
            xz: tensor(x, [], [mean(x) + 3]), wz: perChannel && w === 'uint8' ? tensor(w, size, Array(m).fill(117)) : tensor(w, size, Array(m).fill(mean(w)).slice(0, perChannel ? m : 1)),
            yz: tensor(y, [], [mean(y) - 2]), bias: t.integers('int32', [m], -2000, 2000),
          },
          nodes: [node('QLinearConv', ['x', 'xs', 'xz', 'w', 'ws', 'wz', 'ys', 'yz', 'bias'], ['y'], form.attributes)],
        });
        await agreesWithOnnxRuntime(bytes, [1, 2].map((n) => ({ x: t.weights(x, [n, ...form.x]) })), exact);
      }
    }
  });
}

test('QLinearConv chains: what one stores the next reads', async () => {
  const t = randomTensors(4);
  const layer = (i, from) => node('QLinearConv', [from, `s${i}`, `z${i}`, `w${i}`, `ws${i}`, `wz${i}`, `s${i + 1}`, `z${i + 1}`, `b${i}`], [`x${i + 1}`], { pads: [1, 1, 1, 1], ...(i === 1 ? { group: 16 } : {}) });
  const initializers = {};
  const channels = [3, 16, 16, 5];
  for (let i = 0; i < 4; ++i) {
    initializers[`s${i}`] = tensor('float32', [], [[0.02, 0.3, 2, 20][i]]);
    initializers[`z${i}`] = tensor('uint8', [], [120 + i]);
    if (i === 3) continue;
    initializers[`w${i}`] = t.weights('int8', [channels[i + 1], i === 1 ? 1 : channels[i], 3, 3]);
    initializers[`ws${i}`] = t.floats([channels[i + 1]], 0.01, 0.02);
    initializers[`wz${i}`] = t.integers('int8', [channels[i + 1]], 0, 0);
    initializers[`b${i}`] = t.integers('int32', [channels[i + 1]]);
  }
  const bytes = model({
    inputs: { x0: value('uint8', ['n', 3, 'h', 9]) }, outputs: { x3: value('uint8') }, initializers,
    nodes: [layer(0, 'x0'), layer(1, 'x1'), layer(2, 'x2')],
  });
  await agreesWithOnnxRuntime(bytes, [[1, 7], [2, 4]].map(([n, h]) => ({ x0: t.integers('uint8', [n, 3, h, 9]) })), exact);
});

test('com.microsoft QLinearConv, channels last', async () => {
  const t = randomTensors(5);
  for (const channels_last of [0, 1]) {
    const shape = (n, h) => (channels_last ? [n, h, 9, 6] : [n, 6, h, 9]);
    const bytes = model({
      inputs: { x: value('uint8', shape('n', 'h')) }, outputs: { y: value('uint8') }, opsets: { 'com.microsoft': 1 },
      initializers: {
        w: t.weights('int8', [10, 6, 3, 3]), xs: tensor('float32', [], [0.03]), ws: t.floats([10], 0.01, 0.02), ys: tensor('float32', [], [0.8]), xz: tensor('uint8', [], [125]),
        wz: t.integers('int8', [10], 0, 0), yz: tensor('uint8', [], [131]), bias: t.integers('int32', [10], -2000, 2000),
      },
      nodes: [node('QLinearConv', ['x', 'xs', 'xz', 'w', 'ws', 'wz', 'ys', 'yz', 'bias'], ['y'], { pads: [1, 1, 1, 1], channels_last }, 'com.microsoft')],
    });
    await agreesWithOnnxRuntime(bytes, [[1, 7], [2, 4]].map(([n, h]) => ({ x: t.integers('uint8', shape(n, h)) })), exact);
  }
});
