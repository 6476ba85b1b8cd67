// ZipMap, DictVectorizer, CastMap: maps are pairs of tensors. onnxruntime-node has no maps, so what it cannot give is written out here.
import assert from 'node:assert/strict';
import test from 'node:test';
import ort from 'onnxruntime-node';
import { assertClose, withCompiled } from '../support/against_onnxruntime.mjs';
import { floats, mapOf, model, node, sequenceOf, strings, tensor, value } from '../support/onnx_model.mjs';

const one = (nodes, inputs, outputs) => model({ inputs, outputs, nodes: nodes.map(([op, from, to, attributes]) => node(op, from, to, attributes, 'ai.onnx.ml')), opset: 21, opsets: { 'ai.onnx.ml': 1 } });
const numbers = ({ data }) => [...data].map(Number);

test('a classifier whose scores ZipMap makes maps', async () => {
  const classify = ['LinearClassifier', ['x'], ['label', 'scores'], { coefficients: floats([1, -1, 0.5, 2, -0.25, 0]), intercepts: floats([0.1, 0.2, 0.3]), classlabels_ints: [4, 5, 9], post_transform: 'SOFTMAX' }];
  const inputs = { x: value('float32', ['rows', 2]) };
  const plain = one([classify], inputs, { label: value('int64'), scores: value('float32') });
  const zipped = one([classify, ['ZipMap', ['scores'], ['maps'], { classlabels_int64s: [4, 5, 9] }]], inputs, { label: value('int64'), maps: sequenceOf(mapOf('int64', 'float32')) });
  const x = { type: 'float32', dims: [3, 2], data: Float32Array.of(1, 2, -1, 0.5, 0, 0) };
  const session = await ort.InferenceSession.create(plain, { logSeverityLevel: 3 });
  const reference = await session.run({ x: new ort.Tensor(x.type, x.data, x.dims) });
  await withCompiled(zipped, (compiled) => {
    assert.deepEqual(compiled.outputs.map(({ name }) => name), ['label', 'maps', 'maps_keys']);
    const ours = compiled.run({ x });
    assertClose('label', ours.label, reference.label);
    assertClose('maps', ours.maps, reference.scores);
    assert.deepEqual(numbers(ours.maps_keys), [4, 5, 9]);
  });
});

test('DictVectorizer and CastMap', async () => {
  const bytes = one([
    ['DictVectorizer', ['m'], ['row'], { int64_vocabulary: [7, 1, 5, -3] }],
    ['CastMap', ['m'], ['dense'], { cast_to: 'TO_FLOAT' }],
    ['CastMap', ['m'], ['sparse'], { cast_to: 'TO_INT64', map_form: 'SPARSE', max_map: 6 }],
  ], { m: mapOf('int64', 'float32') }, { row: value('float32'), dense: value('float32'), sparse: value('int64') });
  await withCompiled(bytes, (compiled) => {
    assert.deepEqual(compiled.inputs.map(({ name }) => name), ['m', 'm_keys']);
    const run = (keys, values) => compiled.run({ m: tensor('float32', [values.length], values), m_keys: tensor('int64', [keys.length], keys) });
    const full = run([5, 1, 3], [2.5, -1.5, 7]);
    assert.deepEqual(numbers(full.row), [0, -1.5, 2.5, 0]);
    assert.deepEqual(full.row.dims.map(Number), [1, 4]);
    assert.deepEqual(numbers(full.dense), [-1.5, 7, 2.5]);
    assert.deepEqual(numbers(full.sparse), [0, -1, 0, 7, 0, 2]);
    const empty = run([], []);
    assert.deepEqual(numbers(empty.row), [0, 0, 0, 0]);
    assert.deepEqual(empty.dense.dims.map(Number), [1, 0]);
  });
});

test('maps with strings', async () => {
  const bytes = one([
    ['DictVectorizer', ['words'], ['row'], { string_vocabulary: strings(['x', '', 'ü']) }],
    ['CastMap', ['texts'], ['numbers'], { cast_to: 'TO_INT64' }],
    ['CastMap', ['texts'], ['sparse'], { cast_to: 'TO_STRING', map_form: 'SPARSE', max_map: 4 }],
    ['ZipMap', ['scores'], ['maps'], { classlabels_strings: strings(['no', 'yes']) }],
  ], { words: mapOf('string', 'float64'), texts: mapOf('int64', 'string'), scores: value('float32', ['rows', 2]) },
  { row: value('float64'), numbers: value('int64'), sparse: value('string'), maps: sequenceOf(mapOf('string', 'float32')) });
  await withCompiled(bytes, (compiled) => {
    const result = compiled.run({
      words: tensor('float64', [2], [1.5, -2]), words_keys: tensor('string', [2], ['ü', 'other']),
      texts: tensor('string', [2], ['12', '-3']), texts_keys: tensor('int64', [2], [3, 1]),
      scores: tensor('float32', [1, 2], [0.25, 0.75]),
    });
    assert.deepEqual(numbers(result.row), [0, 0, 1.5]);
    assert.deepEqual(numbers(result.numbers), [-3, 12]);
    assert.deepEqual([...result.sparse.data], ['0.f', '-3', '0.f', '12']);
    assert.deepEqual([...result.maps_keys.data], ['no', 'yes']);
    assert.deepEqual(numbers(result.maps), [0.25, 0.75]);
  });
});
