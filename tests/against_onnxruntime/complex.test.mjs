// Complex tensors through operators that move elements. ONNX Runtime has no kernels for most of these: expected
// values are worked out here.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withCompiled } from '../support/against_onnxruntime.mjs';
import { graph, model, node, tensor, value } from '../support/onnx_model.mjs';

for (const [type, array] of [['complex64', Float32Array], ['complex128', Float64Array]]) {
  test(`${type} elements are moved`, async () => {
    const bytes = model({
      inputs: { x: value(type, ['n', 3]), again: value('bool', []) },
      outputs: { same: value(type), transposed: value(type), reversed: value(type), rows: value(type), joined: value(type), chosen: value(type), scattered: value(type), looped: value(type) },
      initializers: {
        end: tensor('int64', [1], [-1]), least: tensor('int64', [1], [-1000]), one: tensor('int64', [1], [1]), minus: tensor('int64', [1], [-1]),
        picks: tensor('int64', [2], [-1, 0]), k: { type, dims: [1, 3], data: array.from([1, -1, 2, -2, 3, -3]) }, where: tensor('int64', [1, 1], [0]),
        update: { type, dims: [1, 3], data: array.from([9, 8, 7, 6, 5, 4]) }, two: tensor('int64', [], [2]), go: tensor('bool', [], [1]),
      },
      nodes: [
        node('Identity', ['x'], ['same']),
        node('Transpose', ['x'], ['transposed'], { perm: [1, 0] }),
        node('Slice', ['x', 'end', 'least', 'one', 'minus'], ['reversed']),
        node('Gather', ['x', 'picks'], ['rows'], { axis: 0 }),
        node('Concat', ['x', 'k'], ['joined'], { axis: 0 }),
        node('If', ['again'], ['chosen'], {
          then_branch: graph({ name: 'then', outputs: { t: value(type, ['t', 3]) }, nodes: [node('Identity', ['joined'], ['t'])] }),
          else_branch: graph({ name: 'else', outputs: { e: value(type, ['e', 3]) }, nodes: [node('Identity', ['k'], ['e'])] }),
        }),
        node('ScatterND', ['x', 'where', 'update'], ['scattered']),
        node('Loop', ['two', 'go', 'x'], ['looped'], {
          body: graph({
            name: 'body', inputs: { i: value('int64', []), c: value('bool', []), v: value(type, ['p', 3]) }, outputs: { c2: value('bool', []), w: value(type, ['q', 3]) },
            nodes: [node('Identity', ['c'], ['c2']), node('Concat', ['v', 'k'], ['w'], { axis: 0 })],
          }),
        }),
      ],
    });
    await withCompiled(bytes, async (compiled) => {
      for (const n of [2, 4, 1]) {
        const pairs = Array.from({ length: 3 * n }, (_, i) => [i + 0.5, -i]);
        const k = [[1, -1], [2, -2], [3, -3]];
        for (const again of [1, 0]) {
          const got = compiled.run({ x: { data: array.from(pairs.flat()), dims: [n, 3] }, again: Uint8Array.of(again) });
          const check = (name, expected, dims) => {
            assert.deepEqual([...got[name].data], expected.flat(), name);
            assert.deepEqual(got[name].dims, dims, name);
          };
          const row = (r) => pairs.slice(3 * r, 3 * r + 3);
          check('same', pairs, [n, 3]);
          check('transposed', [0, 1, 2].flatMap((c) => Array.from({ length: n }, (_, r) => pairs[3 * r + c])), [3, n]);
          check('reversed', Array.from({ length: n }, (_, r) => row(r).reverse()).flat(), [n, 3]);
          check('rows', [...row(n - 1), ...row(0)], [2, 3]);
          check('joined', [...pairs, ...k], [n + 1, 3]);
          check('chosen', again ? [...pairs, ...k] : k, [again ? n + 1 : 1, 3]);
          check('scattered', [[9, 8], [7, 6], [5, 4], ...pairs.slice(3)], [n, 3]);
          check('looped', [...pairs, ...k, ...k], [n + 2, 3]);
        }
      }
    });
  });
}
