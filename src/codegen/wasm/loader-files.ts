/**
 * The part of the loader that gets the weights, from one file or several. They go straight to their places in the memory,
 * a chunk at a time, and are prepared there before the next chunk comes.
 */
import { filesText as readingText } from "../loader/files.ts";
import { control } from "./runtime.ts";

export const filesText = `${readingText}
/** Files that are one, cut apart: those behind the one that is read are on their way too. */
async function openParts(sources, open) {
  const files = [];
  const opened = (i) => {
    // Who awaits it hears of its failure.
    if (i < sources.length && !files[i]) (files[i] = open(sources[i])).catch(() => {});
    return files[i];
  };
  const { what, response } = await opened(0);
  const sizes = build.parts?.length === sources.length ? build.parts : [];
  let at = 0, read;
  return {
    what: sources.length > 1 ? \`\${what} and \${sources.length - 1} more\` : what,
    response,
    async read(target) {
      for (; at < sources.length; at++, read = undefined) {
        opened(at + 1);
        opened(at + 2);
        const file = await opened(at);
        read ??= sizes[at] ? sized(file, sizes[at]) : file.read;
        const got = await read(target);
        if (got > 0) return got;
      }
      return 0;
    },
    close: () => files.forEach((file) => file.then(({ close }) => close()).catch(() => {})),
  };
}

async function takeWeights(file, memory, exports, onProgress) {
  const chunks = Array.from({ length: build.chunkCount }, (_, i) =>
    new Uint32Array(memory.buffer, build.chunkTable + 16 * i, 4));
  const targets = chunks.map(([bytes, address]) => new Uint8Array(memory.buffer, address, bytes));
  await readAll(file, targets, onProgress, (i) => {
    const [bytes, address, first, last] = chunks[i];
    exports.checksum(address, bytes);
    exports.execute(first, last);
  });
  exports.digest(build.weightBytes);
  if (String(new Uint32Array(memory.buffer, ${control.checksum}, 4)) !== build.checksum) {
    throw misfit(\`\${file.what} are damaged or belong to another build: their checksum is wrong.\`);
  }
}`;
