// Native ONNX Runtime, one thread.
import { runner } from './ort_session.mjs';

export async function start({ onnx }, io, options = {}) {
  const { default: ort } = await import('onnxruntime-node');
  return runner(ort, await ort.InferenceSession.create(io.path(onnx), { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3, ...options }));
}
