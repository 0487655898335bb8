/**
 * Damages files so that they get further into a reader than random bytes do: mutations know where JSON, pickles, protocol
 * buffers and zip records have their lengths, offsets and instructions, and put what is extreme there.
 */
import type { Case } from "./checkpoint-judge.ts";
import { mutateProtobuf } from "./mutate-protobuf.ts";

/** mulberry32 (Tommy Ettinger), seeded by two numbers. */
export class Random {
  #state: number;

  constructor(seed: number, stream: number) {
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b)) >>> 0;
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
}

type Mutation = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

/** Replaces [from, to) by other bytes. */
export function splice(bytes: Uint8Array, from: number, to: number, inserted: ArrayLike<number>): Uint8Array {
  if (to > bytes.length) return splice(bytes, from, bytes.length, inserted);
  const out = new Uint8Array(bytes.length - (to - from) + inserted.length);
  out.set(bytes.subarray(0, from));
  out.set(inserted, from);
  out.set(bytes.subarray(to), from + inserted.length);
  return out;
}

const extremes = [
  0n,
  1n,
  -1n,
  2n,
  0x7fn,
  0xffn,
  0xffffn,
  2n ** 31n,
  2n ** 31n - 1n,
  2n ** 32n - 1n,
  2n ** 32n,
].concat([2n ** 40n, 2n ** 53n, 2n ** 53n - 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n]);

/** An extreme number, or one near to what a length in this file may be, in 1 to 8 bytes. */
function extremeBytes(random: Random, width: number, length: number): Uint8Array {
  const value = random.below(3) > 0 ? random.pick(extremes) : BigInt(length + random.below(5) - 2);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  return bytes.subarray(0, width);
}

// ---- any bytes ----------------------------------------------------------------------------------------

const overwrite = (bytes: Uint8Array, at: number, value: Uint8Array): Uint8Array =>
  splice(bytes, at, Math.min(bytes.length, at + value.length), value);

const anyBytes: Readonly<Record<string, Mutation>> = {
  byte: (bytes, random) => overwrite(bytes, random.below(bytes.length), Uint8Array.of(random.below(256))),
  bit(bytes, random) {
    const at = random.below(bytes.length);
    return overwrite(bytes, at, Uint8Array.of(bytes[at] ^ (1 << random.below(8))));
  },
  cut: (bytes, random) => bytes.slice(0, random.below(bytes.length)),
  extreme(bytes, random) {
    const value = extremeBytes(random, random.pick([1, 2, 4, 8]), bytes.length);
    return overwrite(bytes, random.below(bytes.length), value);
  },
  zero(bytes, random) {
    const at = random.below(bytes.length);
    return overwrite(bytes, at, new Uint8Array(Math.min(bytes.length - at, 1 + random.below(64))));
  },
  copy(bytes, random) {
    const from = random.below(bytes.length);
    return overwrite(bytes, random.below(bytes.length), bytes.slice(from, from + 1 + random.below(256)));
  },
  repeat(bytes, random) {
    const from = random.below(bytes.length);
    const at = random.below(bytes.length);
    return splice(bytes, at, at, bytes.slice(from, from + 1 + random.below(256)));
  },
  move(bytes, random) {
    const from = random.below(bytes.length);
    const block = bytes.slice(from, from + 1 + random.below(256));
    const rest = splice(bytes, from, from + block.length, []);
    const at = random.below(rest.length + 1);
    return splice(rest, at, at, block);
  },
  remove(bytes, random) {
    const from = random.below(bytes.length);
    return splice(bytes, from, Math.min(bytes.length, from + 1 + random.below(16)), []);
  },
  join: (bytes, random, other) =>
    splice(bytes, random.below(bytes.length), bytes.length, other.subarray(random.below(other.length))),
  graft(bytes, random, other) {
    const from = random.below(other.length);
    const at = random.below(bytes.length);
    return splice(bytes, at, at, other.subarray(from, from + random.below(512)));
  },
};

// ---- JSON ---------------------------------------------------------------------------------------------

const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[[\]{}:,]/g;

const jsonValues = [
  ...["-1", "-0", "0", "1", "0.5", "1e-400", "1e999", "-1e999", "2147483648", "4294967295", "4294967296"],
  ...["9007199254740991", "9007199254740992", "9223372036854775808", "18446744073709551615", "1e15", "1e300"],
  ...[
    "null",
    "true",
    "false",
    "[]",
    "{}",
    "[[]]",
    "[1,[2]]",
    '""',
    '"__proto__"',
    '"constructor"',
    '"toString"',
  ],
  ...[
    '{"toString":0,"valueOf":0}',
    '{"length":-1}',
    '{"__proto__":null}',
    '"\\u0000"',
    '"\\ud800"',
    '"../x"',
  ],
  ...["[0,0]", "[1e15,1e15]", "[9007199254740991,9007199254740991,0]", "[4294967296,4294967296,4294967296]"],
  ...[
    '"F32"',
    '"F64"',
    '"BOOL"',
    '"float32"',
    '"uint8"',
    '"a.bin"',
    '"./a.bin"',
    '["a.bin","a.bin"]',
    "@nest",
  ],
];

function jsonValue(random: Random): string {
  const value = random.pick(jsonValues);
  if (value !== "@nest") return value;
  const depth = random.pick([10, 100, 10_000]);
  const [open, close] = random.pick([
    ["[", "]"],
    ['{"a":', "}"],
  ] as const);
  return `${open.repeat(depth)}0${close.repeat(depth)}`;
}

export function mutateJson(text: string, random: Random): string {
  const tokens = [...text.matchAll(token)];
  if (tokens.length === 0) return jsonValue(random);
  const at = random.below(tokens.length);
  const [found] = tokens[at];
  const { index } = tokens[at];
  const replaced = (value: string): string => text.slice(0, index) + value + text.slice(index + found.length);
  switch (random.below(5)) {
    case 0:
      return replaced(random.pick(tokens)[0]);
    case 1: {
      // A run of tokens again: entries, keys, sides twice.
      const end = tokens[Math.min(tokens.length - 1, at + random.below(30))].index;
      return `${text.slice(0, end)},${text.slice(index)}`;
    }
    case 2:
      return /^["\-\d]/.test(found) ? replaced(jsonValue(random)) : replaced("");
    default: {
      const scalars = tokens.filter(([value]) => !/^[[\]{}:,]/.test(value));
      if (scalars.length === 0) return replaced(jsonValue(random));
      const chosen = random.pick(scalars);
      return text.slice(0, chosen.index) + jsonValue(random) + text.slice(chosen.index + chosen[0].length);
    }
  }
}

/** Changes the JSON header of a safetensors file and keeps its length right. */
function safetensorsHeader(bytes: Uint8Array, random: Random): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = bytes.length >= 8 ? Math.min(view.getUint32(0, true), bytes.length - 8) : 0;
  const header = mutateJson(new TextDecoder().decode(bytes.subarray(8, 8 + length)), random);
  const encoded = new TextEncoder().encode(header);
  const out = splice(bytes, Math.min(8, bytes.length), Math.min(bytes.length, 8 + length), encoded);
  if (out.length >= 4) new DataView(out.buffer).setUint32(0, encoded.length, true);
  return out;
}

const jsonFile: Mutation = (bytes, random) =>
  new TextEncoder().encode(mutateJson(new TextDecoder().decode(bytes), random));

// ---- pickles ------------------------------------------------------------------------------------------

/** Bytes of an instruction's argument; lines and counted ones below. */
const fixedArguments: Readonly<Record<number, number>> = {
  128: 1,
  149: 8,
  71: 8,
  74: 4,
  75: 1,
  77: 2,
  104: 1,
  106: 4,
  113: 1,
  114: 4,
  130: 1,
  131: 2,
  132: 4,
};
const countedArguments: Readonly<Record<number, number>> = {
  138: 1,
  139: 4,
  84: 4,
  85: 1,
  88: 4,
  140: 1,
  141: 8,
  66: 4,
  67: 1,
  142: 8,
  150: 8,
};
const lines: Readonly<Record<number, number>> = {
  70: 1,
  73: 1,
  76: 1,
  83: 1,
  86: 1,
  103: 1,
  112: 1,
  80: 1,
  99: 2,
  105: 2,
};

/** Where the instructions of the pickles at the start of these bytes begin, as far as they can be followed. */
export function instructions(bytes: Uint8Array, start = 0, pickles = 5): number[] {
  const places: number[] = [];
  let at = start;
  for (let left = pickles; left > 0 && at < bytes.length; ) {
    const opcode = bytes[at];
    places.push(at++);
    at += fixedArguments[opcode] ?? 0;
    const width = countedArguments[opcode] ?? 0;
    let size = 0;
    for (let i = width - 1; i >= 0; i--) size = size * 256 + (bytes[at + i] ?? 0);
    at += width + size;
    for (let i = lines[opcode] ?? 0; i > 0; i--) at = (bytes.indexOf(10, at) + 1 || bytes.length) as number;
    if (opcode === 0x2e) left--;
  }
  return places;
}

const ascii = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));
const globals = [
  ...[
    "torch._utils\n_rebuild_tensor_v2",
    "torch._utils\n_rebuild_tensor_v3",
    "torch._tensor\n_rebuild_from_type_v2",
  ],
  ...[
    "torch._utils\n_rebuild_parameter",
    "torch\nSize",
    "torch\nFloatStorage",
    "torch\nint64",
    "torch\ndevice",
  ],
  ...[
    "collections\nOrderedDict",
    "collections\ndefaultdict",
    "builtins\nlist",
    "builtins\nset",
    "builtins\nbytearray",
  ],
  ...["_codecs\nencode", "copyreg\n_reconstructor", "numpy\ndtype", "numpy\nndarray", "os\nsystem", "\n"],
  ...[
    "numpy.core.multiarray\n_reconstruct",
    "numpy.core.multiarray\nscalar",
    "builtins\ntuple",
    "builtins\nstr",
  ],
];
const bare = ascii("(.012NRQabdeloqstu]})~").concat([
  0x81, 0x85, 0x86, 0x87, 0x88, 0x8f, 0x90, 0x91, 0x92, 0x93, 0x94,
]);

function anyInstruction(random: Random): number[] {
  switch (random.below(8)) {
    case 0:
      return ascii(`c${random.pick(globals)}\n`);
    case 1:
      return [0x8a, 8, ...extremeBytes(random, 8, 16)];
    case 2:
      return [0x4a, ...extremeBytes(random, 4, 16)];
    case 3:
      return [random.pick([0x68, 0x71]), random.below(64)];
    case 4:
      return ascii(
        random.pick([
          "I-1\n",
          "I00\n",
          "L1e5L\n",
          "Fnan\n",
          "F1e999\n",
          "S'a\\x2'\n",
          "V\\U00110000\n",
          "g\n",
        ]),
      );
    case 5:
      return [random.pick([0x58, 0x42, 0x54, 0x8b]), ...extremeBytes(random, 4, 16)];
    default:
      return [random.pick(bare)];
  }
}

function mutatePickle(bytes: Uint8Array, random: Random): Uint8Array {
  const places = instructions(bytes);
  const at = random.below(places.length);
  const from = places[at];
  const end = (ahead: number): number => places[Math.min(places.length - 1, at + 1 + ahead)];
  switch (random.below(6)) {
    case 0:
      return splice(bytes, from, from, anyInstruction(random));
    case 1:
      return splice(bytes, from, from, bytes.slice(from, end(random.below(12))));
    case 2:
      return splice(bytes, from, end(0), []);
    case 3: {
      // A run of instructions somewhere else: what is built there is used here.
      const to = random.pick(places);
      return splice(bytes, to, to, bytes.slice(from, end(random.below(30))));
    }
    case 4: {
      const code = Array.from({ length: 1 + random.below(200) }, () => anyInstruction(random)[0]);
      return splice(bytes, from, from, random.below(4) ? anyInstruction(random) : code);
    }
    default: {
      // A number of the pickle, which may be a size, a stride or an offset, becomes extreme.
      const numbers = places.filter(
        (place) => bytes[place] === 0x4b || bytes[place] === 0x4a || bytes[place] === 0x4d,
      );
      if (numbers.length === 0) return splice(bytes, from, end(0), anyInstruction(random));
      const place = random.pick(numbers);
      const length = 1 + fixedArguments[bytes[place]];
      const number = random.below(2)
        ? [0x8a, 8, ...extremeBytes(random, 8, 16)]
        : [0x4b, random.pick([0, 1, 2, 3, 255])];
      return splice(bytes, place, place + length, number);
    }
  }
}

// ---- zip ----------------------------------------------------------------------------------------------

/** Offset and width of the numbers in a record, by the last bytes of its signature. */
const zipFields: Readonly<Record<string, readonly (readonly [at: number, width: number])[]>> = {
  "3,4": [
    [6, 2],
    [8, 2],
    [18, 4],
    [22, 4],
    [26, 2],
    [28, 2],
  ],
  "1,2": [
    [8, 2],
    [10, 2],
    [20, 4],
    [24, 4],
    [28, 2],
    [30, 2],
    [32, 2],
    [42, 4],
  ],
  "5,6": [
    [8, 2],
    [10, 2],
    [12, 4],
    [16, 4],
    [20, 2],
  ],
  "6,6": [
    [24, 8],
    [32, 8],
    [40, 8],
    [48, 8],
  ],
  "6,7": [[8, 8]],
};

interface ZipRecord {
  readonly at: number;
  readonly kind: string;
}

function zipRecords(bytes: Uint8Array): ZipRecord[] {
  const records: ZipRecord[] = [];
  for (let at = bytes.indexOf(0x50); at >= 0; at = bytes.indexOf(0x50, at + 1)) {
    const kind = `${bytes[at + 2]},${bytes[at + 3]}`;
    if (bytes[at + 1] === 0x4b && Object.hasOwn(zipFields, kind)) records.push({ at, kind });
  }
  return records;
}

const zipField: Mutation = (bytes, random) => {
  const records = zipRecords(bytes);
  if (records.length === 0) return anyBytes.extreme(bytes, random, bytes);
  const { at, kind } = random.pick(records);
  const [offset, width] = random.pick(zipFields[kind]);
  // The same field of another record makes entries overlap; whole records twice repeat a name.
  const same = random.pick(records.filter((record) => record.kind === kind)).at;
  switch (random.below(4)) {
    case 0:
      return overwrite(bytes, at + offset, bytes.slice(same + offset, same + offset + width));
    case 1:
      return overwrite(bytes, at, bytes.slice(same, same + 46 + random.below(64)));
    default:
      return overwrite(bytes, at + offset, extremeBytes(random, width, bytes.length));
  }
};

/**
 * Changes the pickle in an archive of stored entries: the directory is kept, its numbers follow. `start` and `end` are
 * found by the local header that names data.pkl.
 */
const zippedPickle: Mutation = (bytes, random, other) => {
  const local = zipRecords(bytes).find(({ at, kind }) => kind === "3,4" && isDataPickle(bytes, at));
  if (!local) return zipField(bytes, random, other);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = local.at + 30 + view.getUint16(local.at + 26, true) + view.getUint16(local.at + 28, true);
  const places = instructions(bytes, start, 1);
  if (places.length === 0) return zipField(bytes, random, other);
  const end = places[places.length - 1] + 1;
  const changed = mutatePickle(bytes.slice(start, end), random);
  const out = splice(bytes, start, end, changed);
  const grown = changed.length - (end - start);
  const target = new DataView(out.buffer);
  for (const { at, kind } of zipRecords(out)) {
    const shift = (field: number, by = grown): void => {
      if (at + field + 4 > out.length) return;
      const value = target.getUint32(at + field, true);
      if (value !== 0xffffffff) target.setUint32(at + field, value + by, true);
    };
    if (kind === "5,6") shift(16);
    else if (kind === "1,2" && at + 46 <= out.length) {
      if (target.getUint32(at + 42, true) > local.at) shift(42);
      if (target.getUint32(at + 42, true) === local.at) for (const field of [20, 24]) shift(field);
    }
  }
  return out;
};

function isDataPickle(bytes: Uint8Array, at: number): boolean {
  const length = bytes[at + 26] + 256 * bytes[at + 27];
  return new TextDecoder().decode(bytes.subarray(at + 30, at + 30 + length)).endsWith("data.pkl");
}

const protobuf: Mutation = (bytes, random, other) =>
  mutateProtobuf(bytes, random) ?? anyBytes.extreme(bytes, random, other);

// ---- files --------------------------------------------------------------------------------------------

/** What to do to a file that begins like this, more often than anything else. */
function fitting(bytes: Uint8Array): readonly (readonly [string, Mutation])[] {
  if (bytes[0] === 0x50 && bytes[1] === 0x4b)
    return [
      ["zipped pickle", zippedPickle],
      ["zip field", zipField],
    ];
  if (bytes[0] === 0x80) return [["pickle", mutatePickle]];
  if (bytes[0] === 0x5b || bytes[0] === 0x7b) return [["json", jsonFile]];
  if (bytes[8] === 0x7b) return [["header", safetensorsHeader]];
  // ONNX's version and Caffe's name, as fields 1.
  if (bytes[0] === 0x08 || bytes[0] === 0x0a) return [["protobuf", protobuf]];
  return [];
}

export interface Mutated {
  readonly files: Case;
  /** What was done, in order. */
  readonly steps: readonly string[];
}

/** One to four mutations of the file, seldom of a file beside it. */
export function mutate(files: Case, other: Uint8Array, random: Random): Mutated {
  const paths = Object.keys(files);
  const changed: Record<string, Uint8Array> = { ...files };
  const steps: string[] = [];
  for (let left = random.pick([1, 1, 1, 2, 2, 3, 4]); left > 0; left--) {
    const path = random.below(6) ? paths[0] : random.pick(paths);
    if (changed[path].length === 0) continue;
    const known = fitting(changed[path]);
    const [name, mutation] =
      known.length > 0 && random.below(5) < 3 ? random.pick(known) : random.pick(Object.entries(anyBytes));
    changed[path] = mutation(changed[path], random, other);
    steps.push(path === paths[0] ? name : `${name} of ${path}`);
  }
  return { files: changed, steps };
}
