// Runs the models that property_tool --answers wrote in native ONNX Runtime on the same inputs, and compares with the modules' outputs.
//   node compare.mjs FOLDER [FIRST]   one JSON line per model: {name, verdict: same|different|refused, detail}
// A line "start NAME" comes before each, so that who reads knows which model took the whole process down.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ort from 'onnxruntime-node';
import { arrays } from '../support/onnx_model.mjs';

const [folder, first = ''] = process.argv.slice(2);

function half(bits) {
  const exponent = (bits >> 10) & 31, fraction = bits & 1023, sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

function contents(bin, { type, dims, offset, bytes }) {
  const Elements = arrays[type];
  if (!Elements) throw new Error(`no arrays of type ${type}`);
  const copy = bin.buffer.slice(bin.byteOffset + offset, bin.byteOffset + offset + bytes);
  return { type, dims, data: new Elements(copy) };
}

function difference(mine, theirs, exact, allowed) {
  if (mine.type !== theirs.type) return `is ${mine.type}, ONNX Runtime has ${theirs.type}`;
  // What a loop collects in no round: ONNX Runtime knows its shape only if the model declares it.
  if (theirs.dims.join() === '0' && mine.dims[0] === 0) return '';
  if (mine.dims.join() !== theirs.dims.join()) return `has shape [${mine.dims}], ONNX Runtime has [${theirs.dims}]`;
  const number = mine.type === 'float16' ? half : Number;
  const tolerance = exact || !mine.type.startsWith('float') ? 0 : allowed;
  for (let i = 0; i < mine.data.length; i++) {
    const a = number(mine.data[i]), b = number(theirs.data[i]);
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    if (!(Math.abs(a - b) <= tolerance * (1 + Math.abs(b)))) return `[${i}] is ${a}, ONNX Runtime has ${b}`;
  }
  return '';
}

async function compare(name) {
  const { inputs, outputs, allowed } = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
  const bin = readFileSync(join(folder, `${name}.bin`));
  const feeds = {};
  let results;
  try {
    for (const input of inputs ?? []) {
      const { type, dims, data } = contents(bin, input);
      feeds[input.name] = new ort.Tensor(type, data, dims);
    }
    // Unoptimised: what is asked is what the operators mean, and not what fusions make of them.
    const session = await ort.InferenceSession.create(join(folder, `${name}.onnx`), { graphOptimizationLevel: 'disabled', logSeverityLevel: 4, intraOpNumThreads: 1, interOpNumThreads: 1 });
    results = await session.run(feeds);
  } catch (error) {
    return { verdict: 'refused', detail: String(error.message ?? error).slice(0, 300) };
  }
  for (const output of outputs) {
    if (!arrays[output.type]) continue;
    const found = difference(contents(bin, output), results[output.name], output.exact, allowed);
    if (found) return { verdict: 'different', detail: `output '${output.name}' ${found}` };
  }
  return { verdict: 'same', detail: '' };
}

const names = readdirSync(folder).filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -5)).sort((a, b) => a - b);
for (const name of first ? names.slice(names.indexOf(first)) : names) {
  // Of infinities and NaN the specification says little, and ONNX Runtime does what its vector instructions do.
  if (JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')).specials) continue;
  process.stdout.write(`start ${name}\n`);
  process.stdout.write(`${JSON.stringify({ name, ...await compare(name) })}\n`);
}
