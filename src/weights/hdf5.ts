/**
 * HDF5 as the readers of Keras' files see it: groups with names in them, datasets with shapes and bytes, texts as
 * attributes. What reads the container is not here: it is a large package that only files of Keras need, so
 * whoever opens checkpoints hands it in (`CheckpointFiles.hdf5`).
 *
 * Every function of an `Hdf5File` throws `Unreadable` for what the file does not have as it should, and nothing else.
 */
import type { ElementType } from "./elements.ts";
import { ensure, Unreadable } from "./unreadable.ts";

export type OpenHdf5 = (bytes: Uint8Array) => Hdf5File;

export interface Hdf5File {
  readonly root: Hdf5Group;
  /** Nothing of the file may be asked for afterwards; what was read stays. */
  close(): void;
}

export interface Hdf5Object {
  /** The texts of an attribute, one where it is no list; undefined where there is no such attribute. */
  texts(attribute: string): readonly string[] | undefined;
}

export interface Hdf5Group extends Hdf5Object {
  readonly kind: "group";
  names(): readonly string[];
  /** What this name leads to, within the file; undefined where that is neither group nor dataset. */
  get(name: string): Hdf5Group | Hdf5Dataset | undefined;
}

export interface Hdf5Dataset extends Hdf5Object {
  readonly kind: "dataset";
  /** As the file claims. */
  readonly shape: readonly number[];
  /** Undefined for what are no numbers, such as texts and opaque bytes. */
  readonly type: ElementType | undefined;
  /** Of an element. */
  readonly elementBytes: number;
  /** Of a chunk when unpacked; 0 for what is stored in one piece. */
  readonly chunkBytes: number;
  readonly compressed: boolean;
  /** All elements, little-endian and in row-major order. Asks for as much memory as shape and element claim. */
  read(): Uint8Array;
}

/** What there is to say where nobody handed in a reader. */
export const hdf5Missing =
  "it is an HDF5 file (Keras), which the package h5wasm reads: `npm install h5wasm` installs it";

/** Opens, uses and closes; a download that broke off is told as one. */
export function withHdf5<T>(bytes: Uint8Array, open: OpenHdf5 | undefined, use: (root: Hdf5Group) => T): T {
  if (!open) throw new Unreadable(hdf5Missing);
  const size = claimedSize(bytes);
  ensure(
    size <= bytes.length,
    `its header claims ${size} bytes, the whole file has ${bytes.length}: it was cut short`,
  );
  const file = open(bytes);
  try {
    return use(file.root);
  } finally {
    file.close();
  }
}

/** The end of the file by its superblock; 0 where the version is an unknown one, which the reader will refuse. */
function claimedSize(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = bytes[8];
  // Versions 0 and 1 have sizes, group constants and a base address before it; 2 and 3 only some of these.
  const [width, at] = version < 2 ? [bytes[13], version === 0 ? 40 : 44] : [bytes[9], 28];
  if (version > 3 || width !== 8) return 0;
  if (bytes.length < at + 8) return at + 8;
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}
