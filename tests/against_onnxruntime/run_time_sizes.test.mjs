// Operators whose sizes are computed by the model itself: from data, at run time, one instance for all of them.
import test from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { float, model, node, tensor, value } from '../support/onnx_model.mjs';

const i64 = (...numbers) => tensor('int64', [numbers.length], numbers);
const scalar = (type, number) => tensor(type, [], [number]);
const random = generator(11);
const numbers = (...dims) => tensor('float32', dims, Array.from({ length: dims.reduce((p, d) => p * d, 1) }, () => Math.round(random() * 20 - 10) / 4));
const open = (type, rank) => value(type, Array(rank).fill(null));

const cases = {
  NonZero: [{ x: open('float32', 2) }, { y: open('int64', 2) }, [node('NonZero', ['x'], ['y'])],
    [{ x: numbers(3, 4) }, { x: tensor('float32', [2, 2], [0, 0, 0, 0]) }, { x: numbers(5, 1) }]],
  Compress: [{ x: open('float32', 2), c: open('bool', 1) }, { y: open('float32', 2), z: open('float32', 1) },
    [node('Compress', ['x', 'c'], ['y'], { axis: 1 }), node('Compress', ['x', 'c'], ['z'])],
    [{ x: numbers(2, 3), c: tensor('bool', [3], [1, 0, 1]) }, { x: numbers(4, 2), c: tensor('bool', [2], [0, 0]) }, { x: numbers(1, 5), c: tensor('bool', [2], [0, 1]) }]],
  Unique: [{ x: open('float32', 2) }, { y: open('float32', 1), i: open('int64', 1), v: open('int64', 1), c: open('int64', 1), a: open('float32', 2) },
    [node('Unique', ['x'], ['y', 'i', 'v', 'c']), node('Unique', ['x'], ['a'], { axis: 0, sorted: 0 })],
    [{ x: numbers(6, 7) }, { x: tensor('float32', [4, 2], [1, 2, 0, 1, 1, 2, 0, 1]) }, { x: numbers(1, 1) }]],
  Range: [{ a: value('float32', []), b: value('float32', []), d: value('float32', []) }, { y: open('float32', 1) }, [node('Range', ['a', 'b', 'd'], ['y'])],
    [[0, 5, 1], [3, -2, -0.5], [1, 1, 1], [0, 1, 0.3]].map(([a, b, d]) => ({ a: scalar('float32', a), b: scalar('float32', b), d: scalar('float32', d) }))],
  Slice: [{ x: open('float32', 3), s: open('int64', 1), e: open('int64', 1), t: open('int64', 1) }, { y: open('float32', 3) },
    [node('Slice', ['x', 's', 'e', 'axes', 't'], ['y'])],
    [[[0, 1], [2, 3], [1, 1]], [[-1, 100], [-100, 0], [-1, -2]], [[1, 1], [1, 9], [1, 3]], [[2, -3], [5, -1], [2, 1]]].map(([s, e, t]) => ({ x: numbers(4, 2, 5), s: i64(...s), e: i64(...e), t: i64(...t) })),
    { axes: i64(0, 2) }],
  Reshape: [{ x: open('float32', 2), s: value('int64', [3]) }, { y: open('float32', 3) }, [node('Reshape', ['x', 's'], ['y'])],
    [[[4, 6], [2, 3, 4]], [[4, 6], [-1, 1, 8]], [[2, 5], [0, 5, -1]], [[1, 1], [1, 1, 1]]].map(([d, s]) => ({ x: numbers(...d), s: i64(...s) }))],
  Expand: [{ x: open('float32', 2), s: value('int64', [3]) }, { y: open('float32', 3) }, [node('Expand', ['x', 's'], ['y'])],
    [[[1, 3], [2, 4, 3]], [[2, 1], [1, 1, 5]], [[2, 3], [1, 1, 1]], [[1, 1], [2, 0, 1]]].map(([d, s]) => ({ x: numbers(...d), s: i64(...s) }))],
  Tile: [{ x: open('float32', 2), r: value('int64', [2]) }, { y: open('float32', 2) }, [node('Tile', ['x', 'r'], ['y'])],
    [[2, 3], [1, 1], [0, 2], [5, 1]].map((r) => ({ x: numbers(2, 3), r: i64(...r) }))],
  Pad: [{ x: open('float32', 2), p: value('int64', [4]), v: value('float32', []) }, { y: open('float32', 2), z: open('float32', 2) },
    [node('Pad', ['x', 'p', 'v'], ['y']), node('Abs', ['p'], ['q']), node('Pad', ['x', 'q'], ['z'], { mode: 'reflect' })],
    [[1, 2, 0, 1], [0, 0, 0, 0], [2, 1, 2, 2], [-1, 1, 0, -1]].map((p) => ({ x: numbers(4, 5), p: i64(...p), v: scalar('float32', 9) }))],
  'Resize by sizes': [{ x: open('float32', 4), s: value('int64', [4]) }, { y: open('float32', 4), z: open('float32', 4) },
    [node('Resize', ['x', '', '', 's'], ['y'], { mode: 'linear', coordinate_transformation_mode: 'half_pixel' }), node('Resize', ['x', '', '', 's'], ['z'], { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' })],
    [[4, 6], [2, 3], [7, 5], [1, 1]].map(([h, w]) => ({ x: numbers(1, 2, 3, 4), s: i64(1, 2, h, w) }))],
  'Resize by scales': [{ x: open('float32', 4), s: value('float32', [4]) }, { y: open('float32', 4) },
    [node('Resize', ['x', '', 's'], ['y'], { mode: 'cubic', cubic_coeff_a: float(-0.75) })],
    [[2, 2], [0.6, 1.5], [1, 1], [3, 0.5]].map(([h, w]) => ({ x: numbers(1, 1, 4, 6), s: tensor('float32', [4], [1, 1, h, w]) }))],
  TopK: [{ x: open('float32', 2), k: value('int64', [1]) }, { v: open('float32', 2), i: open('int64', 2), w: open('float32', 2), j: open('int64', 2) },
    [node('TopK', ['x', 'k'], ['v', 'i']), node('TopK', ['x', 'k'], ['w', 'j'], { axis: 0, largest: 0 })],
    [2, 1, 3, 0].map((k) => ({ x: tensor('float32', [4, 3], [3, 1, 2, 9, 8, 7, -1, 0, 4, 5, 6, 11]), k: i64(k) }))],
  OneHot: [{ i: open('int64', 2), d: value('int64', []), v: value('float32', [2]) }, { y: open('float32', 3) }, [node('OneHot', ['i', 'd', 'v'], ['y'], { axis: 1 })],
    [3, 1, 6].map((d) => ({ i: tensor('int64', [2, 2], [0, 2, -1, 5]), d: scalar('int64', d), v: tensor('float32', [2], [-1, 4]) }))],
  ConstantOfShape: [{ s: value('int64', [3]) }, { y: open('int32', 3) }, [node('ConstantOfShape', ['s'], ['y'], { value: tensor('int32', [1], [7]) })],
    [[2, 3, 1], [0, 4, 2], [1, 1, 1], [5, 2, 3]].map((s) => ({ s: i64(...s) }))],
  'broadcasts that are equal only at run time': [{ a: value('float32', ['n', 'm']), b: value('float32', ['k', 'm']) }, { y: open('float32', 2), w: open('float32', 2) },
    [node('Add', ['a', 'b'], ['y']), node('Greater', ['a', 'b'], ['c']), node('Where', ['c', 'a', 'b'], ['w'])],
    [[[2, 3], [2, 3]], [[1, 3], [4, 3]], [[4, 1], [1, 1]], [[3, 2], [1, 2]]].map(([a, b]) => ({ a: numbers(...a), b: numbers(...b) }))],
  'sizes computed from a value, then a convolution and a product': [{ x: open('float32', 4), n: value('int64', [1]) }, { y: open('float32', 2) },
    [node('Slice', ['x', 'zero', 'n', 'three'], ['part']), node('Conv', ['part', 'w'], ['c'], { pads: [1, 1, 1, 1] }), node('Relu', ['c'], ['r']),
      node('GlobalAveragePool', ['r'], ['g']), node('Flatten', ['g'], ['f']), node('MatMul', ['f', 'm'], ['y'])],
    [5, 3, 8, 1].map((n) => ({ x: numbers(2, 3, 6, 8), n: i64(n) })), { zero: i64(0), three: i64(3), w: numbers(8, 3, 3, 3), m: numbers(8, 4) }],
};

for (const [name, [inputs, outputs, nodes, runs, initializers = {}]] of Object.entries(cases)) {
  test(name, () => agreesWithOnnxRuntime(model({ opset: 18, inputs, outputs, nodes, initializers }), [...runs, ...[...runs].reverse()]));
}
