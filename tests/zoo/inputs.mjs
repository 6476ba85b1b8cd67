// Inputs for the real models of models.json: what the zoo test and the benchmarks feed them. Seeded, so that every run sees the same numbers.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PNG } from 'pngjs';

const zoo = process.env.ONNX2WASM_ZOO ?? join(dirname(fileURLToPath(import.meta.url)), '../../.cache/zoo');

// mulberry32: a small generator with 32 bits of state.
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const count = (dims) => dims.reduce((product, dim) => product * dim, 1);

// A picture-like tensor: smooth waves with some noise, between low and high.
export function picture(dims, { low = -1, high = 1, seed = 1 } = {}) {
  const random = generator(seed), data = new Float32Array(count(dims)), width = dims[dims.length - 1];
  for (let i = 0; i < data.length; i++) {
    const wave = 0.5 + 0.35 * Math.sin((i % width) / 9) * Math.cos(Math.floor(i / width) / 7) + 0.15 * (random() - 0.5);
    data[i] = low + (high - low) * wave;
  }
  return { type: 'float32', dims, data };
}

// The picture that the model's package ships, by nearest pixels, 0..1, channels first; a made-up one where it was not fetched.
function photo(name, size) {
  const file = join(zoo, name), dims = [1, 3, size, size];
  if (!existsSync(file)) return picture(dims, { low: 0, seed: 2 });
  const { width, height, data: pixels } = PNG.sync.read(readFileSync(file));
  const data = new Float32Array(count(dims));
  for (let i = 0; i < data.length; i++) {
    const x = i % size, y = Math.floor(i / size) % size, channel = Math.floor(i / (size * size));
    data[i] = pixels[4 * (Math.floor((y * height) / size) * width + Math.floor((x * width) / size)) + channel] / 255;
  }
  return { type: 'float32', dims, data };
}

export function integers(dims, below, { seed = 1 } = {}) {
  const random = generator(seed);
  return { type: 'int64', dims, data: BigInt64Array.from({ length: count(dims) }, () => BigInt(Math.floor(random() * below))) };
}

const filled = (dims, value) => ({ type: 'int64', dims, data: new BigInt64Array(count(dims)).fill(BigInt(value)) });
const zeros = (dims) => ({ type: 'float32', dims, data: new Float32Array(count(dims)) });

const sentence = (batch, length) => ({
  input_ids: integers([batch, length], 30000, { seed: length }),
  attention_mask: filled([batch, length], 1),
  token_type_ids: filled([batch, length], 0),
});

// A chunk of something voiced: harmonics under an envelope.
function sound(samples, rate, chunk) {
  const data = Float32Array.from({ length: samples }, (_, i) => {
    const t = (chunk * samples + i) / rate;
    let value = 0;
    for (let h = 1; h <= 12; h++) value += Math.sin(2 * Math.PI * 140 * h * t) / h;
    return 0.15 * value * (0.6 + 0.4 * Math.sin(2 * Math.PI * 4 * t));
  });
  return { type: 'float32', dims: [1, samples], data };
}

// name -> list of runs, in order, in one instance. A run is {feeds} or a function of the outputs of the run before (carried state).
const speech = (samples, rate, chunks) =>
  Array.from({ length: chunks }, (_, chunk) => (before) => ({
    input: sound(samples, rate, chunk),
    state: chunk === 0 ? zeros([2, 1, 128]) : { type: 'float32', dims: [2, 1, 128], data: before.stateN.data },
    sr: { type: 'int64', dims: [], data: BigInt64Array.of(BigInt(rate)) },
  }));

export const runs = {
  ppocr_cls_v2: [[1, 3, 48, 192], [3, 3, 48, 192], [2, 3, 32, 128], [1, 3, 48, 192]].map((dims) => ({ x: picture(dims) })),
  ppocrv4_det_ch: [[1, 3, 96, 160], [1, 3, 320, 320], [1, 3, 64, 96]].map((dims) => ({ x: picture(dims) })),
  ppocrv4_rec_ch: [[1, 3, 48, 160], [2, 3, 48, 320], [1, 3, 48, 64]].map((dims) => ({ x: picture(dims) })),
  yolov8n: [{ images: picture([1, 3, 640, 640], { low: 0 }) }],
  u2netp: [{ 'input.1': picture([1, 3, 320, 320], { low: 0 }) }, { 'input.1': photo('lenna.png', 320) }],
  retinaface_mnet25: [{ data: picture([1, 3, 640, 640], { low: 0, high: 255 }) }],
  blazeface_front: [{ 'input:0': picture([1, 128, 128, 3]) }],
  fastdepth: [{ 0: picture([1, 3, 224, 224], { low: 0 }) }],
  modnet: [[1, 3, 256, 320], [1, 3, 512, 512], [2, 3, 64, 96]].map((dims) => ({ input: picture(dims) })),
  minilm_l6_fp32: [sentence(1, 16), sentence(2, 40), sentence(1, 5)],
  silero_vad_v5: [...speech(512, 16000, 6), ...speech(256, 8000, 6), ...speech(512, 16000, 2)],
};

// The one size that latency is measured at.
export const benchFeeds = {
  ppocr_cls_v2: () => ({ x: picture([1, 3, 48, 192]) }),
  ppocrv4_det_ch: () => ({ x: picture([1, 3, 640, 640]) }),
  ppocrv4_rec_ch: () => ({ x: picture([1, 3, 48, 320]) }),
  yolov8n: () => runs.yolov8n[0],
  u2netp: () => runs.u2netp[0],
  retinaface_mnet25: () => runs.retinaface_mnet25[0],
  blazeface_front: () => runs.blazeface_front[0],
  fastdepth: () => runs.fastdepth[0],
  modnet: () => ({ input: picture([1, 3, 512, 512]) }),
  minilm_l6_fp32: () => sentence(1, 128),
  silero_vad_v5: () => runs.silero_vad_v5[0](),
};
