// Loops, branches and scans with bodies that no conformance case has: values that steer them are known only while the model runs.
import test from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { graph, model, node, tensor, value } from '../support/onnx_model.mjs';

const i64 = (...numbers) => tensor('int64', [numbers.length], numbers);
const scalar = (type, number) => tensor(type, [], [number]);
const constant = (name, given) => node('Constant', [], [name], { value: given });
const count = value('int64', []), flag = value('bool', []);

test('Fibonacci: a trip count from an input, carried integers, a scan output', () => {
  const body = {
    inputs: { i: count, go: flag, a: count, b: count },
    outputs: { go_on: flag, b_out: count, sum: count, element: count },
    nodes: [node('Identity', ['go'], ['go_on']), node('Identity', ['b'], ['b_out']), node('Add', ['a', 'b'], ['sum']), node('Identity', ['a'], ['element'])],
  };
  return agreesWithOnnxRuntime(model({
    inputs: { n: count },
    outputs: { last: count, next: count, all: value('int64', [null]) },
    initializers: { zero: scalar('int64', 0), one: scalar('int64', 1) },
    nodes: [node('Loop', ['n', '', 'zero', 'one'], ['last', 'next', 'all'], { body: graph(body) })],
  }), [10, 1, 0, 60, 3].map((n) => ({ n: scalar('int64', n) })));
});

test('Newton iterations until converged: the condition ends the loop, the count is data', () => {
  const body = {
    inputs: { i: count, go: flag, x: value('float32', ['n']) },
    outputs: { go_on: flag, next: value('float32', ['n']), error: value('float32', []) },
    nodes: [
      node('Div', ['a', 'x'], ['q']), node('Add', ['x', 'q'], ['s']), node('Mul', ['s', 'half'], ['next']),
      node('Mul', ['next', 'next'], ['square']), node('Sub', ['square', 'a'], ['difference']), node('Abs', ['difference'], ['distance']),
      node('ReduceMax', ['distance'], ['error'], { keepdims: 0 }), node('Greater', ['error', 'tolerance'], ['go_on']),
    ],
  };
  return agreesWithOnnxRuntime(model({
    inputs: { a: value('float32', ['n']) },
    outputs: { root: value('float32', ['n']), errors: value('float32', [null]) },
    initializers: { half: scalar('float32', 0.5), tolerance: scalar('float32', 1e-2), most: scalar('int64', 50), yes: scalar('bool', 1) },
    nodes: [node('Loop', ['most', 'yes', 'a'], ['root', 'errors'], { body: graph(body) })],
  }), [[2, 9, 100], [1], [1e6, 3], [0.25, 4, 7, 11]].map((a) => ({ a: tensor('float32', [a.length], a) })));
});

test('greedy decoding: a carried sequence that grows, until the end token', () => {
  const vocabulary = 11, random = generator(7);
  const body = {
    inputs: { i: count, go: flag, tokens: value('int64', [null]) },
    outputs: { go_on: flag, longer: value('int64', [null]), score: value('float32', []) },
    nodes: [
      node('Gather', ['table', 'tokens'], ['rows']), node('ReduceMean', ['rows'], ['mean'], { axes: [0], keepdims: 0 }),
      node('Gather', ['tokens', 'minus_one'], ['last']), node('Gather', ['table', 'last'], ['last_row']),
      node('Mul', ['mean', 'decay'], ['decayed']), node('Add', ['decayed', 'last_row'], ['logits']),
      node('ArgMax', ['logits'], ['best'], { axis: 0, keepdims: 1 }), node('ReduceMax', ['logits'], ['score'], { keepdims: 0 }),
      node('Concat', ['tokens', 'best'], ['longer'], { axis: 0 }),
      node('Squeeze', ['best', 'axis0'], ['token']), node('Equal', ['token', 'end'], ['ended']), node('Not', ['ended'], ['go_on']),
    ],
  };
  return agreesWithOnnxRuntime(model({
    opset: 13,
    inputs: { prompt: value('int64', ['p']), most: count },
    outputs: { tokens: value('int64', [null]), scores: value('float32', [null]) },
    initializers: {
      table: tensor('float32', [vocabulary, vocabulary], Array.from({ length: vocabulary ** 2 }, () => random() * 2 - 1)),
      decay: scalar('float32', 0.7), minus_one: scalar('int64', -1), axis0: i64(0), end: scalar('int64', 3), yes: scalar('bool', 1),
    },
    nodes: [node('Loop', ['most', 'yes', 'prompt'], ['tokens', 'scores'], { body: graph(body) })],
  }), [[[1], 20], [[2, 5, 7], 8], [[0], 0], [[9, 9], 30], [[10], 5]].map(([prompt, most]) => ({ prompt: i64(...prompt), most: scalar('int64', most) })));
});

test('an If inside a Loop inside an If, all reading values of the graphs around', () => {
  const halve = { outputs: { r: count }, nodes: [node('Div', ['v', 'two'], ['r'])] };
  const triple = { outputs: { r: count }, nodes: [node('Mul', ['v', 'three'], ['m']), node('Add', ['m', 'one'], ['r'])] };
  const body = {
    inputs: { i: count, go: flag, v: count },
    outputs: { go_on: flag, w: count, seen: count },
    nodes: [
      node('Mod', ['v', 'two'], ['rest']), node('Equal', ['rest', 'zero'], ['even']),
      node('If', ['even'], ['w'], { then_branch: graph(halve), else_branch: graph(triple) }),
      node('Greater', ['w', 'one'], ['go_on']), node('Mul', ['w', 'scale'], ['seen']),
    ],
  };
  const collatz = {
    outputs: { final: count, path: value('int64', [null]) },
    nodes: [node('Loop', ['most', 'yes', 'start'], ['final', 'path'], { body: graph(body) })],
  };
  const nothing = { outputs: { f: count, p: value('int64', [null]) }, nodes: [node('Neg', ['start'], ['f']), node('Shape', ['extra'], ['p'])] };
  return agreesWithOnnxRuntime(model({
    inputs: { start: count, extra: value('float32', ['rows', 'columns']), scale: count },
    outputs: { final: count, path: value('int64', [null]) },
    initializers: {
      zero: scalar('int64', 0), one: scalar('int64', 1), two: scalar('int64', 2), three: scalar('int64', 3),
      most: scalar('int64', 200), yes: scalar('bool', 1),
    },
    nodes: [
      node('Greater', ['start', 'zero'], ['positive']),
      node('If', ['positive'], ['final', 'path'], { then_branch: graph(collatz), else_branch: graph(nothing) }),
    ],
  }), [7, -4, 27, 1, 0, 6].map((start) => ({ start: scalar('int64', start), extra: tensor('float32', [2, 3], Array(6).fill(0)), scale: scalar('int64', 10) })));
});

test('a Loop inside a Loop: triangles by rows, the inner trip count is the outer round', () => {
  const inner = {
    inputs: { j: count, go: flag, s: value('float32', []) },
    outputs: { go_on: flag, s_out: value('float32', []), cell: value('float32', []) },
    nodes: [
      node('Identity', ['go'], ['go_on']), node('Cast', ['j'], ['jf'], { to: 1 }), node('Cast', ['i'], ['if'], { to: 1 }),
      node('Add', ['jf', 'if'], ['both']), node('Add', ['s', 'both'], ['s_out']), node('Mul', ['s_out', 'factor'], ['cell']),
    ],
  };
  const outer = {
    inputs: { i: count, keep: flag, total: value('float32', []) },
    outputs: { keep_on: flag, total_out: value('float32', []), mean: value('float32', []) },
    nodes: [
      node('Identity', ['keep'], ['keep_on']), node('Add', ['i', 'one'], ['rounds']),
      node('Loop', ['rounds', '', 'nought'], ['sum', 'cells'], { body: graph(inner) }),
      node('ReduceMean', ['cells'], ['mean'], { keepdims: 0 }), node('Add', ['total', 'sum'], ['total_out']),
    ],
  };
  return agreesWithOnnxRuntime(model({
    opset: 17,
    inputs: { n: count, factor: value('float32', []) },
    outputs: { total: value('float32', []), means: value('float32', [null]) },
    initializers: { one: scalar('int64', 1), nought: scalar('float32', 0) },
    nodes: [node('Loop', ['n', '', 'nought'], ['total', 'means'], { body: graph(outer) })],
  }), [4, 1, 0, 9].map((n) => ({ n: scalar('int64', n), factor: scalar('float32', 0.5 + n) })));
});

test('carried tensors that shrink and grow by what the data say', () => {
  // Each round drops the elements that are not above the mean, then puts the mean in front.
  const body = {
    inputs: { i: count, go: flag, x: value('float32', [null]) },
    outputs: { go_on: flag, y: value('float32', [null]), size: value('int64', [1]) },
    nodes: [
      node('ReduceMean', ['x'], ['mean'], { keepdims: 1 }), node('Greater', ['x', 'mean'], ['above']), node('Compress', ['x', 'above'], ['rest'], { axis: 0 }),
      node('Concat', ['mean', 'rest'], ['y'], { axis: 0 }), node('Shape', ['y'], ['size']), node('Greater', ['size', 'two'], ['larger']), node('Squeeze', ['larger'], ['go_on']),
    ],
  };
  const random = generator(3);
  return agreesWithOnnxRuntime(model({
    opset: 17,
    inputs: { x: value('float32', ['n']) },
    outputs: { y: value('float32', [null]), sizes: value('int64', [null, 1]) },
    initializers: { most: scalar('int64', 20), yes: scalar('bool', 1), two: i64(2) },
    nodes: [node('Loop', ['most', 'yes', 'x'], ['y', 'sizes'], { body: graph(body) })],
  }), [64, 3, 1, 200, 17].map((n) => ({ x: tensor('float32', [n], Array.from({ length: n }, random)) })));
});

test('branches of different shapes, and of the same shape by different ways', () => {
  const long = { outputs: { r: value('float32', [null, 'c']) }, nodes: [node('Concat', ['x', 'x', 'x'], ['r'], { axis: 0 })] };
  const short = { outputs: { r: value('float32', [null, 'c']) }, nodes: [node('Slice', ['x', 'from', 'to'], ['r'])] };
  return agreesWithOnnxRuntime(model({
    inputs: { x: value('float32', ['r', 'c']), which: flag },
    outputs: { y: value('float32', [null, 'c']), norm: value('float32', [null]) },
    initializers: { from: i64(1), to: i64(1000), axis1: i64(1) },
    nodes: [
      node('If', ['which'], ['chosen'], { then_branch: graph(long), else_branch: graph(short) }),
      node('Relu', ['chosen'], ['y']), node('ReduceL2', ['chosen', 'axis1'], ['norm'], { keepdims: 0 }),
    ],
  }), [[2, 3, 1], [2, 3, 0], [1, 4, 0], [5, 1, 1], [5, 2, 0]].map(([rows, columns, which]) => ({
    x: tensor('float32', [rows, columns], Array.from({ length: rows * columns }, (_, k) => (k % 5) - 2)), which: scalar('bool', which),
  })));
});

test('Scan: both directions, other axes, a state, captured weights', () => {
  const body = {
    inputs: { state: value('float32', ['b', 3]), a: value('float32', ['b', 3]), b: value('float32', ['b', 3]) },
    outputs: { next: value('float32', ['b', 3]), forward: value('float32', ['b', 3]), backward: value('float32', ['b', 3]) },
    nodes: [
      node('MatMul', ['state', 'weights'], ['turned']), node('Add', ['turned', 'a'], ['moved']), node('Tanh', ['moved'], ['next']),
      node('Sub', ['next', 'b'], ['forward']), node('Mul', ['next', 'b'], ['backward']),
    ],
  };
  const random = generator(5), numbers = (...dims) => tensor('float32', dims, Array.from({ length: dims.reduce((p, d) => p * d, 1) }, () => random() * 2 - 1));
  return agreesWithOnnxRuntime(model({
    inputs: { s: value('float32', ['b', 3]), x: value('float32', ['b', 't', 3]), z: value('float32', ['t', 'b', 3]) },
    outputs: { last: value('float32', ['b', 3]), f: value('float32', ['b', 't', 3]), g: value('float32', ['t', 'b', 3]) },
    initializers: { weights: numbers(3, 3) },
    nodes: [node('Scan', ['s', 'x', 'z'], ['last', 'f', 'g'], {
      body: graph(body), num_scan_inputs: 2, scan_input_axes: [1, 0], scan_input_directions: [0, 1], scan_output_axes: [1, 0], scan_output_directions: [0, 1],
    })],
  }), [[2, 5], [1, 1], [4, 3]].map(([b, t]) => ({ s: numbers(b, 3), x: numbers(b, t, 3), z: numbers(t, b, 3) })));
});

// Sizes are fixed here: without a round ONNX Runtime calls a size that only the rounds would tell 0.
test('a condition that is false at once, with and without a trip count', () => {
  const body = {
    inputs: { i: count, go: flag, x: value('float32', [2]) },
    outputs: { go_on: flag, y: value('float32', [2]), copy: value('float32', [2]) },
    nodes: [
      node('Add', ['x', 'x'], ['y']), node('ReduceSum', ['y'], ['sum'], { keepdims: 0 }), node('Less', ['sum', 'limit'], ['go_on']), node('Identity', ['x'], ['copy']),
    ],
  };
  const looped = (trip) => model({
    inputs: { start: flag, x: value('float32', [2]), limit: value('float32', []), most: count },
    outputs: { y: value('float32', [2]), copies: value('float32', [null, 2]) },
    nodes: [node('Loop', [trip, 'start', 'x'], ['y', 'copies'], { body: graph(body) })],
  });
  const runs = [[0, 100, 5], [1, 100, 5], [1, 1, 5], [1, 1e4, 3], [0, 1, 0]].map(([start, limit, most]) => ({
    start: scalar('bool', start), x: tensor('float32', [2], [1, 2]), limit: scalar('float32', limit), most: scalar('int64', most),
  }));
  return Promise.all([agreesWithOnnxRuntime(looped('most'), runs), agreesWithOnnxRuntime(looped(''), runs.map(({ most, ...rest }) => ({ ...rest, most })))]);
});
