// BitCast: the same bits under another type, payloads of NaN included.
import assert from 'node:assert/strict';
import test from 'node:test';
import { withCompiled } from '../support/against_onnxruntime.mjs';
import { arrays, count, model, node, tensor, typeCodes, value } from '../support/onnx_model.mjs';

// ONNX Runtime's JavaScript has no arrays of most of these types, so the bytes are compared with themselves: there and back, and seen in between.
const pairs = [['float32', 'int32'], ['float32', 'uint32'], ['float64', 'int64'], ['float16', 'int16'], ['float16', 'uint16'], ['bfloat16', 'uint16'], ['float16', 'bfloat16'], ['int8', 'uint8']];
for (const [from, to] of pairs) {
  test(`${from} as ${to} and back`, () => {
    const bytes = Uint8Array.from({ length: 6 * arrays[from].BYTES_PER_ELEMENT }, (_, i) => (i * 73 + 255) & 255);
    const x = tensor(from, [2, 3], new arrays[from](bytes.buffer));
    assert.equal(count(x.dims), x.data.length);
    const described = model({
      inputs: { x: value(from, [2, 'n']) }, outputs: { y: value(to), z: value(from) },
      nodes: [node('BitCast', ['x'], ['y'], { to: typeCodes[to] }), node('Transpose', ['y'], ['t']), node('BitCast', ['t'], ['b'], { to: typeCodes[from] }), node('BitCast', ['b'], ['c'], { to: typeCodes[to] }),
        node('Transpose', ['c'], ['d']), node('BitCast', ['d'], ['z'], { to: typeCodes[from] })],
      opset: 26, irVersion: 12,
    });
    return withCompiled(described, async (ours) => {
      const { y, z } = ours.run({ x });
      for (const result of [y, z]) assert.deepEqual(Buffer.from(result.data.buffer, result.data.byteOffset, result.data.byteLength), Buffer.from(bytes));
    });
  });
}
