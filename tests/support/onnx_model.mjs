// ONNX models written by tests: plain objects in, the bytes of a ModelProto out, through protobufjs and the onnx.proto of Debian's libonnx-dev.
//
//   const bytes = model({
//     inputs: { x: value('float32', [2, 'n']) },              // a name is a dynamic dimension, null an unnamed one
//     outputs: { y: value('float32', [2, 'n']) },             // value('float32') leaves the shape open
//     initializers: { w: tensor('float32', [2, 1], [1, 2]) },
//     nodes: [node('Mul', ['x', 'w'], ['y'])],
//     opset: 21,
//   });
import protobuf from 'protobufjs';

// Names as in onnxruntime's JavaScript API -> ONNX TensorProto.DataType.
export const typeCodes = {
  float32: 1, uint8: 2, int8: 3, uint16: 4, int16: 5, int32: 6, int64: 7, string: 8, bool: 9, float16: 10, float64: 11,
  uint32: 12, uint64: 13, complex64: 14, complex128: 15, bfloat16: 16, float8e4m3fn: 17, float8e4m3fnuz: 18, float8e5m2: 19, float8e5m2fnuz: 20,
  uint4: 21, int4: 22, float4e2m1: 23,
};
// How elements are held in JavaScript; types without an array of their own as their bits.
export const arrays = {
  float32: Float32Array, uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array, int32: Int32Array,
  int64: BigInt64Array, bool: Uint8Array, float16: Uint16Array, float64: Float64Array, uint32: Uint32Array,
  uint64: BigUint64Array, complex64: Float32Array, complex128: Float64Array, bfloat16: Uint16Array,
};

const root = protobuf.parse(await import('node:fs').then((fs) => fs.readFileSync('/usr/include/onnx/onnx.proto', 'utf8')), { keepCase: true }).root;
export const ModelProto = root.lookupType('onnx.ModelProto');

export const count = (dims) => dims.reduce((product, dim) => product * dim, 1);

/** A tensor: {type, dims, data}. `data` may be a plain list of numbers (of bits for float16 and the like), or strings. */
export function tensor(type, dims, data) {
  const array = arrays[type];
  if (!array || data instanceof array) return { type, dims, data };
  const big = array === BigInt64Array || array === BigUint64Array;
  return { type, dims, data: array.from(data, big ? BigInt : Number) };
}

/** The type of a tensor value; without dims its shape (and rank) is not declared. */
export const value = (type, dims) => ({ tensor: type, dims });
export const sequenceOf = (element) => ({ sequence: element });
export const optionalOf = (element) => ({ optional: element });
/** A map; `key` and `element` are names of types. */
export const mapOf = (key, element) => ({ map: { key, element } });

/** Attribute values that JavaScript's own types do not tell: 1 and [1, 2] are integers. */
export const float = (number) => ({ f: number });
export const floats = (numbers) => ({ floats: numbers });
export const strings = (texts) => ({ strings: texts });
export const graph = (description) => ({ graph: description });

export const node = (op, inputs, outputs, attributes = {}, domain = '') => ({ op, inputs, outputs, attributes, domain });

// Contents may lie in a file beside the model: {type, dims, external: {location, offset, length}}.
function tensorProto(name, { type, dims, data, external }) {
  const proto = { name, dims, data_type: typeCodes[type] };
  if (external) {
    return { ...proto, data_location: 1, external_data: Object.entries(external).map(([key, given]) => ({ key, value: String(given) })) };
  }
  if (type === 'string') return { ...proto, string_data: data.map((text) => Buffer.from(text, 'utf8')) };
  return { ...proto, raw_data: Buffer.from(data.buffer, data.byteOffset, data.byteLength) };
}

function typeProto(type) {
  if (type.sequence) return { sequence_type: { elem_type: typeProto(type.sequence) } };
  if (type.map) return { map_type: { key_type: typeCodes[type.map.key], value_type: { tensor_type: { elem_type: typeCodes[type.map.element] } } } };
  if (type.optional) return { optional_type: { elem_type: typeProto(type.optional) } };
  const tensor_type = { elem_type: typeCodes[type.tensor] };
  if (type.dims) {
    tensor_type.shape = { dim: type.dims.map((dim) => (dim === null ? {} : typeof dim === 'string' ? { dim_param: dim } : { dim_value: dim })) };
  }
  return { tensor_type };
}

// AttributeProto.AttributeType: FLOAT 1, INT 2, STRING 3, TENSOR 4, GRAPH 5, FLOATS 6, INTS 7, STRINGS 8.
export function attributeProto(name, given) {
  if (typeof given === 'number' || typeof given === 'bigint') return { name, type: 2, i: protobuf.util.Long.fromString(String(given)) };
  if (typeof given === 'string') return { name, type: 3, s: Buffer.from(given, 'utf8') };
  if (given.f !== undefined) return { name, type: 1, f: given.f };
  if (given.floats) return { name, type: 6, floats: given.floats };
  if (given.strings) return { name, type: 8, strings: given.strings.map((text) => Buffer.from(text, 'utf8')) };
  if (given.graph) return { name, type: 5, g: graphProto(given.graph) };
  if (Array.isArray(given)) return { name, type: 7, ints: given.map((number) => protobuf.util.Long.fromString(String(number))) };
  return { name, type: 4, t: tensorProto(name, given) };
}

function graphProto({ name = 'graph', inputs = {}, outputs = {}, initializers = {}, nodes = [] }) {
  const ports = (types) => Object.entries(types).map(([port, type]) => ({ name: port, type: typeProto(type) }));
  return {
    name,
    input: ports(inputs),
    output: ports(outputs),
    initializer: Object.entries(initializers).map(([key, given]) => tensorProto(key, given)),
    node: nodes.map(({ op, inputs: from, outputs: to, attributes, domain }, i) => ({
      op_type: op, domain, name: `${op}_${i}`, input: from, output: to,
      attribute: Object.entries(attributes).map(([key, given]) => attributeProto(key, given)),
    })),
  };
}

/** The bytes of a model. `opsets` adds domains: {'com.microsoft': 1}. */
export function model({ opset = 21, opsets = {}, irVersion = 10, ...description }) {
  const message = ModelProto.fromObject({
    ir_version: irVersion,
    graph: graphProto(description),
    opset_import: [{ domain: '', version: opset }, ...Object.entries(opsets).map(([domain, version]) => ({ domain, version }))],
  });
  return ModelProto.encode(message).finish();
}
