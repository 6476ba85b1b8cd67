// TensorFlow.js on its WebAssembly backend, one thread: executes a network that peers/prepare.mjs made of the ONNX file.
import { decodeTensors } from '../tensor_file.mjs';

const activations = { relu: 'relu', relu6: 'relu6', undefined: 'linear' };
const explicit = (pads) => [[0, 0], ...pads, [0, 0]];

// op -> (tf, operation, inputs) => tensor
const kernels = {
  conv: (tf, { strides, dilations, pads, activation }, [x, filter, bias]) =>
    tf.fused.conv2d({ x, filter, strides, dilations, pad: explicit(pads), bias, activation: activations[activation] }),
  depthwise: (tf, { strides, dilations, pads, activation }, [x, filter, bias]) =>
    tf.fused.depthwiseConv2d({ x, filter, strides, dilations, pad: explicit(pads), bias, activation: activations[activation] }),
  deconv: (tf, { strides, dims }, [x, filter]) => tf.conv2dTranspose(x, filter, dims, strides, 'valid'),
  maxpool: (tf, { kernel, strides, pads }, [x]) => tf.maxPool(x, kernel, strides, explicit(pads)),
  avgpool: (tf, { kernel, strides, pads }, [x]) => tf.avgPool(x, kernel, strides, explicit(pads)),
  mean: (tf, { axes, keep }, [x]) => tf.mean(x, axes, keep),
  add: (tf, { activation }, [a, b]) => {
    const sum = tf.add(a, b);
    return activation ? tf[activation](sum) : sum;
  },
  sub: (tf, _, [a, b]) => tf.sub(a, b),
  mul: (tf, _, [a, b]) => tf.mul(a, b),
  div: (tf, _, [a, b]) => tf.div(a, b),
  max: (tf, _, [a, b]) => tf.maximum(a, b),
  min: (tf, _, [a, b]) => tf.minimum(a, b),
  pow: (tf, _, [a, b]) => tf.pow(a, b),
  relu: (tf, _, [x]) => tf.relu(x),
  relu6: (tf, _, [x]) => tf.relu6(x),
  sigmoid: (tf, _, [x]) => tf.sigmoid(x),
  tanh: (tf, _, [x]) => tf.tanh(x),
  sqrt: (tf, _, [x]) => tf.sqrt(x),
  exp: (tf, _, [x]) => tf.exp(x),
  leakyrelu: (tf, { alpha }, [x]) => tf.leakyRelu(x, alpha),
  prelu: (tf, _, [x, slope]) => tf.prelu(x, slope),
  clip: (tf, { low, high }, [x]) => tf.clipByValue(x, low ?? -3.4e38, high ?? 3.4e38),
  concat: (tf, { axis }, inputs) => tf.concat(inputs, axis),
  transpose: (tf, { perm }, [x]) => tf.transpose(x, perm),
  reshape: (tf, { dims }, [x]) => tf.reshape(x, dims),
  softmax: (tf, _, [x]) => tf.softmax(x),
  resize: (tf, { mode, dims, align, half }, [x]) => (mode === 'linear' ? tf.image.resizeBilinear(x, dims.slice(1, 3), align, half) : tf.image.resizeNearestNeighbor(x, dims.slice(1, 3), false, false)),
  pad: (tf, { pads }, [x]) => tf.pad(x, pads),
  slice: (tf, { begin, dims }, [x]) => tf.slice(x, begin, dims),
  matmul: (tf, _, [a, b]) => tf.matMul(a, b),
  erf: (tf, _, [x]) => tf.erf(x),
  cast: (tf, _, [x]) => tf.cast(x, 'float32'),
  gather: (tf, _, [table, indices]) => tf.gather(table, indices),
};

function script(url) {
  return new Promise((loaded, failed) => {
    const element = document.createElement('script');
    Object.assign(element, { src: url, onload: loaded, onerror: () => failed(new Error(`cannot load ${url}`)) });
    document.head.append(element);
  });
}

// In browsers the bundles that its documentation has pages load; they leave one object.
async function library(io) {
  const packages = 'node_modules/@tensorflow';
  if (io.isNode) {
    const tf = await import('@tensorflow/tfjs-core');
    await import('@tensorflow/tfjs-backend-wasm');
    return tf;
  }
  await script(io.url(`${packages}/tfjs-core/dist/tf-core.es2017.min.js`));
  await script(io.url(`${packages}/tfjs-backend-wasm/dist/tf-backend-wasm.es2017.min.js`));
  const { tf } = globalThis;
  tf.wasm.setWasmPaths(io.url(`${packages}/tfjs-backend-wasm/wasm-out/`));
  return tf;
}

export async function start({ graph, weights }, io) {
  const tf = await library(io);
  // Threads are chosen by what the page may do; this is about one.
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  await tf.setBackend('wasm');
  await tf.ready();
  const { inputs, outputs, ops } = JSON.parse(new TextDecoder().decode(await io.read(graph)));
  const constants = Object.entries(decodeTensors(await io.read(weights))).map(([id, { dims, data }]) => [Number(id), tf.tensor(data, dims, 'float32')]);
  // Values are freed after their last use, as its own graph executor does.
  const kept = new Set([...constants.map(([id]) => id), ...outputs.map(({ id }) => id)]), last = new Map();
  ops.forEach((op, i) => op.inputs.forEach((id) => last.set(id, i)));
  const dying = ops.map((op, i) => [...new Set(op.inputs)].filter((id) => last.get(id) === i && !kept.has(id)));
  return {
    run: (feeds) => {
      const values = new Map(constants);
      for (const { name, id, dims, type } of inputs) values.set(id, tf.tensor(feeds[name].data, dims, type));
      ops.forEach((op, i) => {
        values.set(op.output, kernels[op.op](tf, op, op.inputs.map((id) => values.get(id))));
        for (const id of dying[i]) values.get(id).dispose();
      });
      const results = Object.fromEntries(outputs.map(({ name, id, dims }) => [name, { dims, data: values.get(id).dataSync() }]));
      for (const { id } of outputs) values.get(id).dispose();
      return results;
    },
  };
}
