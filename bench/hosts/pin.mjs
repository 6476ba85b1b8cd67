// Keeps a process, and what it starts, on one core: others take turns on the rest.
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';

let available;
export function canPin() {
  if (available === undefined) {
    try {
      execFileSync('taskset', ['--version'], { stdio: 'ignore' });
      available = true;
    } catch {
      available = false;
    }
  }
  return available;
}

export const pinned = (core, command) => (canPin() ? ['taskset', '-c', String(core), ...command] : command);

/** The last core: the first ones get most interrupts. */
export const defaultCore = () => cpus().length - 1;
