// Moving data between ONNX's order of axes (channels second) and that of TensorFlow and LiteRT (channels last).

export const size = (dims) => dims.reduce((all, dim) => all * dim, 1);

/** `data` of `dims`, its axes in the order `perm`. */
export function permuted({ dims, data, ...rest }, perm) {
  const out = perm.map((axis) => dims[axis]), result = new data.constructor(data.length), strides = dims.map((_, i) => size(dims.slice(i + 1)));
  const steps = perm.map((axis) => strides[axis]), index = out.map(() => 0);
  for (let i = 0, at = 0; i < result.length; i++) {
    result[i] = data[at];
    for (let axis = out.length - 1; axis >= 0; axis--) {
      at += steps[axis];
      if (++index[axis] < out[axis]) break;
      at -= steps[axis] * out[axis];
      index[axis] = 0;
    }
  }
  return { ...rest, dims: out, data: result };
}

export const toLast = [0, 2, 3, 1];   // channels second -> last
export const toSecond = [0, 3, 1, 2]; // channels last -> second
/** Where axis `i` of a channels-second tensor lies in a channels-last one. */
export const lastAxis = [0, 3, 1, 2];
