// The engines that are compared. Each file here exports start(files, io) -> {run(feeds) -> outputs by name (or a promise)}; all use one thread.
// `files`: what prepare.mjs made of the model, by kind; `io`: {isNode, read(path) -> bytes, url(path), path(path)}.

/** name -> what it needs beside the ONNX file, and where it can run. */
export const engines = {
  onnx2wasm: { hosts: ['node', 'chromium'] },
  // The same module with its weights in a file beside it; of models with much to load, and when it is asked for by name.
  'onnx2wasm-sidecar': { hosts: ['node', 'chromium'], needs: 'sidecar', onDemand: true },
  'onnxruntime-web': { hosts: ['node', 'chromium'] },
  'onnxruntime-node': { hosts: ['node'] },
  tfjs: { hosts: ['node', 'chromium'], needs: 'graph' },
  litert: { hosts: ['chromium'], needs: 'tflite' },
};

// Files with -steps and -nodes in their names give profiles (bench/profile.mjs) rather than times.
export const load = (name) => import(`./${name}.mjs`);
