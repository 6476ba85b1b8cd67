// Operators in the forms that opsets 1 to 9 gave them. ONNX Runtime does not take most of them, so it runs the same computation in the
// words of opset 17, and ours must agree.
import test from 'node:test';
import ort from 'onnxruntime-node';
import { assertClose, generator, withCompiled } from '../support/against_onnxruntime.mjs';
import { count, float, floats, model, node, tensor, value } from '../support/onnx_model.mjs';

const random = generator(5);
const filled = (dims, low = -2, high = 2) =>
  tensor('float32', dims, Array.from({ length: count(dims) }, () => low + (high - low) * random()));
const ints = (...numbers) => tensor('int64', [numbers.length], numbers);

// `dims`: names -> shapes of float inputs. `old` and `now`: nodes that make y from them.
async function same(opset, inputs, old, now, { initializers = {}, nowInitializers = {}, outputs = ['y'], type = 'float32' } = {}) {
  const types = (feeds, dynamic) => Object.fromEntries(Object.entries(feeds).map(([name, given]) =>
    [name, value(given.type, dynamic ? given.dims.map((_, d) => `${name}_${d}`) : given.dims)]));
  const results = Object.fromEntries(outputs.map((name) => [name, value(type)]));
  const reference = await ort.InferenceSession.create(
    model({ inputs: types(inputs), outputs: results, initializers: nowInitializers, nodes: now, opset: 17, irVersion: 8 }), { logSeverityLevel: 3 });
  const expected = await reference.run(Object.fromEntries(Object.entries(inputs).map(([name, { type: t, dims, data }]) => [name, new ort.Tensor(t, data, dims)])));
  for (const dynamic of [false, true]) {
    const bytes = model({ inputs: types(inputs, dynamic), outputs: results, initializers, nodes: old, opset, irVersion: 3 });
    await withCompiled(bytes, async (ours) => {
      const got = ours.run(inputs);
      for (const name of outputs) assertClose(`${dynamic ? 'dynamic' : 'static'} ${name}`, got[name], expected[name]);
    });
  }
}

for (const op of ['Add', 'Sub', 'Mul', 'Div']) {
  test(`${op}-6 broadcasts from an axis`, () => same(6, { a: filled([2, 3, 4, 5]), b: filled([3, 4], 1, 2) },
    [node(op, ['a', 'b'], ['y'], { broadcast: 1, axis: 1 })],
    [node('Unsqueeze', ['b', 'last'], ['c']), node(op, ['a', 'c'], ['y'])], { nowInitializers: { last: ints(2) } }));
}

test('Pow-1, Add-1 and Div-6 broadcast a suffix', () => same(1, { a: filled([2, 3, 4], 1, 2), b: filled([4], 1, 2) },
  [node('Pow', ['a', 'b'], ['p'], { broadcast: 1 }), node('Add', ['p', 'b'], ['s'], { broadcast: 1, consumed_inputs: [0, 0] }), node('Div', ['s', 'b'], ['y'], { broadcast: 1 })],
  [node('Pow', ['a', 'b'], ['p']), node('Add', ['p', 'b'], ['s']), node('Div', ['s', 'b'], ['y'])]));

test('comparisons and logic of version 1 broadcast from an axis', () => same(1, { a: filled([2, 3, 4]), b: filled([3]) },
  [node('Greater', ['a', 'b'], ['g'], { broadcast: 1, axis: 1 }), node('Less', ['a', 'b'], ['l'], { broadcast: 1, axis: 1 }),
    node('Or', ['g', 'l'], ['o']), node('And', ['o', 'g'], ['n']), node('Xor', ['n', 'l'], ['y'])],
  [node('Unsqueeze', ['b', 'last'], ['c']), node('Greater', ['a', 'c'], ['g']), node('Less', ['a', 'c'], ['l']), node('Or', ['g', 'l'], ['o']),
    node('And', ['o', 'g'], ['n']), node('Xor', ['n', 'l'], ['y'])], { nowInitializers: { last: ints(1) }, type: 'bool' }));

test('Gemm-6 broadcasts its bias when told to', () => same(6, { a: filled([4, 3]), b: filled([5, 3]), c: filled([5]) },
  [node('Gemm', ['a', 'b', 'c'], ['y'], { broadcast: 1, transB: 1, alpha: float(0.5), beta: float(2) })],
  [node('Gemm', ['a', 'b', 'c'], ['y'], { transB: 1, alpha: float(0.5), beta: float(2) })]));

const statistics = () => ({ s: filled([3]), b: filled([3]), m: filled([3]), v: filled([3], 0.5, 2) });
test('BatchNormalization-1 and -6 in test mode', async () => {
  for (const opset of [1, 6]) {
    await same(opset, { x: filled([2, 3, 4, 5]), ...statistics() },
      [node('BatchNormalization', ['x', 's', 'b', 'm', 'v'], ['y'], { is_test: 1, epsilon: float(1e-3), ...(opset === 1 ? { consumed_inputs: [0, 0, 0, 1, 1] } : {}) })],
      [node('BatchNormalization', ['x', 's', 'b', 'm', 'v'], ['y'], { epsilon: float(1e-3) })]);
  }
});

test('BatchNormalization-7 per activation (spatial = 0)', () => {
  const part = () => filled([3, 4, 5]);
  return same(7, { x: filled([2, 3, 4, 5]), s: part(), b: part(), m: part(), v: filled([3, 4, 5], 0.5, 2) },
    [node('BatchNormalization', ['x', 's', 'b', 'm', 'v'], ['y'], { spatial: 0, epsilon: float(1e-3) })],
    [node('Add', ['v', 'e'], ['w']), node('Sqrt', ['w'], ['d']), node('Sub', ['x', 'm'], ['c']), node('Div', ['c', 'd'], ['n']), node('Mul', ['n', 's'], ['t']), node('Add', ['t', 'b'], ['y'])],
    { nowInitializers: { e: tensor('float32', [], [1e-3]) } });
});

test('BatchNormalization-9 with its training outputs', () => same(9, { x: filled([4, 3, 5]), ...statistics() },
  [node('BatchNormalization', ['x', 's', 'b', 'm', 'v'], ['y', 'rm', 'rv', 'sm', 'sv'], { momentum: float(0.8) })],
  [node('BatchNormalization', ['x', 's', 'b', 'm', 'v'], ['y', 'rm', 'rv'], { momentum: float(0.8), training_mode: 1 }),
    node('ReduceMean', ['x'], ['sm'], { axes: [0, 2], keepdims: 0 }), node('ReduceMean', ['x'], ['mk'], { axes: [0, 2] }), node('Sub', ['x', 'mk'], ['c']),
    node('Mul', ['c', 'c'], ['q']), node('ReduceMean', ['q'], ['sv'], { axes: [0, 2], keepdims: 0 })],
  { outputs: ['y', 'rm', 'rv', 'sm', 'sv'] }));

test('Reshape-1, Transpose, Squeeze-1, Unsqueeze-1 and Concat-1 take attributes', () => same(1, { x: filled([2, 3, 4]) },
  [node('Reshape', ['x'], ['r'], { shape: [2, 12] }), node('Unsqueeze', ['r'], ['u'], { axes: [0, 3] }), node('Squeeze', ['u'], ['s'], { axes: [0] }), node('Concat', ['s', 's'], ['y'])],
  [node('Reshape', ['x', 'shape'], ['r']), node('Unsqueeze', ['r', 'axes'], ['u']), node('Squeeze', ['u', 'first'], ['s']), node('Concat', ['s', 's'], ['y'], { axis: 1 })],
  { nowInitializers: { shape: ints(2, 12), axes: ints(0, 3), first: ints(0) } }));

test('Upsample-1 takes scales per axis, -7 all of them', async () => {
  for (const mode of ['nearest', 'bilinear']) {
    const now = [node('Resize', ['x', '', 'scales'], ['y'], { mode: mode === 'nearest' ? 'nearest' : 'linear', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' })];
    const nowInitializers = { scales: tensor('float32', [4], [1, 1, 2, 3]) };
    await same(1, { x: filled([1, 2, 3, 4]) }, [node('Upsample', ['x'], ['y'], { mode, height_scale: float(2), width_scale: float(3) })], now, { nowInitializers });
    await same(7, { x: filled([1, 2, 3, 4]) }, [node('Upsample', ['x'], ['y'], { mode: mode === 'nearest' ? mode : 'linear', scales: floats([1, 1, 2, 3]) })], now, { nowInitializers });
  }
});

test('Dropout-1, -6 and -7 pass everything when they infer', async () => {
  await same(1, { x: filled([2, 3]) }, [node('Dropout', ['x'], ['y'], { is_test: 1, ratio: float(0.9), consumed_inputs: [0] })], [node('Identity', ['x'], ['y'])]);
  await same(6, { x: filled([2, 3]) }, [node('Dropout', ['x'], ['y'], { is_test: 1 })], [node('Identity', ['x'], ['y'])]);
  await same(7, { x: filled([2, 3]) }, [node('Dropout', ['x'], ['y'], { ratio: float(0.9) })], [node('Identity', ['x'], ['y'])]);
});

test('Pad-1 says paddings, Pad-2 pads', async () => {
  for (const mode of ['constant', 'edge', 'reflect']) {
    const now = [node('Pad', ['x', 'pads', 'v'], ['y'], { mode })];
    const nowInitializers = { pads: ints(1, 2, 0, 1), v: tensor('float32', [], [1.5]) };
    await same(1, { x: filled([3, 4]) }, [node('Pad', ['x'], ['y'], { mode, paddings: [1, 2, 0, 1], value: float(1.5) })], now, { nowInitializers });
    await same(2, { x: filled([3, 4]) }, [node('Pad', ['x'], ['y'], { mode, pads: [1, 2, 0, 1], value: float(1.5) })], now, { nowInitializers });
  }
});

test('Slice-1, Split-1, Split-2 and Tile-1', async () => {
  await same(1, { x: filled([4, 6]) }, [node('Slice', ['x'], ['y'], { starts: [1, -3], ends: [1000, -1], axes: [0, 1] })],
    [node('Slice', ['x', 's', 'e'], ['y'])], { nowInitializers: { s: ints(1, -3), e: ints(1000, -1) } });
  await same(1, { x: filled([2, 6]) }, [node('Split', ['x'], ['a', 'b'], { axis: 1, split: [2, 4] }), node('Concat', ['b', 'a'], ['y'], { axis: 1 })],
    [node('Split', ['x', 'n'], ['a', 'b'], { axis: 1 }), node('Concat', ['b', 'a'], ['y'], { axis: 1 })], { nowInitializers: { n: ints(2, 4) } });
  await same(2, { x: filled([4, 3]) }, [node('Split', ['x'], ['a', 'b']), node('Sub', ['b', 'a'], ['y'])],
    [node('Split', ['x'], ['a', 'b']), node('Sub', ['b', 'a'], ['y'])]);
  await same(1, { x: filled([2, 3]) }, [node('Tile', ['x', 'tiles', 'axis'], ['y'])], [node('Tile', ['x', 'r'], ['y'])],
    { initializers: { tiles: tensor('float32', [1], [3]), axis: tensor('float32', [1], [1]) }, nowInitializers: { r: ints(1, 3) } });
});

test('activations of version 1 with their defaults of then', () => same(1, { x: filled([2, 5]) },
  [node('Selu', ['x'], ['a'], { consumed_inputs: [0] }), node('Elu', ['a'], ['b'], { alpha: float(0.7) }), node('HardSigmoid', ['b'], ['c'], { alpha: float(0.3) }),
    node('LeakyRelu', ['c'], ['d']), node('Clip', ['d'], ['e'], { min: float(0.3), max: float(0.8) }), node('Softmax', ['e'], ['y'])],
  [node('Selu', ['x'], ['a'], { alpha: float(1.6732), gamma: float(1.0507) }), node('Elu', ['a'], ['b'], { alpha: float(0.7) }), node('HardSigmoid', ['b'], ['c'], { alpha: float(0.3) }),
    node('LeakyRelu', ['c'], ['d']), node('Clip', ['d', 'low', 'high'], ['e']), node('Softmax', ['e'], ['y'], { axis: 1 })],
  { nowInitializers: { low: tensor('float32', [], [0.3]), high: tensor('float32', [], [0.8]) } }));

test('Softmax-1 and LogSoftmax-1 flatten behind the axis', () => same(1, { x: filled([2, 3, 4]) },
  [node('Softmax', ['x'], ['a']), node('LogSoftmax', ['x'], ['b'], { axis: 0 }), node('Sub', ['a', 'b'], ['y'])],
  [node('Reshape', ['x', 'rows'], ['r']), node('Softmax', ['r'], ['p'], { axis: 1 }), node('Reshape', ['p', 'back'], ['a']),
    node('Reshape', ['x', 'one'], ['o']), node('LogSoftmax', ['o'], ['q'], { axis: 1 }), node('Reshape', ['q', 'back'], ['b']), node('Sub', ['a', 'b'], ['y'])],
  { nowInitializers: { rows: ints(2, 12), back: ints(2, 3, 4), one: ints(1, 24) } }));

test('reductions of version 1 take axes as an attribute', () => same(1, { x: filled([2, 3, 4], 0.5, 2) },
  [node('ReduceSum', ['x'], ['a'], { axes: [1] }), node('ReduceLogSumExp', ['x'], ['b'], { axes: [1] }), node('ReduceL2', ['x'], ['c'], { axes: [1] }), node('Sum', ['a', 'b', 'c'], ['y'])],
  [node('ReduceSum', ['x', 'one'], ['a']), node('ReduceLogSumExp', ['x'], ['b'], { axes: [1] }), node('ReduceL2', ['x'], ['c'], { axes: [1] }), node('Sum', ['a', 'b', 'c'], ['y'])],
  { nowInitializers: { one: ints(1) } }));

test('pooling of version 1', () => same(1, { x: filled([1, 2, 7, 7]) },
  [node('AveragePool', ['x'], ['a'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] }), node('MaxPool', ['x'], ['b'], { kernel_shape: [3, 3], auto_pad: 'SAME_UPPER', strides: [2, 2] }), node('Sub', ['a', 'b'], ['y'])],
  [node('AveragePool', ['x'], ['a'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] }), node('MaxPool', ['x'], ['b'], { kernel_shape: [3, 3], auto_pad: 'SAME_UPPER', strides: [2, 2] }), node('Sub', ['a', 'b'], ['y'])]));

test('TopK-1 takes k as an attribute, Cast-1 and -6 name and number types', () => same(1, { x: filled([3, 6]) },
  [node('TopK', ['x'], ['y', 'i'], { k: 2, axis: 1 })],
  [node('TopK', ['x', 'k'], ['y', 'i'], { axis: 1 })], { nowInitializers: { k: ints(2) } }));

test('PRelu-6: one slope, or one per channel without broadcasting rules', async () => {
  await same(6, { x: filled([2, 3, 4]), s: filled([3]) }, [node('PRelu', ['x', 's'], ['y'])],
    [node('Unsqueeze', ['s', 'last'], ['t']), node('PRelu', ['x', 't'], ['y'])], { nowInitializers: { last: ints(1) } });
  await same(6, { x: filled([2, 3, 4]), s: filled([1]) }, [node('PRelu', ['x', 's'], ['y'])], [node('PRelu', ['x', 's'], ['y'])]);
});

test('LSTM-1 and GRU-3 as sequence layers', async () => {
  const [steps, batch, size, hidden] = [3, 2, 4, 5];
  for (const [op, opset, gates] of [['LSTM', 1, 4], ['GRU', 3, 3]]) {
    await same(opset, { x: filled([steps, batch, size]), w: filled([1, gates * hidden, size], -0.5, 0.5), r: filled([1, gates * hidden, hidden], -0.5, 0.5) },
      [node(op, ['x', 'w', 'r'], ['y'], { hidden_size: hidden, output_sequence: 1 })], [node(op, ['x', 'w', 'r'], ['y'], { hidden_size: hidden })]);
  }
});
