// A small Llama-style language model, quantized: 40 greedy tokens with the cache of keys and values. Both sides decode on their own.
import assert from 'node:assert/strict';
import { argMax, testModels, withModel } from './harness.mjs';
import { integers } from './inputs.mjs';

const LAYERS = 8, HEADS = 2, WIDTH = 64, VOCABULARY = 6400, TOKENS = 40;
const parts = Array.from({ length: LAYERS }, (_, layer) => [`${layer}.key`, `${layer}.value`]).flat();
const int64 = (data) => ({ type: 'int64', dims: [1, data.length], data: BigInt64Array.from(data, BigInt) });

async function continueText(prompt, run) {
  const tokens = [...prompt];
  let past = Object.fromEntries(parts.map((part) => [part, { type: 'float32', dims: [1, HEADS, 0, WIDTH], data: new Float32Array(0) }]));
  for (let next = prompt; tokens.length < prompt.length + TOKENS;) {
    const outputs = await run({
      input_ids: int64(next), attention_mask: int64(tokens.map(() => 1)), position_ids: int64(next.map((_, i) => tokens.length - next.length + i)),
      ...Object.fromEntries(parts.map((part) => [`past_key_values.${part}`, past[part]])),
    });
    past = Object.fromEntries(parts.map((part) => {
      const { data, dims } = outputs[`present.${part}`];
      return [part, { type: 'float32', dims: dims.map(Number), data: data.slice() }];
    }));
    next = [argMax(outputs.logits.data, (next.length - 1) * VOCABULARY, VOCABULARY)];
    tokens.push(...next);
  }
  return tokens.slice(prompt.length);
}

testModels(['minimind2_small_q8'], () => withModel('minimind2_small_q8', async (pair) => {
  for (const length of [7, 19]) {
    const prompt = [...integers([1, length], VOCABULARY, { seed: length }).data].map(Number);
    const expected = await continueText(prompt, async (feeds) => (await pair.compare(`with ${feeds.attention_mask.dims[1]} tokens`, feeds)).reference);
    assert.deepEqual(await continueText(prompt, (feeds) => pair.ours(feeds)), expected);
  }
}));
