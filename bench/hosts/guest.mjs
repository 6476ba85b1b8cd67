// The part of the benchmark that runs inside a host (a Node process, a browser's page): opens one engine with one model and times it.
import { load } from '../engines/index.mjs';
import { decodeTensors } from '../tensor_file.mjs';
import { watchWebAssembly } from './watch.mjs';

const now = () => performance.now();

export class Guest {
  #io;
  #watch = watchWebAssembly();
  #engine;
  #feeds;
  #reading = 0;
  #ready;

  /** `io`: {isNode, read, url, path}. */
  constructor(io) {
    const read = async (path) => {
      const start = now(), bytes = await io.read(path);
      this.#reading += now() - start;
      return bytes;
    };
    this.#io = { ...io, read };
  }

  /** Starts the engine. Milliseconds of reading, compiling, instantiating, and of all until it can be asked. */
  async open({ engine, files }) {
    this.#feeds = files.feeds ? decodeTensors(await this.#io.read(files.feeds)) : {};
    this.#reading = 0;
    // The benchmark's own file about the engine, which imports the engine when it starts, is no part of the engine.
    const adapter = await load(engine), start = now();
    this.#engine = await adapter.start(files, this.#io);
    this.#ready = now() - start;
    return { read: this.#reading, ...this.#watch.times(), ready: this.#ready };
  }

  /** Milliseconds of `count` runs, one by one. */
  async runs({ count }) {
    const times = [];
    for (let i = 0; i < count; i++) {
      const start = now();
      await this.#engine.run(this.#feeds);
      times.push(now() - start);
    }
    return times;
  }

  /** Runs for at least that long and often, so that the engine's compiler settles; milliseconds of the last. */
  async warm({ milliseconds, count }) {
    const start = now();
    let last, done = 0;
    do [last] = await this.runs({ count: 1 });
    while (++done < count || now() - start < milliseconds);
    return last;
  }

  /** Milliseconds per run, of `count` in a row. */
  async sample({ count }) {
    const start = now();
    for (let i = 0; i < count; i++) {
      const outputs = this.#engine.run(this.#feeds);
      if (outputs instanceof Promise) await outputs;
    }
    return (now() - start) / count;
  }

  /** Times by step or node: [{name, ..., times: milliseconds of each run}]. */
  profile({ runs }) {
    return this.#engine.profile(this.#feeds, runs);
  }

  /** How far the outputs are from those in a file, by output: the largest |a - b| over that part of the largest |b|. */
  async compare({ reference, ofLargest }) {
    const outputs = await this.#engine.run(this.#feeds), result = {};
    for (const [name, { type, dims, data }] of Object.entries(decodeTensors(await this.#io.read(reference)))) {
      const ours = outputs[name];
      if (!ours) throw new Error(`no output "${name}"; there are ${Object.keys(outputs).join(', ')}`);
      if (ours.data.length !== data.length) throw new Error(`output "${name}" has dims ${ours.dims}, not ${dims}`);
      let worst = 0, largest = 0;
      for (let i = 0; i < data.length; i++) {
        const a = Number(ours.data[i]), b = Number(data[i]);
        if (Number.isFinite(b)) largest = Math.max(largest, Math.abs(b));
        if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
        worst = Math.max(worst, Number.isFinite(a - b) ? Math.abs(a - b) : Infinity);
      }
      // Integers may round to the other side.
      result[name] = worst === 0 ? 0 : worst / Math.max(ofLargest * largest, type.includes('int') ? 1 : 0);
    }
    return result;
  }

  /** Bytes of all WebAssembly memories. */
  memory() {
    return this.#watch.memory();
  }
}
