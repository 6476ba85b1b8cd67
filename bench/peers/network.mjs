// An ONNX graph as a channels-last network of the operators that TensorFlow.js and LiteRT have in common: what their own converters make of a CNN. Bias and activations are part of
// convolutions, padding of them too, transposes lie only where channels cannot stay last.
//
// A network: {inputs: [{name, id, dims, perm}], outputs: [the same], ops: [{op, inputs: [id], output: id, dims, ...settings}], constants: Map id -> {type, dims, data}}. `perm`: the
// order of the port's axes, null where it is ONNX's own. Elements are float32, or int32 for ONNX's integers.
import { toLast, toSecond, lastAxis, permuted, size } from './layout.mjs';
import { operators } from './operators.mjs';

export class Unsupported extends Error {}

/** Throws if the importer does not know the node's operator. */
export function check({ op, name, outputs }) {
  if (!operators[op]) throw new Unsupported(`the importer has no ${op} (node ${name || outputs[0]})`);
}

export class Network {
  ops = [];
  constants = new Map();
  values = new Map();  // ONNX's name -> {id, dims as stored, last: channels are last}
  #made = new Map();
  #uses = new Map();
  #count = 0;

  constructor(graph) {
    this.graph = graph;
    for (const { inputs } of graph.nodes) for (const name of inputs) this.#uses.set(name, (this.#uses.get(name) ?? 0) + 1);
    for (const name of graph.outputs) this.#uses.set(name, (this.#uses.get(name) ?? 0) + 1);
    this.inputs = graph.inputs.map((name) => this.#input(name));
    for (const node of graph.nodes) operators[node.op](this, node);
    this.outputs = graph.outputs.map((name) => this.#port(name, this.values.get(name)));
    this.#fuseActivations();
  }

  #port = (name, { id, dims, last, type = 'float32' }) => ({ name, id, dims, type, perm: last ? toLast : null });

  #input(name) {
    const dims = this.graph.shapes[name], readers = this.graph.nodes.filter(({ inputs }) => inputs.includes(name));
    // A picture whose channels are second is given with channels last, as these engines' users would.
    const last = dims.length === 4 && !readers.every(({ op, attributes }) => op === 'Transpose' && String(attributes.perm) === String(toSecond));
    this.values.set(name, { id: this.#count++, dims: last ? toLast.map((axis) => dims[axis]) : dims, last, type: this.graph.types[name] === 'float32' ? 'float32' : 'int32' });
    return this.#port(name, this.values.get(name));
  }

  /** Adds an operation; returns its result. `type` in the settings: of its elements, if not float32. */
  add(op, inputs, dims, settings = {}, last = false) {
    const id = this.#count++;
    this.ops.push({ op, inputs: inputs.map((input) => input.id), output: id, dims, ...settings });
    return { id, dims, last, type: settings.type ?? 'float32' };
  }

  constant(tensor, last = false) {
    const id = this.#count++;
    this.constants.set(id, tensor);
    return { id, dims: tensor.dims, last, isConstant: true };
  }

  /** Contents of an input that is known, or undefined. */
  contents(name) {
    return name ? this.graph.constants[name] : undefined;
  }

  known(node, index, what) {
    const contents = this.contents(node.inputs[index]);
    if (!contents) throw new Unsupported(`${node.op} (node ${node.name || node.outputs[0]}): its ${what} is not constant`);
    return contents;
  }

  /** The value of a name; constants as ONNX has them. */
  value(name) {
    const contents = this.contents(name);
    if (!contents) return this.values.get(name);
    if (!this.#made.has(name)) this.#made.set(name, this.constant(contents));
    return this.#made.get(name);
  }

  /** ONNX's own order of axes. */
  plain(value) {
    if (!value.last) return value;
    const [n, h, w, c] = value.dims, dims = [n, c, h, w];
    return (value.asPlain ??= h * w === 1 || c === 1 ? this.add('reshape', [value], dims) : this.add('transpose', [value], dims, { perm: toSecond }));
  }

  /** Channels last. */
  last(value) {
    if (value.last) return value;
    const dims = toLast.map((axis) => value.dims[axis]);
    return (value.asLast ??= dims[1] * dims[2] === 1 || dims[3] === 1 ? this.add('reshape', [value], dims, {}, true) : this.add('transpose', [value], dims, { perm: toLast }, true));
  }

  /** An operand of an elementwise operation on values of `rank` axes, in the order that the others have. */
  operand(name, rank, last) {
    const contents = this.contents(name);
    if (!contents) {
      const value = this.values.get(name);
      if (rank === 4 && last && value.dims.length === 4) return this.last(value);
      return this.plain(value);
    }
    if (!last || size(contents.dims) === 1) return this.value(name);
    const full = { ...contents, dims: [...Array(4 - contents.dims.length).fill(1), ...contents.dims] };
    return this.constant(permuted(full, toLast), true);
  }

  set(node, value, index = 0) {
    this.values.set(node.outputs[index], value);
  }

  shape(node, index = 0) {
    return this.graph.shapes[node.outputs[index]];
  }

  /** Dims of the node's result as it is stored. */
  stored(node, last) {
    const dims = this.shape(node);
    return last ? toLast.map((axis) => dims[axis]) : dims;
  }

  axis(axis, rank, last) {
    const positive = axis < 0 ? axis + rank : axis;
    return last ? lastAxis[positive] : positive;
  }

  // relu and relu6 become part of the operation whose only reader they are.
  #fuseActivations() {
    const readers = new Map(), kept = new Set(this.outputs.map(({ id }) => id));
    for (const op of this.ops) for (const id of op.inputs) readers.set(id, [...(readers.get(id) ?? []), op]);
    const gone = new Set();
    for (const op of this.ops) {
      if (!['conv', 'depthwise', 'add'].includes(op.op) || kept.has(op.output)) continue;
      const [reader, another] = readers.get(op.output) ?? [];
      if (another || !['relu', 'relu6'].includes(reader?.op)) continue;
      op.activation = reader.op;
      op.output = reader.output;
      gone.add(reader);
    }
    this.ops = this.ops.filter((op) => !gone.has(op));
  }
}

/** Feeds or answers as the network's ports have them. */
export function asPorts(ports, tensors) {
  const typed = (type, tensor) => (type === 'int32' ? { ...tensor, type, data: Int32Array.from(tensor.data, Number) } : tensor);
  return Object.fromEntries(ports.map(({ name, perm, type }) => [name, typed(type, perm ? permuted(tensors[name], perm) : tensors[name])]));
}
