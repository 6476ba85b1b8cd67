// Our own module, through the loader that --emit js writes beside it.
export const files = ({ wasm, loader }) => [wasm, loader];

export async function start({ wasm, loader }, io) {
  const { create } = await import(io.url(loader));
  // In Node the loader reads the file and compiles it; read here, so that reading is told apart. Browsers compile while they fetch.
  const model = io.isNode ? await create(await io.read(wasm)) : await create();
  return { run: (feeds) => model.run(feeds) };
}
