/**
 * Files that a file names: shards of a manifest or an index, external data of a model. Whoever wrote the file is
 * a stranger: it may name what lies beside it, not any file of this machine.
 */
import { ensure, shorten, Unreadable } from "./unreadable.ts";

/** The bytes of a file in the checkpoint's folder, or why there are none. */
export type ReadBeside = (path: string) => Uint8Array | string;

/** `who` names the file: "its manifest". */
export function readBeside(path: unknown, who: string, read: ReadBeside): Uint8Array {
  ensure(typeof path === "string", `${who} names a file by something that is no text`);
  ensure(isBeside(path), `${who} names a file outside its folder: ${shorten(path)}`);
  const bytes = read(path);
  if (typeof bytes === "string") throw new Unreadable(`its file ${shorten(path)} cannot be read: ${bytes}`);
  // A plain Uint8Array even for a Buffer, whose slice() means something else.
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** "./a" and "a" are the same file. */
export const plainPath = (path: string): string =>
  path
    .split(/[/\\]+/)
    .filter((part) => part !== ".")
    .join("/");

const isBeside = (path: string): boolean =>
  path !== "" && !/^[/\\]|^\w+:|(^|[/\\])\.\.([/\\]|$)|\0/.test(path);
