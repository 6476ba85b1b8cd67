// Times what any engine does with WebAssembly, and finds its memories, by standing in for the functions of the WebAssembly object.

export function watchWebAssembly() {
  const spent = { compile: 0, instantiate: 0 }, memories = new Set();
  const { compile, compileStreaming, instantiate, Memory } = WebAssembly;
  const now = () => performance.now();
  const timed = async (what, work) => {
    const start = now(), result = await work();
    spent[what] += now() - start;
    return result;
  };
  const noted = (instance) => {
    for (const exported of Object.values(instance.exports)) if (exported instanceof Memory) memories.add(exported);
    return instance;
  };
  const compiled = (bytes) => timed('compile', () => compile.call(WebAssembly, bytes));
  const instantiated = async (module, imports) => noted(await timed('instantiate', () => instantiate.call(WebAssembly, module, imports)));

  WebAssembly.compile = compiled;
  WebAssembly.instantiate = async (source, imports) => {
    if (source instanceof WebAssembly.Module) return instantiated(source, imports);
    const module = await compiled(source);
    return { module, instance: await instantiated(module, imports) };
  };
  if (compileStreaming) {
    // Includes fetching.
    const streamed = (response) => timed('compile', () => compileStreaming.call(WebAssembly, response));
    WebAssembly.compileStreaming = streamed;
    WebAssembly.instantiateStreaming = async (response, imports) => {
      const module = await streamed(response);
      return { module, instance: await instantiated(module, imports) };
    };
  }
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor) {
      super(descriptor);
      memories.add(this);
    }
  };
  return {
    times: () => ({ ...spent }),
    memory: () => [...memories].reduce((sum, memory) => sum + memory.buffer.byteLength, 0),
  };
}
