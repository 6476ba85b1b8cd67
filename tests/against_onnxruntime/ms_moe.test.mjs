// com.microsoft.MoE.
import test from 'node:test';
import { oneNode } from '../support/one_node.mjs';
import { float } from '../support/onnx_model.mjs';

const close = { rtol: 1e-4, atol: 1e-5 };
const f = 'float32';
const experts = 4, hidden = 8, inner = 6;

function moe(attributes, { bias = true, x = ['t', hidden], fused = 1 } = {}) {
  return oneNode('MoE', {
    domain: 'com.microsoft',
    inputs: [
      ['x', f, x], ['scores', f, ['n', experts]], ['w1', f, [experts, fused * inner, hidden]], bias ? ['b1', f, [experts, fused * inner]] : null,
      ['w2', f, [experts, hidden, inner]], bias ? ['b2', f, [experts, hidden]] : null,
    ],
    outputs: [['y', f]],
    attributes,
  });
}
const runs = [{ x: [5, hidden], scores: [5, experts] }, { x: [1, hidden], scores: [1, experts] }];

for (const activation_type of ['relu', 'gelu', 'silu', 'identity']) {
  test(activation_type, async () => {
    await moe({ activation_type, k: 1 }).agrees(runs, close);
    await moe({ activation_type, k: 2, normalize_routing_weights: 1 }, { bias: false }).agrees(runs, close);
  });
}
test('rank 3', () => moe({ activation_type: 'relu', k: 3 }, { x: ['b', 's', hidden] }).agrees([{ x: [2, 3, hidden], scores: [6, experts] }], close));
test('swiglu', async () => {
  const attributes = { activation_type: 'swiglu', swiglu_fusion: 1, k: 2, normalize_routing_weights: 1 };
  await moe({ ...attributes, activation_alpha: float(1.702), activation_beta: float(1), swiglu_limit: float(0.5) }, { fused: 2 }).agrees(runs, close);
  await moe({ ...attributes, activation_alpha: float(1.2) }, { fused: 2 }).agrees(runs, close);
  await moe(attributes, { fused: 2 }).agrees(runs, close);
});
