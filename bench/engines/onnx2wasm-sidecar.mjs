// Our module compiled with --weights=sidecar: its loader fetches the weights while the engine compiles the module.
export async function start({ loader }, io) {
  const { create } = await import(io.url(loader)), model = await create();
  return { run: (feeds) => model.run(feeds) };
}
