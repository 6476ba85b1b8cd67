// com.microsoft DynamicQuantizeLSTM: directions, signed and unsigned weights, per tensor and per channel, sequence lengths, states, peepholes.
import test from 'node:test';
import { agreesWithOnnxRuntime } from '../support/against_onnxruntime.mjs';
import { model, node, strings, tensor, value } from '../support/onnx_model.mjs';
import { randomTensors } from '../support/random_tensors.mjs';

const ms = 'com.microsoft';

function lstm(t, { type = 'uint8', direction = 'forward', perChannel = false, optional = false, inputs = 7, hidden = 12, attributes = {} } = {}) {
  const directions = direction === 'bidirectional' ? 2 : 1;
  const size = perChannel ? [directions, 4 * hidden] : [directions];
  const zero = () => tensor(type, size, Array(directions * (perChannel ? 4 * hidden : 1)).fill(type === 'uint8' ? 125 : 0));
  return model({
    inputs: {
      x: value('float32', ['steps', 'batch', inputs]),
      ...(optional ? { lengths: value('int32', ['batch']), h: value('float32', [directions, 'batch', hidden]), c: value('float32', [directions, 'batch', hidden]) } : {}),
    },
    outputs: { y: value('float32'), yh: value('float32'), yc: value('float32') },
    opset: 14, opsets: { [ms]: 1 },
    initializers: {
      w: t.weights(type, [directions, inputs, 4 * hidden]), r: t.weights(type, [directions, hidden, 4 * hidden]), b: t.floats([directions, 8 * hidden], -0.3, 0.3),
      ws: t.floats(size, 0.002, 0.006), wz: zero(), rs: t.floats(size, 0.002, 0.006), rz: zero(), p: t.floats([directions, 3 * hidden], -0.2, 0.2),
    },
    nodes: [node('DynamicQuantizeLSTM', ['x', 'w', 'r', 'b', ...(optional ? ['lengths', 'h', 'c', 'p'] : ['', '', '', '']), 'ws', 'wz', 'rs', 'rz'], ['y', 'yh', 'yc'],
      { direction, hidden_size: hidden, ...attributes }, ms)],
  });
}

// Every step rounds the state to 8 bits: one ulp of a sum decides now and then which of two neighbours it is, and a neighbour is hidden * 1/255 * weight away.
const bound = { rtol: 0, atol: 2e-3 };
const sessionOptions = { intraOpNumThreads: 1 };

for (const type of ['uint8', 'int8']) {
  for (const direction of ['forward', 'reverse', 'bidirectional']) {
    test(`${type} ${direction}`, async () => {
      const t = randomTensors(1);
      for (const perChannel of [false, true]) {
        await agreesWithOnnxRuntime(lstm(t, { type, direction, perChannel }), [[5, 1], [9, 2], [1, 1], [6, 3]].map(([steps, batch]) => ({ x: t.floats([steps, batch, 7], -2, 1) })), { ...bound, sessionOptions });
      }
    });
  }
}

test('sequence lengths, initial states and peepholes', async () => {
  const t = randomTensors(2);
  for (const direction of ['forward', 'bidirectional']) {
    const directions = direction === 'bidirectional' ? 2 : 1;
    await agreesWithOnnxRuntime(lstm(t, { direction, optional: true }), [[6, 3, [6, 2, 4]], [8, 2, [3, 5]]].map(([steps, batch, lengths]) => ({
      x: t.floats([steps, batch, 7], -2, 1), lengths: tensor('int32', [batch], lengths), h: t.floats([directions, batch, 12]), c: t.floats([directions, batch, 12]),
    })), { rtol: 0, atol: 1e-2, sessionOptions });
  }
});

test('other activations and clipping', async () => {
  const t = randomTensors(3);
  await agreesWithOnnxRuntime(lstm(t, { attributes: { activations: strings(['HardSigmoid', 'Tanh', 'Relu']), clip: { f: 0.5 } } }),
    [{ x: t.floats([4, 2, 7], -2, 1) }], { ...bound, sessionOptions });
});
