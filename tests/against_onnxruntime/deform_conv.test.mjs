// DeformConv: offsets that lead between pixels and out of the image.
import test from 'node:test';
import { agreesWithOnnxRuntime, generator } from '../support/against_onnxruntime.mjs';
import { count, model, node, tensor, value } from '../support/onnx_model.mjs';

const random = generator(19);
const filled = (dims, scale = 1) => tensor('float32', dims, Array.from({ length: count(dims) }, () => (random() * 2 - 1) * scale));

function deform({ group, offsetGroup, masked, biased, attributes, weights }) {
  const names = ['x', 'w', 'offset', biased ? 'b' : '', ...(masked ? ['mask'] : [])];
  const types = { x: ['n', weights[1] * group, 'h', 'w'], offset: ['n', null, null, null], mask: ['n', null, null, null] };
  return model({
    inputs: Object.fromEntries(Object.entries(types).filter(([name]) => names.includes(name)).map(([name, dims]) => [name, value('float32', dims)])),
    outputs: { y: value('float32') }, initializers: { w: filled(weights), b: filled([weights[0]]) },
    nodes: [node('DeformConv', names, ['y'], { group, offset_group: offsetGroup, ...attributes })], opset: 19, irVersion: 9,
  });
}

const cases = {
  plain: { group: 1, offsetGroup: 1, weights: [3, 2, 3, 3], attributes: { pads: [1, 1, 1, 1] } },
  'groups, strides and dilations, masked': {
    group: 2, offsetGroup: 2, masked: true, biased: true, weights: [4, 2, 2, 3], attributes: { strides: [2, 1], dilations: [1, 2], pads: [0, 2, 1, 2] },
  },
};
for (const [name, given] of Object.entries(cases)) {
  test(name, () => agreesWithOnnxRuntime(deform(given), [[1, 5, 6], [2, 4, 7]].map(([n, h, w]) => {
    const { weights, attributes, group, offsetGroup } = given;
    const [kh, kw] = weights.slice(2);
    const { strides = [1, 1], dilations = [1, 1], pads } = attributes;
    const size = (input, k, d) => Math.floor((input + pads[d] + pads[d + 2] - (k - 1) * dilations[d] - 1) / strides[d]) + 1;
    const out = [size(h, kh, 0), size(w, kw, 1)];
    const feeds = { x: filled([n, weights[1] * group, h, w]), offset: filled([n, offsetGroup * kh * kw * 2, ...out], 3) };
    return given.masked ? { ...feeds, mask: filled([n, offsetGroup * kh * kw, ...out]) } : feeds;
  })));
}
