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

const bytes = ({ dims, data }) => ({ type: 'uint8', dims, data: Uint8Array.from(data, Math.round) });
const floats = (dims, data) => ({ type: 'float32', dims, data: Float32Array.from(data) });

// Text as bytes: words of letters, sentences ended by full stops.
function text(batch, length) {
  const random = generator(length);
  return { type: 'uint8', dims: [batch, length], data: Uint8Array.from({ length: batch * length }, (_, i) => {
    if (i % 37 === 36) return 46;
    return i % 37 === 0 || random() < 0.18 ? 32 : 97 + Math.floor(random() * 26);
  }) };
}

// Zeros in a rectangle are to be painted in, the rest is known.
function holed(dims) {
  const [, , height, width] = dims, inside = (at, size) => at > size / 4 && at < size / 2;
  return { type: 'uint8', dims, data: Uint8Array.from({ length: count(dims) }, (_, i) => (inside(i % width, width) && inside(Math.floor(i / width) % height, height) ? 0 : 255)) };
}

// One object in a picture by `points` [x, y] in 1024 x 1024; label 1 is inside, 0 outside, 2 and 3 are corners of a box.
const prompt = (points, labels, withMask) => ({
  image_embed: picture([1, 256, 64, 64], { seed: 3 }),
  high_res_feats_0: picture([1, 32, 256, 256], { seed: 4 }),
  high_res_feats_1: picture([1, 64, 128, 128], { seed: 5 }),
  point_coords: floats([1, labels.length, 2], points.flat()),
  point_labels: floats([1, labels.length], labels),
  mask_input: withMask ? picture([1, 1, 256, 256], { low: -8, high: 8, seed: 6 }) : zeros([1, 1, 256, 256]),
  has_mask_input: floats([1], [withMask ? 1 : 0]),
});

// Phonemes of a sentence; no noise, so that the length of the speech does not depend on random numbers.
const phonemes = (length) => ({
  input: integers([1, length], 120, { seed: length }),
  input_lengths: { type: 'int64', dims: [1], data: BigInt64Array.of(BigInt(length)) },
  scales: floats([3], [0, 1, 0]),
});

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

function noisy({ type, dims, data }, seed) {
  const random = generator(seed + 1);
  return { type, dims, data: data.map((value) => value + 0.02 * (random() - 0.5)) };
}

// name -> list of runs, in order, in one instance. A run is {feeds} or a function of the outputs of the run before (carried state).
const speech = (samples, rate, chunks) =>
  Array.from({ length: chunks }, (_, chunk) => (before) => ({
    input: sound(samples, rate, chunk),
    state: chunk === 0 ? zeros([2, 1, 128]) : { type: 'float32', dims: [2, 1, 128], data: before.stateN.data },
    sr: { type: 'int64', dims: [], data: BigInt64Array.of(BigInt(rate)) },
  }));

// The same with two kinds of state, or without the rate, or with a window before the chunk.
// Version 4 takes logarithms of a spectrum: without noise between the harmonics, half a unit in the last place of the input moves ONNX Runtime's own
// output by 0.007.
const speechV4 = (samples, rate, chunks) =>
  Array.from({ length: chunks }, (_, chunk) => (before) => ({
    input: noisy(sound(samples, rate, chunk), chunk),
    sr: { type: 'int64', dims: [], data: BigInt64Array.of(BigInt(rate)) },
    h: chunk === 0 ? zeros([2, 1, 64]) : floats([2, 1, 64], before.hn.data),
    c: chunk === 0 ? zeros([2, 1, 64]) : floats([2, 1, 64], before.cn.data),
  }));
const withoutRate = (list) => list.map((run) => (before) => {
  const { sr, ...feeds } = run(before);
  return feeds;
});

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
  sface: [{ data: picture([1, 3, 112, 112], { low: 0, high: 255 }) }],
  ddddocr_common: [160, 97, 320, 64].map((width) => ({ input1: picture([1, 1, 64, width]) })),
  ddddocr_old_dynq: [160, 97, 320, 64].map((width) => ({ input1: picture([1, 1, 64, width]) })),
  sam2_tiny_decoder: [prompt([[500, 400]], [1]), prompt([[300, 300], [700, 650], [20, 900]], [2, 3, 0], true), prompt([[100, 900], [512, 512]], [1, 0])],
  minilm_l6_int8: [sentence(1, 16), sentence(2, 40), sentence(1, 5)],
  piper_vits_onnxbaby: [phonemes(40), phonemes(9), phonemes(64)],
  migan_pipeline: [[256, 320], [512, 512], [200, 120]].map(([height, width]) => ({
    image: bytes(picture([1, 3, height, width], { low: 0, high: 255 })), mask: holed([1, 1, height, width]),
  })),
  silero_vad_v4: [...speechV4(512, 16000, 4), ...speechV4(256, 8000, 4), ...speechV4(1536, 16000, 2)],
  silero_vad_half: withoutRate(speech(512, 16000, 6)),
  silero_vad_op15: speech(512, 16000, 6),
  silero_vad_ifless: [...speech(576, 16000, 4), ...speech(288, 8000, 4)],
  wakeword_melspectrogram: [1280, 16000, 4000].map((samples) => ({ input: sound(samples, 16000, 0) })),
  wakeword_embedding: [1, 4, 2].map((batch) => ({ input_1: picture([batch, 76, 32, 1]) })),
  wakeword_hey_jarvis: [1, 2].map((seed) => ({ 'x.1': picture([1, 16, 96], { low: -30, high: 30, seed }) })),
  wakeword_hey_rhasspy: [1, 2].map((seed) => ({ 'onnx::Flatten_0': picture([1, 16, 96], { low: -30, high: 30, seed }) })),
  wakeword_timer: [1, 2].map((seed) => ({ 'onnx::Flatten_0': picture([1, 34, 96], { low: -30, high: 30, seed }) })),
  wakeword_hello_deepa: [1, 2].map((seed) => ({ 'onnx::Flatten_0': picture([1, 25, 96], { low: -30, high: 30, seed }) })),
  mlsd_tiny: [{ 'input_image_with_alpha:0': picture([1, 320, 320, 4], { low: 0, high: 255 }) }],
  mlsd_large: [{ 'input_image_with_alpha:0': picture([1, 512, 512, 4], { low: 0, high: 255 }) }],
  nnsplit_lstm: [text(1, 100), text(3, 64), text(1, 20)].map((input) => ({ input })),
};

// How far outputs may be from ONNX Runtime's where 1e-3 relative, 1e-4 absolute does not fit, and why.
export const tolerances = {
  // Bytes: a value in the middle of two may round apart.
  migan_pipeline: { atol: 1 },
  // Offsets of up to 256 are sums that cancel near 0: ONNX Runtime's own, with and without its optimizations, are 0.002 (tiny) and 0.009 (large) apart.
  mlsd_tiny: { atol: 0.005 },
  mlsd_large: { atol: 0.02 },
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
  sface: () => runs.sface[0],
  ddddocr_common: () => runs.ddddocr_common[0],
  ddddocr_old_dynq: () => runs.ddddocr_old_dynq[0],
  sam2_tiny_decoder: () => runs.sam2_tiny_decoder[0],
  minilm_l6_int8: () => sentence(1, 128),
  piper_vits_onnxbaby: () => runs.piper_vits_onnxbaby[0],
  migan_pipeline: () => runs.migan_pipeline[1],
  nnsplit_lstm: () => runs.nnsplit_lstm[0],
  whisper_tiny_enc_q8: () => ({ input_features: picture([1, 80, 3000], { seed: 7 }) }),
};
