// yolov8n's real output goes into the graph that its package ships to suppress overlapping boxes.
import assert from 'node:assert/strict';
import { assertClose } from '../support/against_onnxruntime.mjs';
import { testModels, withModel } from './harness.mjs';
import { runs } from './inputs.mjs';

testModels(['nms_yolov8', 'yolov8n'], async () => {
  const [ours, reference] = await withModel('yolov8n', async (pair) => {
    const copy = ({ output0: { data, dims } }) => ({ type: 'float32', dims: dims.map(Number), data: data.slice() });
    return [copy(pair.ours(runs.yolov8n[0])), copy(await pair.reference(runs.yolov8n[0]))];
  });
  await withModel('nms_yolov8', async (pair) => {
    // Most boxes of a class, overlap from which one is dropped, least score. Low scores, so that a made-up picture holds many objects.
    for (const config of [[100, 0.45, 0.001], [5, 0.7, 0.0001], [100, 0.45, 0.99], [200, 0.2, 0.00001]]) {
      const feeds = (detection) => ({ detection, config: { type: 'float32', dims: [3], data: Float32Array.from(config) } });
      const expected = await pair.reference(feeds(reference));
      assertClose(`on the same boxes, ${config}`, pair.ours(feeds(reference)).selected, expected.selected);
      // With scores this low many are nearly equal, and rounding decides which box comes first.
      if (config[2] >= 0.001) assertClose(`all of it, ${config}`, pair.ours(feeds(ours)).selected, expected.selected);
    }
    const few = await pair.reference({ detection: reference, config: { type: 'float32', dims: [3], data: Float32Array.of(100, 0.45, 0.001) } });
    assert.ok(few.selected.dims.reduce((a, b) => a * b) > 0, 'nothing was detected');
  });
});
