// ONNX models as trees of Protocol Buffers fields, to change one field and leave the file readable.

// Fields that are messages, by message (onnx.proto).
const messages = {
  Model: { 7: 'Graph', 8: 'Opset', 25: 'Function' },
  Graph: { 1: 'Node', 5: 'Tensor', 11: 'Value', 12: 'Value', 13: 'Value', 15: 'Sparse' },
  Function: { 7: 'Node', 9: 'Opset' },
  Node: { 5: 'Attribute' },
  Attribute: { 5: 'Tensor', 6: 'Graph', 10: 'Tensor', 11: 'Graph' },
  Value: { 2: 'Type' },
  Type: { 1: 'TensorType', 4: 'Nested', 9: 'Nested' },
  Nested: { 1: 'Type' },
  TensorType: { 2: 'Shape' },
  Shape: { 1: 'Dim' },
  Sparse: { 1: 'Tensor', 2: 'Tensor' },
};

function readVarint(bytes, at) {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = bytes[at++];
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return [BigInt.asUintN(64, value), at];
  }
  throw new Error('a varint without end');
}

function varint(value) {
  const bytes = [];
  for (let rest = BigInt.asUintN(64, value); ; rest >>= 7n) {
    if (rest < 128n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number((rest & 127n) | 128n));
  }
}

// {message, field, wire, value}: value is a BigInt (wire 0), a Buffer (1, 5, and 2 where it is no message) or a list of fields.
export function parse(bytes, message = 'Model') {
  const fields = [];
  for (let at = 0; at < bytes.length;) {
    let tag, length = 0n, value;
    [tag, at] = readVarint(bytes, at);
    const field = Number(tag >> 3n), wire = Number(tag & 7n);
    if (wire === 0) {
      [value, at] = readVarint(bytes, at);
    } else {
      if (wire === 2) [length, at] = readVarint(bytes, at);
      else length = { 1: 8n, 5: 4n }[wire];
      value = bytes.subarray(at, at + Number(length));
      at += Number(length);
      const inner = wire === 2 && messages[message]?.[field];
      if (inner) value = parse(value, inner);
    }
    fields.push({ message, field, wire, value });
  }
  return fields;
}

export function print(fields) {
  return Buffer.concat(fields.flatMap(({ field, wire, value }) => {
    const tag = varint(BigInt(field * 8 + wire));
    if (wire === 0) return [tag, varint(value)];
    const bytes = Array.isArray(value) ? print(value) : value;
    return wire === 2 ? [tag, varint(BigInt(bytes.length)), bytes] : [tag, bytes];
  }));
}

// Every field with the list that holds it.
export function places(fields) {
  return fields.flatMap((entry) => [{ fields, entry }, ...(Array.isArray(entry.value) ? places(entry.value) : [])]);
}
