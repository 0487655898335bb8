/** The WebAssembly Binary Toolkit, which knows nothing of our assembler: reads, validates and shows modules. */
import wabt from "wabt";

const toolkit = await wabt();

export const features = { simd: true, bulk_memory: true, threads: true, relaxed_simd: true };

/** What the declarations of the package leave out. */
interface Validates {
  validate(allowed: typeof features): void;
}

/** The module as text without comments, names applied. Throws, with the reason, if it is not valid. */
export function disassemble(bytes: Uint8Array, allowed = features): string {
  const module = toolkit.readWasm(bytes, { readDebugNames: true, ...allowed });
  try {
    (module as Validates).validate(allowed);
    module.applyNames();
    return module
      .toText({ foldExprs: false, inlineExport: false })
      .replaceAll(/\s*(;;.*|\(;.*?;\))/g, "")
      .replaceAll(/ +$/gm, "");
  } finally {
    module.destroy();
  }
}

/** The same module as wabt writes it: nothing longer than it must be, and no names. */
export function rewrite(bytes: Uint8Array): Uint8Array {
  const module = toolkit.readWasm(bytes, { readDebugNames: true, ...features });
  try {
    return module.toBinary({ canonicalize_lebs: true, write_debug_names: false }).buffer;
  } finally {
    module.destroy();
  }
}

/** Text to bytes. */
export function assemble(text: string): Uint8Array {
  const module = toolkit.parseWat("module.wat", text, features);
  try {
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}

/** The instructions of a function, one a line, out of a module's text. */
export function instructionsOf(text: string, name: string): readonly string[] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith(`  (func $${name} `));
  if (start < 0) throw new Error(`no function ${name} in\n${text}`);
  const body = lines.slice(start + 1);
  // What follows a function stands two columns in, or is nothing.
  const end = body.findIndex((line) => !line.startsWith("    "));
  const found = (end < 0 ? body : body.slice(0, end)).map((line) => line.trim());
  if (found.length === 0) return [];
  // The brackets of the function, and of the module, close behind the last instruction.
  const count = (line: string, bracket: string) => line.split(bracket).length - 1;
  let last = found.pop()!;
  while (count(last, ")") > count(last, "(")) last = last.slice(0, -1);
  return [...found, last].filter((line) => !line.startsWith("(local "));
}
