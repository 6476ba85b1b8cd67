// Guests in processes of Node, pinned to one core.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pinned } from './pin.mjs';

const script = join(dirname(fileURLToPath(import.meta.url)), 'node_guest.mjs');

class Session {
  #child;
  constructor(child) {
    this.#child = child;
  }
  async #answer() {
    const [message] = await Promise.race([
      once(this.#child, 'message'),
      once(this.#child, 'exit').then(([code, signal]) => [{ error: `the process ended (${signal ?? `exit code ${code}`})` }]),
    ]);
    if (message.error !== undefined) throw new Error(message.error);
    return message.result;
  }
  ready() {
    return this.#answer();
  }
  async call(command, args) {
    const answer = this.#answer();
    this.#child.send({ command, args });
    return answer;
  }
  peakBytes() {
    return this.call('peakBytes');
  }
  async close() {
    if (this.#child.exitCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill();
    await gone;
  }
}

export async function startNode({ core, node }) {
  const open = async () => {
    const [command, ...args] = pinned(core, [node, script]);
    const session = new Session(spawn(command, args, { stdio: ['ignore', 'ignore', process.env.ONNX2WASM_BENCH_VERBOSE ? 'inherit' : 'ignore', 'ipc'] }));
    return { session, versions: await session.ready() };
  };
  const { session, versions } = await open();
  await session.close();
  return { name: 'node', version: `Node ${versions.node} (V8 ${versions.v8})`, open: async () => (await open()).session, close: async () => {} };
}
