// Not a peer but the limit: multiplications and additions on twelve vectors that stay in registers. One run is `flops` operations.
export async function start({ peak }, io) {
  const { instance } = await WebAssembly.instantiate(await io.read(peak), {});
  return { run: () => void instance.exports.run(peakRounds) };
}

const accumulators = 12, lanes = 4, peakRounds = 100_000;
export const flops = 2 * accumulators * lanes * peakRounds;

/** The module's text. Twelve accumulators, two factors and a product are the 15 registers that V8 has to give on x64. */
export function peakText() {
  const names = Array.from({ length: accumulators }, (_, i) => `$sum${i}`);
  return `(module
  (func (export "run") (param $rounds i32) (result f32)
    (local $a v128) (local $b v128) ${names.map((name) => `(local ${name} v128)`).join(' ')}
    (local.set $a (f32x4.splat (f32.const 0.99)))
    (local.set $b (f32x4.splat (f32.const 1e-6)))
    (loop $again
      ${names.map((name) => `(local.set ${name} (f32x4.add (local.get ${name}) (f32x4.mul (local.get $a) (local.get $b))))`).join('\n      ')}
      (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (f32x4.extract_lane 0 ${names.slice(1).reduce((sum, name) => `(f32x4.add ${sum} (local.get ${name}))`, `(local.get ${names[0]})`)})))`;
}
