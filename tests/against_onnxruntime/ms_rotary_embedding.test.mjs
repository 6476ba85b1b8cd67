// com.microsoft.RotaryEmbedding.
import test from 'node:test';
import { oneNode } from '../support/one_node.mjs';
import { tensor } from '../support/onnx_model.mjs';

const tight = { rtol: 1e-5, atol: 1e-6 };
const f = 'float32';
const i64 = (dims, data) => tensor('int64', dims, data);

function rotary(x, positions, { columns = 4, rows = 16, attributes = {}, constants = {} } = {}) {
  return oneNode('RotaryEmbedding', {
    domain: 'com.microsoft',
    inputs: [['x', f, x], ['p', 'int64', positions], ['cos', f, [rows, columns]], ['sin', f, [rows, columns]]],
    outputs: [['y', f]],
    attributes,
    constants,
  });
}

for (const interleaved of [0, 1]) {
  const attributes = { interleaved };
  test(`rank 3, interleaved ${interleaved}`, async () => {
    await rotary(['b', 's', 16], [1], { attributes }).agrees([{ x: [2, 3, 16], p: i64([1], [0]) }, { x: [1, 1, 16], p: i64([1], [9]) }], tight);
    await rotary(['b', 's', 16], ['b', 's'], { attributes }).agrees([{ x: [2, 3, 16], p: i64([2, 3], [0, 5, 2, 1, 15, 3]) }, { x: [1, 1, 16], p: i64([1, 1], [7]) }], tight);
  });
  test(`rank 4, interleaved ${interleaved}`, async () => {
    await rotary(['b', 2, 's', 8], [1], { attributes }).agrees([{ x: [2, 2, 3, 8], p: i64([1], [2]) }], tight);
    await rotary(['b', 'n', 's', 8], ['b', 's'], { attributes }).agrees([{ x: [2, 3, 3, 8], p: i64([2, 3], [0, 5, 2, 1, 15, 3]) }], tight);
  });
  test(`a part of each head, interleaved ${interleaved}`, async () => {
    const partial = { columns: 2, attributes: { interleaved, num_heads: 2, rotary_embedding_dim: 4 } };
    await rotary(['b', 's', 16], ['b', 's'], partial).agrees([{ x: [2, 3, 16], p: i64([2, 3], [0, 5, 2, 1, 15, 3]) }], tight);
    await rotary(['b', 2, 's', 8], [1], partial).agrees([{ x: [2, 2, 3, 8], p: i64([1], [2]) }], tight);
  });
}
