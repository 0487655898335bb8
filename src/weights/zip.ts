/**
 * Zip archives, with zip64 where sizes need it: of torch.save, whose entries are stored, and others whose entries
 * may be deflated. Stored entries come back as views on the archive.
 *
 *     local header + data, local header + data, …, directory, [zip64 end, zip64 locator], end
 *
 * What compressed entries take in all is known from the directory before any is inflated. Weights hardly
 * compress: an archive that claims to grow to many times its size is refused.
 */
import { crc32, inflate } from "./inflate.ts";
import { ensure, quote } from "./unreadable.ts";

/** What is wrong with an entry is found when it is asked for. */
export interface ZipEntry {
  readonly name: string;
  /** Where its local header should be, and how many bytes it takes in the archive. */
  readonly offset: number;
  readonly size: number;
  /** The bytes of a stored entry, a view. Compressed ones are refused: something else packed the file then. */
  read(): Uint8Array;
  /** The bytes of an entry, inflated where it is compressed, with their sum checked. */
  unpack(): Uint8Array;
}

/** What deflated entries may take together: a part that is always fine, a multiple of the file, and the most. */
const inflated = { free: 2 ** 24, ratio: 32, most: 2 ** 32 } as const;

const localHeader = 0x04034b50;
/** Without the name and the extra field behind it. */
const localHeaderBytes = 30;
const directoryHeader = 0x02014b50;
const endHeader = 0x06054b50;
const zip64EndHeader = 0x06064b50;
const zip64LocatorHeader = 0x07064b50;

/** The entries of an archive by name. */
export function readZip(bytes: Uint8Array): ReadonlyMap<string, ZipEntry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const { count, start, end } = findDirectory(view);
  const entries = new Map<string, ZipEntry>();
  const budget = {
    packed: 0,
    claimed: 0,
    limit: Math.min(inflated.most, inflated.free + inflated.ratio * bytes.length),
  };
  let at = start;
  for (let i = 0; i < count; i++) {
    ensure(at + 46 <= end && u32(view, at) === directoryHeader, `its directory is damaged at byte ${at}`);
    const next = at + 46 + u16(view, at + 28) + u16(view, at + 30) + u16(view, at + 32);
    ensure(next <= end, `its directory is damaged at byte ${at}`);
    const entry = readEntry(view, bytes, at, budget);
    ensure(!entries.has(entry.name), `it has two entries called ${quote(entry.name)}`);
    entries.set(entry.name, entry);
    at = next;
  }
  checkOverlaps([...entries.values()]);
  return entries;
}

/** Whoever writes an archive puts its entries one behind the other; two in the same bytes are an accident or a trick. */
function checkOverlaps(entries: readonly ZipEntry[]): void {
  const inOrder = entries.toSorted((a, b) => a.offset - b.offset);
  for (let i = 1; i < inOrder.length; i++) {
    const { name, offset, size } = inOrder[i - 1];
    const isBehind = offset + localHeaderBytes + size <= inOrder[i].offset;
    ensure(isBehind, `${quote(name)} in it overlaps ${quote(inOrder[i].name)}`);
  }
}

interface Budget {
  /** The bytes that all entries take in the archive. */
  packed: number;
  /** What the compressed entries inflate to, by the directory. */
  claimed: number;
  readonly limit: number;
}

function readEntry(view: DataView, bytes: Uint8Array, at: number, budget: Budget): ZipEntry {
  const nameLength = u16(view, at + 28);
  const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
  const encrypted = (u16(view, at + 8) & 1) !== 0;
  const method = u16(view, at + 10);
  const sum = u32(view, at + 16);
  const [size, packedSize, offset] = sizesOf(view, at, at + 46 + nameLength);
  budget.packed += packedSize;
  ensure(budget.packed <= bytes.length, "its entries overlap: together they are larger than the file");
  if (method !== 0) budget.claimed += size;
  const packed = (): Uint8Array => {
    ensure(!encrypted, `${quote(name)} in it is encrypted`);
    ensure(method !== 0 || size === packedSize, `${quote(name)} in it is stored with two different sizes`);
    const starts = offset + localHeaderBytes <= bytes.length && u32(view, offset) === localHeader;
    ensure(starts, `${quote(name)} should start at byte ${offset}, but does not`);
    // The local header repeats the name, and its extra field has a length of its own: torch.save pads with it.
    const start = offset + localHeaderBytes + u16(view, offset + 26) + u16(view, offset + 28);
    const end = start + packedSize;
    ensure(end <= bytes.length, `${quote(name)} ends at byte ${end}, the file has ${bytes.length}`);
    return bytes.subarray(start, end);
  };
  const read = (): Uint8Array => {
    ensure(
      method === 0 || encrypted,
      `${quote(name)} in it is compressed (method ${method}), which torch.save never does`,
    );
    return packed();
  };
  const unpack = (): Uint8Array => {
    const what = `${quote(name)} in it`;
    ensure(
      method === 0 || method === 8 || encrypted,
      `${what} is compressed by method ${method}, not deflate`,
    );
    ensure(
      budget.claimed <= budget.limit,
      `its entries claim to inflate to ${budget.claimed} bytes, for ${bytes.length} no more than ${budget.limit} are taken`,
    );
    const found = method === 0 ? packed() : inflate(packed(), size, what);
    ensure(crc32(found) === sum, `${what} is damaged: its sum is not the one that the directory has`);
    return found;
  };
  return { name, offset, size: packedSize, read, unpack };
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
