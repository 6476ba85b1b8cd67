// Times every step of a module that was made with --profile. Given to Node by `onnx2wasm --tune`.
// Argument: a job as JSON {wasm, inputs: [{type, dims}], seconds}. `type` is an ONNX type code.
// Prints {steps: [{site, algorithm, milliseconds}]} or {error} as JSON: of the steps that have a site, the least of the times.
import { readFileSync } from 'node:fs';

const job = JSON.parse(readFileSync(process.argv[2], 'utf8'));

// Any numbers do where times do not depend on them; small whole ones are indices that all tables have.
function fill(memory, { type }, { data, bytes }) {
  const FLOAT = 1;
  if (type !== FLOAT) return new Uint8Array(memory.buffer, data, bytes).fill(0);
  const values = new Float32Array(memory.buffer, data, bytes / 4);
  let state = 1;
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state / 2 ** 31 - 1;
  }
}

function measure() {
  const module = new WebAssembly.Module(readFileSync(job.wasm));
  const api = new WebAssembly.Instance(module, {}).exports;
  const steps = JSON.parse(new TextDecoder().decode(WebAssembly.Module.customSections(module, 'onnx2wasm.steps')[0]));
  const check = (errno) => {
    if (errno === 0) return;
    const all = new Uint8Array(api.memory.buffer), at = api.o2w_last_error();
    throw new Error(`${new TextDecoder().decode(all.subarray(at, all.indexOf(0, at)))} (errno ${errno})`);
  };
  job.inputs.forEach(({ dims }, i) => {
    const space = api.o2w_alloc(Math.max(4 * dims.length, 4));
    dims.forEach((dim, k) => new DataView(api.memory.buffer).setInt32(space + 4 * k, dim, true));
    check(api.o2w_set_input_shape(i, space, dims.length));
    api.o2w_free(space);
  });
  check(api.o2w_prepare());
  job.inputs.forEach((input, i) => {
    const view = new DataView(api.memory.buffer), port = api.o2w_input(i);
    fill(api.memory, input, { data: view.getUint32(port + 52, true), bytes: view.getUint32(port + 56, true) });
  });
  for (let i = 0; i < 3; i++) check(api.o2w_run());
  const least = steps.map(() => Infinity), end = performance.now() + 1000 * job.seconds;
  for (let round = 0; round < 3 || performance.now() < end; round++) {
    steps.forEach((step, i) => {
      const start = performance.now();
      check(api[step.export]());
      least[i] = Math.min(least[i], performance.now() - start);
    });
  }
  return { steps: steps.flatMap(({ site, algorithm }, i) => (site ? [{ site, algorithm, milliseconds: least[i] }] : [])) };
}

let answer;
try {
  answer = measure();
} catch (error) {
  answer = { error: String(error.message ?? error) };
}
process.stdout.write(JSON.stringify(answer));
