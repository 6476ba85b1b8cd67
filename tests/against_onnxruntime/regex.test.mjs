// RegexFullMatch: expressions and texts of all kinds, and random ones, against RE2 in ONNX Runtime.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agreesWithOnnxRuntime, generator, withCompiled } from '../support/against_onnxruntime.mjs';
import { model, node, value } from '../support/onnx_model.mjs';

const matching = (patterns) => model({
  inputs: { x: value('string', ['n']) },
  outputs: Object.fromEntries(patterns.map((_, i) => [`y${i}`, value('bool', ['n'])])),
  nodes: patterns.map((pattern, i) => node('RegexFullMatch', ['x'], [`y${i}`], { pattern })),
});
const feed = (data) => ({ x: { type: 'string', dims: [data.length], data } });

const patterns = [
  '', 'a', '.', '.*', '(?s).*', '[^a]', '\\w+@\\w+\\.com', '(\\W|^)[\\w.\\-]{0,25}@(yahoo|gmail)\\.com(\\W|$)', '\\bfoo\\b.*', '.*\\bbar\\b', '\\B.*', '(?i)straße',
  '(?i)k', '(?i)[^k]', '(?i)ſ', '(?i)σ+', '(?i)[a-z]+', '(?i)İ', '(?i:a)b', 'a(?i)b|c', '[[:alpha:]]+', '[[:^digit:]]*', '[[:word:]-]+', '\\p{Greek}+', '\\pL+', '\\PL*', '\\p{Lu}.*', '\\p{^Lu}+',
  '\\P{^Lu}', '[\\pN\\s]+', '[^\\pL]+', '\\p{Han}+', 'x{2,3}', 'x{,3}', 'x{2,}', 'x{0}', '(?m)^a$\\n^b$', '^a$\\n^b$', '(?m)(^|b)+', '[\\x{4e00}-\\x{9fff}]{2}', '\\Qa.b\\E+', '\\C\\C', '\\C*', '[]a]+', '[a-]+', '[-a]+',
  '[^]a]+', '(?:a|b)*?c', '(?P<name>a)(?<other>b)', '(a|b)*a(a|b){14}', '(a*)*b', '\\x41\\101\\x00', '\\a\\f\\t\\n\\r\\v', 'a\\b', '\\b', '.*\\z', '\\A.*', 'a||b', '(|a)+', '()*', '[\\d\\-x]+', '\\d+(\\.\\d+)?', '(?U)a+?',
  '(\\+\\d{1,3}[- ]?)?\\d{10}', '[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\\.[a-zA-Z]{2,}', '(25[0-5]|2[0-4]\\d|1?\\d?\\d)(\\.(25[0-5]|2[0-4]\\d|1?\\d?\\d)){3}', '[\\x{80}-\\x{10ffff}]+', '(?i)ǆ', '\\{1\\}', 'a{x', '(?s)a.b',
];
const texts = [
  '', 'a', 'A', 'b', 'ab', 'aB', 'AB', 'é', '\n', 'a\nb', 'K', 'k', '\u212a', 'ſ', 's', 'S', 'σς', 'ΣΣ', 'İ', 'i', 'ı', 'straße', 'STRASSE', 'STRAẞE', 'foo bar', 'foobar', 'foo', 'bar', 'x', 'xx', 'xxx', 'xxxx', 'x{,3}', 'αβγ', 'Ωmega',
  '日本', '日本語', '12', '1 2', '٣', 'a.b', 'a.bbb', 'a.ba.b', 'aaab', 'babab', 'bbabaabbababababaa', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'account@gmail.com', 'not email', ' me@yahoo.com ', 'user@site.com', 'AA', '\x07\f\t\n\r\v', ']a', '-a', '3.14', '3.',
  '+49 1234567890', '192.168.0.255', '256.1.1.1', '😀', '😀é', 'ǅ', 'Ǆ', '{1}', 'a{x', 'c', 'abc', 'ac', '-', '\u00a0', '\u2028', 'a b-c_d',
];

test('expressions and texts of all kinds', async () => {
  for (let i = 0; i < patterns.length; i += 36) await agreesWithOnnxRuntime(matching(patterns.slice(i, i + 36)), [feed(texts), feed(['one more'])]);
});

test('random expressions', async () => {
  const random = generator(11);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const expression = (depth) => {
    if (depth === 0 || random() < 0.2) return pick(['a', 'b', 'ab', 'é', '.', '[ab]', '[^a]', '\\w', '\\b', '\\B', '^', '$', '(?i:A)', '\\pL', '[b-é]', '']);
    switch (Math.floor(random() * 4)) {
      case 0: return `(${expression(depth - 1)}|${expression(depth - 1)})`;
      case 1: return `(?:${expression(depth - 1)})${pick(['*', '+', '?', '{2}', '{1,3}', '*?', '{0,2}'])}`;
      default: return expression(depth - 1) + expression(depth - 1);
    }
  };
  const letters = ['a', 'b', 'é', 'A', ' ', '\n'];
  const words = Array.from({ length: 300 }, () => Array.from({ length: Math.floor(random() * 8) }, () => pick(letters)).join(''));
  for (let round = 0; round < 4; round++) await agreesWithOnnxRuntime(matching(Array.from({ length: 50 }, () => expression(4))), [feed(words)]);
});

// ONNX Runtime takes them and never matches anything.
test('what RE2 does not accept is refused when compiling', async () => {
  for (const pattern of ['(', ')', 'a**', '*a', '[b-a]', '(?=a)', '(?<=a)', '(?!a)', '\\1', 'x{1001}', 'x{3,2}', '[[:foo:]]', '\\p{Foo}', '[a', 'a\\', '(?z)', '\\_', '\\é', '\\x{110000}', '(?P<>a)', '\\Z']) {
    await assert.rejects(withCompiled(matching([pattern]), () => {}), /regular expression/, pattern);
  }
});

test('long texts take linear time', async () => {
  await withCompiled(matching(['(a*)*b', '(a|aa)+$', '(a|b)*a(a|b){14}']), async (compiled) => {
    const long = 'a'.repeat(200_000);
    const { y0, y1, y2 } = compiled.run({ x: [long] });
    assert.deepEqual([y0.data[0], y1.data[0], y2.data[0]], [0, 1, 1]);
  });
});
