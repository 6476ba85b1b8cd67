// onnxruntime-web's WebAssembly backend, one thread.
import { runner } from './ort_session.mjs';

export async function start({ onnx }, io, options = {}) {
  const ort = await import('onnxruntime-web/wasm');
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = options.enableProfiling ? 'warning' : 'error';
  return runner(ort, await ort.InferenceSession.create(await io.read(onnx), { executionProviders: ['wasm'], logSeverityLevel: 3, ...options }));
}
