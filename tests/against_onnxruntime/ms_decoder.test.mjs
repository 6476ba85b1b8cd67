// Whole decoders of com.microsoft operators as exporters put them together, run token by token with the state that the run before gave.
import assert from 'node:assert/strict';
import test from 'node:test';
import ort from 'onnxruntime-node';
import { assertClose, generator, withCompiled } from '../support/against_onnxruntime.mjs';
import { agreesWithModel, filled, oneNode, random } from '../support/one_node.mjs';
import { float, model, node, tensor, value } from '../support/onnx_model.mjs';

const ms = 'com.microsoft', f = 'float32';
const heads = 4, groups = 2, size = 16, hidden = heads * size, vocabulary = 37, inner = 48, layers = 2;

/** As onnxruntime-genai writes them: lengths from the attention mask, rotation inside of the attention, residuals inside of the norms. */
function decoder({ packed }) {
  const next = generator(7);
  const weights = {}, nodes = [], inputs = { input_ids: value('int64', ['batch_size', 'sequence_length']), attention_mask: value('int64', ['batch_size', 'total_sequence_length']) };
  const outputs = { logits: value(f, ['batch_size', 'sequence_length', vocabulary]) };
  const weight = (name, dims, scale = 0.3) => {
    weights[name] = random(f, dims, next, scale);
    return name;
  };
  const one = (name, dims, number) => {
    weights[name] = filled('int64', dims, () => number);
    return name;
  };
  weights.cos = filled(f, [64, size / 2], (i) => Math.cos(Math.floor(i / (size / 2)) * 100 ** (-(i % (size / 2)) / (size / 2))));
  weights.sin = filled(f, [64, size / 2], (i) => Math.sin(Math.floor(i / (size / 2)) * 100 ** (-(i % (size / 2)) / (size / 2))));
  nodes.push(
    node('Gather', [weight('embedding', [vocabulary, hidden], 1), 'input_ids'], ['x0']),
    node('ReduceSum', ['attention_mask', one('axis', [1], 1)], ['sums'], { keepdims: 0 }), node('Sub', ['sums', one('unit', [1], 1)], ['last64']), node('Cast', ['last64'], ['last'], { to: 6 }),
    node('Shape', ['attention_mask'], ['mask_shape']), node('Gather', ['mask_shape', one('second', [], 1)], ['total64'], { axis: 0 }), node('Cast', ['total64'], ['total'], { to: 6 }),
    node('SimplifiedLayerNormalization', ['x0', weight('norm0', [hidden], 1)], ['n0'], { axis: -1, epsilon: float(1e-5), stash_type: 1 }),
  );
  let normed = 'n0', residual = 'x0';
  for (let i = 0; i < layers; i++) {
    const state = { batch: 'batch_size', past: 'past_sequence_length' };
    for (const kind of ['key', 'value']) {
      inputs[`past.${i}.${kind}`] = value(f, [state.batch, groups, state.past, size]);
      outputs[`present.${i}.${kind}`] = value(f, [state.batch, groups, 'total_sequence_length', size]);
    }
    const project = (name, width) => {
      nodes.push(node('MatMul', [normed, weight(`w${name}${i}`, [hidden, width])], [`${name}${i}`]));
      return `${name}${i}`;
    };
    const qkv = packed ? [project('qkv', hidden + 2 * groups * size), '', ''] : [project('q', hidden), project('k', groups * size), project('v', groups * size)];
    nodes.push(
      node('GroupQueryAttention', [...qkv, `past.${i}.key`, `past.${i}.value`, 'last', 'total', 'cos', 'sin'], [`a${i}`, `present.${i}.key`, `present.${i}.value`],
        { num_heads: heads, kv_num_heads: groups, do_rotary: 1, rotary_interleaved: 0 }, ms),
      node('MatMul', [`a${i}`, weight(`wo${i}`, [hidden, hidden])], [`o${i}`]),
      node('SkipSimplifiedLayerNormalization', [residual, `o${i}`, weight(`norm_a${i}`, [hidden], 1)], [`m${i}`, '', '', `r${i}`], { epsilon: float(1e-5) }, ms),
      node('MatMul', [`m${i}`, weight(`gate${i}`, [hidden, inner])], [`g${i}`]), node('MatMul', [`m${i}`, weight(`up${i}`, [hidden, inner])], [`u${i}`]),
      node('QuickGelu', [`g${i}`], [`s${i}`], { alpha: float(1) }, ms), node('Mul', [`s${i}`, `u${i}`], [`h${i}`]), node('MatMul', [`h${i}`, weight(`down${i}`, [inner, hidden])], [`d${i}`]),
      node('SkipSimplifiedLayerNormalization', [`r${i}`, `d${i}`, weight(`norm_b${i}`, [hidden], 1)], [`e${i}`, '', '', `t${i}`], { epsilon: float(1e-5) }, ms),
    );
    normed = `e${i}`;
    residual = `t${i}`;
  }
  nodes.push(node('MatMul', [normed, weight('head', [hidden, vocabulary])], ['logits']));
  return model({ inputs, outputs, initializers: weights, nodes, opset: 17, opsets: { [ms]: 1 } });
}

const ids = (rows) => tensor('int64', [rows.length, rows[0].length], rows.flat());
const ones = (rows, columns) => filled('int64', [rows, columns], () => 1);

for (const packed of [false, true]) {
  test(`a decoder generates the same tokens as in ONNX Runtime, ${packed ? 'packed' : 'separate'} projections`, async () => {
    const bytes = decoder({ packed });
    const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
    await withCompiled(bytes, async (compiled) => {
      for (const prompts of [[[1, 5, 9, 2]], [[3, 4], [30, 8]], [[7]]]) {
        let tokens = prompts, total = prompts[0].length;
        let states = Object.fromEntries(session.inputNames.filter((name) => name.startsWith('past.')).map((name) => [name, { type: f, dims: [prompts.length, groups, 0, size], data: new Float32Array(0) }]));
        for (let step = 0; step < 6; step++) {
          const feeds = { input_ids: ids(tokens), attention_mask: ones(tokens.length, total), ...states };
          const expected = await session.run(Object.fromEntries(Object.entries(feeds).map(([name, { type, data, dims }]) => [name, new ort.Tensor(type, data, dims)])));
          const own = compiled.run(feeds);
          for (const name of session.outputNames) assertClose(`step ${step}, ${name}`, own[name], expected[name], { rtol: 1e-3, atol: 1e-4 });
          const width = tokens[0].length;
          const best = (logits) => tokens.map((_, row) => {
            const of = [...logits.data].slice(((row + 1) * width - 1) * vocabulary, (row + 1) * width * vocabulary);
            return [of.indexOf(Math.max(...of))];
          });
          assert.deepEqual(best(own.logits), best(expected.logits));
          tokens = best(own.logits);
          total += 1;
          states = Object.fromEntries(Object.entries(own).filter(([name]) => name.startsWith('present.')).map(([name, { dims, data }]) => [name.replace('present', 'past'), { type: f, dims, data: Float32Array.from(data) }]));
        }
      }
    });
  });
}

// ONNX Runtime unpacks these on GPUs alone: they are held against the unpacked form.
test('MultiHeadAttention of packed queries, keys and values', async () => {
  const n = 2, d = 4;
  const parts = (from, count, names) => [
    node('Split', [from], names.map((name) => `${name}5`), { axis: 3, num_outputs: count }),
    ...names.map((name) => node('Reshape', [`${name}5`, 'flat'], [name])),
  ];
  const flat = { flat: tensor('int64', [3], [0, 0, n * d]) };
  const whole = oneNode('MultiHeadAttention', { domain: ms, inputs: [['x', f, ['b', 's', n, 3, d]]], outputs: [['y', f]], attributes: { num_heads: n } });
  const wholeApart = model({
    inputs: { x: value(f, ['b', 's', n, 3, d]) }, outputs: { y: value(f) }, initializers: flat, opsets: { [ms]: 1 },
    nodes: [...parts('x', 3, ['q', 'k', 'v']), node('MultiHeadAttention', ['q', 'k', 'v'], ['y'], { num_heads: n }, ms)],
  });
  await agreesWithModel(whole.bytes, wholeApart, [whole.feeds({ x: [2, 3, n, 3, d] }), whole.feeds({ x: [1, 1, n, 3, d] })], { rtol: 1e-4, atol: 1e-5 });

  const both = oneNode('MultiHeadAttention', { domain: ms, inputs: [['q', f, ['b', 's', n * d]], ['x', f, ['b', 'l', n, 2, d]]], outputs: [['y', f]], attributes: { num_heads: n } });
  const bothApart = model({
    inputs: { q: value(f, ['b', 's', n * d]), x: value(f, ['b', 'l', n, 2, d]) }, outputs: { y: value(f) }, initializers: flat, opsets: { [ms]: 1 },
    nodes: [...parts('x', 2, ['k', 'v']), node('MultiHeadAttention', ['q', 'k', 'v'], ['y'], { num_heads: n }, ms)],
  });
  await agreesWithModel(both.bytes, bothApart, [both.feeds({ q: [2, 3, n * d], x: [2, 4, n, 2, d] })], { rtol: 1e-4, atol: 1e-5 });
});
