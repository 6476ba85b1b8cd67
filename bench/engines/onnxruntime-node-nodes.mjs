// Native ONNX Runtime with its own profile by node, which it writes to a file.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { byNode } from './ort_profile.mjs';
import { start as startSession } from './onnxruntime-node.mjs';

export async function start(files, io) {
  const folder = mkdtempSync(join(tmpdir(), 'onnx2wasm-profile-'));
  const { run, session } = await startSession(files, io, { enableProfiling: true, profileFilePrefix: join(folder, 'run') });
  return {
    run,
    profile: async (feeds, runs) => {
      for (let i = 0; i < runs; i++) await run(feeds);
      session.endProfiling();
      await session.release();
      const [file] = readdirSync(folder), events = JSON.parse(readFileSync(join(folder, file), 'utf8'));
      rmSync(folder, { recursive: true, force: true });
      return byNode(events, runs);
    },
  };
}
