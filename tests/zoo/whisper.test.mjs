// Speech to text with whisper-tiny, quantized: log mel energies of a made-up voice through the encoder, then greedy decoding with the cache of keys and
// values. Both sides decode on their own; the tokens must be the same.
import assert from 'node:assert/strict';
import { argMax, testModels, withModel } from './harness.mjs';
import { babble, logMel } from './log_mel.mjs';

const HEADS = 6, WIDTH = 64, LAYERS = 4, VOCABULARY = 51865;
const PROMPT = [50258, 50259, 50359, 50363];  // <|startoftranscript|> <|en|> <|transcribe|> <|notimestamps|>
const END = 50257, MOST_TOKENS = 40;

const parts = Array.from({ length: LAYERS }, (_, layer) => ['decoder.key', 'decoder.value', 'encoder.key', 'encoder.value'].map((part) => `${layer}.${part}`)).flat();
const empty = { type: 'float32', dims: [1, HEADS, 0, WIDTH], data: new Float32Array(0) };

function step(tokens, encoded, past) {
  const feeds = {
    input_ids: { type: 'int64', dims: [1, tokens.length], data: BigInt64Array.from(tokens, BigInt) },
    encoder_hidden_states: encoded,
    use_cache_branch: { type: 'bool', dims: [1], data: Uint8Array.of(past ? 1 : 0) },
  };
  for (const part of parts) feeds[`past_key_values.${part}`] = past ? past[part] : empty;
  return feeds;
}

const copy = ({ data, dims }) => ({ type: 'float32', dims: dims.map(Number), data: data.slice() });

// Greedy decoding; `run` computes one step.
async function transcribe(encoded, run) {
  const tokens = [...PROMPT];
  let past = null, next = PROMPT;
  while (tokens.length < MOST_TOKENS && tokens.at(-1) !== END) {
    const outputs = await run(step(next, encoded, past));
    // With the cache the decoder passes the encoder's keys and values over: they stay what the first step made them.
    const fresh = past ? parts.filter((part) => part.includes('decoder')) : parts;
    past = { ...past, ...Object.fromEntries(fresh.map((part) => [part, copy(outputs[`present.${part}`])])) };
    const { data, dims } = outputs.logits;
    next = [argMax(data, (Number(dims[1]) - 1) * VOCABULARY, VOCABULARY)];
    tokens.push(...next);
  }
  return tokens;
}

testModels(['whisper_tiny_dec_q8', 'whisper_tiny_enc_q8'], async () => {
  const sound = { input_features: logMel(babble(6)) };
  const [ours, reference] = await withModel('whisper_tiny_enc_q8', async (pair) => {
    const { ours: mine, reference: outputs } = await pair.compare('encoder', sound);
    return [copy(mine.last_hidden_state), copy(outputs.last_hidden_state)];
  });
  await withModel('whisper_tiny_dec_q8', async (pair) => {
    // Step by step on the same inputs, then each by itself.
    const expected = await transcribe(reference, async (feeds) => {
      const only = pair.session.outputNames.filter((name) => feeds.use_cache_branch.data[0] === 0 || !/present.*encoder/.test(name));
      return (await pair.compare(`with ${feeds.input_ids.data}`, feeds, { only })).reference;
    });
    assert.ok(expected.length > PROMPT.length + 2, `a transcript of ${expected.length} tokens says nothing`);
    assert.deepEqual(await transcribe(ours, (feeds) => pair.ours(feeds)), expected);
  });
});
