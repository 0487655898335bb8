/** Damages protocol buffers field by field: lengths of the messages around what is changed follow. */
import type { Random } from "./mutate-checkpoint.ts";

interface Field {
  number: number;
  wire: number;
  /** The bytes, those of the number or behind the length; of a message its fields. */
  value: Uint8Array | Field[];
}

/** More than any field of Caffe's or ONNX's messages; other bytes seldom look like fields of theirs. */
const maxField = 200;
const maxDepth = 6;

/** The fields of a message; undefined where the bytes are none. */
function parse(bytes: Uint8Array, depth = 0): Field[] | undefined {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number | undefined => {
    let value = 0;
    for (let i = 0; i < 10 && at < bytes.length; i++) {
      const part = bytes[at++];
      value += (part & 127) * 128 ** i;
      if (part < 128) return value;
    }
    return undefined;
  };
  while (at < bytes.length) {
    const key = varint();
    if (key === undefined || key < 8 || key >= 8 * (maxField + 1)) return undefined;
    const wire = key % 8;
    let start = at;
    if (wire === 0) {
      if (varint() === undefined) return undefined;
    } else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = varint();
      if (length === undefined) return undefined;
      start = at;
      at += length;
    } else return undefined;
    if (at > bytes.length) return undefined;
    const value = bytes.slice(start, at);
    const inner = wire === 2 && depth < maxDepth && value.length > 0 ? parse(value, depth + 1) : undefined;
    fields.push({ number: Math.floor(key / 8), wire, value: inner ?? value });
  }
  return fields;
}

function varintOf(value: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

function write(fields: readonly Field[]): Uint8Array {
  const parts = fields.map(({ number, wire, value }) => {
    const content = value instanceof Uint8Array ? value : write(value);
    return {
      head: [...varintOf(number * 8 + wire), ...(wire === 2 ? varintOf(content.length) : [])],
      content,
    };
  });
  const out = new Uint8Array(parts.reduce((sum, { head, content }) => sum + head.length + content.length, 0));
  let at = 0;
  for (const { head, content } of parts) {
    out.set(head, at);
    out.set(content, at + head.length);
    at += head.length + content.length;
  }
  return out;
}

/** Every message in these fields, the outermost first. */
function messagesIn(fields: Field[]): Field[][] {
  return [fields, ...fields.flatMap(({ value }) => (value instanceof Uint8Array ? [] : messagesIn(value)))];
}

const extremes = [0n, 1n, -1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 40n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];

/** One change to one field; undefined where the bytes are no protocol buffer. */
export function mutateProtobuf(bytes: Uint8Array, random: Random): Uint8Array | undefined {
  const root = parse(bytes);
  if (!root || root.length === 0) return undefined;
  const messages = messagesIn(root).filter((message) => message.length > 0);
  const message = random.pick(messages);
  const at = random.below(message.length);
  const field = message[at];
  // Copies, or a message could hold itself.
  const other = structuredClone(random.pick(random.pick(messages)));
  switch (random.below(8)) {
    case 0:
      message.splice(at, 1);
      break;
    case 1:
      message.splice(random.below(message.length + 1), 0, structuredClone(field));
      break;
    case 2:
      // Somewhere else, and what stood there here.
      message[at] = other;
      break;
    case 3:
      message[at] = { ...field, number: random.pick([0, 1, 2, 4, 5, 6, 7, 8, 9, 13, 100, other.number]) };
      break;
    case 4:
      message[at] = { ...field, wire: 0, value: Uint8Array.from(varintOf(random.pick(extremes))) };
      break;
    case 5:
      message[at] = { ...field, wire: 2, value: new Uint8Array(random.pick([0, 1, 3, 4, 7, 8, 64])) };
      break;
    case 6:
      message[at] = { ...field, wire: random.below(8) };
      break;
    default: {
      // A run of varints where a number was, as packed fields have them.
      const numbers = Array.from({ length: 1 + random.below(70) }, () => varintOf(random.pick(extremes)));
      message[at] = { ...field, wire: 2, value: Uint8Array.from(numbers.flat()) };
    }
  }
  return write(root);
}
