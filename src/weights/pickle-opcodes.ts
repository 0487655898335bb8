/** The instructions of pickle (CPython, Lib/pickletools.py), each as what it does to the machine. */
import type { Machine } from "./pickle.ts";
import { dict, isKind, kindOf, list, set, tuple, type Value } from "./pickle-values.ts";
import { quote } from "./unreadable.ts";

type Operation = (machine: Machine) => void;

/** A LONG of more bytes than this is no number of a checkpoint; converting one takes quadratic time. */
const maxLong = 1024;

/** Texts of Python 2 are bytes: names in ASCII, or the raw values of NumPy scalars. Latin-1 loses neither. */
function latin1(m: Machine, length: number): string {
  m.checkText(length);
  const bytes = m.take(length);
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return text;
}

/** A little-endian two's complement number. */
function long(m: Machine, length: number): number | bigint {
  if (length > maxLong) m.fail(`a number of ${length} bytes`);
  let value = 0n;
  const bytes = m.take(length);
  for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
  return narrow(BigInt.asIntN(8 * length, value));
}

const narrow = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;

function decimal(m: Machine, text: string): number | bigint {
  const digits = text.replace(/L$/, "");
  if (!/^-?\d{1,2000}$/.test(digits)) m.fail("a number that is none");
  return narrow(BigInt(digits));
}

/** The text of a Python literal such as 'conv1\x2eweight'. */
function quoted(m: Machine, text: string): string {
  const body = /^(['"])(.*)\1$/.exec(text)?.[2];
  if (body === undefined) m.fail("a text without quotes");
  return body.replace(/\\(x[0-9a-f]{2}|.)/gi, (_, code: string) =>
    code.length === 3
      ? String.fromCharCode(Number.parseInt(code.slice(1), 16))
      : ({ n: "\n", r: "\r", t: "\t" }[code] ?? code),
  );
}

const rawUnicode = (text: string): string =>
  text.replace(/\\u([0-9a-f]{4})|\\U([0-9a-f]{8})/gi, (whole, short?: string, wide?: string) => {
    const code = Number.parseInt(short ?? wide ?? "", 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });

function append(m: Machine, items: readonly Value[]): void {
  const target = m.top();
  if (!isKind(target, "list")) m.fail(`items for ${kindOf(target)}`);
  for (const item of items) target.items.push(item);
}

function setItems(m: Machine, flat: readonly Value[]): void {
  const target = m.top();
  if (!isKind(target, "dict")) m.fail(`entries for ${kindOf(target)}`);
  if (flat.length % 2) m.fail("a key without a value");
  for (let i = 0; i < flat.length; i += 2) {
    const key = flat[i];
    // No dict has a name twice: which of two values is meant nobody can tell.
    if (typeof key === "string" && target.entries.has(key)) m.fail(`a second entry called ${quote(key)}`);
    target.entries.set(key, flat[i + 1]);
  }
}

function addMembers(m: Machine): void {
  const items = m.popMark();
  const target = m.top();
  if (!isKind(target, "set")) m.fail(`members for ${kindOf(target)}`);
  for (const item of items) target.items.push(item);
}

function dictOf(m: Machine): void {
  const flat = m.popMark();
  m.make(dict());
  setItems(m, flat);
}

function memoKey(m: Machine): number {
  const text = m.line();
  if (!/^\d{1,15}$/.test(text)) m.fail("a place to remember that is no number");
  return Number(text);
}

/** Pops n values, the last one first, and returns them in the order in which they were pushed. */
function popMany(m: Machine, count: number): Value[] {
  const values = Array.from({ length: count }, () => m.pop());
  return values.reverse();
}

function globalAt(m: Machine, module: Value, name: Value): Value {
  if (typeof module !== "string" || typeof name !== "string") m.fail("a global without a name");
  return m.host.global(module, name, m.opcodeAt);
}

function reduce(m: Machine): void {
  const args = m.pop();
  m.call(m.pop(), args);
}

export const operations: ReadonlyMap<number, Operation> = new Map<number, Operation>([
  // ---- frames and marks
  [0x80, (m) => (m.u8() <= 5 ? undefined : m.fail("a protocol above 5"))],
  [0x95, (m) => void m.u64()],
  [0x28, (m) => m.mark()],
  [0x30, (m) => void (m.atMark() ? m.popMark() : m.pop())],
  [0x31, (m) => void m.popMark()],
  [0x32, (m) => m.push(m.top())],
  // ---- constants and numbers
  [0x4e, (m) => m.push(null)],
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  [0x46, (m) => m.push(Number(m.line()))],
  [0x47, (m) => m.push(m.f64())],
  [
    0x49,
    (m) => {
      const text = m.line();
      m.push(/^0[01]$/.test(text) ? text === "01" : decimal(m, text));
    },
  ],
  [0x4a, (m) => m.push(m.i32())],
  [0x4b, (m) => m.push(m.u8())],
  [0x4d, (m) => m.push(m.u16())],
  [0x4c, (m) => m.push(decimal(m, m.line()))],
  [0x8a, (m) => m.push(long(m, m.u8()))],
  [0x8b, (m) => m.push(long(m, m.u32()))],
  // ---- texts and bytes
  [0x53, (m) => m.push(quoted(m, m.line()))],
  [0x54, (m) => m.push(latin1(m, m.u32()))],
  [0x55, (m) => m.push(latin1(m, m.u8()))],
  [0x56, (m) => m.push(rawUnicode(m.line()))],
  [0x58, (m) => m.push(m.text(m.u32()))],
  [0x8c, (m) => m.push(m.text(m.u8()))],
  [0x8d, (m) => m.push(m.text(m.u64()))],
  [0x42, (m) => m.push(m.take(m.u32()))],
  [0x43, (m) => m.push(m.take(m.u8()))],
  [0x8e, (m) => m.push(m.take(m.u64()))],
  [0x96, (m) => m.push(m.take(m.u64()))],
  [0x97, (m) => m.fail("a buffer outside the file")],
  [0x98, () => {}],
  // ---- containers
  [0x29, (m) => m.make(tuple())],
  [0x74, (m) => m.make(tuple(m.popMark()))],
  [0x85, (m) => m.make(tuple(popMany(m, 1)))],
  [0x86, (m) => m.make(tuple(popMany(m, 2)))],
  [0x87, (m) => m.make(tuple(popMany(m, 3)))],
  [0x5d, (m) => m.make(list())],
  [0x6c, (m) => m.make(list(m.popMark()))],
  [0x61, (m) => append(m, popMany(m, 1))],
  [0x65, (m) => append(m, m.popMark())],
  [0x7d, (m) => m.make(dict())],
  [0x64, dictOf],
  [0x73, (m) => setItems(m, popMany(m, 2))],
  [0x75, (m) => setItems(m, m.popMark())],
  [0x8f, (m) => m.make(set())],
  [0x91, (m) => m.make(set(m.popMark()))],
  [0x90, addMembers],
  // ---- memory
  [0x67, (m) => m.recall(memoKey(m))],
  [0x68, (m) => m.recall(m.u8())],
  [0x6a, (m) => m.recall(m.u32())],
  [0x70, (m) => m.remember(memoKey(m))],
  [0x71, (m) => m.remember(m.u8())],
  [0x72, (m) => m.remember(m.u32())],
  [0x94, (m) => m.remember()],
  // ---- globals, calls, objects
  [0x63, (m) => m.push(globalAt(m, m.line(), m.line()))],
  [
    0x93,
    (m) => {
      const [module, name] = popMany(m, 2);
      m.push(globalAt(m, module, name));
    },
  ],
  [0x52, reduce],
  [0x81, reduce],
  [
    0x92,
    (m) => {
      const options = m.pop();
      if (!isKind(options, "dict") || options.entries.size > 0) m.fail("a call with named arguments");
      reduce(m);
    },
  ],
  [
    0x69,
    (m) => {
      const callee = globalAt(m, m.line(), m.line());
      m.construct(callee, m.popMark());
    },
  ],
  [
    0x6f,
    (m) => {
      const [callee, ...args] = m.popMark();
      if (callee === undefined) m.fail("an object without a class");
      m.construct(callee, args);
    },
  ],
  [0x62, (m) => m.build()],
  [0x50, (m) => m.push(m.host.persistent(m.line()))],
  [0x51, (m) => m.push(m.host.persistent(m.pop()))],
  [0x82, (m) => m.host.extension(m.u8(), m.opcodeAt)],
  [0x83, (m) => m.host.extension(m.u16(), m.opcodeAt)],
  [0x84, (m) => m.host.extension(m.u32(), m.opcodeAt)],
]);
