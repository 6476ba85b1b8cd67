// An ONNX file as a plain list of nodes with constants and shapes: for a given feed, sizes fixed, constants folded and batch normalizations folded into convolutions by
// native ONNX Runtime's basic optimizations.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ort from 'onnxruntime-node';
import { ModelProto, arrays, typeCodes } from '../../tests/support/onnx_model.mjs';

const typeNames = Object.fromEntries(Object.entries(typeCodes).map(([name, code]) => [code, name]));

function constantOf(proto) {
  const type = typeNames[proto.data_type], dims = proto.dims.map(Number), size = dims.reduce((all, dim) => all * dim, 1);
  const fields = { float32: proto.float_data, int64: proto.int64_data, int32: proto.int32_data, float64: proto.double_data };
  if (proto.raw_data?.length) {
    const { buffer, byteOffset, byteLength } = proto.raw_data;
    return { type, dims, data: new arrays[type](buffer.slice(byteOffset, byteOffset + byteLength)) };
  }
  const given = fields[type] ?? [];
  return { type, dims, data: arrays[type].from({ length: size }, (_, i) => (type === 'int64' ? BigInt(String(given[i])) : Number(given[i]))) };
}

// AttributeProto.AttributeType: FLOAT 1, INT 2, STRING 3, TENSOR 4, FLOATS 6, INTS 7.
const attributeOf = ({ type, f, i, s, t, floats, ints }) => ({ 1: () => f, 2: () => Number(i), 3: () => Buffer.from(s).toString('utf8'), 4: () => constantOf(t), 6: () => floats, 7: () => ints.map(Number) })[type]?.();

const tensors = (feeds) => Object.fromEntries(Object.entries(feeds).map(([name, { type, data, dims }]) => [name, new ort.Tensor(type, data, dims)]));

/** The model with its inputs' sizes fixed to those of `feeds`, as bytes. */
export function withFixedSizes(bytes, feeds) {
  const model = ModelProto.decode(bytes);
  for (const input of model.graph.input) {
    if (feeds[input.name]) input.type.tensor_type.shape = { dim: feeds[input.name].dims.map((dim) => ({ dim_value: dim })) };
  }
  // Shapes that the file declares for what lies between may be those of other sizes.
  model.graph.value_info = [];
  return ModelProto.encode(model).finish();
}

/** Throws where `check(node)` does, before anything is run. {nodes: [{op, inputs, outputs, attributes}], constants: {name: {type, dims, data}}, shapes: {name: dims}, types: {input: element type}, inputs: [name], outputs: [name]}. */
export async function readOnnx(bytes, feeds, check) {
  const folder = mkdtempSync(join(tmpdir(), 'onnx2wasm-peers-'));
  try {
    const fixed = join(folder, 'fixed.onnx'), optimized = join(folder, 'optimized.onnx');
    writeFileSync(fixed, withFixedSizes(bytes, feeds));
    const session = await ort.InferenceSession.create(fixed, { graphOptimizationLevel: 'basic', optimizedModelFilePath: optimized, logSeverityLevel: 3 });
    await session.release();

    const { graph, opset_import } = ModelProto.decode(readFileSync(optimized));
    const nodes = graph.node.map(({ op_type, domain, name, input, output, attribute }) => ({
      op: domain && domain !== 'ai.onnx' ? `${domain}.${op_type}` : op_type, name, inputs: input, outputs: output, attributes: Object.fromEntries(attribute.map((given) => [given.name, attributeOf(given)])),
    }));
    nodes.filter(({ op }) => op !== 'Constant').forEach(check);
    const constants = Object.fromEntries(graph.initializer.map((proto) => [proto.name, constantOf(proto)]));
    for (const { op, outputs: [name], attributes } of nodes) if (op === 'Constant') constants[name] = attributes.value;

    // Every value as an output of a run tells its shape.
    const outputs = graph.output.map(({ name }) => name), all = ModelProto.decode(readFileSync(optimized)), known = new Set(outputs);
    for (const node of nodes) for (const name of node.outputs) if (name && !known.has(name) && node.op !== 'Constant') all.graph.output.push({ name });
    const inspected = await ort.InferenceSession.create(ModelProto.encode(all).finish(), { graphOptimizationLevel: 'disabled', logSeverityLevel: 3 });
    const values = await inspected.run(tensors(feeds));
    await inspected.release();
    const shapes = Object.fromEntries([
      ...Object.entries(values).map(([name, { dims }]) => [name, dims.map(Number)]), ...Object.entries(constants).map(([name, { dims }]) => [name, dims]),
      ...Object.entries(feeds).map(([name, { dims }]) => [name, dims]),
    ]);
    return {
      nodes: nodes.filter(({ op }) => op !== 'Constant'), constants, shapes, types: Object.fromEntries(Object.entries(feeds).map(([name, { type }]) => [name, type])), inputs: graph.input.map(({ name }) => name).filter((name) => feeds[name]), outputs,
      opset: Number(opset_import.find(({ domain }) => !domain).version),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
