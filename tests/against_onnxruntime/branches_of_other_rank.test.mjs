// If whose branches give tensors of different rank: both conditions in one instance.
import test from 'node:test';
import assert from 'node:assert/strict';
import { agreesWithOnnxRuntime, generator, withCompiled } from '../support/against_onnxruntime.mjs';
import { graph, model, node, tensor, value } from '../support/onnx_model.mjs';

const i64 = (...numbers) => tensor('int64', [numbers.length], numbers);
const scalar = (type, number) => tensor(type, [], [number]);
const count = value('int64', []), flag = value('bool', []);
const random = generator(3);
const floats = (...dims) => tensor('float32', dims, Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random() * 4 - 2));
const open = value('float32');

const branch = (name, ...nodes) => graph({ outputs: { [name]: open }, nodes });
// x as it is, or without its first dimension.
const maybeFirst = (condition, x, output) => node('If', [condition], [output], {
  then_branch: branch(`${output}_all`, node('Identity', [x], [`${output}_all`])),
  else_branch: branch(`${output}_first`, node('Gather', [x, 'zero'], [`${output}_first`])),
});
const constants = { zero: scalar('int64', 0), axis0: i64(0), minus_one: i64(-1) };
const both = (feeds) => feeds.flatMap((each) => [1, 0, 1].map((cond) => ({ ...each(), cond: scalar('bool', cond) })));

test('straight to the output', () => agreesWithOnnxRuntime(model({
  inputs: { x: value('float32', ['n', 3]), cond: flag },
  outputs: { y: open, sizes: value('int64', [null]), all: count },
  initializers: constants,
  nodes: [maybeFirst('cond', 'x', 'y'), node('Shape', ['y'], ['sizes']), node('Size', ['y'], ['all'])],
}), both([() => ({ x: floats(2, 3) }), () => ({ x: floats(5, 3) }), () => ({ x: floats(1, 3) })])));

test('through operators of any rank, until a common shape', () => agreesWithOnnxRuntime(model({
  inputs: { x: value('float32', ['n', 4]), w: value('float32', [4, 2]), cond: flag },
  outputs: { y: value('float32', [null, 2]), sum: value('float32', []), softened: open },
  initializers: { ...constants, rows: i64(-1, 4), bias: floats(4) },
  nodes: [
    maybeFirst('cond', 'x', 'v'), node('Add', ['v', 'bias'], ['biased']), node('Relu', ['biased'], ['r']), node('ReduceSum', ['r'], ['sum'], { keepdims: 0 }),
    node('Softmax', ['biased'], ['softened'], { axis: -1 }), node('Reshape', ['r', 'rows'], ['flat']), node('MatMul', ['flat', 'w'], ['product']),
    node('Div', ['product', 'sum'], ['y']),
  ],
}), both([() => ({ x: floats(3, 4), w: floats(4, 2) }), () => ({ x: floats(2, 4), w: floats(4, 2) })])));

test('two such branches, whose results meet', () => agreesWithOnnxRuntime(model({
  inputs: { x: value('float32', ['n', 3]), a: flag, b: flag },
  outputs: { sum: open, left: open, total: value('float32', []) },
  initializers: constants,
  nodes: [
    maybeFirst('a', 'x', 'left'), node('Sqrt', ['x'], ['unused']), maybeFirst('b', 'x', 'right'), node('Add', ['left', 'right'], ['sum']),
    node('ReduceMax', ['sum'], ['total'], { keepdims: 0 }),
  ],
}), [[0, 0], [0, 1], [1, 0], [1, 1], [0, 1]].map(([a, b]) => ({ x: floats(4, 3), a: scalar('bool', a), b: scalar('bool', b) }))));

test('one within the branch of another', () => agreesWithOnnxRuntime(model({
  inputs: { x: value('float32', ['n', 3]), a: flag, b: flag },
  outputs: { y: value('float32', [null]) },
  initializers: constants,
  nodes: [
    node('If', ['a'], ['v'], {
      then_branch: branch('inner', maybeFirst('b', 'x', 'part'), node('Reshape', ['part', 'minus_one'], ['inner'])),
      else_branch: branch('outer', node('Neg', ['x'], ['outer'])),
    }),
    node('Reshape', ['v', 'minus_one'], ['y']),
  ],
}), [[0, 0], [0, 1], [1, 0], [1, 1]].map(([a, b]) => ({ x: floats(2, 3), a: scalar('bool', a), b: scalar('bool', b) }))));

test('in the body of a loop', () => {
  const body = {
    inputs: { i: count, go: flag, sum: value('float32', []) },
    outputs: { go_on: flag, next: value('float32', []), mean: value('float32', []) },
    nodes: [
      node('Identity', ['go'], ['go_on']), node('Equal', ['i', 'zero'], ['cond']), maybeFirst('cond', 'x', 'v'), node('Mul', ['v', 'v'], ['squares']),
      node('ReduceSum', ['squares'], ['one'], { keepdims: 0 }), node('ReduceMean', ['v'], ['mean'], { keepdims: 0 }), node('Add', ['sum', 'one'], ['next']),
    ],
  };
  return agreesWithOnnxRuntime(model({
    inputs: { x: value('float32', ['n', 2]), rounds: count },
    outputs: { total: value('float32', []), means: value('float32', [null]) },
    initializers: { ...constants, yes: scalar('bool', 1), start: scalar('float32', 0) },
    nodes: [node('Loop', ['rounds', 'yes', 'start'], ['total', 'means'], { body: graph(body) })],
  }), [[2, 3], [4, 1], [3, 0]].map(([n, rounds]) => ({ x: floats(n, 2), rounds: scalar('int64', rounds) })));
});

test('where only one rank fits what follows, the other condition is an error of the run', () => withCompiled(model({
  inputs: { x: value('float32', ['n', 3]), cond: flag },
  outputs: { y: value('float32', [3, 'n']) },
  initializers: constants,
  nodes: [maybeFirst('cond', 'x', 'v'), node('Transpose', ['v'], ['y'], { perm: [1, 0] })],
}), (compiled) => {
  const run = (cond) => compiled.run({ x: { data: new Float32Array([1, 2, 3, 4, 5, 6]), dims: [2, 3] }, cond: [cond] });
  assert.deepEqual([...run(1).y.data], [1, 4, 2, 5, 3, 6]);
  assert.throws(() => run(0), /made for the other case/);
  assert.deepEqual(run(1).y.dims, [3, 2]);
}));

test('a loop whose first iteration changes the rank of what it carries', () => {
  const body = {
    inputs: { i: count, go: flag, v: open },
    outputs: { go_on: flag, next: open, sum: value('float32', []) },
    nodes: [
      node('Identity', ['go'], ['go_on']), node('Reshape', ['v', 'column'], ['c']), node('Cast', ['i'], ['step'], { to: 1 }), node('Add', ['c', 'step'], ['next']),
      node('ReduceSum', ['next'], ['sum'], { keepdims: 0 }),
    ],
  };
  return agreesWithOnnxRuntime(model({
    inputs: { x: value('float32', ['n']), rounds: count },
    outputs: { last: open, sums: value('float32', [null]), total: value('float32', []) },
    initializers: { ...constants, column: i64(-1, 1), yes: scalar('bool', 1) },
    nodes: [node('Loop', ['rounds', 'yes', 'x'], ['last', 'sums'], { body: graph(body) }), node('ReduceSum', ['last'], ['total'], { keepdims: 0 })],
  }), [[3, 2], [4, 0], [2, 1], [1, 5]].map(([n, rounds]) => ({ x: floats(n), rounds: scalar('int64', rounds) })));
});

test('Squeeze without axes, of a size that is 1 or not', () => agreesWithOnnxRuntime(model({
  inputs: { x: value('float32', ['n', 1, 3]) },
  outputs: { y: open, doubled: open, sum: value('float32', []) },
  nodes: [node('Squeeze', ['x'], ['y']), node('Add', ['y', 'y'], ['doubled']), node('ReduceSum', ['doubled'], ['sum'], { keepdims: 0 })],
}), [2, 1, 3, 1].map((n) => ({ x: floats(n, 1, 3) }))));
