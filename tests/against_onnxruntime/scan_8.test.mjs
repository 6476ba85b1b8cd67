// Scan of opset 8: a batch of sequences of several lengths, forwards and backwards.
import test from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { count, graph, model, node, tensor, value } from '../support/onnx_model.mjs';

const random = generator(8);
const filled = (dims) => tensor('float32', dims, Array.from({ length: count(dims) }, () => random() * 2 - 1));

function running(names, directions) {
  return model({
    inputs: Object.fromEntries(names.filter(Boolean).map((name) => [name, name === 'lens' ? value('int64', ['b']) : value('float32', name === 'start' ? ['b', 2] : ['b', 't', 2])])),
    outputs: { last: value('float32', ['b', 2]), all: value('float32', ['b', 't', 2]) },
    nodes: [node('Scan', names, ['last', 'all'], {
      num_scan_inputs: 2, directions,
      body: graph({
        inputs: { s: value('float32', [2]), p: value('float32', [2]), q: value('float32', [2]) },
        outputs: { next: value('float32', [2]), out: value('float32', [2]) },
        nodes: [node('Mul', ['s', 'p'], ['m']), node('Add', ['m', 'q'], ['next']), node('Sub', ['next', 'p'], ['out'])],
      }),
    })],
    opset: 8, irVersion: 3,
  });
}

const sizes = [[1, 4], [3, 5], [2, 1]];
for (const directions of [[0, 0], [1, 0]]) {
  test(`full lengths, directions ${directions}`, () => agreesWithOnnxRuntime(running(['', 'start', 'x', 'y'], directions),
    sizes.map(([b, t]) => ({ start: filled([b, 2]), x: filled([b, t, 2]), y: filled([b, t, 2]) }))));
  test(`lengths of their own, directions ${directions}`, () => agreesWithOnnxRuntime(running(['lens', 'start', 'x', 'y'], directions),
    sizes.map(([b, t]) => ({
      lens: tensor('int64', [b], Array.from({ length: b }, (_, n) => (n === 0 ? t : 1 + Math.floor(random() * t)))),
      start: filled([b, 2]), x: filled([b, t, 2]), y: filled([b, t, 2]),
    }))));
}
