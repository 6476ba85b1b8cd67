// A guest in a Node process of its own; commands come over the channel that the host opened.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Guest } from './guest.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const path = (name) => join(root, name);
const guest = new Guest({
  isNode: true,
  path,
  url: (name) => pathToFileURL(path(name)).href,
  read: (name) => readFile(path(name)),
});
const commands = {
  open: (args) => guest.open(args),
  runs: (args) => guest.runs(args),
  warm: (args) => guest.warm(args),
  sample: (args) => guest.sample(args),
  profile: (args) => guest.profile(args),
  compare: (args) => guest.compare(args),
  memory: () => guest.memory(),
  // getrusage's maximum begins with that of the process that forked this one.
  peakBytes: () => Number(readFileSync('/proc/self/status', 'utf8').match(/VmHWM:\s+(\d+) kB/)[1]) * 1024,
  exit: () => process.exit(0),  // engines may keep workers alive
};

process.on('message', async ({ command, args }) => {
  try {
    process.send({ result: await commands[command](args) });
  } catch (error) {
    process.send({ error: String(error?.message ?? error) });
  }
});
process.send({ result: process.versions });
