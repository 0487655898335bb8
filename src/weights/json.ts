/** JSON from bytes a stranger wrote: what is wrong becomes the reason why the checkpoint cannot be read. */
import { ensure, quote, Unreadable } from "./unreadable.ts";

/** No manifest is as long, no text of JavaScript's may be much longer. */
const maxBytes = 2 ** 28;
const maxDepth = 500;
/** Lists and objects: a byte or two of text each, and a hundred in memory. */
const maxContainers = 500_000;

/** `what` starts the sentence: "its header is no JSON". */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  ensure(bytes.length <= maxBytes, `${what} has ${bytes.length} bytes of JSON, ${maxBytes} are read`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Unreadable(`${what} is no UTF-8 text`);
  }
  checkStructure(text, what);
  try {
    return JSON.parse(text);
  } catch {
    throw new Unreadable(`${what} is no JSON`);
  }
}

/**
 * What JSON.parse does not say: of two equal names in an object it takes the last one, silently, and it builds any
 * number of objects. Text that is no JSON gets through here, for JSON.parse to refuse.
 */
function checkStructure(text: string, what: string): void {
  /** The names seen in each object that is open; undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  let containers = 0;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (letter === "{" || letter === "[") {
      open.push(letter === "{" ? new Set() : undefined);
      ensure(open.length <= maxDepth, `${what} is nested deeper than ${maxDepth}`);
      ensure(++containers <= maxContainers, `${what} has more than ${maxContainers} lists and objects`);
    } else if (letter === "}" || letter === "]") {
      open.pop();
    } else if (letter === '"') {
      const end = endOfString(text, at);
      const names = open.at(-1);
      if (names && isFollowedByColon(text, end)) {
        const name = nameIn(text.slice(at, end));
        if (names.has(name)) throw new Unreadable(`${what} has two entries called ${quote(name)}`);
        names.add(name);
      }
      at = end - 1;
    }
  }
}

/** The offset behind the string's second quotation mark. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return Math.min(at + 1, text.length);
}

function isFollowedByColon(text: string, end: number): boolean {
  let at = end;
  while (text[at] === " " || text[at] === "\n" || text[at] === "\r" || text[at] === "\t") at++;
  return text[at] === ":";
}

/** "\u0061" and "a" are the same name. */
function nameIn(literal: string): string {
  if (!literal.includes("\\")) return literal.slice(1, -1);
  try {
    return String(JSON.parse(literal));
  } catch {
    return literal;
  }
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether this can be a shape, or offsets: whole numbers that are not negative. */
export const isSizes = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((side) => Number.isSafeInteger(side) && side >= 0);
