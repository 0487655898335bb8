/**
 * Files of torch.save, of any size: pickle-assembler.ts makes arrays of numbers, which end at some hundred kilobytes.
 * As torch does, the zip has stored entries whose data begin at multiples of 64, after an extra field of padding.
 */
import * as p from "./pickle-assembler.ts";

const joined = (parts: readonly Uint8Array[]): Uint8Array => {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};

/** Numbers of 2, 4 or 8 bytes, little-endian. */
function record(...fields: readonly (readonly [value: number, width: number])[]): Uint8Array {
  const bytes: number[] = [];
  for (const [value, width] of fields) {
    for (let i = 0, rest = value; i < width; i++, rest = Math.floor(rest / 256)) bytes.push(rest % 256);
  }
  return Uint8Array.from(bytes);
}

const alignment = 64;

function zip(entries: readonly (readonly [name: string, data: Uint8Array])[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const [text, data] of entries) {
    const name = new TextEncoder().encode(text);
    const before = at + 30 + name.length + 4;
    const padding = (alignment - (before % alignment)) % alignment;
    const sizes = [
      [data.length, 4],
      [data.length, 4],
      [name.length, 2],
    ] as const;
    const common = [[0, 2], [0, 2], [0, 4], [0, 4], ...sizes] as const;
    const extra = joined([record([0x4246, 2], [padding, 2]), new Uint8Array(padding)]);
    parts.push(record([0x04034b50, 4], [20, 2], ...common, [extra.length, 2]), name, extra, data);
    const place = [
      [0, 2],
      [0, 2],
      [0, 2],
      [0, 2],
      [0, 4],
      [at, 4],
    ] as const;
    directory.push(record([0x02014b50, 4], [20, 2], [20, 2], ...common, ...place), name);
    at = before + padding + data.length;
  }
  const bytes = joined(directory);
  const count = entries.length;
  const end = record([0x06054b50, 4], [0, 4], [count, 2], [count, 2], [bytes.length, 4], [at, 4], [0, 2]);
  return joined([...parts, bytes, end]);
}

type Code = p.Code | Uint8Array;

/** Since 1.6. */
export const saveZip = (pickle: Code, storages: p.Storages): Uint8Array =>
  zip([
    ["archive/data.pkl", Uint8Array.from(pickle)],
    ["archive/byteorder", new TextEncoder().encode("little")],
    ...Object.entries(storages).map(([key, bytes]) => [`archive/data/${key}`, bytes] as const),
    ["archive/version", new TextEncoder().encode("3\n")],
  ]);

/** Before 1.6; all storages have elements of `width` bytes. */
export function saveLegacy(pickle: Code, storages: p.Storages, width = 4): Uint8Array {
  // The three pickles before the object are those of a file without one.
  const empty = p.legacyFile([], {});
  const head = empty.subarray(0, empty.length - p.pickle(2, p.list()).length);
  const keys = p.pickle(2, p.list(...Object.keys(storages).map(p.text)));
  const data = Object.values(storages).flatMap((bytes) => [record([bytes.length / width, 8]), bytes]);
  return joined([head, Uint8Array.from(pickle), Uint8Array.from(keys), ...data]);
}

export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

/** What `torch.save(model.state_dict(), path)` writes: an OrderedDict of contiguous tensors, each with its storage. */
export function saveStateDict(tensors: readonly NamedTensor[]): Uint8Array {
  const storages: Record<string, Uint8Array> = {};
  const entries = tensors.map(({ name, shape, data }, i) => {
    storages[i] = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const strides = shape.map((_, axis) =>
      shape.slice(axis + 1).reduce((product, side) => product * side, 1),
    );
    const type = data instanceof Float32Array ? "FloatStorage" : "LongStorage";
    return p.join(
      p.text(name),
      p.tensor(p.storage({ type, key: `${i}`, count: data.length }), { shape, strides }),
    );
  });
  const dict = p.join(p.reduce(p.global("collections", "OrderedDict")), p.mark, ...entries, [0x75]);
  return saveZip(p.pickle(2, dict), storages);
}
