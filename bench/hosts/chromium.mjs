// Guests in pages of headless Chromium, each in a renderer process of its own; all of the browser's processes are pinned to one core.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { getPriority, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pinned } from './pin.mjs';
import { serve } from './server.mjs';

const flags = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run',
  '--disable-features=SpareRendererForSitePerProcess,Translate', '--disable-background-timer-throttling', '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows', '--remote-debugging-port=0',
];

/** Where Debian's package puts it, or $CHROMIUM. */
export const chromiumPath = () => [process.env.CHROMIUM, '/usr/bin/chromium'].find((path) => path && existsSync(path));

async function endpoint(browser) {
  let said = '';
  for await (const chunk of browser.stderr) {
    said += chunk;
    const found = said.match(/DevTools listening on (ws:\S+)/);
    if (found) return found[1];
  }
  throw new Error(`Chromium did not start:\n${said}`);
}

// Chromium gives its renderers a priority of its own; under `nice` they are to have that of everything else that is measured.
function giveOurPriority(process) {
  for (const thread of readdirSync(`/proc/${process}/task`)) {
    try {
      setPriority(Number(thread), getPriority());
    } catch (error) {
      if (error.info?.code !== 'ESRCH') throw error;  // it has ended
    }
  }
}

// The browser's own pages (of the window that comes with a new context) start meanwhile.
const settling = 400;

class Session {
  #context;
  #page;
  #processes;
  #before;
  constructor(context, page, processes, before) {
    this.#context = context;
    this.#page = page;
    this.#processes = processes;
    this.#before = before;
  }
  call(command, args) {
    return this.#page.evaluate(([name, given]) => window.guest[name](given), [command, args]).catch((error) => {
      throw new Error(error.message.replace(/^page\.evaluate: /, '').split('\n')[0]);
    });
  }
  /** Of the renderer: the one that came with this session and has worked most. */
  async peakBytes() {
    const mine = (await this.#processes()).filter(({ id }) => !this.#before.has(id)).sort((a, b) => b.cpuTime - a.cpuTime)[0];
    return mine && Number(readFileSync(`/proc/${mine.id}/status`, 'utf8').match(/VmHWM:\s+(\d+) kB/)[1]) * 1024;
  }
  close() {
    return this.#context.close();
  }
}

export async function startChromium({ core, root }) {
  const { chromium } = await import('playwright-core');
  const profile = mkdtempSync(join(tmpdir(), 'onnx2wasm-chromium-')), server = await serve(root);
  const [command, ...args] = pinned(core, [chromiumPath(), ...flags, `--user-data-dir=${profile}`, 'about:blank']);
  const process_ = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  // Whatever ends this process ends the browser.
  const onExit = () => process_.kill('SIGKILL');
  process.once('exit', onExit);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  const browser = await chromium.connectOverCDP(await endpoint(process_));
  process_.stderr.resume();
  const devtools = await browser.newBrowserCDPSession();
  const processes = async () => (await devtools.send('SystemInfo.getProcessInfo')).processInfo.filter(({ type }) => type === 'renderer');
  const { jsVersion } = await devtools.send('Browser.getVersion');
  return {
    name: 'chromium',
    version: `Chromium ${browser.version()} (V8 ${jsVersion})`,
    open: async () => {
      const before = new Set((await processes()).map(({ id }) => id));
      const context = await browser.newContext(), page = await context.newPage();
      page.setDefaultTimeout(0);
      if (process.env.ONNX2WASM_BENCH_VERBOSE) page.on('console', (message) => console.error(message.text()));
      await page.goto(`${server.origin}/bench/hosts/page.html`);
      await page.waitForFunction(() => window.guest !== undefined);
      await new Promise((settled) => setTimeout(settled, settling));
      for (const { id } of await processes()) if (!before.has(id) && getPriority() !== 0) giveOurPriority(id);
      return new Session(context, page, processes, before);
    },
    close: async () => {
      process.off('exit', onExit);
      const gone = once(process_, 'exit');
      await browser.close();
      process_.kill();
      await gone;
      server.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
