// Names of kernels without what differs from use to use: the family of a step's kernel and, of hand-shaped ones, its form.

/** {family, function} of a step -> "matmul f32_matmul_packed2", "nest", "routine sort". */
export function formOf({ family, function: name }) {
  if (!name || family === 'nest' || family.startsWith('routine')) return family;
  return `${family} ${name.replace(/_\d+$/, '').replace(/(_bias|_add|_act|_scale|_residual)+$/, '')}`;
}

/** The forms of the steps of a module that was compiled with --profile. */
export function formsOf(wasm) {
  const [section] = WebAssembly.Module.customSections(new WebAssembly.Module(wasm), 'onnx2wasm.steps');
  return JSON.parse(new TextDecoder().decode(section)).map(formOf);
}
