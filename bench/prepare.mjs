// Makes what the engines need of a model, in build/bench/<model>: our module, what is fed, native ONNX Runtime's answers, and for peers that cannot read ONNX
// the same network in their form.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { peakText } from './engines/peak.mjs';
import { countMacs } from './macs.mjs';
import { models } from './models.mjs';
import { encodeTensors } from './tensor_file.mjs';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
export const compiler = process.env.ONNX2WASM ?? join(root, 'build/compiler/driver/onnx2wasm');
const zoo = process.env.ONNX2WASM_ZOO ?? join(root, '.cache/zoo');
export const work = join(root, 'build/bench');

export const onnxFile = (name) => join(zoo, `${name}.onnx`);

/** Our module and its loader beside it, with what compiling took. */
export function compile(onnx, wasm, options = []) {
  const command = [compiler, onnx, '-o', wasm, '--emit', 'wasm,js', ...options], time = existsSync('/usr/bin/time') ? ['/usr/bin/time', '-o', `${wasm}.peak`, '-f', '%M'] : [];
  if (!existsSync(compiler)) throw new Error(`${compiler} is not there; scripts/build.sh release onnx2wasm builds it`);
  const [program, ...args] = [...time, ...command], start = performance.now();
  let said;
  try {
    said = execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw new Error(`onnx2wasm cannot compile ${onnx}:\n${error.stderr}`);
  }
  const seconds = (performance.now() - start) / 1000, kilobytes = (what) => Number(said.match(new RegExp(`${what} ([\\d.]+) KB`))[1]) * 1000;
  return { seconds, peakBytes: time.length ? Number(readFileSync(`${wasm}.peak`, 'utf8')) * 1024 : undefined, codeBytes: kilobytes('code and tables'), weightBytes: kilobytes('weights') };
}

async function nativeAnswers(onnx, feeds) {
  const { default: ort } = await import('onnxruntime-node');
  const session = await ort.InferenceSession.create(onnx, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const answers = await session.run(Object.fromEntries(Object.entries(feeds).map(([name, { type, data, dims }]) => [name, new ort.Tensor(type, data, dims)])));
  await session.release();
  return Object.fromEntries(Object.entries(answers).map(([name, { type, data, dims }]) => [name, { type, data, dims }]));
}

// From so many bytes on the weights are also measured as a file of their own.
const sidecarFrom = 10e6;

/** The loop that reaches the registers' limit. */
export function preparePeak() {
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, 'peak.wat'), peakText());
  execFileSync('wat2wasm', [join(work, 'peak.wat'), '-o', join(work, 'peak.wasm')]);
  return { peak: relative(root, join(work, 'peak.wasm')) };
}

/** Files are paths from the repository's root, which both hosts find. `peers`: also the forms for engines that cannot read ONNX;
    `sidecar`: of large models also the module with its weights beside it. */
export async function prepare(name, { peers, sidecar }) {
  const folder = join(work, name), at = (file) => join(folder, file), seen = (file) => relative(root, at(file));
  mkdirSync(folder, { recursive: true });
  rmSync(at('model.onnx'), { force: true });
  symlinkSync(onnxFile(name), at('model.onnx'));
  const compiled = compile(at('model.onnx'), at('model.wasm'));
  const feeds = models[name].feeds(), reference = await nativeAnswers(onnxFile(name), feeds);
  writeFileSync(at('feeds.bin'), encodeTensors(feeds));
  writeFileSync(at('reference.bin'), encodeTensors(reference));
  const files = { onnx: seen('model.onnx'), wasm: seen('model.wasm'), loader: seen('model.mjs'), feeds: seen('feeds.bin'), reference: seen('reference.bin') };
  const result = { name, f32: models[name].f32, macs: await countMacs(onnxFile(name), feeds), compiled, forms: { onnx: files }, missing: {} };
  if (sidecar && compiled.weightBytes >= sidecarFrom) {
    compile(at('model.onnx'), at('sidecar.wasm'), ['--weights', 'sidecar']);
    const weights = readdirSync(folder).filter((file) => /^sidecar(\.\d+)?\.weights$/.test(file));
    result.forms.sidecar = { ...files, wasm: seen('sidecar.wasm'), loader: seen('sidecar.mjs'), sidecars: weights.map(seen) };
  }
  if (peers) {
    const { preparePeers } = await import('./peers/prepare.mjs');
    await preparePeers(result, { name, onnx: readFileSync(onnxFile(name)), feeds, reference, folder, seen });
  }
  return result;
}
