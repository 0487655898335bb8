/**
 * safetensors: 8 bytes little-endian length N, N bytes JSON, then the data.
 *
 *     { "conv1.weight": { "dtype": "F32", "shape": [64, 3, 7, 7], "data_offsets": [0, 37632] }, "__metadata__": {…} }
 *
 * Offsets count from the end of the header. The tensors must cover the data without a gap or an overlap, as
 * the format's own reader demands: a file that was cut or joined is noticed before a value is used.
 */
import type { Checkpoint, CheckpointTensor } from "./checkpoint.ts";
import { decodeElements, type ElementType, elementBytes } from "./elements.ts";
import { isRecord, isSizes, parseJson } from "./json.ts";
import { countElements } from "./shapes.ts";
import { ensure, quote } from "./unreadable.ts";

const types: Readonly<Record<string, ElementType>> = {
  F64: "f64",
  F32: "f32",
  F16: "f16",
  BF16: "bf16",
  BOOL: "bool",
  I64: "i64",
  I32: "i32",
  I16: "i16",
  I8: "i8",
  U64: "u64",
  U32: "u32",
  U16: "u16",
  U8: "u8",
};

/** The limit of the format's own reader. */
const maxHeader = 100_000_000;

/** A length below 2^48 and then a brace: nothing else starts like that. */
export const isSafetensors = (bytes: Uint8Array): boolean =>
  bytes.length >= 9 && bytes[6] === 0 && bytes[7] === 0 && bytes[8] === 0x7b;

export function readSafetensors(bytes: Uint8Array): Checkpoint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  ensure(length <= maxHeader, `its header claims ${length} bytes, the format allows ${maxHeader}`);
  ensure(8 + length <= bytes.length, `its header claims ${length} bytes, the whole file has ${bytes.length}`);
  const header = parseJson(trimmed(bytes.subarray(8, 8 + length)), "its header");
  ensure(isRecord(header), "its header is no JSON object");
  const start = 8 + length;
  const places: Place[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name !== "__metadata__") places.push(placeOf(name, entry, bytes.length - start));
  }
  checkCoverage(places, bytes.length - start);
  const tensors = new Map(
    places.map(({ name, shape, dtype, begin, end }): [string, CheckpointTensor] => {
      const read = () => decodeElements(bytes.subarray(start + begin, start + end), dtype);
      return [name, { name, shape, dtype, read }];
    }),
  );
  return { format: "safetensors", layout: "torch", tensors, notes: [] };
}

/** Without the spaces that align the data; a header may have millions. */
function trimmed(header: Uint8Array): Uint8Array {
  let end = header.length;
  while (end > 0 && header[end - 1] === 0x20) end--;
  return header.subarray(0, end);
}

interface Place {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: ElementType;
  readonly begin: number;
  readonly end: number;
}

function placeOf(name: string, entry: unknown, dataBytes: number): Place {
  const shown = quote(name);
  ensure(isRecord(entry), `${shown} has no description in its header`);
  const { dtype, shape, data_offsets: offsets } = entry;
  ensure(typeof dtype === "string", `${shown} has no dtype`);
  ensure(
    Object.hasOwn(types, dtype),
    `${shown} has dtype ${dtype.slice(0, 20)}, which resnetc does not read`,
  );
  ensure(isSizes(shape), `${shown} has no shape of whole numbers`);
  ensure(isSizes(offsets) && offsets.length === 2, `${shown} has no data_offsets`);
  const [begin, end] = offsets;
  ensure(
    end <= dataBytes,
    `${shown} ends at byte ${end} of the data, the file has ${dataBytes}: it was cut short`,
  );
  const type = types[dtype];
  const wanted = countElements(shape, shown) * elementBytes[type];
  ensure(
    end - begin === wanted,
    `${shown} is ${dtype} [${shape.join(", ")}], which is ${wanted} bytes, but has ${end - begin}`,
  );
  return { name, shape, dtype: type, begin, end };
}

function checkCoverage(places: readonly Place[], dataBytes: number): void {
  let covered = 0;
  for (const { name, begin, end } of places.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    ensure(begin >= covered, `${quote(name)} overlaps another tensor`);
    ensure(begin === covered, `nothing describes the ${begin - covered} bytes before ${quote(name)}`);
    covered = end;
  }
  ensure(covered === dataBytes, `nothing describes the last ${dataBytes - covered} bytes`);
}
