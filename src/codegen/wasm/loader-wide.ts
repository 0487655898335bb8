/**
 * The part of the loader that asks Node's V8 for vectors of eight: behind a flag it joins what the kernels do to
 * neighbouring vectors of four, with the same roundings. The flag is experimental, so results are compared bit by
 * bit, over runs enough that the engine has optimised all kernels, before such a module is used.
 */
export const wideText = `
// ---- wider vectors -----------------------------------------------------------------------------

async function widen(bytes, memory, narrow) {
  if (!(node && Number.parseInt(process.versions.v8) >= 13)) {
    return { used: false, why: "this needs Node 24 or newer" };
  }
  const viewOf = (type) => ({ shape, address }) => new type(memory.buffer, address, sizeOf(shape));
  const results = outputs.map(viewOf(Int32Array));
  const run = ({ execute }) => {
    for (const view of inputs.map(viewOf(Float32Array))) view.forEach((_, i) => (view[i] = Math.sin(i)));
    execute(build.first, build.last);
  };
  run(narrow);
  const expected = results.map((view) => view.slice());
  const { setFlagsFromString } = node("node:v8");
  setFlagsFromString("--experimental-wasm-revectorize");
  // An empty section behind it makes it another module: of an equal one the engine has the code already.
  const copy = new Uint8Array(bytes.length + 4);
  copy.set(bytes);
  copy.set([0, 2, 1, 119], bytes.length);
  const module = await WebAssembly.compile(copy);
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  for (let round = 0; round < 12; round++) {
    run(exports);
    if (results.some((view, k) => view.some((word, i) => word !== expected[k][i]))) {
      setFlagsFromString("--no-experimental-wasm-revectorize");
      return { used: false, why: "the engine computes something else with them" };
    }
    // The engine optimises on other threads, and puts the code in between two calls.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { used: true, why: "as asked for", module, exports };
}
`;
