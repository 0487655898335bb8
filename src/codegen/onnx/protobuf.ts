/**
 * The wire format of protocol buffers, as much of it as writing an ONNX file takes. A message is a list of chunks
 * that are joined once at the end, so that a network's weights are not copied at every level; a chunk may also be a
 * hole, whose bytes are made only then, in their place. src/weights/protobuf.ts reads.
 */

/** Bytes of which only the number is known before `fill` writes them. */
export interface Hole {
  readonly length: number;
  readonly fill: (place: Uint8Array) => void;
}

export type Chunks = readonly (Uint8Array | Hole)[];

const wire = { varint: 0, bytes: 2, fixed32: 5 } as const;

function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  // Negative numbers are 64 bits in two's complement.
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

const key = (field: number, type: number): Uint8Array => varint((field << 3) | type);

export const sizeOf = (chunks: Chunks): number => chunks.reduce((sum, { length }) => sum + length, 0);

export const int = (field: number, value: number | bigint): Uint8Array[] => [
  key(field, wire.varint),
  varint(value),
];

export const float = (field: number, value: number): Uint8Array[] => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [key(field, wire.fixed32), bytes];
};

export const bytes = <Chunk extends Uint8Array | Hole>(
  field: number,
  value: Chunk,
): (Chunk | Uint8Array)[] => [key(field, wire.bytes), varint(value.length), value];

export const text = (field: number, value: string): Uint8Array[] =>
  bytes(field, new TextEncoder().encode(value));

export function message(field: number, ...parts: readonly Chunks[]): Chunks {
  const chunks = parts.flat();
  return [key(field, wire.bytes), varint(sizeOf(chunks)), ...chunks];
}

/** One array of the final size; `onProgress` is told the bytes that stand. */
export function join(
  chunks: Chunks,
  onProgress?: (done: number, total: number) => void,
): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(sizeOf(chunks));
  let at = 0;
  for (const chunk of chunks) {
    if (chunk instanceof Uint8Array) joined.set(chunk, at);
    else chunk.fill(joined.subarray(at, at + chunk.length));
    at += chunk.length;
    if (!(chunk instanceof Uint8Array)) onProgress?.(at, joined.length);
  }
  return joined;
}
