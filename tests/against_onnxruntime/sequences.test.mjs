// Sequences and optionals made, changed and read while a model runs: lengths, positions and shapes that only data tell.
import test from 'node:test';
import assert from 'node:assert/strict';
import { agreesWithOnnxRuntime, generator, withCompiled } from '../support/against_onnxruntime.mjs';
import { graph, model, node, optionalOf, sequenceOf, tensor, value } from '../support/onnx_model.mjs';

const i64 = (...numbers) => tensor('int64', [numbers.length], numbers);
const scalar = (type, number) => tensor(type, [], [number]);
const count = value('int64', []), flag = value('bool', []);
const random = generator(11);
const floats = (...dims) => tensor('float32', dims, Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random() * 4 - 2));

// A loop whose rounds append x[0:i+1] to a sequence.
const collectPrefixes = {
  inputs: { i: count, go: flag, parts: sequenceOf(value('float32')) },
  outputs: { go_on: flag, longer: sequenceOf(value('float32')) },
  nodes: [
    node('Identity', ['go'], ['go_on']), node('Add', ['i', 'one'], ['end']), node('Unsqueeze', ['end', 'axis0'], ['ends']),
    node('Slice', ['x', 'axis0', 'ends'], ['prefix']), node('SequenceInsert', ['parts', 'prefix'], ['longer']),
  ],
};
const constants = { one: scalar('int64', 1), axis0: i64(0), yes: scalar('bool', 1) };

test('a loop fills an empty sequence with slices of growing length', () => agreesWithOnnxRuntime(model({
  inputs: { x: value('float32', ['n', 2]), rounds: count, at: count },
  outputs: { all: value('float32', [null, 2]), length: count, one_of_them: value('float32', [null, 2]), sizes: value('int64', [2]) },
  initializers: constants,
  nodes: [
    node('SequenceEmpty', [], ['none']), node('Loop', ['rounds', 'yes', 'none'], ['parts'], { body: graph(collectPrefixes) }),
    node('ConcatFromSequence', ['parts'], ['all'], { axis: 0 }), node('SequenceLength', ['parts'], ['length']),
    node('SequenceAt', ['parts', 'at'], ['one_of_them']), node('Shape', ['one_of_them'], ['sizes']),
  ],
}), [[5, 3, 1], [2, 7, -1], [6, 1, 0], [9, 9, -9], [0, 2, 1]].map(([n, rounds, at]) => ({
  x: floats(n, 2), rounds: scalar('int64', rounds), at: scalar('int64', at),
}))));

test('a queue: insertion at any position, erasure from the front, the middle and the end', () => {
  const body = {
    inputs: { i: count, go: flag, queue: sequenceOf(value('float32', [null])) },
    outputs: { go_on: flag, next: sequenceOf(value('float32', [null])), sum: value('float32', []) },
    nodes: [
      node('Identity', ['go'], ['go_on']), node('SequenceAt', ['queue', 'at'], ['old']), node('Mul', ['old', 'old'], ['square']),
      node('Concat', ['square', 'square'], ['twice'], { axis: 0 }), node('SequenceInsert', ['queue', 'twice', 'at'], ['more']),
      node('SequenceErase', ['more', 'erased'], ['fewer']), node('SequenceErase', ['fewer'], ['least']), node('SequenceInsert', ['least', 'old'], ['next']),
      node('ReduceSum', ['square'], ['sum'], { keepdims: 0 }),
    ],
  };
  return agreesWithOnnxRuntime(model({
    inputs: { x: value('float32', ['n']), y: value('float32', ['m']), rounds: count, at: count, erased: count },
    outputs: { sums: value('float32', [null]), joined: value('float32', [null]), first: value('float32', [null]) },
    initializers: constants,
    nodes: [
      node('SequenceConstruct', ['x', 'y', 'x'], ['start']), node('Loop', ['rounds', 'yes', 'start'], ['end', 'sums'], { body: graph(body) }),
      node('ConcatFromSequence', ['end'], ['joined'], { axis: -1 }), node('SequenceAt', ['end', 'axis0_scalar'], ['first']),
    ].map((each) => each),
    ...{ initializers: { ...constants, axis0_scalar: scalar('int64', 0) } },
  }), [[3, 2, 2, 1, 0], [1, 4, 5, -1, 2], [2, 2, 4, 0, -2], [4, 1, 0, 2, 1]].map(([n, m, rounds, at, erased]) => ({
    x: floats(n), y: floats(m), rounds: scalar('int64', rounds), at: scalar('int64', at), erased: scalar('int64', erased),
  })));
});

test('SplitToSequence by sizes that are data, SequenceMap, ConcatFromSequence', () => agreesWithOnnxRuntime(model({
  inputs: { x: value('float32', ['n', 3]), sizes: value('int64', ['k']), chunk: count, w: value('float32', [3]) },
  outputs: { mapped: value('float32', [null, 3]), maxima: value('float32', [null, 3]), chunks: count, rows: value('float32', [3, null]), last: value('float32', [null, 3]) },
  initializers: { ...constants, minus_one: scalar('int64', -1) },
  nodes: [
    node('SplitToSequence', ['x', 'sizes'], ['parts']),
    node('SequenceMap', ['parts', 'w'], ['products', 'tops'], { body: graph({
      inputs: { part: value('float32', [null, 3]), weights: value('float32', [3]) },
      outputs: { product: value('float32', [null, 3]), top: value('float32', [3]) },
      nodes: [node('Mul', ['part', 'weights'], ['product']), node('ReduceMax', ['product', 'axis0'], ['top'], { keepdims: 0 })],
    }) }),
    node('ConcatFromSequence', ['products'], ['mapped'], { axis: 0 }), node('ConcatFromSequence', ['tops'], ['maxima'], { axis: 0, new_axis: 1 }),
    node('SplitToSequence', ['x', 'chunk'], ['even']), node('SequenceLength', ['even'], ['chunks']), node('SequenceAt', ['even', 'minus_one'], ['last']),
    node('SplitToSequence', ['x'], ['single'], { keepdims: 0 }), node('ConcatFromSequence', ['single'], ['rows'], { axis: 1, new_axis: 1 }),
  ],
}), [[7, [3, 4], 2], [5, [1, 1, 1, 2], 5], [4, [4], 1], [6, [2, 1, 3], 4]].map(([n, sizes, chunk]) => ({
  x: floats(n, 3), sizes: i64(...sizes), chunk: scalar('int64', chunk), w: floats(3),
}))));

test('constant splits and positions leave no list behind, and agree', () => agreesWithOnnxRuntime(model({
  inputs: { x: value('float32', ['n', 6]) },
  outputs: { second: value('float32', ['n', 3]), last: value('float32', ['n']), whole: value('float32', ['n', 6]) },
  initializers: { sizes: i64(1, 3, 2), one: scalar('int64', 1), minus_one: scalar('int64', -1) },
  nodes: [
    node('SplitToSequence', ['x', 'sizes'], ['parts'], { axis: 1 }), node('SequenceAt', ['parts', 'one'], ['second']),
    node('SplitToSequence', ['x'], ['columns'], { axis: 1, keepdims: 0 }), node('SequenceAt', ['columns', 'minus_one'], ['last']),
    node('ConcatFromSequence', ['parts'], ['whole'], { axis: 1 }),
  ],
}), [2, 5, 1].map((n) => ({ x: floats(n, 6) }))));

test('sequences out of branches, inside of a loop', () => {
  const push = (name, what) => graph({ outputs: { [name]: sequenceOf(value('float32')) }, nodes: [node('SequenceInsert', ['seq', what], [name])] });
  const body = {
    inputs: { i: count, go: flag, seq: sequenceOf(value('float32')) },
    outputs: { go_on: flag, next: sequenceOf(value('float32')) },
    nodes: [
      node('Identity', ['go'], ['go_on']), node('Mod', ['i', 'two'], ['odd']), node('Cast', ['odd'], ['is_odd'], { to: 9 }),
      node('If', ['is_odd'], ['next'], { then_branch: push('a', 'x'), else_branch: push('b', 'y') }),
    ],
  };
  return agreesWithOnnxRuntime(model({
    inputs: { x: value('float32', [2, 'n']), y: value('float32', [2, 'm']), rounds: count },
    outputs: { joined: value('float32', [2, null]), length: count },
    initializers: { ...constants, two: scalar('int64', 2) },
    nodes: [
      node('SequenceConstruct', ['x'], ['start']), node('Loop', ['rounds', 'yes', 'start'], ['end'], { body: graph(body) }),
      node('ConcatFromSequence', ['end'], ['joined'], { axis: 1 }), node('SequenceLength', ['end'], ['length']),
    ],
  }), [[1, 2, 4], [3, 0, 7], [2, 2, 0], [0, 1, 1]].map(([n, m, rounds]) => ({ x: floats(2, n), y: floats(2, m), rounds: scalar('int64', rounds) })));
});

test('an element is read where the sequence is not empty, before the first one is inserted', () => {
  const seq = sequenceOf(value('float32'));
  const body = {
    inputs: { i: count, go: flag, history: seq },
    outputs: { go_on: flag, next: seq },
    nodes: [
      node('Identity', ['go'], ['go_on']), node('SequenceLength', ['history'], ['length']), node('Greater', ['length', 'zero'], ['has_any']),
      node('If', ['has_any'], ['now'], {
        then_branch: graph({ outputs: { grown: value('float32', [null]) }, nodes: [node('SequenceAt', ['history', 'minus_one'], ['before']), node('Add', ['before', 'x'], ['grown'])] }),
        else_branch: graph({ outputs: { begun: value('float32', [null]) }, nodes: [node('Identity', ['x'], ['begun'])] }),
      }),
      node('SequenceInsert', ['history', 'x'], ['with_x']), node('SequenceInsert', ['with_x', 'now'], ['next']),
    ],
  };
  return agreesWithOnnxRuntime(model({
    inputs: { x: value('float32', ['n']), rounds: count },
    outputs: { last: value('float32', [null]) },
    initializers: { ...constants, zero: scalar('int64', 0), minus_one: scalar('int64', -1) },
    nodes: [
      node('SequenceEmpty', [], ['none']), node('Loop', ['rounds', 'yes', 'none'], ['end'], { body: graph(body) }),
      node('SequenceAt', ['end', 'minus_one'], ['last']),
    ],
  }), [[3, 1], [2, 5], [4, 2]].map(([n, rounds]) => ({ x: floats(n), rounds: scalar('int64', rounds) })));
});

test('optionals through If', () => {
  const branch = (name, nodes) => graph({ outputs: { [name]: optionalOf(value('float32', [null])) }, nodes });
  return agreesWithOnnxRuntime(model({
    opset: 18,
    inputs: { x: value('float32', ['n']), cond: flag },
    outputs: { has: flag, y: value('float32', [null]) },
    nodes: [
      node('If', ['cond'], ['maybe'], {
        then_branch: branch('some', [node('Optional', ['x'], ['some'])]),
        else_branch: branch('other', [node('Add', ['x', 'x'], ['double']), node('Concat', ['double', 'x'], ['both'], { axis: 0 }), node('Optional', ['both'], ['other'])]),
      }),
      node('OptionalHasElement', ['maybe'], ['has']), node('OptionalGetElement', ['maybe'], ['y']),
    ],
  }), [[3, 1], [2, 0], [0, 1], [4, 0]].map(([n, cond]) => ({ x: floats(n), cond: scalar('bool', cond) })));
});

const appending = model({
  inputs: { x: value('float32', ['n', 2]), rounds: count },
  outputs: { all: value('float32', [null, 2]) },
  initializers: constants,
  nodes: [
    node('SequenceEmpty', [], ['none']), node('Loop', ['rounds', 'yes', 'none'], ['parts'], { body: graph(collectPrefixes) }),
    node('ConcatFromSequence', ['parts'], ['all'], { axis: 0 }),
  ],
});

test('10,000 runs leave memory where it was after the first ten', () => withCompiled(appending, (compiled) => {
  let after = 0;
  for (let run = 0; run < 10000; run++) {
    const n = 1 + (run * 7) % 10;
    compiled.run({ x: { data: new Float32Array(2 * n).fill(run), dims: [n, 2] }, rounds: [BigInt(1 + (run % 9))] });
    if (run === 99) after = compiled.exports.memory.buffer.byteLength;
  }
  assert.equal(compiled.exports.memory.buffer.byteLength, after);
}));

test('what a sequence does not have is an error of the run, after which the next run works', () => withCompiled(model({
  inputs: { x: value('float32', ['n']), at: count },
  outputs: { y: value('float32', ['n']) },
  nodes: [node('SequenceConstruct', ['x', 'x'], ['s']), node('SequenceAt', ['s', 'at'], ['y'])],
}), (compiled) => {
  const run = (at) => compiled.run({ x: new Float32Array([1, 2]), at: [BigInt(at)] });
  for (const at of [2, -3, 1e15]) assert.throws(() => run(at), /position .* is outside of a sequence of 2 elements/);
  assert.deepEqual([...run(-2).y.data], [1, 2]);
}));
