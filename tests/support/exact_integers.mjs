// ONNX Runtime's kernels for u8 by i8 products saturate sums of two products to 16 bits on x64 CPUs without VNNI (vpmaddubsw); those for u8 by u8 do
// not. This rewrites a model so that constant i8 weights of such products become u8 ones: the same numbers, shifted by 128 together with their zero
// point. Native ONNX Runtime then computes exactly, which is what a compiled module is held against.
import protobuf from 'protobufjs';
import { readFileSync } from 'node:fs';

const root = protobuf.parse(readFileSync('/usr/include/onnx/onnx.proto', 'utf8'), { keepCase: true }).root;
const ModelProto = root.lookupType('onnx.ModelProto');
const UINT8 = 2, INT8 = 3;

// Operator -> positions of the weights and of their zero point.
const products = {
  MatMulInteger: [1, 3], ConvInteger: [1, 3], QLinearMatMul: [3, 5], QLinearConv: [3, 5], MatMulIntegerToFloat: [1, 5], DynamicQuantizeMatMul: [1, 3],
  QGemm: [3, 5], QAttention: [1, 7],
};
// Scale, but no zero point, may have one entry per channel in these.
const zeroShapeOfWeights = { ConvInteger: [], MatMulInteger: [] };

function shifted(tensor, name) {
  const bytes = tensor.raw_data?.length ? tensor.raw_data : Uint8Array.from(tensor.int32_data ?? [], (number) => number & 255);
  return { name, data_type: UINT8, dims: tensor.dims, raw_data: Uint8Array.from(bytes, (byte) => byte ^ 128) };
}

function rewrite(graph, outer) {
  const constants = new Map([...outer, ...(graph.initializer ?? []).map((tensor) => [tensor.name, tensor])]);
  for (const node of graph.node ?? []) {
    const attribute = node.attribute?.find(({ name }) => name === 'value');
    if (node.op_type === 'Constant' && attribute?.t) constants.set(node.output[0], attribute.t);
  }
  const added = new Map();
  const replace = (node, position, tensor) => {
    const name = `${tensor.name || node.input[position]}/as_uint8`;
    if (!added.has(name)) added.set(name, shifted(tensor, name));
    node.input[position] = name;
  };
  for (const node of graph.node ?? []) {
    for (const attribute of node.attribute ?? []) {
      for (const inner of [attribute.g, ...(attribute.graphs ?? [])]) if (inner?.node) rewrite(inner, constants);
    }
    const [weights, zero] = products[node.op_type] ?? [];
    const tensor = weights === undefined ? undefined : constants.get(node.input[weights]);
    if (tensor?.data_type !== INT8) continue;
    const point = node.input[zero] ? constants.get(node.input[zero]) : { name: 'no_zero_point', data_type: INT8, dims: zeroShapeOfWeights[node.op_type] ?? [], raw_data: Uint8Array.of(0) };
    if (!point) continue;  // computed: left as it is
    replace(node, weights, tensor);
    while (node.input.length <= zero) node.input.push('');
    replace(node, zero, point);
  }
  graph.initializer = [...(graph.initializer ?? []), ...added.values()];
}

/** The model's bytes -> those of the model whose products ONNX Runtime computes exactly. */
export function withExactIntegers(bytes) {
  const model = ModelProto.decode(bytes);
  rewrite(model.graph, new Map());
  return ModelProto.encode(model).finish();
}
