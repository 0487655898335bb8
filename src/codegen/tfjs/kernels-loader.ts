/**
 * The part of the loader that puts our kernels into tfjs, where a build asks for them. They are a module of the
 * package resnetc and come by import like tfjs itself: all networks of a page then share them, and what they have
 * made of the shapes and weights that they met.
 */

export const kernelsLoaderText = `
// ---- the kernels -------------------------------------------------------------------------------

/** For whatever runs on tfjs' wasm backend from now on, whether it has started or not. */
async function replaceKernels(tf, given) {
  const { registerKernels } = given ?? (await importKernels());
  registerKernels(tf);
}

async function importKernels() {
  try {
    return await import("resnetc/tfjs-kernels/register");
  } catch (cause) {
    const message = "The kernels are in the package resnetc, which cannot be loaded; install it or pass load({ kernels }).";
    throw new Error(message, { cause });
  }
}
`;
