/** Opens checkpoints that exist only in memory. */
import { collect, type Diagnostic } from "../../src/base/diagnostic.ts";
import { type Checkpoint, openCheckpoint } from "../../src/weights/checkpoint.ts";

export interface Opened {
  readonly checkpoint: Checkpoint | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** Opens the first of these files; the others are the files beside it. */
export function openBytes(files: Readonly<Record<string, Uint8Array>>): Opened {
  const { report, diagnostics } = collect();
  const read = (path: string) => (Object.hasOwn(files, path) ? files[path] : "no such file");
  return { checkpoint: openCheckpoint(Object.keys(files)[0], { read }, report), diagnostics };
}

/** The checkpoint in these bytes; what is reported becomes an error of the test. */
export function mustOpen(bytes: Uint8Array, name = "test.pt"): Checkpoint {
  const { checkpoint, diagnostics } = openBytes({ [name]: bytes });
  if (!checkpoint) throw new Error(diagnostics.map(({ message }) => message).join("; "));
  return checkpoint;
}

/** The values of a tensor as an array. */
export const valuesOf = (checkpoint: Checkpoint, name: string): number[] => [
  ...checkpoint.tensors.get(name)!.read(),
];

/** The one message that opening these bytes gives. */
export function refusal(bytes: Uint8Array, name = "test.pt"): string {
  const { checkpoint, diagnostics } = openBytes({ [name]: bytes });
  if (checkpoint || diagnostics.length !== 1)
    throw new Error(`expected one diagnostic, got ${diagnostics.length}`);
  return diagnostics[0].message;
}
