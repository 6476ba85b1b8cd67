// A real model with dynamic sizes, branches and state: after 10,000 runs of changing sizes in one instance memory is as large as after the first ten.
import assert from 'node:assert/strict';
import { testModels, withModel } from './harness.mjs';
import { runs } from './inputs.mjs';

testModels(['silero_vad_v5'], () => withModel('silero_vad_v5', (pair) => {
  // Both rates; the state that is carried is that of the first run.
  const feeds = runs.silero_vad_v5.map((run) => run({ stateN: { data: new Float32Array(2 * 128) } }));
  let after = 0;
  for (let i = 0; i < 10_000; i++) {
    if (i === 10) after = pair.model.exports.memory.buffer.byteLength;
    pair.model.run(feeds[(i * 5) % feeds.length]);
  }
  assert.equal(pair.model.exports.memory.buffer.byteLength, after);
}));
