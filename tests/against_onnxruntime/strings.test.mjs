// String tensors through operators that move and compare elements, and through control flow.
import { test } from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { graph, model, node, strings, tensor, value } from '../support/onnx_model.mjs';

// Empty, not ASCII, long, and equal to constants of the models below. (onnxruntime-node cuts strings at NUL bytes: see
// string_hosts for those.)
const words = ['', 'a', 'stop', 'Grüße', '日本語', 'e\u0301', '😀', ' spaces ', 'b', 'x'.repeat(3000)];

function texts(count, seed) {
  const random = generator(seed);
  return Array.from({ length: count }, () => words[Math.floor(random() * words.length)]);
}
const feed = (dims, seed) => ({ type: 'string', dims, data: texts(dims.reduce((a, b) => a * b, 1), seed) });

test('elements are moved', async () => {
  const bytes = model({
    inputs: { x: value('string', ['n', 'm']) },
    outputs: {
      transposed: value('string'), reshaped: value('string'), sliced: value('string'), gathered: value('string'), tiled: value('string'),
      joined: value('string'), expanded: value('string'), same: value('string'), squeezed: value('string'), parts0: value('string'),
      parts1: value('string'), elements: value('string'), nd: value('string'), scattered: value('string'), constant: value('string'), compressed: value('string'),
    },
    initializers: {
      flat: tensor('int64', [1], [-1]), zero: tensor('int64', [1], [0]), big: tensor('int64', [1], [1000]), one: tensor('int64', [1], [1]),
      minus: tensor('int64', [1], [-1]), least: tensor('int64', [1], [-1000]), picks: tensor('int64', [3], [0, -1, 0]), repeats: tensor('int64', [2], [2, 1]),
      pick0: tensor('int64', [1, 1], [0]), pair: tensor('int64', [1, 2], [0, 0]), mask: tensor('bool', [1], [1]),
      c: { type: 'string', dims: [1], data: ['a constant'] }, more: { type: 'string', dims: [1, 1], data: ['stop'] },
    },
    nodes: [
      node('Transpose', ['x'], ['transposed'], { perm: [1, 0] }),
      node('Reshape', ['x', 'flat'], ['reshaped']),
      node('Slice', ['x', 'minus', 'least', 'zero', 'minus'], ['sliced']),
      // Single elements: of longer slices, ONNX Runtime 1.30 gathers the first element only.
      node('Gather', ['x', 'picks'], ['gathered'], { axis: 1 }),
      node('Tile', ['x', 'repeats'], ['tiled']),
      node('Concat', ['x', 'sliced', 'tiled'], ['joined'], { axis: 0 }),
      node('Unsqueeze', ['x', 'zero'], ['unsqueezed']),
      node('Shape', ['unsqueezed'], ['shape3']),
      node('Expand', ['c', 'shape3'], ['expanded']),
      node('Identity', ['x'], ['same']),
      node('Squeeze', ['unsqueezed', 'zero'], ['squeezed']),
      node('Split', ['joined'], ['parts0', 'parts1'], { axis: 0, num_outputs: 2 }),
      node('GatherElements', ['x', 'pick0'], ['elements'], { axis: 0 }),
      node('GatherND', ['x', 'pair'], ['nd']),
      node('ScatterElements', ['x', 'pick0', 'more'], ['scattered'], { axis: 0 }),
      node('Constant', [], ['constant'], { value_strings: strings(['one', '', 'drei']) }),
      node('Compress', ['x', 'mask'], ['compressed'], { axis: 0 }),
    ],
  });
  await agreesWithOnnxRuntime(bytes, [{ x: feed([2, 3], 1) }, { x: feed([5, 1], 2) }, { x: feed([1, 4], 3) }, { x: feed([2, 3], 4) }]);
});

test('comparisons, choices and distinct elements', async () => {
  const bytes = model({
    inputs: { x: value('string', ['n']), y: value('string', ['n']), rows: value('string', ['k', 'l']) },
    outputs: {
      equal: value('bool'), known: value('bool'), chosen: value('string'), distinct: value('string'), first: value('int64'), back: value('int64'),
      counts: value('int64'), unsorted: value('string'), lines: value('string'), line_back: value('int64'),
    },
    initializers: { stop: { type: 'string', dims: [], data: ['stop'] } },
    nodes: [
      node('Equal', ['x', 'y'], ['equal']),
      node('Equal', ['x', 'stop'], ['known']),
      node('Where', ['known', 'y', 'x'], ['chosen']),
      node('Unique', ['x'], ['distinct', 'first', 'back', 'counts']),
      node('Unique', ['rows'], ['unsorted'], { sorted: 0 }),
      node('Unique', ['rows'], ['lines', '', 'line_back'], { axis: 0 }),
    ],
  });
  await agreesWithOnnxRuntime(bytes, [5, 40, 1, 17].map((n, i) => ({ x: feed([n], i), y: feed([n], 10 + i), rows: feed([3 + i, 2], 20 + i) })));
});

test('control flow', async () => {
  const bytes = model({
    inputs: { x: value('string', ['n']), rounds: value('int64', []) },
    outputs: { all: value('string', ['m']), each: value('string', ['r', 'n']), branch: value('string', ['b']) },
    initializers: { go: tensor('bool', [], [1]), four: tensor('int64', [], [4]) },
    nodes: [
      node('Loop', ['rounds', 'go', 'x'], ['all', 'each'], {
        body: graph({
          name: 'body',
          inputs: { i: value('int64', []), c: value('bool', []), acc: value('string', ['p']) },
          outputs: { c2: value('bool', []), next: value('string', ['q']), element: value('string', ['n']) },
          nodes: [
            node('Identity', ['c'], ['c2']),
            node('Cast', ['i'], ['text'], { to: 8 }),
            node('StringConcat', ['x', 'text'], ['element']),
            node('Concat', ['acc', 'element'], ['next'], { axis: 0 }),
          ],
        }),
      }),
      node('Less', ['rounds', 'four'], ['few']),
      node('If', ['few'], ['branch'], {
        then_branch: graph({ name: 'then', outputs: { t: value('string', ['t']) }, nodes: [node('Constant', [], ['t'], { value_strings: strings(['few', 'rounds']) })] }),
        else_branch: graph({ name: 'else', outputs: { e: value('string', ['e']) }, nodes: [node('Identity', ['all'], ['e'])] }),
      }),
    ],
  });
  const run = (n, rounds, seed) => ({ x: feed([n], seed), rounds: tensor('int64', [], [rounds]) });
  await agreesWithOnnxRuntime(bytes, [run(2, 3, 1), run(3, 6, 2), run(1, 1, 3), run(4, 12, 4)]);
});

test('an input that is an output, and constants that are', async () => {
  const bytes = model({
    inputs: { x: value('string', [3]) },
    outputs: { x2: value('string', [3]), again: value('string', [3]), k: value('string', [2, 1]) },
    nodes: [
      node('Identity', ['x'], ['x2']),
      node('Identity', ['x'], ['again']),
      node('Constant', [], ['k'], { value: { type: 'string', dims: [2, 1], data: ['', 'k'] } }),
    ],
  });
  await agreesWithOnnxRuntime(bytes, [{ x: feed([3], 1) }, { x: feed([3], 2) }]);
});
