// Tensors in a file that Node and browsers read alike: a length, a JSON header with names, element types, dims and offsets, then the bytes.

export const arrays = {
  float32: Float32Array, float64: Float64Array, uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array, int32: Int32Array, uint32: Uint32Array,
  int64: BigInt64Array, uint64: BigUint64Array, bool: Uint8Array,
};

const aligned = (bytes) => Math.ceil(bytes / 16) * 16;

/** {name: {type, dims, data}} as bytes. */
export function encodeTensors(tensors) {
  let offset = 0;
  const header = Object.entries(tensors).map(([name, { type, dims, data }]) => {
    const entry = { name, type, dims: dims.map(Number), offset, bytes: data.byteLength };
    offset = aligned(offset + data.byteLength);
    return entry;
  });
  const text = new TextEncoder().encode(JSON.stringify(header)), start = aligned(4 + text.length), out = new Uint8Array(start + offset);
  new DataView(out.buffer).setUint32(0, text.length, true);
  out.set(text, 4);
  for (const [i, { data }] of Object.values(tensors).entries()) out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start + header[i].offset);
  return out;
}

export function decodeTensors(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true), start = aligned(4 + length);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  return Object.fromEntries(header.map(({ name, type, dims, offset, bytes: size }) => {
    const at = bytes.byteOffset + start + offset;
    return [name, { type, dims, data: new arrays[type](bytes.buffer.slice(at, at + size)) }];
  }));
}
