/** Writes PNG files of every colour type and depth, and broken ones: what an encoder would not write. */
import { deflateSync } from "node:zlib";

export interface PngLayout {
  readonly width: number;
  readonly height: number;
  /** Bits a sample. */
  readonly depth?: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha. */
  readonly colour: number;
  readonly interlaced?: boolean;
}

/** A file whose rows are given packed, without their filter bytes; other chunks go before the data. */
export function png(
  layout: PngLayout,
  rows: readonly (readonly number[])[],
  chunks: Readonly<Record<string, readonly number[]>> = {},
): Uint8Array {
  const raw = rows.flatMap((row) => [0, ...row]);
  return pngOf(layout, deflateSync(Uint8Array.from(raw)), chunks);
}

export function pngOf(
  { width, height, depth = 8, colour, interlaced = false }: PngLayout,
  data: Uint8Array,
  chunks: Readonly<Record<string, readonly number[]>> = {},
): Uint8Array {
  const header = [...u32(width), ...u32(height), depth, colour, 0, 0, interlaced ? 1 : 0];
  return Buffer.concat([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10),
    chunk("IHDR", header),
    ...Object.entries(chunks).map(([type, bytes]) => chunk(type, bytes)),
    chunk("IDAT", data),
    chunk("IEND", []),
  ]);
}

function chunk(type: string, data: ArrayLike<number>): Uint8Array {
  const body = [...Buffer.from(type, "latin1"), ...Array.from(data)];
  return Uint8Array.from([...u32(data.length), ...body, ...u32(crc(body))]);
}

const u32 = (value: number): number[] => [value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255];

function crc(bytes: readonly number[]): number {
  let sum = -1;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return ~sum >>> 0;
}
