// Resize in all of its modes, with scales or sizes that the model is given when it runs; pooling of 8-bit integers.
import test from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { count, float, model, node, tensor, value } from '../support/onnx_model.mjs';

const random = generator(18);
const filled = (dims) => tensor('float32', dims, Array.from({ length: count(dims) }, () => random() * 4 - 2));
const sizes = [[1, 2, 5, 7], [1, 2, 8, 4]];
const scales = [[1.6, 2.5], [0.5, 0.7]], targets = [[9, 6], [3, 11]];

// The scales or sizes are an input of the module: one serves them all.
async function resizes(attributes, by, tolerance = {}) {
  const bytes = model({
    inputs: { x: value('float32', ['n', 2, 'h', 'w']), s: value(by === 'scales' ? 'float32' : 'int64', [4]) }, outputs: { y: value('float32') },
    nodes: [node('Resize', by === 'scales' ? ['x', '', 's'] : ['x', '', '', 's'], ['y'], attributes)], opset: 18, irVersion: 8,
  });
  const runs = sizes.flatMap((dims) => (by === 'scales' ? scales : targets).map((wanted) => ({
    x: filled(dims), s: by === 'scales' ? tensor('float32', [4], [1, 1, ...wanted]) : tensor('int64', [4], [dims[0], dims[1], ...wanted]),
  })));
  await agreesWithOnnxRuntime(bytes, runs, tolerance);
}

const transformations = ['half_pixel', 'asymmetric', 'pytorch_half_pixel', 'align_corners', 'half_pixel_symmetric'];
for (const mode of ['nearest', 'linear', 'cubic']) {
  test(`${mode}, every transformation, by scales and by sizes`, async () => {
    for (const coordinate_transformation_mode of transformations) {
      // Scales that do not give whole sizes: align_corners counts with the exact size in ONNX's data, with the whole one in ONNX Runtime.
      if (coordinate_transformation_mode !== 'align_corners') await resizes({ mode, coordinate_transformation_mode }, 'scales');
      await resizes({ mode, coordinate_transformation_mode }, 'sizes');
    }
  });
}

test('nearest, every way to round', async () => {
  for (const nearest_mode of ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil']) await resizes({ mode: 'nearest', nearest_mode }, 'sizes');
});

test('cubic with another coefficient, and without what lies outside', async () => {
  await resizes({ mode: 'cubic', cubic_coeff_a: float(-0.5) }, 'scales');
  await resizes({ mode: 'cubic', exclude_outside: 1 }, 'sizes');
});

test('antialiased', async () => {
  await resizes({ mode: 'linear', antialias: 1 }, 'scales');
  await resizes({ mode: 'cubic', antialias: 1 }, 'sizes');
});

test('sizes of some axes, keeping the ratio', async () => {
  for (const keep_aspect_ratio_policy of ['not_larger', 'not_smaller']) {
    await agreesWithOnnxRuntime(model({
      inputs: { x: value('float32', [1, 2, 'h', 'w']), s: value('int64', [2]) }, outputs: { y: value('float32') },
      nodes: [node('Resize', ['x', '', '', 's'], ['y'], { mode: 'nearest', axes: [2, 3], keep_aspect_ratio_policy })], opset: 18, irVersion: 8,
    }), [[5, 7], [8, 4]].map(([h, w]) => ({ x: filled([1, 2, h, w]), s: tensor('int64', [2], [9, 6]) })));
  }
});

for (const type of ['int8', 'uint8']) {
  test(`MaxPool of ${type}, padded and dilated, with positions`, () => agreesWithOnnxRuntime(model({
    inputs: { x: value(type, ['n', 2, 'h', 'w']) }, outputs: { y: value(type), i: value('int64') },
    nodes: [node('MaxPool', ['x'], ['y', 'i'], { kernel_shape: [3, 2], pads: [1, 0, 1, 1], strides: [2, 1], dilations: [1, 2] })], opset: 12, irVersion: 7,
  }), sizes.map((dims) => ({ x: tensor(type, dims, Array.from({ length: count(dims) }, () => Math.floor(random() * 200) - (type === 'int8' ? 100 : 0))) }))));
}
