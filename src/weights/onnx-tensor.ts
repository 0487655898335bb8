/**
 * ONNX's TensorProto: sides, a type, and values in one of many ways.
 *
 *     raw_data                   the elements as they are, little-endian
 *     float_data, double_data    the same, packed by protobuf, or a field a number
 *     int32_data                 varints: int32, all narrower integers, and the codes of float16 and bfloat16
 *     int64_data, uint64_data    varints: int64; uint64 and uint32
 *     external_data              location, offset and length in a file beside the model
 *
 * Opening counts the values and compares them with the shape; they are unpacked when they are asked for.
 */
import { type ReadBeside, readBeside } from "./beside.ts";
import { type ElementType, elementBytes } from "./elements.ts";
import type { Message } from "./protobuf.ts";
import { checkRank, countElements } from "./shapes.ts";
import { ensure, quote, shorten, Unreadable } from "./unreadable.ts";

const TENSOR = { dims: 1, type: 2, segment: 3, name: 8, raw: 9, external: 13, location: 14 } as const;
const ENTRY = { key: 1, value: 2 } as const;

/** The element types by ONNX's numbers. */
const types: Readonly<Record<number, ElementType>> = {
  1: "f32",
  2: "u8",
  3: "i8",
  4: "u16",
  5: "i16",
  6: "i32",
  7: "i64",
  9: "bool",
  10: "f16",
  11: "f64",
  12: "u32",
  13: "u64",
  16: "bf16",
};
const stringType = 8;

interface TypedField {
  readonly name: string;
  readonly types: readonly ElementType[];
  /** Bytes of an element; absent where it is a varint. */
  readonly width?: 4 | 8;
}

/** The fields that hold values number by number. */
const typedFields: Readonly<Record<number, TypedField>> = {
  4: { name: "float_data", types: ["f32"], width: 4 },
  5: { name: "int32_data", types: ["i32", "i16", "i8", "u16", "u8", "bool", "f16", "bf16"] },
  7: { name: "int64_data", types: ["i64"] },
  10: { name: "double_data", types: ["f64"], width: 8 },
  11: { name: "uint64_data", types: ["u64", "u32"] },
};

/** Three are read, a checksum is another. */
const maxEntries = 100;

export interface OnnxTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: ElementType;
  /** How many `data` gives. */
  readonly bytes: number;
  /** The elements in row-major order, little-endian; perhaps a view on the file. */
  data(): Uint8Array;
}

/** The tensor; undefined for one of texts, such as labels. */
export function readOnnxTensor(message: Message, beside: ReadBeside): OnnxTensor | undefined {
  const found = scan(message);
  const { name, shape, type } = found;
  if (type === stringType) return undefined;
  const title = quote(name);
  ensure(Object.hasOwn(types, type), `${title} has ONNX's type ${type}, which resnetc does not read`);
  const dtype = types[type];
  const count = countElements(shape, title);
  const text = `${title} is ${dtype} [${shape.join(", ")}], which is`;
  const wanted = count * elementBytes[dtype];
  const raw = found.external ? readExternal(title, wanted, found.external, beside) : found.raw;
  if (raw) {
    ensure(found.typed.size === 0, `${title} has its values in two ways`);
    ensure(raw.length === wanted, `${text} ${wanted} bytes, but has ${raw.length}`);
    return { name, shape, dtype, bytes: wanted, data: () => raw };
  }
  const [field, ...others] = found.typed.keys();
  ensure(others.length === 0, `${title} has its values in two ways`);
  const there = field === undefined ? 0 : found.typed.get(field)!;
  ensure(there === count, `${text} ${count} values, but has ${there}`);
  if (field === undefined) return { name, shape, dtype, bytes: 0, data: () => new Uint8Array() };
  const { name: fieldName, types: fitting } = typedFields[field];
  ensure(fitting.includes(dtype), `${title} is ${dtype}, but has ${fieldName}`);
  const data = () => unpack(message, field, count, elementBytes[dtype]);
  return { name, shape, dtype, bytes: wanted, data };
}

interface Scanned {
  name: string;
  type: number;
  raw?: Uint8Array;
  external?: ReadonlyMap<string, string>;
  readonly shape: number[];
  /** How many values each typed field has. */
  readonly typed: Map<number, number>;
}

function scan(message: Message): Scanned {
  const found: Scanned = { name: "", type: 0, shape: [], typed: new Map() };
  const entries = new Map<string, string>();
  let isExternal = false;
  let entryCount = 0;
  const fields = message.again();
  while (fields.next()) {
    if (Object.hasOwn(typedFields, fields.field)) countTyped(fields, found.typed);
    else if (fields.field === TENSOR.dims) addSides(fields, found.shape);
    else if (fields.field === TENSOR.type) found.type = fields.int();
    else if (fields.field === TENSOR.name) found.name = fields.text();
    else if (fields.field === TENSOR.raw) found.raw = fields.bytes();
    else if (fields.field === TENSOR.location) isExternal = fields.int() === 1;
    else if (fields.field === TENSOR.external) {
      ensure(
        ++entryCount <= maxEntries,
        `a tensor of it has more than ${maxEntries} entries of external_data`,
      );
      addEntry(fields, entries);
    } else if (fields.field === TENSOR.segment) throw new Unreadable("it has a tensor in segments");
  }
  // A negative side is huge as an unsigned number.
  ensure(found.shape.every(Number.isSafeInteger), `${quote(found.name)} has no shape of whole numbers`);
  if (!isExternal) return found;
  ensure(!found.raw, `${quote(found.name)} has its values in two ways`);
  return { ...found, external: entries };
}

function addSides(fields: Message, shape: number[]): void {
  fields.integers((low, high) => {
    checkRank(shape.length, "a tensor of it");
    shape.push(high * 2 ** 32 + low);
  });
}

function countTyped(fields: Message, counts: Map<number, number>): void {
  const { field } = fields;
  const { name, width } = typedFields[field];
  let count = 0;
  if (width === undefined) fields.integers(() => count++);
  else {
    const bytes = fields.value().length;
    const isSound = fields.wire === 2 ? bytes % width === 0 : fields.wire === (width === 4 ? 5 : 1);
    if (!isSound) throw new Unreadable(`its ${name} are no numbers of ${width} bytes`);
    count = bytes / width;
  }
  counts.set(field, (counts.get(field) ?? 0) + count);
}

function addEntry(fields: Message, entries: Map<string, string>): void {
  const entry = fields.message("an entry of external_data");
  let key = "";
  let value = "";
  while (entry.next()) {
    if (entry.field === ENTRY.key) key = entry.text();
    if (entry.field === ENTRY.value) value = entry.text();
  }
  if (key === "location" || key === "offset" || key === "length") entries.set(key, value);
}

/** A tensor's part of a file beside the model. */
function readExternal(
  title: string,
  wanted: number,
  entries: ReadonlyMap<string, string>,
  beside: ReadBeside,
): Uint8Array {
  const [offset, length] = ["offset", "length"].map((key) => {
    const digits = entries.get(key);
    ensure(digits === undefined || /^\d{1,15}$/.test(digits), `${title} has an ${key} that is no number`);
    return digits === undefined ? undefined : Number(digits);
  });
  const location = entries.get("location");
  ensure(location !== undefined, `${title} lies in another file, which it does not name`);
  const bytes = readBeside(location, title, beside);
  const start = offset ?? 0;
  const size = length ?? wanted;
  ensure(
    start + size <= bytes.length,
    `${title} ends at byte ${start + size} of ${shorten(location)}, which has ${bytes.length}: it was cut short`,
  );
  return bytes.subarray(start, start + size);
}

/** The values of a typed field as elements of `width` bytes. */
function unpack(message: Message, field: number, count: number, width: number): Uint8Array {
  const fields = message.again();
  const out = new Uint8Array(count * width);
  const view = new DataView(out.buffer);
  let at = 0;
  const put = (low: number, high: number) => {
    if (width === 1) out[at] = low;
    else if (width === 2) view.setUint16(at, low, true);
    else view.setUint32(at, low, true);
    if (width === 8) view.setUint32(at + 4, high, true);
    at += width;
  };
  const isVarint = typedFields[field].width === undefined;
  while (fields.next()) {
    if (fields.field !== field) continue;
    if (isVarint) fields.integers(put);
    else {
      const part = fields.value();
      // One packed field, as every writer makes: nothing to copy.
      if (part.length === out.length) return part;
      out.set(part, at);
      at += part.length;
    }
  }
  return out;
}
