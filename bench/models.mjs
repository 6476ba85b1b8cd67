// The models that are measured: those of tests/zoo/models.json with a size to measure at (benchFeeds). `f32`: the geometric means are over these.
import { benchFeeds } from '../tests/zoo/inputs.mjs';

const f32 = [
  'fastdepth', 'blazeface_front', 'retinaface_mnet25', 'u2netp', 'yolov8n', 'ppocr_cls_v2', 'ppocrv4_det_ch', 'ppocrv4_rec_ch', 'modnet', 'sface', 'minilm_l6_fp32',
  'silero_vad_v5', 'ddddocr_common', 'sam2_tiny_decoder', 'piper_vits_onnxbaby', 'migan_pipeline', 'nnsplit_lstm',
];
// Integer weights and products.
const integer = ['minilm_l6_int8', 'ddddocr_old_dynq', 'whisper_tiny_enc_q8'];

export const models = Object.fromEntries([...f32, ...integer].map((name) => {
  if (!benchFeeds[name]) throw new Error(`tests/zoo/inputs.mjs has no benchFeeds for ${name}`);
  return [name, { f32: f32.includes(name), feeds: benchFeeds[name] }];
}));

// What a --quick run takes: small ones of different kinds.
export const quickModels = ['blazeface_front', 'silero_vad_v5', 'ppocr_cls_v2'];
