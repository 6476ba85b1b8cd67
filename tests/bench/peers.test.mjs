// What the importer for LiteRT and TensorFlow.js makes of ONNX's operators, executed by TensorFlow.js and held against native ONNX Runtime.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import assert from 'node:assert/strict';
import ort from 'onnxruntime-node';
import { start } from '../../bench/engines/tfjs.mjs';
import { binary, build, concat, conv, deconv, gather, matmul, random, resize, unary } from '../../bench/kernels/build.mjs';
import { preparePeers } from '../../bench/peers/prepare.mjs';
import { decodeTensors } from '../../bench/tensor_file.mjs';
import { assertClose } from '../support/against_onnxruntime.mjs';
import { node, tensor } from '../support/onnx_model.mjs';

const folder = mkdtempSync(join(tmpdir(), 'onnx2wasm-peers-'));
after(() => rmSync(folder, { recursive: true, force: true }));

async function imported({ bytes, feeds }) {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const answers = await session.run(Object.fromEntries(Object.entries(feeds).map(([name, { type, data, dims }]) => [name, new ort.Tensor(type, data, dims)])));
  const reference = Object.fromEntries(Object.entries(answers).map(([name, { type, data, dims }]) => [name, { type, data, dims }])), result = { forms: {}, missing: {} };
  await preparePeers(result, { onnx: bytes, feeds, reference, folder, seen: (file) => join(folder, file) });
  return result;
}

const io = { isNode: true, path: (name) => name, read: async (file) => readFileSync(file) };

async function agrees(given) {
  const { forms, missing } = await imported(given);
  assert.deepEqual(missing, {});
  const engine = await start(forms.graph, io), outputs = engine.run(decodeTensors(readFileSync(forms.graph.feeds)));
  for (const [name, expected] of Object.entries(decodeTensors(readFileSync(forms.graph.reference)))) assertClose(name, outputs[name], expected);
}

const picture = [1, 6, 11, 14], channels = random('float32', [6]);
const cases = {
  'a convolution of stride 2 whose pads differ': () => conv([5, 13, 16], 8, 3, { stride: 2, pads: [0, 1, 2, 1] }),
  'a depthwise convolution with SiLU': () => conv([6, 11, 14], 6, 5, { group: 6, then: 'silu' }),
  'a convolution with ReLU': () => conv([6, 11, 14], 4, [1, 3], { then: 'relu' }),
  'a transposed convolution': () => deconv([6, 5, 7], 3, 2),
  'max pooling whose last window is cut': () => unary('MaxPool', picture, { attributes: { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }, out: [1, 6, 6, 7] }),
  'max pooling with pads': () => unary('MaxPool', picture, { attributes: { kernel_shape: [5, 5], pads: [2, 2, 2, 2] } }),
  'average pooling': () => unary('AveragePool', picture, { attributes: { kernel_shape: [3, 2], strides: [2, 2] }, out: [1, 6, 5, 7] }),
  'global average pooling': () => unary('GlobalAveragePool', picture, { out: [1, 6, 1, 1] }),
  'nearest by two': () => resize(picture, 2, 'nearest'),
  'bilinear by two': () => resize(picture, 2, 'linear'),
  'softmax over channels': () => unary('Softmax', picture, { attributes: { axis: 1 } }),
  'softmax over columns': () => unary('Softmax', picture, { attributes: { axis: -1 } }),
  'concatenation of channels': () => concat([picture, [1, 3, 11, 14]], 1),
  'concatenation of rows': () => concat([picture, [1, 6, 2, 14]], 2),
  'channels to last': () => unary('Transpose', picture, { attributes: { perm: [0, 2, 3, 1] }, out: [1, 11, 14, 6] }),
  'axes turned': () => unary('Transpose', picture, { attributes: { perm: [3, 1, 0, 2] }, out: [14, 6, 1, 11] }),
  'a picture made flat': () => unary('Reshape', picture, { out: [1, 924], constants: { shape: tensor('int64', [2], [1, -1]) } }),
  'a constant per channel': () => unary('Mul', picture, { constants: { c: random('float32', [6, 1, 1]) } }),
  'a constant per column': () => unary('Add', picture, { constants: { c: random('float32', [14]) } }),
  'a picture and a value per channel': () => binary('Mul', picture, [1, 6, 1, 1]),
  'a slice of channels and rows': () => unary('Slice', picture, { out: [1, 3, 7, 14], constants: { starts: tensor('int64', [2], [2, -9]), ends: tensor('int64', [2], [5, 9]), axes: tensor('int64', [2], [1, 2]) } }),
  'a split of channels': () => build({
    inputs: { x: random('float32', picture) }, outputs: { a: ['float32', [1, 2, 11, 14]], b: ['float32', [1, 4, 11, 14]] }, constants: { s: tensor('int64', [2], [2, 4]) }, nodes: [node('Split', ['x', 's'], ['a', 'b'], { axis: 1 })],
  }),
  'pads': () => unary('Pad', picture, { out: [1, 6, 14, 16], constants: { pads: tensor('int64', [8], [0, 0, 1, 2, 0, 0, 2, 0]) } }),
  'an instance normalization': () => unary('InstanceNormalization', picture, { constants: { s: channels, b: random('float32', [6], { seed: 3 }) } }),
  'a slope per channel': () => unary('PRelu', picture, { constants: { slope: random('float32', [6, 1, 1]) } }),
  'hard sigmoid': () => unary('HardSigmoid', picture),
  'a square': () => unary('Pow', picture, { constants: { e: tensor('float32', [], [2]) } }),
  'a product with GELU': () => matmul(5, 7, 9, { then: 'gelu' }),
  'rows of a table': () => gather(9, 5, 4),
};
for (const [name, make] of Object.entries(cases)) test(name, () => agrees(make()));

test('an operator that it does not know is named', async () => {
  const { missing } = await imported(unary('Cos', [1, 4]));
  assert.match(missing.graph, /no Cos \(node Cos_0\)/);
  assert.match(missing.tflite, /Cos/);
});
