// com.microsoft QMoE: experts of 4 and 8 bits, a scale per row, biases.
import test from 'node:test';
import { agreesWithOnnxRuntime } from '../support/against_onnxruntime.mjs';
import { model, node, value } from '../support/onnx_model.mjs';
import { randomTensors } from '../support/random_tensors.mjs';

const ms = 'com.microsoft', opsets = { [ms]: 1 };

function experts(t, { bits, activation_type, bias = false, k = 2, blocks = false, zeros = false }) {
  const count = 4, hidden = 32, inner = 64, fused = activation_type === 'swiglu' ? 2 * inner : inner, per = 8 / bits, block = 16;
  const scales = (rows, columns) => t.floats(blocks ? [count, rows, columns / block] : [count, rows], 0.002, 0.01);
  const zero = (rows, columns) => t.integers('uint8', blocks ? [count, rows, Math.ceil(columns / block / per)] : [count, rows / per], 100, 150);
  return model({
    inputs: { x: value('float32', ['n', hidden]), r: value('float32', ['n', count]) }, outputs: { y: value('float32') }, opsets,
    initializers: {
      w1: t.integers('uint8', [count, fused, hidden / per]), s1: scales(fused, hidden), b1: t.floats([count, fused], -0.1, 0.1), z1: zero(fused, hidden),
      w2: t.integers('uint8', [count, hidden, inner / per]), s2: scales(hidden, inner), b2: t.floats([count, hidden], -0.1, 0.1), z2: zero(hidden, inner),
    },
    nodes: [node('QMoE', ['x', 'r', 'w1', 's1', bias ? 'b1' : '', 'w2', 's2', bias ? 'b2' : '', ...(zeros ? ['', '', '', 'z1', 'z2'] : [])], ['y'],
      { k, activation_type, expert_weight_bits: bits, normalize_routing_weights: 1, ...(activation_type === 'swiglu' ? { swiglu_fusion: 1 } : {}), ...(blocks ? { block_size: block } : {}) }, ms)],
  });
}

for (const bits of [4, 8]) {
  for (const [what, form] of Object.entries({ plain: {}, bias: { bias: true }, swiglu: { activation_type: 'swiglu', bias: true }, blocks: { blocks: true }, zeros: { zeros: true }, 'blocks with zeros': { zeros: true, blocks: true } })) {
    test(`QMoE of ${bits} bits: ${what}`, async () => {
      const t = randomTensors(bits);
      const bytes = experts(t, { bits, activation_type: 'silu', ...form });
      await agreesWithOnnxRuntime(bytes, [3, 1, 6].map((n) => ({ x: t.floats([n, 32]), r: t.floats([n, 4], -2, 2) })), { rtol: 1e-3, atol: 1e-3 });
    });
  }
}
