// TopK: few of many, all, equal ones, infinities, along rows and columns.
import test from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { count, model, node, tensor, value } from '../support/onnx_model.mjs';

const random = generator(33);
const exact = { rtol: 0, atol: 0 };
const draws = {
  'different numbers': () => random() * 2 - 1,
  'many equal ones': () => Math.floor(random() * 7) - 3,
  'infinities and zeros of both signs': () => [-Infinity, Infinity, 0, -0, 1, -1][Math.floor(random() * 6)],
  'ascending': (_, k) => k, 'descending': (_, k) => -k,
};

for (const [name, draw] of Object.entries(draws)) {
  test(name, async () => {
    for (const type of ['float32', 'int64', 'float64']) {
      if (type === 'int64' && name.startsWith('inf')) continue;
      for (const largest of [0, 1]) {
        for (const [dims, axis] of [[[3, 203], 1], [[203, 3], 0], [[1, 1000], 1]]) {
          const bytes = model({
            inputs: { x: value(type, dims), k: value('int64', [1]) }, outputs: { v: value(type), i: value('int64') },
            nodes: [node('TopK', ['x', 'k'], ['v', 'i'], { axis, largest })], opset: 11, irVersion: 8,
          });
          const items = Array.from({ length: count(dims) }, draw), x = tensor(type, dims, type === 'int64' ? items.map((one) => BigInt(Math.round(one * 1000))) : items);
          await agreesWithOnnxRuntime(bytes, [1, 2, 5, 64, dims[axis]].map((k) => ({ x, k: tensor('int64', [1], [BigInt(k)]) })), exact);
        }
      }
    }
  });
}
