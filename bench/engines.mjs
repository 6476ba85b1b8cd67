// The engines that are compared, behind one face: start(files) -> {run(feeds) -> outputs by name}. Each uses one thread.

export const engines = {
  onnx2wasm: async ({ loader }) => {
    const { create } = await import(loader);
    const model = await create();
    return { run: async (feeds) => model.run(feeds) };
  },
  'onnxruntime-web': async ({ onnx }) => {
    const { readFile } = await import('node:fs/promises');
    const ort = await import('onnxruntime-web/wasm');
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = 'error';
    return session(ort, await ort.InferenceSession.create(await readFile(onnx), { executionProviders: ['wasm'], logSeverityLevel: 3 }));
  },
  'onnxruntime-node': async ({ onnx }) => {
    const { default: ort } = await import('onnxruntime-node');
    return session(ort, await ort.InferenceSession.create(onnx, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 }));
  },
};

function session(ort, made) {
  const tensors = (feeds) => Object.fromEntries(Object.entries(feeds).map(([name, { type, data, dims }]) => [name, new ort.Tensor(type, data, dims)]));
  return { run: (feeds) => made.run(tensors(feeds)) };
}
