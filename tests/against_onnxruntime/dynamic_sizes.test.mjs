// Dynamic dimensions: named, unnamed, fixed and bounded by options; sizes up and down in one instance; what is out of range, too large for the memory
// allowed, or does not broadcast, is an errno with a message.
import assert from 'node:assert/strict';
import test from 'node:test';
import { agreesWithOnnxRuntime, generator, withCompiled } from '../support/against_onnxruntime.mjs';
import { count, graph, model, node, tensor, value } from '../support/onnx_model.mjs';

const TOO_LARGE = 7, INVALID_ARGUMENT = 1;

function random(dims, seed = 1) {
  const next = generator(seed + count(dims));
  return tensor('float32', dims, Float32Array.from({ length: count(dims) }, () => 2 * next() - 1));
}

// A small attention over tokens with a table added: named and unnamed dims, a product of two dynamic sizes, shapes computed by nodes.
const attention = () => model({
  inputs: { x: value('float32', ['batch', 'seq', 8]), bias: value('float32', [null, null]) },
  outputs: { y: value('float32', ['batch', 'seq', 8]), flat: value('float32', [null]) },
  initializers: { w: random([8, 8]), flat_shape: tensor('int64', [1], [-1]) },
  nodes: [
    node('MatMul', ['x', 'w'], ['q']),
    node('Transpose', ['x'], ['k'], { perm: [0, 2, 1] }),
    node('MatMul', ['q', 'k'], ['scores']),
    node('Add', ['scores', 'bias'], ['biased']),
    node('Softmax', ['biased'], ['weights'], { axis: -1 }),
    node('MatMul', ['weights', 'x'], ['y']),
    node('Reshape', ['weights', 'flat_shape'], ['flat']),
  ],
});
const feeds = (batch, seq, biasRows = seq, biasColumns = seq) => ({ x: random([batch, seq, 8]), bias: random([biasRows, biasColumns], 7) });
const fails = (run, errno, ...patterns) => assert.throws(run, (error) => {
  assert.equal(error.errno, errno, error.message);
  for (const pattern of patterns) assert.match(error.message, pattern);
  return true;
});

test('sizes go up and down in one instance', () => agreesWithOnnxRuntime(attention(),
  [[1, 4], [3, 17], [1, 1], [2, 64], [5, 3], [1, 200], [2, 64], [1, 4]].map(([batch, seq]) => feeds(batch, seq))));

test('sides whose sizes are equal, or 1, only at run time broadcast', () => agreesWithOnnxRuntime(attention(),
  [feeds(2, 9), feeds(2, 9, 1, 9), feeds(1, 9, 9, 1), feeds(3, 5, 1, 1), feeds(2, 9)]));

test('sides that do not broadcast are an error of the run, which the instance survives', () => withCompiled(attention(), (compiled) => {
  fails(() => compiled.run(feeds(2, 9, 8, 9)), INVALID_ARGUMENT, /Add_3/);
  fails(() => compiled.run(feeds(2, 9, 9, 3)), INVALID_ARGUMENT, /Add_3/);
  assert.deepEqual(compiled.run(feeds(2, 9)).y.dims, [2, 9, 8]);
}));

test('--dim fixes and bounds', async () => {
  await agreesWithOnnxRuntime(attention(), [feeds(2, 9), feeds(2, 1), feeds(2, 12)], { options: ['--dim', 'batch=2', '--dim', 'seq=1..12'] });
  await withCompiled(attention(), (compiled) => {
    fails(() => compiled.run(feeds(3, 9)), INVALID_ARGUMENT, /"x"/, /\[2,seq,8\]/, /\[3,9,8\]/);
    fails(() => compiled.run(feeds(2, 13)), TOO_LARGE, /"x"/, /seq in 2\.\.12/, /\[2,13,8\]/);
    fails(() => compiled.run(feeds(2, 1)), INVALID_ARGUMENT, /seq in 2\.\.12/);
    assert.deepEqual(compiled.run(feeds(2, 12)).y.dims, [2, 12, 8]);
  }, { options: ['--dim', 'batch=2', '--dim', 'seq=2..12'] });
});

test('all dims fixed', () => agreesWithOnnxRuntime(attention(), [feeds(2, 9), feeds(2, 9)], { options: ['--shape', 'x=2,9,8', '--shape', 'bias=9,9'] }));

test('--max-memory: what does not fit is too large and named, what fits runs before and after', () => withCompiled(attention(), (compiled) => {
  const most = 4 * 1024 * 1024, bytes = () => compiled.exports.memory.buffer.byteLength;
  assert.deepEqual(compiled.run(feeds(1, 200)).y.dims, [1, 200, 8]);
  for (let round = 0; round < 3; round++) {
    fails(() => compiled.run(feeds(1, 2000)), TOO_LARGE, /needs? \d+ bytes/, /--max-memory/, /4194304/);
    fails(() => compiled.run(feeds(16, 300)), TOO_LARGE, /batch = 16, seq = 300|"flat"|"y"/, /--max-memory/);
    fails(() => compiled.run(feeds(200000, 1, 1, 1)), TOO_LARGE, /"x"|batch = 200000/);
    for (const seq of [200, 3, 150]) assert.deepEqual(compiled.run(feeds(2, seq)).y.dims, [2, seq, 8]);
  }
  assert.ok(bytes() <= most, `${bytes()} bytes`);
}, { options: ['--max-memory', '4M'] }));

test('--max-memory: a tensor whose size depends on data', () => withCompiled(model({
  inputs: { n: value('int64', [1]) },
  outputs: { total: value('float32') },
  initializers: { axis: tensor('int64', [], [0]) },
  nodes: [
    node('ConstantOfShape', ['n'], ['long'], { value: tensor('float32', [1], [2]) }),
    node('CumSum', ['long', 'axis'], ['summed']),
    node('ReduceSum', ['summed'], ['total'], { keepdims: 0 }),
  ],
}), (compiled) => {
  const run = (n) => compiled.run({ n: BigInt64Array.of(BigInt(n)) }).total.data[0];
  assert.equal(run(10), 110);
  fails(() => run(10_000_000), TOO_LARGE, /tensor 'summed'/, /40000000 bytes/, /--max-memory/);
  assert.equal(run(100), 10100);
  assert.ok(compiled.exports.memory.buffer.byteLength <= 1024 * 1024);
}, { options: ['--max-memory', '1M'] }));

test('10,000 runs of changing sizes, some of which fail, leave memory where it was after the first ten', () => withCompiled(attention(), (compiled) => {
  const sizes = [[1, 4], [2, 40], [3, 17], [1, 64], [2, 1], [4, 23]];
  let after = 0;
  for (let i = 0; i < 10_000; i++) {
    if (i === 10) after = compiled.exports.memory.buffer.byteLength;
    const given = feeds(...sizes[i % sizes.length]);
    if (i % 50 === 9) assert.throws(() => compiled.run({ ...given, bias: random([99, 98]) }));
    else compiled.run(given);
  }
  assert.equal(compiled.exports.memory.buffer.byteLength, after);
}));

// The rank of what a Squeeze without axes gives depends on sizes; a module is made for one.
test('Squeeze without axes keeps dimensions that the rest of the model does not need gone', async () => {
  const bytes = model({
    inputs: { x: value('float32', ['batch', 1, 'n']) }, outputs: { y: value('float32', ['batch', 'n']) },
    nodes: [node('Squeeze', ['x'], ['s']), node('Relu', ['s'], ['y'])],
  });
  await agreesWithOnnxRuntime(bytes, [{ x: random([2, 1, 5]) }, { x: random([3, 1, 2]) }, { x: random([2, 1, 9]) }]);
  await withCompiled(bytes, (compiled) => fails(() => compiled.run({ x: random([1, 1, 5]) }), INVALID_ARGUMENT, /batch in 2\.\./));
  await agreesWithOnnxRuntime(bytes, [{ x: random([1, 1, 5]) }, { x: random([1, 1, 3]) }], { options: ['--dim', 'batch=1'] });
});

test('Squeeze without axes removes the batch where the rest of the model needs that', async () => {
  const bytes = model({
    inputs: { x: value('int64', ['batch', 'n']) }, outputs: { y: value('int64', [null]) },
    initializers: { axes: tensor('int64', [1], [0]), zero: tensor('int64', [], [0]), one: tensor('int64', [], [1]) },
    nodes: [node('Squeeze', ['x'], ['s']), node('ReduceSum', ['s', 'axes'], ['sum'], { keepdims: 0 }), node('Range', ['zero', 'sum', 'one'], ['y'])],
  });
  await agreesWithOnnxRuntime(bytes, [[1, 2], [3, 0, 4, 1], [1, 1]].map((numbers) => ({ x: tensor('int64', [1, numbers.length], numbers) })));
  await withCompiled(bytes, (compiled) => fails(() => compiled.run({ x: tensor('int64', [2, 2], [1, 2, 3, 4]) }), TOO_LARGE, /batch in 1\.\.1/));
});

test('a branch that is not valid for the sizes fixed is left out', async () => {
  const branch = (nodes) => graph({ outputs: { r: value('float32', [2, null]) }, nodes });
  const bytes = model({
    inputs: { x: value('float32', [2, 'n']), c: value('bool', []) }, outputs: { y: value('float32', [2, null]) },
    initializers: { w: random([5, 4]) },
    nodes: [node('If', ['c'], ['y'], { then_branch: branch([node('Relu', ['x'], ['r'])]), else_branch: branch([node('MatMul', ['x', 'w'], ['r'])]) })],
  });
  const run = (n, condition) => ({ x: random([2, n]), c: tensor('bool', [], [condition]) });
  await agreesWithOnnxRuntime(bytes, [run(5, 1), run(5, 0)]);
  await agreesWithOnnxRuntime(bytes, [run(3, 1)], { options: ['--dim', 'n=3'] });
  await withCompiled(bytes, (compiled) => fails(() => compiled.run(run(3, 0)), 5, /If_0.*not valid for the shapes/), { options: ['--dim', 'n=3'] });
});
