// Inputs for a model of which nothing is known but its file.
import { generator } from '../tests/support/against_onnxruntime.mjs';
import { ModelProto, arrays, count, typeCodes } from '../tests/support/onnx_model.mjs';

const typeNames = Object.fromEntries(Object.entries(typeCodes).map(([name, code]) => [code, name]));

/** Numbers in [-1, 1), integers 0 and 1, for every input that is no initializer. */
export function randomFeeds(bytes) {
  const { graph } = ModelProto.decode(bytes), known = new Set(graph.initializer.map(({ name }) => name)), next = generator(1);
  return Object.fromEntries(graph.input.filter(({ name }) => !known.has(name)).map(({ name, type: { tensor_type: tensor } }) => {
    const dims = (tensor?.shape?.dim ?? []).map((dim) => Number(dim.dim_value)), type = typeNames[tensor?.elem_type];
    if (!arrays[type] || dims.some((dim) => !(dim > 0))) throw new Error(`input "${name}" has no fixed sizes, or an element type that is not fed`);
    const draw = type.startsWith('float') ? () => next() * 2 - 1 : type.endsWith('64') ? () => BigInt(Math.floor(next() * 2)) : () => Math.floor(next() * 2);
    return [name, { type, dims, data: arrays[type].from({ length: count(dims) }, draw) }];
  }));
}
