// The network of a model for the engines that cannot read ONNX: one for TensorFlow.js (operations as JSON, weights beside them) and one for LiteRT (a .tflite file), with what is fed
// and answered in their order of axes.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeTensors } from '../tensor_file.mjs';
import { asPorts, check, Network } from './network.mjs';
import { readOnnx } from './onnx_graph.mjs';
import { tfliteModel } from './tflite.mjs';

/** Adds `graph` and `tflite` to result.forms, or the reason why not to result.missing. */
export async function preparePeers(result, { onnx, feeds, reference, folder, seen }) {
  const write = (file, bytes) => {
    writeFileSync(join(folder, file), bytes);
    return seen(file);
  };
  let network, ports;
  try {
    network = new Network(await readOnnx(onnx, feeds, check));
    const used = Object.fromEntries(network.inputs.map(({ name }) => [name, feeds[name]]));
    ports = {
      feeds: write('peer_feeds.bin', encodeTensors(asPorts(network.inputs, used))),
      reference: write('peer_reference.bin', encodeTensors(asPorts(network.outputs, reference))),
    };
  } catch (error) {
    result.missing.graph = result.missing.tflite = error.message;
    return;
  }
  const { inputs, outputs, ops, constants } = network;
  result.forms.graph = {
    ...ports, graph: write('graph.json', JSON.stringify({ inputs, outputs, ops })),
    weights: write('graph_weights.bin', encodeTensors(Object.fromEntries([...constants].map(([id, tensor]) => [String(id), tensor])))),
  };
  try {
    result.forms.tflite = { ...ports, outputs: outputs.map(({ name }) => name), inputs: inputs.map(({ name }) => name), tflite: write('model.tflite', tfliteModel(network)) };
  } catch (error) {
    result.missing.tflite = error.message;
  }
}
