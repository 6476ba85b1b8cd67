// Layer normalizations of com.microsoft and those that ONNX Runtime writes into the default domain.
import test from 'node:test';
import { oneNode } from '../support/one_node.mjs';
import { float, tensor } from '../support/onnx_model.mjs';

const close = { rtol: 1e-4, atol: 1e-5 };
const f = 'float32';
const names = (list) => list.map((name) => (name ? [name, f] : null));

test('SkipLayerNormalization', async () => {
  const skip = (optional, outputs, attributes = {}, skipShape = ['b', 's', 8]) => oneNode('SkipLayerNormalization', {
    domain: 'com.microsoft',
    inputs: [['x', f, ['b', 's', 8]], ['skip', f, skipShape], ['gamma', f, [8]], optional.beta ? ['beta', f, [8]] : null, optional.bias ? ['bias', f, [8]] : null],
    outputs: names(outputs),
    attributes: { epsilon: float(1e-5), ...attributes },
  });
  await skip({ beta: 1, bias: 1 }, ['y']).agrees([{ x: [2, 3, 8], skip: [2, 3, 8] }, { x: [1, 1, 8], skip: [1, 1, 8] }], close);
  await skip({ bias: 1 }, ['y', null, null, 'sum']).agrees([{ x: [2, 3, 8], skip: [2, 3, 8] }], close);
  await skip({ beta: 1 }, ['y', null, null, 'sum'], { epsilon: float(0.1) }).agrees([{ x: [2, 3, 8], skip: [2, 3, 8] }], close);
  await skip({}, ['y']).agrees([{ x: [2, 3, 8], skip: [2, 3, 8] }], close);
  await skip({ beta: 1, bias: 1 }, ['y', 'mean', 'inverse', 'sum']).agrees([{ x: [2, 3, 8], skip: [2, 3, 8] }], close);
  // A residual that is the same for all batches.
  await skip({ beta: 1 }, ['y', null, null, 'sum'], {}, [1, 's', 8]).agrees([{ x: [2, 3, 8], skip: [1, 3, 8] }], close);
  await skip({ beta: 1 }, ['y', null, null, 'sum'], {}, ['s', 8]).agrees([{ x: [2, 3, 8], skip: [3, 8] }], close);
});

test('SkipSimplifiedLayerNormalization', async () => {
  const skip = (bias, outputs, skipShape = ['b', 's', 8]) => oneNode('SkipSimplifiedLayerNormalization', {
    domain: 'com.microsoft',
    inputs: [['x', f, ['b', 's', 8]], ['skip', f, skipShape], ['gamma', f, [8]], bias ? ['bias', f, [8]] : null],
    outputs: names(outputs),
    attributes: { epsilon: float(1e-6) },
  });
  await skip(true, ['y', null, null, 'sum']).agrees([{ x: [2, 3, 8], skip: [2, 3, 8] }], close);
  await skip(false, ['y', null, null, 'sum']).agrees([{ x: [1, 1, 8], skip: [1, 1, 8] }, { x: [2, 4, 8], skip: [2, 4, 8] }], close);
  await skip(true, ['y', 'mean', 'inverse', 'sum']).agrees([{ x: [2, 3, 8], skip: [2, 3, 8] }], close);
  await skip(false, ['y'], ['s', 8]).agrees([{ x: [2, 3, 8], skip: [3, 8] }], close);
});

test('SimplifiedLayerNormalization in the default domain', async () => {
  for (const [axis, scale] of [[-1, [8]], [1, ['s', 8]]]) {
    await oneNode('SimplifiedLayerNormalization', {
      inputs: [['x', f, ['b', 's', 8]], ['scale', f, scale]],
      outputs: names(['y', 'inverse']),
      attributes: { axis, epsilon: float(1e-5), stash_type: 1 },
    }).agrees([{ x: [2, 3, 8], scale: axis < 0 ? [8] : [3, 8] }], close);
  }
});

test('LayerNormalization before opset 17', () => oneNode('LayerNormalization', {
  opset: 12,
  inputs: [['x', f, ['b', 's', 8]], ['scale', f, [8]], ['shift', f, [8]]],
  outputs: names(['y', 'mean', 'inverse']),
  attributes: { axis: -1, epsilon: float(1e-5) },
}).agrees([{ x: [2, 3, 8] }], close));

const i32 = (dims, data) => tensor('int32', dims, data);
function embed(optional, outputs) {
  const at = (name, type, dims) => (optional.includes(name) ? [name, type, dims] : null);
  return oneNode('EmbedLayerNormalization', {
    domain: 'com.microsoft',
    inputs: [
      ['ids', 'int32', ['b', 's']], at('segments', 'int32', ['b', 's']), ['words', f, [10, 8]], ['places', f, [6, 8]],
      optional.includes('segments') ? ['kinds', f, [2, 8]] : null, ['gamma', f, [8]], ['beta', f, [8]],
      at('mask', 'int32', ['b', 's']), at('position_ids', 'int32', ['c', 's']),
    ],
    outputs: outputs.map((name) => (name ? [name, name === 'lengths' ? 'int32' : f] : null)),
    attributes: { epsilon: float(1e-12) },
  });
}
test('EmbedLayerNormalization', async () => {
  const ids = i32([2, 3], [1, 0, 9, 4, 4, 2]), segments = i32([2, 3], [0, 1, 1, 0, 0, 1]), mask = i32([2, 3], [1, 1, 0, 1, 0, 0]);
  await embed(['segments', 'mask'], ['y', 'lengths', 'sum']).agrees([{ ids, segments, mask }, { ids: i32([1, 1], [3]), segments: i32([1, 1], [1]), mask: i32([1, 1], [1]) }], close);
  await embed(['segments'], ['y', 'lengths']).agrees([{ ids, segments }], close);
  await embed([], ['y', 'lengths']).agrees([{ ids }], close);
  await embed(['mask'], ['y', 'lengths', 'sum']).agrees([{ ids, mask }], close);
  for (const [dims, data] of [[[2, 3], [5, 0, 1, 2, 2, 3]], [[1, 3], [5, 0, 1]]]) {
    await embed(['segments', 'position_ids'], ['y', 'lengths']).agrees([{ ids, segments, position_ids: i32(dims, data) }], close);
  }
});
