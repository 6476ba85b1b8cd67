// onnxruntime-web with its own profile by node, which it prints (Node only).
import { byNode } from './ort_profile.mjs';
import { start as startSession } from './onnxruntime-web.mjs';

export async function start(files, io) {
  // In Node it prints by writing to standard output.
  const { default: fs } = await import('node:fs'), { writeSync } = fs;
  const lines = [];
  fs.writeSync = (descriptor, text, ...rest) => (descriptor === 1 ? void lines.push(String(text)) : writeSync(descriptor, text, ...rest));
  const { run, session } = await startSession(files, io, { enableProfiling: true, profileFilePrefix: 'run' });
  return {
    run,
    profile: async (feeds, runs) => {
      for (let i = 0; i < runs; i++) await run(feeds);
      session.endProfiling();
      // Each line is an event, but for the brackets around all.
      const events = lines.flatMap((line) => line.split('\n')).map((line) => line.trim().replace(/,$/, '')).filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
      return byNode(events, runs);
    },
  };
}
