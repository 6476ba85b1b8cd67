// Finds the faces in a picture with a compiled RetinaFace, and shows the time beside native ONNX Runtime's.
//   node detect.mjs LOADER.mjs MODEL.onnx PICTURE.jpg OUT.png
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import { drawFrames, size, toFaces, toInput } from './retinaface.mjs';

const [loaderPath, modelPath, picturePath, outPath] = process.argv.slice(2);
const picture = jpeg.decode(readFileSync(picturePath), { useTArray: true });
const { input, scale } = toInput(picture);
const rounds = 7;

// Milliseconds: the median of some runs after one that is not counted.
async function median(run) {
  await run();
  const times = [];
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[rounds >> 1];
}

let start = performance.now();
const { create } = await import(pathToFileURL(resolve(loaderPath)));
const model = await create();
const ready = performance.now() - start;
start = performance.now();
const outputs = model.run({ data: input });
const first = performance.now() - start;
const faces = toFaces(outputs, scale);

console.log(`${picturePath}: ${picture.width} x ${picture.height} pixels, ${faces.length} face${faces.length === 1 ? '' : 's'}`);
for (const face of faces) {
  const [x, y, w, h] = [face.x, face.y, face.width, face.height].map(Math.round);
  console.log(`  at (${x}, ${y}), ${w} x ${h}, score ${face.score.toFixed(3)}`);
}
drawFrames(picture, faces);
const png = new PNG({ width: picture.width, height: picture.height });
png.data.set(picture.data);
writeFileSync(outPath, PNG.sync.write(png));
console.log(`picture with frames: ${outPath}`);

const ms = (value) => `${value.toFixed(1)} ms`;
console.log(`onnx2wasm: ready in ${ms(ready)}, first answer in ${ms(first)}, then ${ms(await median(() => model.run({ data: input })))} (one thread, ${size} x ${size})`);
try {
  const { default: ort } = await import('onnxruntime-node');
  start = performance.now();
  const session = await ort.InferenceSession.create(modelPath, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 });
  const nativeReady = performance.now() - start;
  const feeds = { data: new ort.Tensor('float32', input, [1, 3, size, size]) };
  start = performance.now();
  const reference = await session.run(feeds);
  const nativeFirst = performance.now() - start;
  const largest = Math.max(...session.outputNames.map((name) => reference[name].data.reduce((most, value, i) => Math.max(most, Math.abs(value - outputs[name].data[i])), 0)));
  console.log(`native ONNX Runtime: ready in ${ms(nativeReady)}, first answer in ${ms(nativeFirst)}, then ${ms(await median(() => session.run(feeds)))} (one thread)`);
  console.log(`largest difference of any output element: ${largest.toExponential(2)}`);
} catch (error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  console.log('native ONNX Runtime: not installed (npm onnxruntime-node)');
}
