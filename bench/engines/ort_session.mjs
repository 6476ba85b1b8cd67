// What onnxruntime's packages have in common.
export function runner(ort, session) {
  return {
    run: (feeds) => session.run(Object.fromEntries(Object.entries(feeds).map(([name, { type, data, dims }]) => [name, new ort.Tensor(type, data, dims)]))),
    session,
  };
}
