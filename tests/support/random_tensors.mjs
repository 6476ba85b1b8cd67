// Random tensors for models that tests write.
import { generator } from './against_onnxruntime.mjs';
import { count, tensor } from './onnx_model.mjs';

/** A source of tensors; `seed` makes every run see the same. */
export function randomTensors(seed) {
  const random = generator(seed);
  const fill = (dims, next) => Array.from({ length: count(dims) }, next);
  const integer = (low, high) => low + Math.floor(random() * (high - low + 1));
  return {
    random,
    integer,
    /** Whole numbers in [low, high]; by default the type's whole range. */
    integers(type, dims, low = { uint8: 0, int8: -128, uint16: 0, int16: -32768, int32: -1000, int64: -1000 }[type],
      high = { uint8: 255, int8: 127, uint16: 65535, int16: 32767, int32: 1000, int64: 1000 }[type]) {
      return tensor(type, dims, fill(dims, () => integer(low, high)));
    },
    floats: (dims, low = -1, high = 1) => tensor('float32', dims, fill(dims, () => low + random() * (high - low))),
    /** Weights that ONNX Runtime multiplies exactly on CPUs without VNNI too: its kernels for u8 by i8 saturate sums of two products to 16 bits. */
    weights: (type, dims) => tensor(type, dims, fill(dims, () => (type === 'int8' ? integer(-63, 63) : integer(0, 255)))),
  };
}
