/**
 * Zip archives, as far as torch.save writes them: stored entries, with zip64 where sizes need it. Entries
 * come back as views on the archive. Compressed entries are refused: torch.save never makes them, so one
 * means that something else packed the file.
 *
 *     local header + data, local header + data, …, directory, [zip64 end, zip64 locator], end
 */
import { ensure } from "./unreadable.ts";

export interface ZipEntry {
  readonly name: string;
  /** The entry's bytes, a view; what is wrong with an entry is found when it is asked for. */
  read(): Uint8Array;
}

const localHeader = 0x04034b50;
const directoryHeader = 0x02014b50;
const endHeader = 0x06054b50;
const zip64EndHeader = 0x06064b50;
const zip64LocatorHeader = 0x07064b50;

export const isZip = (bytes: Uint8Array): boolean =>
  bytes.length >= 4 && bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;

/** The entries of an archive by name. */
export function readZip(bytes: Uint8Array): ReadonlyMap<string, ZipEntry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const { count, start, end } = findDirectory(view);
  const entries = new Map<string, ZipEntry>();
  let at = start;
  for (let i = 0; i < count; i++) {
    ensure(at + 46 <= end && u32(view, at) === directoryHeader, `its directory is damaged at byte ${at}`);
    const next = at + 46 + u16(view, at + 28) + u16(view, at + 30) + u16(view, at + 32);
    ensure(next <= end, `its directory is damaged at byte ${at}`);
    const entry = readEntry(view, bytes, at);
    ensure(!entries.has(entry.name), `it has two entries called \`${entry.name}\``);
    entries.set(entry.name, entry);
    at = next;
  }
  return entries;
}

function readEntry(view: DataView, bytes: Uint8Array, at: number): ZipEntry {
  const nameLength = u16(view, at + 28);
  const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
  const encrypted = (u16(view, at + 8) & 1) !== 0;
  const method = u16(view, at + 10);
  const [size, packedSize, offset] = sizesOf(view, at, at + 46 + nameLength);
  const read = (): Uint8Array => {
    ensure(!encrypted, `\`${name}\` in it is encrypted`);
    ensure(method === 0, `\`${name}\` in it is compressed (method ${method}), which torch.save never does`);
    ensure(size === packedSize, `\`${name}\` in it is stored with two different sizes`);
    const starts = offset + 30 <= bytes.length && u32(view, offset) === localHeader;
    ensure(starts, `\`${name}\` should start at byte ${offset}, but does not`);
    // The local header repeats the name and pads the data to 64 bytes with an extra field of its own length.
    const start = offset + 30 + u16(view, offset + 26) + u16(view, offset + 28);
    ensure(
      start + size <= bytes.length,
      `\`${name}\` ends at byte ${start + size}, the file has ${bytes.length}`,
    );
    return bytes.subarray(start, start + size);
  };
  return { name, read };
}

/** Size, packed size and offset of an entry; values of all ones stand in its zip64 field instead. */
function sizesOf(view: DataView, at: number, extra: number): readonly [number, number, number] {
  const fields = [u32(view, at + 24), u32(view, at + 20), u32(view, at + 42)];
  if (!fields.includes(0xffffffff)) return [fields[0], fields[1], fields[2]];
  const end = extra + u16(view, at + 30);
  for (let field = extra; field + 4 <= end; field += 4 + u16(view, field + 2)) {
    if (u16(view, field) !== 1) continue;
    const fieldEnd = Math.min(end, field + 4 + u16(view, field + 2));
    let from = field + 4;
    const wide = fields.map((value) => {
      if (value !== 0xffffffff) return value;
      ensure(from + 8 <= fieldEnd, `its directory is damaged at byte ${at}`);
      from += 8;
      return u64(view, from - 8);
    });
    return [wide[0], wide[1], wide[2]];
  }
  return [fields[0], fields[1], fields[2]];
}

interface Directory {
  readonly count: number;
  readonly start: number;
  readonly end: number;
}

function findDirectory(view: DataView): Directory {
  const size = view.byteLength;
  const cut = `it is a zip archive of ${size} bytes without its directory: it was cut short`;
  // The end record is 22 bytes and a comment of up to 65,535.
  let end = size - 22;
  const last = Math.max(0, size - 22 - 0xffff);
  while (end >= last && u32(view, end) !== endHeader) end--;
  ensure(end >= last, cut);
  let count = u16(view, end + 10);
  let length = u32(view, end + 12);
  let start = u32(view, end + 16);
  if (end >= 20 && u32(view, end - 20) === zip64LocatorHeader) {
    const wide = u64(view, end - 12);
    ensure(wide + 56 <= size && u32(view, wide) === zip64EndHeader, cut);
    count = u64(view, wide + 32);
    length = u64(view, wide + 40);
    start = u64(view, wide + 48);
  }
  ensure(start + length <= end, `its directory should end at byte ${start + length}, the file has ${size}`);
  return { count, start, end: start + length };
}

const u16 = (view: DataView, at: number): number => view.getUint16(at, true);
const u32 = (view: DataView, at: number): number => view.getUint32(at, true);
const u64 = (view: DataView, at: number): number => u32(view, at) + u32(view, at + 4) * 2 ** 32;
