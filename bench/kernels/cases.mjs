// What the kernel benchmark measures: every kernel family on shapes that real models have. {name, from: the model with that shape, model: () => {bytes, feeds}, moves: transposes are part of
// what is measured, not of the way there; bytes: what is moved, where that is not all of the operands}.
import { tensor } from '../../tests/support/onnx_model.mjs';
import {
  attention, binary, build, concat, conv, convInteger, deconv, gather, matmul, matmulDequantized, matmulInteger, matmulNBits, product, random, recurrent, resize, topK, unary,
} from './build.mjs';

const of = (from, list) => list.map(([name, model, more = {}]) => ({ name, from, model, ...more }));
const moves = { moves: true };

export const cases = [
  ...of('yolov8n', [
    ['conv 1x1 32 to 32, 160x160, SiLU', () => conv([32, 160, 160], 32, 1, { then: 'silu' })],
    ['conv 1x1 192 to 64, 80x80, SiLU', () => conv([192, 80, 80], 64, 1, { then: 'silu' })],
    ['conv 1x1 384 to 128, 40x40, SiLU', () => conv([384, 40, 40], 128, 1, { then: 'silu' })],
    ['conv 3x3 16 to 16, 160x160, SiLU', () => conv([16, 160, 160], 16, 3, { then: 'silu' })],
    ['conv 3x3 64 to 64, 80x80, SiLU', () => conv([64, 80, 80], 64, 3, { then: 'silu' })],
    ['conv 3x3 128 to 128, 20x20, SiLU', () => conv([128, 20, 20], 128, 3, { then: 'silu' })],
    ['conv 3x3 s2 3 to 16, 640x640, SiLU', () => conv([3, 640, 640], 16, 3, { stride: 2, then: 'silu' })],
    ['conv 3x3 s2 128 to 256, 40x40, SiLU', () => conv([128, 40, 40], 256, 3, { stride: 2, then: 'silu' })],
    ['max pool 5x5 128, 20x20', () => unary('MaxPool', [1, 128, 20, 20], { attributes: { kernel_shape: [5, 5], pads: [2, 2, 2, 2], strides: [1, 1] } })],
    ['resize nearest 2x 256, 20x20', () => resize([1, 256, 20, 20], 2, 'nearest')],
    ['concat of channels 64 + 128, 80x80', () => concat([[1, 64, 80, 80], [1, 128, 80, 80]], 1)],
    ['softmax over 16 channels, 4x8400', () => unary('Softmax', [1, 16, 4, 8400], { attributes: { axis: 1 } })],
  ]),
  ...of('blazeface_front', [
    ['conv 5x5 s2 3 to 24, 128x128, ReLU', () => conv([3, 128, 128], 24, 5, { stride: 2, then: 'relu', pads: [1, 1, 2, 2] })],
    ['conv 1x1 24 to 28, 64x64, ReLU', () => conv([24, 64, 64], 28, 1, { then: 'relu' })],
    ['depthwise 3x3 24, 64x64', () => conv([24, 64, 64], 24, 3, { group: 24 })],
    ['depthwise 3x3 s2 42, 32x32', () => conv([42, 32, 32], 42, 3, { group: 42, stride: 2 })],
  ]),
  ...of('ppocr_cls_v2', [
    ['conv 1x1 8 to 16, 24x96', () => conv([8, 24, 96], 16, 1)],
    ['conv 1x1 24 to 24, 12x96', () => conv([24, 12, 96], 24, 1)],
  ]),
  ...of('ppocrv4_det_ch', [
    ['conv 3x3 96 to 24, 160x160', () => conv([96, 160, 160], 24, 3)],
    ['depthwise 3x3 48, 160x160', () => conv([48, 160, 160], 48, 3, { group: 48 })],
    ['depthwise 3x3 s2 32, 320x320', () => conv([32, 320, 320], 32, 3, { group: 32, stride: 2 })],
    ['depthwise 5x5 192, 40x40', () => conv([192, 40, 40], 192, 5, { group: 192 })],
    ['transposed conv 2x2 s2 24 to 24, 160x160', () => deconv([24, 160, 160], 24, 2)],
    ['transposed conv 2x2 s2 24 to 1, 320x320', () => deconv([24, 320, 320], 1, 2)],
    ['global average pool 192, 40x40', () => unary('GlobalAveragePool', [1, 192, 40, 40], { out: [1, 192, 1, 1] })],
  ]),
  ...of('ppocrv4_rec_ch', [
    ['conv 1x1 480 to 480, 6x80', () => conv([480, 6, 80], 480, 1)],
    ['conv 1x3 480 to 60, 1x40', () => conv([480, 1, 40], 60, [1, 3])],
    ['depthwise 5x5 240, 12x80', () => conv([240, 12, 80], 240, 5, { group: 240 })],
    ['depthwise 5x5 s2 128, 12x160', () => conv([128, 12, 160], 128, 5, { group: 128, stride: 2 })],
    ['matmul 40x120 by 6625', () => matmul(40, 120, 6625)],
    ['softmax 40x6625', () => unary('Softmax', [1, 40, 6625], { attributes: { axis: -1 } })],
    ['average pool 3x2 480, 3x80', () => unary('AveragePool', [1, 480, 3, 80], { attributes: { kernel_shape: [3, 2], strides: [3, 2] }, out: [1, 480, 1, 40] })],
    ['hard swish 480, 6x80', () => unary('HardSwish', [1, 480, 6, 80])],
  ]),
  ...of('u2netp', [
    ['conv 3x3 16 to 64, 320x320, ReLU', () => conv([16, 320, 320], 64, 3, { then: 'relu' })],
    ['conv 3x3 64 to 16, 160x160, ReLU', () => conv([64, 160, 160], 16, 3, { then: 'relu' })],
    ['max pool 2x2 s2 64, 320x320', () => unary('MaxPool', [1, 64, 320, 320], { attributes: { kernel_shape: [2, 2], strides: [2, 2] }, out: [1, 64, 160, 160] })],
    ['resize bilinear 2x 64, 80x80', () => resize([1, 64, 80, 80], 2, 'linear')],
    ['add 64, 160x160', () => binary('Add', [1, 64, 160, 160])],
    ['ReLU 64, 160x160', () => unary('Relu', [1, 64, 160, 160])],
  ]),
  ...of('migan_pipeline', [
    ['depthwise 3x3 64, 512x512', () => conv([64, 512, 512], 64, 3, { group: 64 })],
    ['depthwise 3x3 512, 64x64', () => conv([512, 64, 64], 512, 3, { group: 512 })],
    ['transposed depthwise 4x4 s2 64, 64x64', () => deconv([64, 64, 64], 64, 4, { pad: 1, group: 64 })],
    ['depthwise 4x4 64, 128x128', () => conv([64, 128, 128], 64, 4, { group: 64, pads: [2, 2, 1, 1] })],
    ['leaky ReLU 64, 256x256', () => unary('LeakyRelu', [1, 64, 256, 256], { attributes: { alpha: { f: 0.2 } } })],
    ['pad 64, 128x128', () => unary('Pad', [1, 64, 128, 128], { out: [1, 64, 130, 130], constants: { pads: tensor('int64', [8], [0, 0, 1, 1, 0, 0, 1, 1]) } }), moves],
  ]),
  ...of('piper_vits_onnxbaby', [['transposed conv 4x4 s2 64 to 32, 40x40', () => deconv([64, 40, 40], 32, 4, { pad: 1 })]]),
  ...of('modnet', [['instance norm 32, 128x128', () => unary('InstanceNormalization', [1, 32, 128, 128], { constants: { s: random('float32', [32]), b: random('float32', [32]) } })]]),
  ...of('sface', [
    ['gemv 25088 by 128', () => matmul(1, 25088, 128)],
    ['conv 1x1 512 to 512, 7x7', () => conv([512, 7, 7], 512, 1)],
    ['parametric ReLU 64, 56x56', () => unary('PRelu', [1, 64, 56, 56], { constants: { slope: random('float32', [64, 1, 1]) } })],
  ]),
  ...of('minilm_l6_fp32', [
    ['matmul 128x384 by 384', () => matmul(128, 384, 384)],
    ['matmul 128x384 by 1536, GELU', () => matmul(128, 384, 1536, { then: 'gelu' })],
    ['matmul 128x1536 by 384', () => matmul(128, 1536, 384)],
    ['queries by keys, 12 heads of 128x32', () => product(12, 128, 32, 128, { turned: true }), moves],
    ['weights by values, 12 heads of 128x128 by 32', () => product(12, 128, 128, 32)],
    ['attention, 12 heads of 128x32', () => attention(12, 128, 32), moves],
    ['softmax 12x128x128', () => unary('Softmax', [1, 12, 128, 128], { attributes: { axis: -1 } })],
    ['layer norm 128x384', () => unary('LayerNormalization', [1, 128, 384], { attributes: { axis: -1 }, constants: { s: random('float32', [384]), b: random('float32', [384]) } })],
    ['erf 128x1536', () => unary('Erf', [1, 128, 1536])],
    ['heads 128x12x32 to 12x128x32', () => unary('Transpose', [1, 128, 12, 32], { attributes: { perm: [0, 2, 1, 3] }, out: [1, 12, 128, 32] }), moves],
    ['gather 128 rows of 384', () => gather(30522, 384, 128), { bytes: 2 * 128 * 384 * 4 }],
    ['mean of rows 128x384', () => unary('ReduceMean', [1, 128, 384], { attributes: { axes: [-1], keepdims: 1 }, out: [1, 128, 1] })],
  ]),
  ...of('whisper_tiny_enc_q8', [
    ['GELU 1500x384', () => unary('Gelu', [1, 1500, 384], { opset: 20 })],
    ['attention, 6 heads of 1500x64', () => attention(6, 1500, 64), moves],
  ]),
  ...of('silero_vad_v5', [
    ['LSTM 1 step, 128', () => recurrent('LSTM', 1, 128, 128)],
    ['sigmoid 128x1536', () => unary('Sigmoid', [1, 128, 1536])],
    ['tanh 128x1536', () => unary('Tanh', [1, 128, 1536])],
  ]),
  ...of('nnsplit_lstm', [
    ['LSTM 100 steps, 128', () => recurrent('LSTM', 100, 128, 128)],
    ['GRU 100 steps, 128', () => recurrent('GRU', 100, 128, 128)],
  ]),
  ...of('minimind2_small_q8', [
    ['exp 128x1536', () => unary('Exp', [1, 128, 1536])],
    ['gemv 512 by 6400', () => matmul(1, 512, 6400)],
    ['gemv 512 by 1408, weights of 8 bits', () => matmulDequantized(1, 512, 1408)],
    ['gemv 512 by 1408, weights of 4 bits', () => matmulNBits(1, 512, 1408)],
  ]),
  ...of('minilm_l6_int8', [
    ['integers, matmul 128x384 by 1536', () => matmulInteger(128, 384, 1536)],
    ['integers, matmul 128x384 by 384, u8 weights', () => matmulInteger(128, 384, 384, { weights: random('uint8', [384, 384], { seed: 7 }), zero: tensor('uint8', [], [100]) })],
    ['integers, both sides quantized while running, 128x384 by 384', () => matmulInteger(128, 384, 384, { weights: null })],
    ['weights of 8 bits, matmul 128x384 by 384', () => matmulDequantized(128, 384, 384)],
  ]),
  ...of('ddddocr_old_dynq', [
    ['integers, conv 3x3 64 to 64, 32x80', () => convInteger([64, 32, 80], 64, 3)],
    ['integers, conv 3x3 64 to 64, 32x80, u8 weights', () => convInteger([64, 32, 80], 64, 3, { weights: ['uint8', 100] })],
    ['integers, conv 1x1 64 to 128, 32x80', () => convInteger([64, 32, 80], 128, 1)],
    ['integers, depthwise 3x3 64, 32x80', () => convInteger([64, 32, 80], 64, 3, { group: 64 })],
  ]),
  ...of('retinaface_mnet25', [
    ['channels to last 3, 640x640', () => unary('Transpose', [1, 3, 640, 640], { attributes: { perm: [0, 2, 3, 1] }, out: [1, 640, 640, 3] }), moves],
    ['channels to last 64, 80x80', () => unary('Transpose', [1, 64, 80, 80], { attributes: { perm: [0, 2, 3, 1] }, out: [1, 80, 80, 64] }), moves],
    ['channels to last 64, 80x80, bytes', () => unary('Transpose', [1, 64, 80, 80], { from: 'uint8', attributes: { perm: [0, 2, 3, 1] }, out: [1, 80, 80, 64] }), moves],
    ['channels to second 64, 80x80', () => unary('Transpose', [1, 80, 80, 64], { attributes: { perm: [0, 3, 1, 2] }, out: [1, 64, 80, 80] }), moves],
  ]),
  ...of('sam2_tiny_decoder', [
    ['multiply by columns 4096x256', () => binary('Mul', [1, 4096, 256], [256])],
    ['maximum over the first axis 4096x256', () => unary('ReduceMax', [4096, 256], { attributes: { axes: [0], keepdims: 1 }, out: [1, 256] })],
    ['copy of rows 4096x256', () => unary('Slice', [4097, 256], { out: [4096, 256], constants: { starts: tensor('int64', [1], [1]), ends: tensor('int64', [1], [4097]) } }), moves],
  ]),
  ...of('nms_yolov8', [
    ['top 100 of 8400', () => topK([1, 8400], 100)],
    ['non-maximum suppression 1000', () => build({
      inputs: { boxes: random('float32', [1, 1000, 4]), scores: random('float32', [1, 4, 1000], { seed: 2 }) }, outputs: { y: ['int64', ['n', 3]] },
      constants: { most: tensor('int64', [1], [20]), iou: tensor('float32', [1], [0.5]), score: tensor('float32', [1], [0.4]) }, nodes: [{ op: 'NonMaxSuppression', inputs: ['boxes', 'scores', 'most', 'iou', 'score'], outputs: ['y'], attributes: {}, domain: '' }],
    })],
  ]),
  // No model of the zoo has them; networks of the ResNeXt and ConvNeXt kinds do.
  ...of('none', [
    ['grouped conv 3x3 64 to 64 in 4, 40x40', () => conv([64, 40, 40], 64, 3, { group: 4 })],
    ['depthwise 7x7 96, 56x56', () => conv([96, 56, 56], 96, 7, { group: 96 })],
  ]),
];
