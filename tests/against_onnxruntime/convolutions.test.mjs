// Convolutions by every algorithm (windows packed in blocks, few columns, Winograd, depthwise), at sizes that leave tiles and blocks incomplete, with the
// epilogues that each has; products of matrices at the same edges.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { agreesWithOnnxRuntime, generator, withCompiled } from '../support/against_onnxruntime.mjs';
import { count, model, node, tensor, value } from '../support/onnx_model.mjs';

const random = generator(4);
const filled = (dims, scale = 1) => tensor('float32', dims, Array.from({ length: count(dims) }, () => (random() * 2 - 1) * scale));

const tails = {
  none: () => ({ nodes: [], end: 'y0' }),
  relu: () => ({ nodes: [node('Relu', ['y0'], ['y'])], end: 'y' }),
  silu: () => ({ nodes: [node('Sigmoid', ['y0'], ['s']), node('Mul', ['y0', 's'], ['y'])], end: 'y' }),
  residual: () => ({ nodes: [node('Add', ['y0', 'r'], ['a']), node('Relu', ['a'], ['y'])], end: 'y', residual: true }),
  siluResidual: () => ({ nodes: [node('Sigmoid', ['y0'], ['s']), node('Mul', ['y0', 's'], ['m']), node('Add', ['m', 'r'], ['y'])], end: 'y', residual: true }),
};

function convolution({ c, m, kernel, attributes = {}, tail = 'none', bias = true, op = 'Conv', dims = ['n', c, 'h', 'w'], residualDims }) {
  const group = attributes.group ?? 1;
  const weights = op === 'Conv' ? [m, c / group, ...kernel] : [c, m / group, ...kernel];
  const { nodes, end, residual } = tails[tail]();
  return model({
    inputs: { x: value('float32', dims), ...(residual ? { r: value('float32', residualDims) } : {}) }, outputs: { [end]: value('float32') },
    initializers: { w: filled(weights, 1 / Math.sqrt((c / group) * count(kernel))), ...(bias ? { b: filled([m]) } : {}) },
    nodes: [node(op, bias ? ['x', 'w', 'b'] : ['x', 'w'], ['y0'], { kernel_shape: kernel, ...attributes }), ...nodes], opset: 13, irVersion: 8,
  });
}

// Two sizes, in one instance of a module for both: the smaller one again at the end.
const pictures = (c, sizes = [[1, 7, 9], [2, 12, 5], [1, 7, 9]]) => sizes.map(([n, h, w]) => ({ x: filled([n, c, h, w]) }));

test('Winograd: channels that fill tiles and panels or not, pads, borders, batches', async () => {
  for (const [c, m] of [[8, 8], [12, 20], [16, 36], [13, 19]]) {
    for (const pads of [[1, 1, 1, 1], [0, 0, 0, 0], [0, 2, 1, 0]]) {
      await agreesWithOnnxRuntime(convolution({ c, m, kernel: [3, 3], attributes: { pads } }), pictures(c, [[1, 13, 18], [2, 8, 6], [1, 13, 18]]));
    }
  }
});

test('Winograd of 5 x 5', async () => {
  for (const [c, m] of [[16, 16], [21, 10]]) {
    for (const pads of [[2, 2, 2, 2], [0, 1, 3, 2]]) {
      await agreesWithOnnxRuntime(convolution({ c, m, kernel: [5, 5], attributes: { pads }, tail: 'relu' }), pictures(c, [[1, 13, 18], [2, 8, 6], [1, 13, 18]]));
    }
  }
});

test('Winograd in several blocks of tiles, as large as the picture at hand takes', async () => {
  for (const [kernel, tail] of [[3, 'silu'], [5, 'relu']]) {
    const pads = Array(4).fill((kernel - 1) / 2);
    await agreesWithOnnxRuntime(convolution({ c: 12, m: 20, kernel: [kernel, kernel], attributes: { pads }, tail }), pictures(12, [[1, 51, 70], [2, 9, 11], [1, 51, 70]]));
    await agreesWithOnnxRuntime(convolution({ c: 12, m: 20, kernel: [kernel, kernel], attributes: { pads }, tail, dims: [2, 12, 51, 70] }), pictures(12, [[2, 51, 70]]));
  }
});

test('Winograd keeps no transformed filters: memory holds the weights once', async () => {
  const dims = [1, 256, 12, 12], bytes = convolution({ c: 256, m: 256, kernel: [3, 3], attributes: { pads: [1, 1, 1, 1] }, dims });
  await withCompiled(bytes, (compiled) => {
    compiled.run({ x: filled(dims) });
    const weights = 256 * 256 * 9 * 4, memory = compiled.exports.memory.buffer.byteLength;
    assert.ok(memory < 2 * weights, `${memory} bytes of memory for ${weights} of weights`);
  });
});

test('Winograd with every epilogue', async () => {
  for (const tail of ['relu', 'silu']) {
    await agreesWithOnnxRuntime(convolution({ c: 16, m: 24, kernel: [3, 3], attributes: { pads: [1, 1, 1, 1] }, tail }), pictures(16, [[1, 10, 11], [1, 6, 16]]));
  }
  for (const tail of ['residual', 'siluResidual']) {
    await agreesWithOnnxRuntime(convolution({ c: 16, m: 24, kernel: [3, 3], attributes: { pads: [1, 1, 1, 1] }, tail, dims: [1, 16, 10, 11], residualDims: [1, 24, 10, 11] }), [{ x: filled([1, 16, 10, 11]), r: filled([1, 24, 10, 11]) }]);
  }
});

test('Winograd stays within its bounds, and --exact does without it', async () => {
  for (const size of [3, 5]) {
    const dims = [1, 64, 20, 20], around = (size - 1) / 2;
    const bytes = convolution({ c: 64, m: 64, kernel: [size, size], attributes: { pads: Array(4).fill(around) }, bias: false, dims });
    const feeds = { x: filled(dims) };
    const run = (options) => withCompiled(bytes, (compiled) => ({ ...compiled.run(feeds).y0 }), { options });
    const winograd = await run([]), exact = await run(['--exact']);
    let largest = 0, difference = 0;
    for (let i = 0; i < exact.data.length; i++) {
      largest = Math.max(largest, Math.abs(exact.data[i]));
      difference = Math.max(difference, Math.abs(exact.data[i] - winograd.data[i]));
    }
    assert.ok(difference > 0, 'both are the same algorithm');
    assert.ok(difference < 1e-5 * largest, `${size} x ${size} differs by ${difference / largest} of the largest number`);
  }
});

test('windows: strides, dilations, pads and kernels of all shapes', async () => {
  for (const [kernel, attributes] of [
    [[3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }], [[3, 3], { dilations: [2, 2], pads: [2, 2, 2, 2] }], [[5, 5], { strides: [2, 1], pads: [2, 0, 1, 2] }],
    [[1, 1], { strides: [2, 2] }], [[1, 5], { pads: [0, 2, 0, 2] }], [[4, 2], { dilations: [1, 3], pads: [3, 3, 0, 3] }], [[7, 7], { strides: [2, 2], pads: [3, 3, 3, 3] }],
  ]) {
    for (const [c, m] of [[3, 16], [5, 11]]) await agreesWithOnnxRuntime(convolution({ c, m, kernel, attributes }), pictures(c, [[1, 9, 14], [2, 7, 8], [1, 9, 14]]));
  }
});

test('windows: groups, and rows of more than a block', async () => {
  await agreesWithOnnxRuntime(convolution({ c: 12, m: 30, kernel: [3, 3], attributes: { group: 3, pads: [1, 1, 1, 1] } }), pictures(12));
  await agreesWithOnnxRuntime(convolution({ c: 8, m: 6, kernel: [3, 3], attributes: { group: 2, strides: [2, 2] }, tail: 'silu' }), pictures(8));
  await agreesWithOnnxRuntime(convolution({ c: 40, m: 16, kernel: [5, 5], attributes: { pads: [2, 2, 2, 2] }, tail: 'relu' }), pictures(40, [[1, 6, 61], [1, 23, 19]]));
});

test('few columns, with every epilogue', async () => {
  for (const m of [1, 2, 3, 4]) {
    for (const tail of ['none', 'relu', 'silu']) {
      await agreesWithOnnxRuntime(convolution({ c: 16, m, kernel: [3, 3], attributes: { pads: [1, 1, 1, 1], dilations: [1, 1], strides: [1, 2] }, tail }), pictures(16));
      await agreesWithOnnxRuntime(convolution({ c: 9, m, kernel: [1, 1], tail }), pictures(9));
    }
    for (const tail of ['residual', 'siluResidual']) {
      await agreesWithOnnxRuntime(convolution({ c: 7, m, kernel: [3, 2], tail, dims: [1, 7, 6, 8], residualDims: [1, m, 4, 7] }), [{ x: filled([1, 7, 6, 8]), r: filled([1, m, 4, 7]) }]);
    }
  }
});

test('padding before convolutions', async () => {
  for (const [name, c, group, kernel, pads, attributes] of [
    ['windows', 6, 1, [3, 3], [0, 0, 1, 0, 0, 0, 2, 1], { strides: [2, 2] }], ['Winograd', 8, 1, [3, 3], [0, 0, 1, 1, 0, 0, 1, 1], {}],
    ['depthwise', 8, 8, [3, 3], [0, 0, 0, 0, 0, 0, 1, 1], { strides: [2, 2], pads: [1, 0, 0, 1] }], ['planes', 3, 1, [3, 3], [0, 0, 0, 1, 0, 0, 1, 1], { strides: [2, 2] }],
    ['1x1', 6, 1, [1, 1], [0, 0, 1, 1, 0, 0, 1, 1], {}], ['channels too', 4, 1, [3, 3], [0, 1, 1, 1, 0, 1, 1, 1], {}],
  ]) {
    const padded = c + pads[1] + pads[5];
    for (const dims of [[1, c, 7, 9], ['n', c, 'h', 'w']]) {
      await agreesWithOnnxRuntime(model({
        inputs: { x: value('float32', dims) }, outputs: { y: value('float32') },
        initializers: { w: filled([8, padded / group, ...kernel]), pads: tensor('int64', [8], pads) },
        nodes: [node('Sigmoid', ['x'], ['s']), node('Pad', ['s', 'pads'], ['p']), node('Conv', ['p', 'w'], ['c'], { group, ...attributes }), node('Relu', ['c'], ['y'])],
      }), dims[0] === 1 ? [{ x: filled(dims) }] : pictures(c), { label: name });
    }
  }
});

test('transposed convolutions with windows as wide as the stride', async () => {
  for (const m of [1, 2, 10]) {
    for (const [kernel, strides] of [[[2, 2], [2, 2]], [[3, 2], [1, 2]], [[5, 3], [2, 3]], [[2, 1], [2, 1]]]) {
      const out = ([, , h, w]) => [1, m, (h - 1) * strides[0] + kernel[0], w * strides[1]], dims = [1, 6, 5, 7];
      await agreesWithOnnxRuntime(convolution({ c: 6, m, kernel, attributes: { strides }, op: 'ConvTranspose', tail: 'relu' }), pictures(6));
      await agreesWithOnnxRuntime(convolution({ c: 6, m, kernel, attributes: { strides }, op: 'ConvTranspose', tail: 'residual', dims, residualDims: out(dims) }),
        [{ x: filled(dims), r: filled(out(dims)) }]);
    }
    const line = { c: 5, m, kernel: [4], attributes: { strides: [4] }, op: 'ConvTranspose', tail: 'silu', dims: ['n', 5, 'w'] };
    await agreesWithOnnxRuntime(convolution(line), [[1, 5, 6], [2, 5, 9], [1, 5, 6]].map((dims) => ({ x: filled(dims) })));
  }
  // Padding, more or less output than the windows cover, and a part of a concatenation: phase by phase.
  for (const attributes of [{ strides: [2, 2], output_padding: [1, 1] }, { strides: [2, 2], pads: [0, 1, 0, 1] }, { strides: [2, 2], pads: [1, 0, 1, 0] }])
    await agreesWithOnnxRuntime(convolution({ c: 6, m: 4, kernel: [2, 2], attributes, op: 'ConvTranspose' }), pictures(6));
  await agreesWithOnnxRuntime(model({
    inputs: { x: value('float32', [1, 6, 5, 7]) }, outputs: { y: value('float32') },
    initializers: { w: filled([6, 4, 2, 2]), v: filled([8, 8, 3, 3]) },
    nodes: [node('ConvTranspose', ['x', 'w'], ['a'], { strides: [2, 2] }), node('Sigmoid', ['a'], ['b']), node('Concat', ['a', 'b'], ['c'], { axis: 1 }), node('Conv', ['c', 'v'], ['y'])],
  }), [{ x: filled([1, 6, 5, 7]) }]);
});

test('transposed convolutions: phases of few and of many columns', async () => {
  for (const m of [1, 3, 10]) {
    for (const [kernel, attributes] of [[[2, 2], { strides: [2, 2] }], [[4, 4], { strides: [2, 2], pads: [1, 1, 1, 1] }], [[3, 3], { strides: [2, 1], pads: [1, 0, 0, 1] }]]) {
      await agreesWithOnnxRuntime(convolution({ c: 6, m, kernel, attributes, op: 'ConvTranspose', tail: 'silu' }), pictures(6));
    }
  }
});

test('matrix products: rows and columns that leave tiles incomplete', async () => {
  for (const [k, n] of [[5, 1], [17, 3], [8, 7], [33, 40], [64, 33], [1, 9]]) {
    const bytes = (tail) => model({
      inputs: { x: value('float32', ['m', k]) }, outputs: { y: value('float32') }, initializers: { w: filled([k, n]), b: filled([n]) },
      nodes: [node('MatMul', ['x', 'w'], ['p']), node('Add', ['p', 'b'], tail ? ['a'] : ['y']), ...(tail ? [node(tail, ['a'], ['y'])] : [])], opset: 13, irVersion: 8,
    });
    const runs = [1, 2, 3, 4, 7, 70, 1].map((m) => ({ x: filled([m, k]) }));
    for (const tail of [null, 'Relu', 'Tanh']) await agreesWithOnnxRuntime(bytes(tail), runs);
  }
});

test('products of two inputs: packed as they go or not, right side by rows and by columns', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'onnx2wasm-products-'));
  try {
    for (const algorithm of ['direct', 'packed']) {
      const choices = join(folder, `${algorithm}.json`);
      writeFileSync(choices, JSON.stringify({ '*': algorithm }));
      for (const transposed of [false, true]) {
        for (const [k, n] of [[5, 1], [17, 4], [8, 7], [33, 45], [64, 'n'], [1, 9]]) {
          const right = (columns) => (transposed ? [2, columns, k] : [2, k, columns]);
          const bytes = model({
            inputs: { x: value('float32', [2, 'm', k]), w: value('float32', right(n)) }, outputs: { y: value('float32') },
            nodes: [...(transposed ? [node('Transpose', ['w'], ['v'], { perm: [0, 2, 1] })] : []), node('MatMul', ['x', transposed ? 'v' : 'w'], ['p']), node('Relu', ['p'], ['y'])], opset: 13, irVersion: 8,
          });
          const runs = [[4, 9], [1, 3], [7, 8], [70, 30], [2, 13]].map(([m, columns]) => ({ x: filled([2, m, k]), w: filled(right(n === 'n' ? columns : n)) }));
          await agreesWithOnnxRuntime(bytes, runs, { options: ['--kernels', choices] });
        }
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('small code: the same answers', async () => {
  const options = ['-Os'];
  for (const [c, m, kernel, attributes] of [[16, 19, [3, 3], { pads: [1, 1, 1, 1] }], [3, 10, [5, 5], { strides: [2, 2] }], [12, 3, [1, 1], {}], [8, 8, [3, 3], { group: 8, pads: [1, 1, 1, 1] }]]) {
    for (const tail of ['none', 'relu', 'silu']) await agreesWithOnnxRuntime(convolution({ c, m, kernel, attributes, tail }), pictures(c), { options });
  }
  for (const tail of ['residual', 'siluResidual']) {
    for (const [m, kernel, pads] of [[24, [3, 3], [1, 1, 1, 1]], [3, [1, 1], [0, 0, 0, 0]]]) {
      await agreesWithOnnxRuntime(convolution({ c: 16, m, kernel, attributes: { pads }, tail, dims: [1, 16, 10, 11], residualDims: [1, m, 10, 11] }), [{ x: filled([1, 16, 10, 11]), r: filled([1, m, 10, 11]) }], { options });
    }
  }
  const bytes = model({
    inputs: { x: value('float32', ['m', 24]) }, outputs: { y: value('float32') }, initializers: { w: filled([24, 41]), b: filled([41]) },
    nodes: [node('Gemm', ['x', 'w', 'b'], ['g']), node('Tanh', ['g'], ['t']), node('Softmax', ['t'], ['y'])], opset: 13, irVersion: 8,
  });
  await agreesWithOnnxRuntime(bytes, [1, 5, 17].map((m) => ({ x: filled([m, 24]) })), { options });
});
