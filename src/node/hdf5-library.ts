/**
 * HDF5 files by the package h5wasm, the format's own library in WebAssembly. Runs in a thread of its own:
 * hdf5-worker.ts.
 *
 * Files lie in the library's own file system in memory, so nothing in them can name a file of this machine. The
 * library is asked through its lowest functions, for the convenient ones do not look at its results: a read that
 * failed would come back as whatever was in memory. What it prints goes to a file in there too, and its last line
 * into our sentence.
 */
import type { ElementType } from "../weights/elements.ts";
import type { Hdf5Dataset } from "../weights/hdf5.ts";
import { ensure, quote, Unreadable } from "../weights/unreadable.ts";

export type Library = Awaited<typeof import("h5wasm")["ready"]>;
type Metadata = ReturnType<Library["get_dataset_metadata"]>;

const printed = "/printed";
const opened = "/opened.h5";

/** A thing in a file, as it is told to the other thread. */
export type Described = { readonly kind: "group" } | Omit<Hdf5Dataset, "read" | "texts">;

/** One file at a time; every function but `close` throws `Unreadable` for what it cannot give. */
export class Hdf5Reader {
  /** After a trap memory is in any state: nothing may be asked for any more. */
  crashed = false;
  readonly #library: Library;
  #file = 0n;

  constructor(library: Library) {
    this.#library = library;
    const { FS } = library;
    // The lowest free descriptor is taken: what goes to standard error goes to this file now.
    const stderr = (FS as unknown as { getStream(fd: number): Parameters<typeof FS.close>[0] }).getStream(2);
    FS.close(stderr);
    FS.open(printed, "a");
  }

  open(bytes: Uint8Array): void {
    const library = this.#library;
    this.#file = this.#try("/", () => {
      // Owned: the library reads these bytes where they are.
      const options: object = { canOwn: true };
      library.FS.writeFile(opened, bytes, options);
      return library.open(opened, library.H5F_ACC_RDONLY, false, -1, -1);
    });
    if (this.#file <= 0n) throw new Unreadable(`its HDF5 cannot be read${this.#lastPrinted()}`);
  }

  close(): void {
    const library = this.#library;
    try {
      if (this.#file > 0n) library.close_file(this.#file);
      library.FS.unlink(opened);
    } catch {
      this.crashed = true;
    }
    this.#file = 0n;
  }

  names(path: string): readonly string[] {
    return this.#try(path, () => this.#library.get_names(this.#file, path, false));
  }

  get(path: string): Described | undefined {
    const type = this.#try(path, () => this.#library.get_type(this.#file, path));
    if (type === this.#library.H5G_GROUP) return { kind: "group" };
    return type === this.#library.H5G_DATASET ? this.#describe(path) : undefined;
  }

  #describe(path: string): Described {
    const data = this.#metadata(path);
    const filters = this.#try(path, () => this.#library.get_dataset_filters(this.#file, path));
    ensure(data.shape, `${quote(path)} in it has no shape`);
    return {
      kind: "dataset",
      shape: data.shape,
      type: data.vlen ? undefined : typeOf(data),
      elementBytes: data.size,
      chunkBytes: data.chunks?.reduce((product, side) => product * side, data.size) ?? 0,
      compressed: filters.length > 0,
    };
  }

  #metadata(path: string): Metadata {
    return this.#try(path, () => this.#library.get_dataset_metadata(this.#file, path));
  }

  read(path: string): Uint8Array {
    const { shape, size } = this.#metadata(path);
    const bytes = (shape ?? []).reduce((product, side) => product * side, size);
    const get = (to: bigint) => this.#library.get_dataset_data(this.#file, path, null, null, null, to);
    return this.#read(path, bytes, get, (found) => found.slice());
  }

  texts(path: string, name: string): readonly string[] | undefined {
    const library = this.#library;
    const file = this.#file;
    if (!this.#try(path, () => library.get_attribute_names(file, path)).includes(name)) return undefined;
    const what = `${name} of ${path}`;
    const data = this.#try(what, () => library.get_attribute_metadata(file, path, name));
    const count = data.shape?.reduce((product, side) => product * side, 1) ?? 0;
    // An empty list has the type of numbers: NumPy does not know what is not in it.
    if (count === 0) return [];
    ensure(data.type === texts, `its attribute ${what} is no text`);
    const total = count * data.size;
    ensure(total <= maxAttribute, `its attribute ${what} claims ${total} bytes`);
    const decode = (bytes: Uint8Array) => splitTexts(bytes, data, (at) => library.UTF8ToString(at));
    const get = (to: bigint) => library.get_attribute_data(file, path, name, to);
    const reclaim = (at: bigint) => library.reclaim_vlen_memory(file, path, name, at);
    return this.#read(what, total, get, decode, data.vlen ? reclaim : undefined);
  }

  /** Has the library put bytes somewhere and gives what `use` makes of them; they are gone afterwards. */
  #read<T>(
    what: string,
    size: number,
    get: (to: bigint) => number,
    use: (bytes: Uint8Array) => T,
    reclaim?: (at: bigint) => unknown,
  ): T {
    const library = this.#library;
    return this.#try(what, () => {
      const at = library._malloc(Math.max(size, 1));
      if (at === 0)
        throw new Unreadable(
          `${quote(what)} in it takes ${size} bytes, which HDF5's library has no room for`,
        );
      try {
        if (get(BigInt(at)) < 0) throw new Error("the library says no");
        const result = use(library.HEAPU8.subarray(at, at + size));
        reclaim?.(BigInt(at));
        return result;
      } finally {
        library._free(at);
      }
    });
  }

  /** Whatever the library throws becomes a sentence; what cannot be its way to say no ends this instance. */
  #try<T>(what: string, run: () => T): T {
    if (this.crashed) throw new Unreadable("HDF5's library crashed on it");
    try {
      return run();
    } catch (error) {
      if (error instanceof Unreadable) throw error;
      if (isCrash(error)) {
        this.crashed = true;
        throw new Unreadable(
          `HDF5's library crashes on it: ${String((error as Error).message).split("\n")[0]}`,
        );
      }
      throw new Unreadable(`${quote(what)} in it cannot be read${this.#lastPrinted()}`);
    }
  }

  /** The innermost of the last reasons that were printed. */
  #lastPrinted(): string {
    const { FS } = this.#library;
    try {
      const text = FS.readFile(printed, { encoding: "utf8" });
      FS.truncate(printed, 0);
      const reason = [...text.matchAll(/^ *#\d+: .* in \w+\(\): (.*)$/gm)].at(-1)?.[1];
      return reason ? `: ${reason}` : "";
    } catch {
      return "";
    }
  }
}

/** A trap, an abort or a stack that ran over, each of which leaves memory in any state. */
const isCrash = (error: unknown): boolean =>
  error instanceof WebAssembly.RuntimeError ||
  error instanceof RangeError ||
  (error instanceof Error && /^Aborted|unreachable|null function|signature mismatch/i.test(error.message));

/** HDF5's classes of types. */
const [integers, floats, texts, enumerations] = [0, 1, 3, 8];

/** The format's own limit is 64 KiB, unless a file uses what came later. */
const maxAttribute = 2 ** 24;

function typeOf({ type, size, signed, enum_type: names }: Metadata): ElementType | undefined {
  if (type === floats) return ({ 2: "f16", 4: "f32", 8: "f64" } as const)[size];
  if (type === integers) {
    const sizes = signed
      ? ({ 1: "i8", 2: "i16", 4: "i32", 8: "i64" } as const)
      : ({ 1: "u8", 2: "u16", 4: "u32", 8: "u64" } as const);
    return sizes[size as 1 | 2 | 4 | 8];
  }
  // NumPy's booleans.
  const isBool =
    type === enumerations &&
    size === 1 &&
    Object.keys(names?.members ?? {})
      .sort()
      .join() === "FALSE,TRUE";
  return isBool ? "bool" : undefined;
}

function splitTexts(bytes: Uint8Array, { size, vlen }: Metadata, at: (pointer: number) => string): string[] {
  const list: string[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let i = 0; i + size <= bytes.length; i += size) {
    if (vlen) list.push(at(view.getUint32(i, true)));
    else list.push(new TextDecoder().decode(bytes.slice(i, i + size)).split("\0", 1)[0]);
  }
  return list;
}
