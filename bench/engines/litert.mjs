// LiteRT (TensorFlow Lite with XNNPACK), one thread: runs the .tflite file that peers/prepare.mjs made of the ONNX file. Its package is for browsers only.
export async function start({ tflite, inputs, outputs }, io) {
  const { loadLiteRt, loadAndCompile, Tensor } = await import('@litertjs/core');
  await loadLiteRt(io.url('node_modules/@litertjs/core/wasm/'), { threads: false });
  const model = await loadAndCompile(await io.read(tflite), { accelerator: 'wasm', cpuOptions: { numThreads: 1 } });
  return {
    run: async (feeds) => {
      const given = inputs.map((name) => new Tensor(feeds[name].data, feeds[name].dims)), results = await model.run(given);
      const answers = Object.fromEntries(outputs.map((name, i) => [name, { data: results[i].toTypedArray(), dims: [...results[i].type.layout.dimensions] }]));
      for (const tensor of [...given, ...results]) tensor.delete();
      return answers;
    },
  };
}
