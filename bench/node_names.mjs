// Which names the nodes of a model have in other hands.
import { ModelProto } from '../tests/support/onnx_model.mjs';

/** Name of a node -> names that ONNX Runtime may give to what it makes of the node. Nodes without a name are numbered, by us and by it. */
export function nodeNames(bytes) {
  const { node: nodes } = ModelProto.decode(bytes).graph, names = new Map();
  nodes.forEach((node, i) => {
    const own = node.name || `${node.op_type}_${i}`, readers = nodes.filter(({ input }) => input.some((name) => node.output.includes(name)));
    // Convolutions in its blocked layout are called after their result, which may be that of the activation behind them.
    const results = [...node.output, ...readers.flatMap(({ output }) => output)];
    const all = { own, candidates: [own, ...results.map((name) => `${name}_nchwc`)] };
    names.set(own, all);
    names.set(`#${i}`, all);
  });
  return names;
}
