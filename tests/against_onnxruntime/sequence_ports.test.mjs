// Models whose inputs and outputs are sequences and optionals. ONNX Runtime's JavaScript interface has none, so it gets the same tensors one by one.
import test from 'node:test';
import assert from 'node:assert/strict';
import ort from 'onnxruntime-node';
import { assertClose, generator, withCompiled } from '../support/against_onnxruntime.mjs';
import { graph, model, node, optionalOf, sequenceOf, tensor, value } from '../support/onnx_model.mjs';

const random = generator(5);
const floats = (...dims) => ({ data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random() * 2 - 1), dims });
const scalar = (type, number) => tensor(type, [], [number]);
const count = value('int64', []), flag = value('bool', []);
const rows = value('float32', [null, 2]);

test('a sequence in, sequences and a tensor out, with any number of elements', async () => {
  const sequences = model({
    inputs: { parts: sequenceOf(rows), w: value('float32', [2]) },
    outputs: { scaled: sequenceOf(rows), sizes: sequenceOf(value('int64', [2])), all: rows },
    nodes: [
      node('SequenceMap', ['parts', 'w'], ['scaled', 'sizes'], { body: graph({
        inputs: { part: rows, factor: value('float32', [2]) }, outputs: { product: rows, size: value('int64', [2]) },
        nodes: [node('Mul', ['part', 'factor'], ['product']), node('Shape', ['part'], ['size'])],
      }) }),
      node('ConcatFromSequence', ['scaled'], ['all'], { axis: 0 }),
    ],
  });
  await withCompiled(sequences, async (compiled, { ModelError }) => {
    assert.deepEqual(compiled.inputs[0].list, { kind: 'sequence', dtype: 'float32', onnx_dtype: 1, shape: [null, null] });
    for (const lengths of [[3, 1], [2], [1, 1, 4, 0, 2], [5, 5]]) {
      const parts = lengths.map((n) => floats(n, 2)), w = floats(2);
      const names = lengths.map((_, i) => `x${i}`);
      const reference = await ort.InferenceSession.create(model({
        inputs: { ...Object.fromEntries(names.map((name) => [name, rows])), w: value('float32', [2]) }, outputs: { all: rows },
        nodes: [node('Concat', names, ['joined'], { axis: 0 }), node('Mul', ['joined', 'w'], ['all'])],
      }));
      const theirs = await reference.run(Object.fromEntries([...parts.map((part, i) => [names[i], new ort.Tensor('float32', part.data, part.dims)]), ['w', new ort.Tensor('float32', w.data, [2])]]));
      const ours = compiled.run({ parts, w });
      assertClose('all', ours.all, theirs.all);
      assert.deepEqual(ours.scaled.map(({ dims }) => dims), lengths.map((n) => [n, 2]));
      assert.deepEqual([...ours.scaled[0].data], [...ours.all.data.slice(0, 2 * lengths[0])]);
      assert.deepEqual(ours.sizes.map(({ data }) => [...data].map(Number)), lengths.map((n) => [n, 2]));
    }
    const w = floats(2);
    assert.throws(() => compiled.run({ parts: [], w }), /an empty sequence cannot be concatenated/);
    assert.throws(() => compiled.run({ parts: [floats(3)], w }), (error) => error instanceof ModelError && /made for elements of rank 2/.test(error.message));
    assert.throws(() => compiled.run({ parts: 7, w }), /input "parts" \(sequence\(float32\[\?, \?\]\)\): expected an array/);
    assert.throws(() => compiled.run({ parts: [{ data: new Int32Array(2), dims: [1, 2] }], w }), /input "parts", element 0: expected Float32Array, got Int32Array/);
    assert.equal(compiled.run({ parts: [floats(1, 2)], w }).scaled.length, 1);
  });
});

test('optionals in and out: a value or null', () => withCompiled(model({
  opset: 18,
  inputs: { maybe: optionalOf(value('float32', ['n'])), cond: flag },
  outputs: { has: flag, out: optionalOf(value('float32', [null])) },
  nodes: [
    node('OptionalHasElement', ['maybe'], ['has']), node('And', ['has', 'cond'], ['both']),
    node('If', ['both'], ['out'], {
      then_branch: graph({ outputs: { some: optionalOf(value('float32', [null])) }, nodes: [node('OptionalGetElement', ['maybe'], ['v']), node('Neg', ['v'], ['negated']), node('Optional', ['negated'], ['some'])] }),
      else_branch: graph({ outputs: { same: optionalOf(value('float32', [null])) }, nodes: [node('Identity', ['maybe'], ['same'])] }),
    }),
  ],
}), (compiled) => {
  const run = (maybe, cond) => {
    const { has, out } = compiled.run({ maybe, cond: [cond] });
    return [has.data[0], out && [...out.data]];
  };
  const x = { data: new Float32Array([1, 2]), dims: [2] };
  assert.deepEqual(run(x, 1), [1, [-1, -2]]);
  assert.deepEqual(run(null, 1), [0, null]);
  assert.deepEqual(run(x, 0), [1, [1, 2]]);
  assert.deepEqual(run({ data: new Float32Array(0), dims: [0] }, 1), [1, []]);
}));

test('an optional sequence, and a loop that carries it', () => withCompiled(model({
  opset: 18,
  inputs: { given: optionalOf(sequenceOf(value('float32', [null]))), x: value('float32', ['n']), rounds: count },
  outputs: { all: sequenceOf(value('float32', [null])), length: count },
  initializers: { yes: scalar('bool', 1) },
  nodes: [
    node('OptionalHasElement', ['given'], ['has']),
    node('If', ['has'], ['start'], {
      then_branch: graph({ outputs: { there: sequenceOf(value('float32', [null])) }, nodes: [node('OptionalGetElement', ['given'], ['there'])] }),
      else_branch: graph({ outputs: { none: sequenceOf(value('float32', [null])) }, nodes: [node('SequenceEmpty', [], ['none'])] }),
    }),
    node('Loop', ['rounds', 'yes', 'start'], ['all'], { body: graph({
      inputs: { i: count, go: flag, seq: sequenceOf(value('float32', [null])) },
      outputs: { go_on: flag, next: sequenceOf(value('float32', [null])) },
      nodes: [node('Identity', ['go'], ['go_on']), node('SequenceInsert', ['seq', 'x'], ['next'])],
    }) }),
    node('SequenceLength', ['all'], ['length']),
  ],
}), (compiled) => {
  const x = new Float32Array([4, 5]);
  const run = (given, rounds) => compiled.run({ given, x, rounds: [BigInt(rounds)] }).all.map(({ data }) => [...data]);
  assert.deepEqual(run(null, 2), [[4, 5], [4, 5]]);
  assert.deepEqual(run([], 1), [[4, 5]]);
  assert.deepEqual(run([floats(0)], 1), [[], [4, 5]]);
  assert.deepEqual(run([{ data: new Float32Array([7]), dims: [1] }], 0), [[7]]);
  const before = compiled.exports.memory.buffer.byteLength;
  for (let i = 0; i < 2000; i++) run([floats(100), floats(50)], i % 20);
  assert.equal(compiled.exports.memory.buffer.byteLength, before);
}));

test('a handle that is no list of the host is refused', () => withCompiled(model({
  inputs: { s: sequenceOf(rows) }, outputs: { length: count }, nodes: [node('SequenceLength', ['s'], ['length'])],
}), (compiled) => {
  const { exports } = compiled;
  assert.equal(exports.o2w_prepare(), 0);
  const port = exports.o2w_input(0), place = exports.o2w_alloc(64);
  const data = new DataView(exports.memory.buffer).getUint32(port + 52, true);
  for (const wild of [1, 0xffffffff, data, exports.memory.buffer.byteLength - 4]) {
    new DataView(exports.memory.buffer).setUint32(data, wild, true);
    assert.equal(exports.o2w_run(), 1);
  }
  assert.deepEqual([...compiled.run({ s: [floats(1, 2), floats(3, 2)] }).length.data], [2n]);
  // wasi-nn has no such values.
  assert.equal(exports.load(0, 0, 1, 0, place), 0);
  assert.equal(exports.init_execution_context(0, place), 0);
  assert.equal(exports.compute(new DataView(exports.memory.buffer).getUint32(place, true)), 6);
}));
