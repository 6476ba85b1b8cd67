// What hosts may do with string tensors: run for ever without losing memory, write nonsense, go through wasi-nn.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generator, withCompiled } from '../support/against_onnxruntime.mjs';
import { model, node, value } from '../support/onnx_model.mjs';

// y = x + ":" + x, z = the distinct ones, same = x, k a constant.
const bytes = model({
  inputs: { x: value('string', ['n']) },
  outputs: { y: value('string', ['n']), z: value('string', ['u']), same: value('string', ['n']), k: value('string', [2]) },
  initializers: { colon: { type: 'string', dims: [], data: [':'] }, k: { type: 'string', dims: [2], data: ['', 'constant'] } },
  nodes: [node('StringConcat', ['x', 'colon'], ['left']), node('StringConcat', ['left', 'x'], ['y']), node('Unique', ['y'], ['z']), node('Identity', ['x'], ['same'])],
});
const expected = (x) => ({ y: x.map((text) => `${text}:${text}`), z: [...new Set(x.map((text) => `${text}:${text}`))].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))), same: x, k: ['', 'constant'] });

test('10,000 runs leave memory where the first ten brought it', async () => {
  const random = generator(5);
  await withCompiled(bytes, async (compiled) => {
    const run = (i) => {
      const x = Array.from({ length: 1 + (i % 17) }, () => `text\0${Math.floor(random() * 1000)} `.repeat(1 + (i % 7)));
      const got = compiled.run({ x: { data: x, dims: [x.length] } });
      if (i % 500 === 0) for (const [name, texts] of Object.entries(expected(x))) assert.deepEqual(got[name].data, texts, name);
    };
    for (let i = 0; i < 10 * 17 * 7; i++) run(i);
    const before = compiled.exports.memory.buffer.byteLength;
    for (let i = 0; i < 10_000; i++) run(i);
    assert.equal(compiled.exports.memory.buffer.byteLength, before);
  });
});

// The plain interface by hand: sets `count` elements, each [address, length].
function plain(api) {
  const view = () => new DataView(api.memory.buffer);
  const text = (address) => {
    const memory = new Uint8Array(api.memory.buffer);
    return Buffer.from(memory.subarray(address, memory.indexOf(0, address))).toString();
  };
  return {
    view,
    error: () => text(api.o2w_last_error() >>> 0),
    run(elements) {
      const dims = api.o2w_alloc(4);
      view().setInt32(dims, elements.length, true);
      assert.equal(api.o2w_set_input_shape(0, dims, 1), 0);
      api.o2w_free(dims);
      assert.equal(api.o2w_prepare(), 0);
      const data = view().getUint32(api.o2w_input(0) + 52, true);
      elements.forEach(([address, length], i) => {
        view().setUint32(data + 8 * i, address, true);
        view().setUint32(data + 8 * i + 4, length, true);
      });
      return api.o2w_run();
    },
  };
}

test('strings outside of memory are an error by element, and the module goes on', async () => {
  await withCompiled(bytes, async (compiled) => {
    const api = compiled.exports, host = plain(api);
    const end = api.memory.buffer.byteLength;
    for (const [address, length] of [[0, 1], [1023, 1], [end, 1], [end - 1, 2], [0xffffffff, 1], [0xfffffff0, 0xffffffff], [4096, 0xffffffff], [4096, 0x80000000]]) {
      assert.equal(host.run([[2048, 4], [address, length]]), 1, `${address} ${length}`);
      assert.match(host.error(), /input "x": element 1 is a string of \d+ bytes at address \d+, which lie outside memory/);
    }
    // No bytes are nowhere; the last byte is still inside.
    assert.equal(host.run([[0xffffffff, 0], [api.memory.buffer.byteLength - 1, 1]]), 0);
    assert.deepEqual(compiled.run({ x: ['a', 'b'] }).y.data, ['a:a', 'b:b']);
    // What a host leaves in its array stays there, and can be run with again.
    const place = api.o2w_alloc(16);
    new Uint8Array(api.memory.buffer, place, 2).set([104, 105]);
    assert.equal(host.run([[place, 2], [place, 1]]), 0);
    for (let i = 0; i < 3; i++) assert.equal(api.o2w_run(), 0);
    const output = host.view().getUint32(api.o2w_output(0) + 52, true);
    const [address, length] = [host.view().getUint32(output, true), host.view().getUint32(output + 4, true)];
    assert.equal(Buffer.from(api.memory.buffer, address, length).toString(), 'hi:hi');
  });
});

test('the loader refuses what is no list of strings', async () => {
  await withCompiled(bytes, async (compiled, { ModelError }) => {
    for (const wrong of [new Uint8Array(3), [1, 2], 'text', null, [undefined]]) {
      assert.throws(() => compiled.run({ x: { data: wrong, dims: [2] } }), ModelError);
    }
    assert.throws(() => compiled.run({ x: { data: ['a'], dims: [2] } }), /expected 2 elements, got 1/);
    assert.deepEqual(compiled.run({ x: [] }).y, { data: [], dims: [0] });
  });
});

function wasiNn(nn) {
  const at = nn.o2w_alloc(8192);
  const view = () => new DataView(nn.memory.buffer);
  assert.equal(nn.load(0, 0, 1, 0, at), 0);
  const context = () => {
    assert.equal(nn.init_execution_context(0, at), 0);
    return view().getUint32(at, true);
  };
  const encode = (texts) => Buffer.concat(texts.flatMap((text) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(Buffer.byteLength(text));
    return [length, Buffer.from(text)];
  }));
  const set = (handle, count, data, size = data.length) => {
    view().setUint32(at + 64, count, true);
    [at + 64, 1, 3, at + 1025, size].forEach((word, i) => view().setUint32(at + 4 * i, word, true));
    new Uint8Array(nn.memory.buffer, at + 1025, data.length).set(data);
    return nn.set_input(handle, 0, at);
  };
  const get = (handle, index) => {
    assert.equal(nn.get_output(handle, index, 0, 0, at), 7);
    const size = view().getUint32(at, true);
    assert.equal(nn.get_output(handle, index, at + 4097, size, at), 0);
    const data = Buffer.from(nn.memory.buffer.slice(at + 4097, at + 4097 + size));
    const texts = [];
    for (let i = 0; i < data.length; i += 4 + data.readUInt32LE(i)) texts.push(data.toString('utf8', i + 4, i + 4 + data.readUInt32LE(i)));
    return texts;
  };
  return { context, encode, set, get };
}

test('wasi-nn carries strings as bytes; contexts do not disturb each other', async () => {
  await withCompiled(bytes, async (compiled) => {
    const nn = compiled.exports;
    const { context, encode, set, get } = wasiNn(nn);
    const lists = [['b', 'a', 'b', ''], ['ü', 'x'.repeat(200)], ['constant', ':', 'constant']];
    const handles = lists.map(context);
    lists.forEach((list, i) => assert.equal(set(handles[i], list.length, encode(list)), 0));
    for (const handle of handles) assert.equal(nn.compute(handle), 0);
    compiled.run({ x: ['something', 'else'] });
    lists.forEach((list, i) => {
      Object.values(expected(list)).forEach((texts, output) => assert.deepEqual(get(handles[i], output), texts));
    });
    // A size or a length that does not fit is refused, and what was set before stays.
    const good = encode(['p', 'q']);
    assert.equal(set(handles[0], 2, good), 0);
    for (const size of [0, 3, 4, 5, 9]) assert.equal(set(handles[0], 2, good, size), 1, `${size} bytes`);
    assert.equal(set(handles[0], 3, good), 1);
    assert.equal(set(handles[0], 2, good), 0);
    const long = Buffer.from(good);
    long.writeUInt32LE(0xffffffff, 5);
    assert.equal(set(handles[0], 2, long), 1);
    assert.equal(nn.compute(handles[0]), 0);
    assert.deepEqual(get(handles[0], 0), ['p:p', 'q:q']);
    for (const handle of handles) assert.equal(nn.finalize_execution_context(handle), 0);
  });
});
