// Real models: compiled by the command, run at several sizes in one instance, compared with native ONNX Runtime on the same inputs.
//   node --test tests/zoo/*.test.mjs    environment: ONNX2WASM (the command), ONNX2WASM_ZOO, ONNX2WASM_MODELS=all|name,name (default: those marked "ci")
import { testModels, withModel } from './harness.mjs';
import { runs, tolerances } from './inputs.mjs';

for (const [name, list] of Object.entries(runs)) {
  testModels([name], () => withModel(name, async (pair) => {
    let before = null;
    for (const [i, run] of list.entries()) {
      const feeds = typeof run === 'function' ? run(before) : run;
      before = (await pair.compare(`run ${i}`, feeds, tolerances[name])).ours;
    }
  }));
}
