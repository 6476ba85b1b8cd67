// Operators that compute with texts: numbers and texts, StringConcat, StringSplit, StringNormalizer, TfIdfVectorizer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agreesWithOnnxRuntime, generator, withCompiled } from '../support/against_onnxruntime.mjs';
import { floats, model, node, strings, tensor, typeCodes, value } from '../support/onnx_model.mjs';

const list = (data, dims = [data.length]) => ({ type: 'string', dims, data });

function one(op, from, to, attributes = {}, dims = ['n']) {
  return model({ inputs: { x: value(from, dims) }, outputs: { y: value(to) }, nodes: [node(op, ['x'], ['y'], attributes)], opset: 21 });
}

test('numbers become texts', async () => {
  const random = generator(7);
  const bits = (array, count) => new array(Uint32Array.from({ length: (count * array.BYTES_PER_ELEMENT) / 4 }, () => random() * 2 ** 32).buffer);
  const near = Array.from({ length: 400 }, (_, i) => ((random() - 0.5) * 10 ** ((i % 40) - 20)));
  const special = [0, -0, NaN, Infinity, -Infinity, 1, -1, 0.1, 1e8, 123456789, 99999999.5, 1e-4, 9.9999e-5, 1e-5, 5e-324, 1.7976931348623157e308, 0.5, 1 / 3, 16777216];
  for (const [type, array] of [['float32', Float32Array], ['float64', Float64Array]]) {
    const data = array.from([...special, ...near, ...bits(array, 400)]);
    await agreesWithOnnxRuntime(one('Cast', type, 'string', { to: typeCodes.string }), [{ x: { type, dims: [data.length], data } }]);
  }
  for (const [type, array] of [['int8', Int8Array], ['uint8', Uint8Array], ['int32', Int32Array], ['uint32', Uint32Array]]) {
    const data = bits(array, 64);
    await agreesWithOnnxRuntime(one('Cast', type, 'string', { to: typeCodes.string }), [{ x: { type, dims: [data.length], data } }]);
  }
  const wide = [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 1234567890123456789n];
  await agreesWithOnnxRuntime(one('Cast', 'int64', 'string', { to: typeCodes.string }), [{ x: tensor('int64', [6], BigInt64Array.from(wide)) }]);
  await agreesWithOnnxRuntime(one('Cast', 'uint64', 'string', { to: typeCodes.string }), [{ x: tensor('uint64', [2], BigUint64Array.from([0n, 2n ** 64n - 1n])) }]);
  await agreesWithOnnxRuntime(one('Cast', 'bool', 'string', { to: typeCodes.string }), [{ x: tensor('bool', [2], [0, 1]) }]);
  await agreesWithOnnxRuntime(one('Cast', 'float16', 'string', { to: typeCodes.string }), [{ x: tensor('float16', [4], [0x3555, 0x7bff, 0xfc00, 0x0001]) }]);
});

test('texts become numbers', async () => {
  const exact = { rtol: 0, atol: 0 };
  const random = generator(9);
  const made = Array.from({ length: 300 }, (_, i) => {
    const digits = Array.from({ length: 1 + Math.floor(random() * 25) }, () => Math.floor(random() * 10)).join('');
    const at = Math.floor(random() * digits.length);
    return `${random() < 0.3 ? '-' : ''}${digits.slice(0, at)}.${digits.slice(at)}${i % 3 ? `e${Math.floor(random() * 60) - 30}` : ''}`;
  });
  const reals = ['1', '-2.5', '  7', '3abc', 'inf', '-INF', 'Infinity', 'nan', '0x1p4', '1e10', '.5', '5.', '+3', '1e', '9007199254740993', '1e38', '3.4028236e38', ...made];
  for (const type of ['float32', 'float64']) {
    await agreesWithOnnxRuntime(one('Cast', 'string', type, { to: typeCodes[type] }), [{ x: list(reals) }], exact);
  }
  await agreesWithOnnxRuntime(one('Cast', 'string', 'float16', { to: typeCodes.float16 }), [{ x: list(['1.1', '65504', '-1e-7', '1e9']) }], exact);
  const whole = ['0', '12', ' -7', '+5', '127', '3.9', '99x', '-128'];
  for (const type of ['int8', 'int16', 'int32', 'int64']) {
    await agreesWithOnnxRuntime(one('Cast', 'string', type, { to: typeCodes[type] }), [{ x: list(whole) }], exact);
  }
  for (const type of ['uint8', 'uint32', 'uint64']) {
    await agreesWithOnnxRuntime(one('Cast', 'string', type, { to: typeCodes[type] }), [{ x: list(['0', '255', ' 7']) }], exact);
  }
  await agreesWithOnnxRuntime(one('Cast', 'string', 'int64', { to: typeCodes.int64 }), [{ x: list(['9223372036854775807', '-9223372036854775808']) }], exact);
  await agreesWithOnnxRuntime(one('Cast', 'string', 'bool', { to: typeCodes.bool }), [{ x: list(['0', '1', '7']) }], exact);
  await withCompiled(one('Cast', 'string', 'float32', { to: 1 }), async (compiled) => {
    assert.throws(() => compiled.run({ x: list(['1', 'two']) }), /element 1 of a string tensor cannot be read/);
    assert.deepEqual([...compiled.run({ x: list(['1', '2']) }).y.data], [1, 2]);
  });
});

test('StringConcat broadcasts', async () => {
  const bytes = model({
    inputs: { a: value('string', ['n', 1]), b: value('string', ['m']) },
    outputs: { y: value('string'), z: value('string') },
    initializers: { end: list(['!'], []) },
    nodes: [node('StringConcat', ['a', 'b'], ['y']), node('StringConcat', ['y', 'end'], ['z'])],
  });
  await agreesWithOnnxRuntime(bytes, [
    { a: list(['x', 'ü', ''], [3, 1]), b: list(['1', '']) },
    { a: list(['a b'], [1, 1]), b: list(['c', 'd', 'e'.repeat(5000)]) },
  ]);
});

test('StringSplit', async () => {
  const inputs = [
    list(['a b  c', ' lead', 'trail ', '', '   ', 'one', 'ü ö\u00a0ä'], [7]),
    list(['a,b', ',', 'a,,b,', 'none', ', ,', ''], [2, 3]),
    list([''], [1]),
  ];
  for (const attributes of [{}, { delimiter: ',' }, { delimiter: ', ' }, { maxsplit: 1 }, { delimiter: ',', maxsplit: 1 }, { maxsplit: 0 }, { delimiter: '' }, { delimiter: 'ü' }]) {
    for (const x of inputs) {
      const bytes = model({
        inputs: { x: value('string', x.dims.map((_, i) => `d${i}`)) },
        outputs: { y: value('string'), z: value('int64') },
        nodes: [node('StringSplit', ['x'], ['y', 'z'], attributes)],
      });
      await agreesWithOnnxRuntime(bytes, [{ x }]);
    }
  }
});

test('StringNormalizer', async () => {
  const x = list(['Monday', 'tuesday', 'ÄRGER', 'straße', 'ΣΊΣΥΦΟΣ', 'monday', 'ǅ', 'Жук', 'İ']);
  for (const action of ['NONE', 'LOWER', 'UPPER']) {
    for (const sensitive of [0, 1]) {
      for (const stops of [[], ['monday', 'ärger', 'nothing'], x.data]) {
        // Not every machine has ONNX's default locale, en_US.
        const attributes = { case_change_action: action, is_case_sensitive: sensitive, locale: 'C.UTF-8' };
        // Distinct, also when case does not matter.
        const distinct = [...new Map(stops.map((word) => [word.toLowerCase(), word])).values()];
        if (stops.length) attributes.stopwords = strings(sensitive ? stops : distinct);
        for (const dims of [[9], [1, 9]]) {
          const bytes = one('StringNormalizer', 'string', 'string', attributes, dims.map((_, i) => (i === 0 && dims.length === 2 ? 1 : 'c')));
          await agreesWithOnnxRuntime(bytes, [{ x: { ...x, dims } }]);
        }
      }
    }
  }
});

test('TfIdfVectorizer', async () => {
  const random = generator(3);
  const vocabulary = ['a', 'b', 'c', 'dd', 'é'];
  const pools = { texts: ['a', 'b', 'dd', 'a', 'b', 'b', 'c', 'a', 'dd', 'c', 'é', 'a'], numbers: [2, 3, 5, 4, 5, 6, 7, 8, 6, 7, 2, 3] };
  for (const mode of ['TF', 'IDF', 'TFIDF']) {
    for (const [least, most, skips] of [[1, 1, 0], [1, 2, 0], [2, 2, 3], [1, 3, 5], [2, 3, 1]]) {
      const attributes = { mode, min_gram_length: least, max_gram_length: most, max_skip_count: skips, ngram_counts: [0, 3, 9], ngram_indexes: [0, 2, 1, 4, 3, 5, 6], weights: floats([1, 2, 3, 4, 5, 6, 7]) };
      const words = model({
        inputs: { x: value('string', ['n', 'c']) }, outputs: { y: value('float32') }, opset: 9,
        nodes: [node('TfIdfVectorizer', ['x'], ['y'], { ...attributes, pool_strings: strings(pools.texts) })],
      });
      const data = Array.from({ length: 3 * 14 }, () => vocabulary[Math.floor(random() * 5)]);
      await agreesWithOnnxRuntime(words, [{ x: list(data, [3, 14]) }, { x: list(data.slice(0, 2), [2, 1]) }]);
      const numbers = model({
        inputs: { x: value('int32', ['c']) }, outputs: { y: value('float32') }, opset: 9,
        nodes: [node('TfIdfVectorizer', ['x'], ['y'], { ...attributes, pool_int64s: pools.numbers })],
      });
      await agreesWithOnnxRuntime(numbers, [{ x: tensor('int32', [20], Array.from({ length: 20 }, () => 2 + Math.floor(random() * 7))) }]);
    }
  }
});
