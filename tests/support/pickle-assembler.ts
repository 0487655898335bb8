/** Assembles pickles and torch files by hand, good ones and evil ones. Instructions as in CPython's pickletools. */

/** A piece of a pickle. */
export type Code = readonly number[];

const bytesOf = (text: string): number[] => [...new TextEncoder().encode(text)];
const u32 = (value: number): number[] => [
  value & 255,
  (value >> 8) & 255,
  (value >> 16) & 255,
  (value >>> 24) & 255,
];
const u64 = (value: number): number[] => [...u32(value % 2 ** 32), ...u32(Math.floor(value / 2 ** 32))];

export const join = (...codes: readonly Code[]): Code => codes.flat();
export const pickle = (protocol: number, ...codes: readonly Code[]): Code => [
  0x80,
  protocol,
  ...codes.flat(),
  0x2e,
];

export const text = (value: string): Code => [0x58, ...u32(bytesOf(value).length), ...bytesOf(value)];
export const shortText = (value: string): Code => [0x8c, bytesOf(value).length, ...bytesOf(value)];
export const int = (value: number): Code => [0x4a, ...u32(value)];
export const none: Code = [0x4e];
export const yes: Code = [0x88];
export const no: Code = [0x89];
export const mark: Code = [0x28];
export const emptyTuple: Code = [0x29];
export const tuple = (...items: readonly Code[]): Code => [0x28, ...items.flat(), 0x74];
export const list = (...items: readonly Code[]): Code => [0x5d, 0x28, ...items.flat(), 0x65];
/** Keys and values in turn. */
export const dict = (...items: readonly Code[]): Code => [0x7d, 0x28, ...items.flat(), 0x75];

export const global = (module: string, name: string): Code => [0x63, ...bytesOf(`${module}\n${name}\n`)];
export const stackGlobal = (module: string, name: string): Code => [
  ...shortText(module),
  ...shortText(name),
  0x93,
];
export const inst = (module: string, name: string, ...args: readonly Code[]): Code => [
  0x28,
  ...args.flat(),
  0x69,
  ...bytesOf(`${module}\n${name}\n`),
];
export const reduce = (callee: Code, ...args: readonly Code[]): Code => [...callee, ...tuple(...args), 0x52];
export const build = (target: Code, state: Code): Code => [...target, ...state, 0x62];

export interface StorageCode {
  readonly type?: string;
  readonly key: string;
  readonly count: number;
  /** In the legacy container only. */
  readonly view?: Code;
}

/** The persistent id of a storage. */
export const storage = ({ type = "FloatStorage", key, count, view }: StorageCode, legacy = false): Code => [
  ...tuple(
    text("storage"),
    global("torch", type),
    text(key),
    text("cpu"),
    int(count),
    ...(legacy ? [view ?? none] : []),
  ),
  0x51,
];

export interface Window {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset?: number;
}

export const tensor = (from: Code, { shape, strides, offset = 0 }: Window): Code =>
  reduce(
    global("torch._utils", "_rebuild_tensor_v2"),
    from,
    int(offset),
    tuple(...shape.map(int)),
    tuple(...strides.map(int)),
    no,
    reduce(global("collections", "OrderedDict")),
  );

/** The bytes of a storage, by key. */
export type Storages = Readonly<Record<string, Uint8Array>>;

export const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

/** What torch.save wrote before 1.6; counts are elements of `width` bytes. */
export function legacyFile(object: Code, storages: Storages, width = 4): Uint8Array {
  const magic = [0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
  return Uint8Array.from([
    ...pickle(2, magic),
    ...pickle(2, [0x4d, 0xe9, 0x03]),
    ...pickle(2, dict(text("protocol_version"), int(1001), text("little_endian"), yes)),
    ...object,
    ...pickle(2, list(...Object.keys(storages).map(text))),
    ...Object.values(storages).flatMap((bytes) => [...u64(bytes.length / width), ...bytes]),
  ]);
}

export interface ZipItem {
  readonly name: string;
  readonly data: Uint8Array | Code;
  /** 0 is stored, 8 deflated. */
  readonly method?: number;
  /** Bit 0: encrypted. */
  readonly flags?: number;
}

const u16 = (value: number): number[] => [value & 255, value >> 8];

/** A zip archive of stored entries; with `zip64` as torch.save writes it. Sums are left zero, as nobody reads them. */
export function zipFile(items: readonly ZipItem[], zip64 = false): Uint8Array {
  const out: number[] = [];
  const directory: number[] = [];
  for (const { name, data, method = 0, flags = 0 } of items) {
    const offset = out.length;
    const common = [...u16(flags), ...u16(method), 0, 0, 0, 0, 0, 0, 0, 0];
    const sizes = [...u32(data.length), ...u32(data.length)];
    const nameBytes = bytesOf(name);
    out.push(
      0x50,
      0x4b,
      3,
      4,
      20,
      0,
      ...common,
      ...sizes,
      ...u16(nameBytes.length),
      ...u16(4),
      ...nameBytes,
      0x46,
      0x42,
      0,
      0,
    );
    out.push(...data);
    const extra = zip64 ? [1, 0, 24, 0, ...u64(data.length), ...u64(data.length), ...u64(offset)] : [];
    const all = u32(0xffffffff);
    const wide = zip64 ? [...all, ...all] : sizes;
    directory.push(
      0x50,
      0x4b,
      1,
      2,
      20,
      0,
      20,
      0,
      ...common,
      ...wide,
      ...u16(nameBytes.length),
      ...u16(extra.length),
    );
    directory.push(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...(zip64 ? all : u32(offset)), ...nameBytes, ...extra);
  }
  const start = out.length;
  out.push(...directory);
  const count = items.length;
  if (zip64) {
    const end = out.length;
    out.push(0x50, 0x4b, 6, 6, ...u64(44), 45, 0, 45, 0, ...u32(0), ...u32(0), ...u64(count), ...u64(count));
    out.push(...u64(directory.length), ...u64(start));
    out.push(0x50, 0x4b, 6, 7, ...u32(0), ...u64(end), ...u32(1));
    out.push(0x50, 0x4b, 5, 6, 0, 0, 0, 0, 255, 255, 255, 255, ...u32(0xffffffff), ...u32(0xffffffff), 0, 0);
  } else {
    out.push(
      0x50,
      0x4b,
      5,
      6,
      0,
      0,
      0,
      0,
      ...u16(count),
      ...u16(count),
      ...u32(directory.length),
      ...u32(start),
      0,
      0,
    );
  }
  return Uint8Array.from(out);
}

/** What torch.save writes since 1.6. */
export function torchZip(object: Code, storages: Storages, zip64 = false): Uint8Array {
  const data = Object.entries(storages).map(([key, bytes]) => ({ name: `archive/data/${key}`, data: bytes }));
  const version = { name: "archive/version", data: bytesOf("3\n") };
  const order = { name: "archive/byteorder", data: bytesOf("little") };
  return zipFile([{ name: "archive/data.pkl", data: object }, order, ...data, version], zip64);
}
