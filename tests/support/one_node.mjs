// Models of one node, with random inputs for them: what tests of single operators are written with.
//
//   const t = oneNode('BiasGelu', {
//     domain: 'com.microsoft',
//     inputs: [['x', 'float32', ['n', 4]], ['b', 'float32', [4]], null],    // null: an absent optional input
//     outputs: [['y', 'float32']],                                          // null: an output that is not asked for
//     constants: { b: tensor(...) },                                        // inputs that are initializers
//   });
//   await t.agrees([{ x: [3, 4] }, { x: [1, 4] }]);                         // shapes of what is fed; or tensors
import ort from 'onnxruntime-node';
import { agreesWithOnnxRuntime, assertClose, generator, withCompiled } from './against_onnxruntime.mjs';
import { arrays, count, model, node, tensor, value } from './onnx_model.mjs';

/** The nearest float16 (ties to even) as its bits. */
export function encodeHalf(number) {
  const bits = new Uint32Array(new Float32Array([number]).buffer)[0];
  const sign = (bits >>> 16) & 0x8000, exponent = ((bits >>> 23) & 255) - 112, fraction = bits & 0x7fffff;
  if (exponent >= 31) return sign | 0x7c00 | (((bits >>> 23) & 255) === 255 && fraction ? 0x200 : 0);
  if (exponent < -10) return sign;
  const full = exponent > 0 ? (exponent << 23) | fraction : (0x800000 | fraction) >>> (1 - exponent);
  const low = full & 0x1fff, kept = full >>> 13;
  return sign | (kept + (low > 0x1000 || (low === 0x1000 && kept & 1) ? 1 : 0));
}

/** A tensor of numbers from `draw(i)`. */
export function filled(type, dims, draw) {
  const numbers = Array.from({ length: count(dims) }, (_, i) => draw(i));
  if (type === 'float16') return { type, dims, data: Uint16Array.from(numbers, encodeHalf) };
  return arrays[type] ? tensor(type, dims, numbers.map((x) => (type.includes('int') ? Math.trunc(x) : x))) : { type, dims, data: numbers };
}

/** Floats in [-scale, scale), small integers, booleans. */
export function random(type, dims, next, scale = 1) {
  return filled(type, dims, () => (type.includes('float') ? (next() * 2 - 1) * scale : type === 'bool' ? next() < 0.5 : Math.floor(next() * 2)));
}

export function oneNode(op, { domain = '', inputs, outputs, attributes = {}, constants = {}, opset = 21, seed = 1 }) {
  const given = inputs.filter((input) => input);
  const names = (list) => list.map((entry) => (entry ? entry[0] : ''));
  const fed = given.filter(([name]) => !(name in constants));
  const bytes = model({
    opset,
    opsets: domain ? { [domain]: 1 } : {},
    inputs: Object.fromEntries(fed.map(([name, type, dims]) => [name, value(type, dims)])),
    outputs: Object.fromEntries(outputs.filter((output) => output).map(([name, type, dims]) => [name, value(type, dims)])),
    initializers: constants,
    nodes: [node(op, names(inputs), names(outputs), attributes, domain)],
  });
  const next = generator(seed);
  // Of what is not given, static shapes are taken from the model.
  const feeds = (run) => Object.fromEntries(fed.map(([name, type, dims]) => {
    const entry = run[name] ?? dims;
    return [name, Array.isArray(entry) ? random(type, entry, next) : entry];
  }));
  return {
    bytes,
    feeds,
    agrees: (runs, options) => agreesWithOnnxRuntime(bytes, runs.map(feeds), options),
  };
}

/** For operators that ONNX Runtime cannot run: `bytes` as a module against another model, which it can, on the same feeds. */
export async function agreesWithModel(bytes, reference, runs, tolerance) {
  const session = await ort.InferenceSession.create(reference, { logSeverityLevel: 3 });
  await withCompiled(bytes, async (compiled) => {
    for (const [i, feeds] of runs.entries()) {
      const tensors = Object.entries(feeds).filter(([name]) => session.inputNames.includes(name)).map(([name, { type, data, dims }]) => [name, new ort.Tensor(type, data, dims)]);
      const expected = await session.run(Object.fromEntries(tensors));
      const own = compiled.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => compiled.inputs.some((input) => input.name === name))));
      for (const name of session.outputNames) assertClose(`run ${i}, output ${name}`, own[name], expected[name], tolerance);
    }
  });
}
