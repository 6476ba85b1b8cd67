// Our module compiled with --profile: every step of the plan is an export, described in a custom section (compiler/package/step_descriptions.h).
export async function start({ wasm, loader }, io) {
  const { create } = await import(io.url(loader)), bytes = await io.read(wasm), module = await WebAssembly.compile(bytes), model = await create(module);
  const [section] = WebAssembly.Module.customSections(module, 'onnx2wasm.steps');
  if (!section) throw new Error(`${wasm} has no description of its steps: compile it with --profile`);
  const steps = JSON.parse(new TextDecoder().decode(section)), functions = steps.map(({ export: name }) => model.exports[name]);
  const once = () => {
    const times = new Float64Array(functions.length);
    for (let i = 0; i < functions.length; i++) {
      const begin = performance.now(), errno = functions[i]();
      times[i] = performance.now() - begin;
      if (errno !== 0) throw new Error(`step ${i} (${steps[i].node}) failed with errno ${errno}`);
    }
    return times;
  };
  return {
    run: (feeds) => model.run(feeds),
    profile: (feeds, runs) => {
      model.run(feeds);  // sets shapes, copies the inputs
      // The exports tier up apart from the functions they call.
      for (let i = 0; i < Math.max(10, runs); i++) once();
      const all = Array.from({ length: runs }, once);
      return steps.map((step, i) => ({ ...step, times: all.map((times) => times[i]) }));
    },
  };
}
