// Multiply-accumulates of a model, counted from the shapes that each node had in a run of native ONNX Runtime without optimizations (its profile).
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseProfile } from './engines/ort_profile.mjs';

const product = (dims) => dims.reduce((all, dim) => all * dim, 1);
const weightsPerOutput = ([, w], [y]) => product(y) * product(w.slice(1));
const rows = ([a], [y]) => product(y) * a[a.length - 1];
// x [steps, batch, inputs], w [directions, gates * hidden, inputs], r [directions, gates * hidden, hidden].
const recurrent = ([x, w, r]) => x[0] * x[1] * (product(w) + product(r));
// The dynamically quantized LSTM's weights are transposed, which makes no difference to their number.
const counters = {
  Conv: weightsPerOutput, ConvInteger: weightsPerOutput, ConvTranspose: ([x, w]) => product(x) * product(w.slice(1)),
  QLinearConv: (inputs, [y]) => product(y) * product(inputs[3].slice(1)),
  MatMul: rows, MatMulInteger: rows, Gemm: ([a, b], [y]) => (product(a) * product(b) / product(y)) ** 0.5 * product(y),
  LSTM: recurrent, GRU: recurrent, RNN: recurrent, DynamicQuantizeLSTM: recurrent,
};

/** Of one node: its operator and the dims of its inputs and outputs. */
export const nodeMacs = (op, inputs, outputs) => counters[op]?.(inputs, outputs) ?? 0;

/** Nodes of a run of native ONNX Runtime, in order: {name, op, microseconds, inputs, outputs}. `level`: of graph optimization. */
export async function profiled(onnx, feeds, { level = 'disabled', runs = 1, prepack = false } = {}) {
  const { default: ort } = await import('onnxruntime-node');
  const folder = mkdtempSync(join(tmpdir(), 'onnx2wasm-profile-'));
  try {
    const session = await ort.InferenceSession.create(onnx, {
      intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3, graphOptimizationLevel: level, enableProfiling: true, profileFilePrefix: join(folder, 'run'),
      // Weights that were packed at the start are left out of the shapes.
      extra: { session: { disable_prepacking: prepack ? '0' : '1' } },
    });
    for (let i = 0; i < runs; i++) await session.run(Object.fromEntries(Object.entries(feeds).map(([name, { type, data, dims }]) => [name, new ort.Tensor(type, data, dims)])));
    session.endProfiling();
    await session.release();
    return readdirSync(folder).flatMap((file) => parseProfile(JSON.parse(readFileSync(join(folder, file), 'utf8'))));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function countMacs(onnx, feeds) {
  return (await profiled(onnx, feeds)).reduce((sum, { op, inputs, outputs }) => sum + nodeMacs(op, inputs, outputs), 0);
}
