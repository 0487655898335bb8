/**
 * How a byte reader gives up: it throws one of these two, `openCheckpoint` catches exactly these two and
 * reports them. Anything else thrown on the way is a bug of ours and stays one.
 */

/** The file is not what it should be; the message is the `why` of a diagnostic. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
}

/** A pickle names something that is not a tensor or a container. */
export class RefusedGlobal extends Error {
  override readonly name = "RefusedGlobal";
  readonly global: string;
  /** Where the name stands, counted from the start of the file. */
  readonly offset: number;
  /** What it could have done, had it been called. */
  readonly danger: string;
  readonly hint: string | undefined;

  constructor(global: string, offset: number, danger: string, hint?: string) {
    super(global);
    this.global = global;
    this.offset = offset;
    this.danger = danger;
    this.hint = hint;
  }
}

/** A name from a file as a message shows it: the start of a long one, and nothing that steers a terminal. */
export function shorten(name: string): string {
  const start = name.length > 80 ? `${name.slice(0, 79)}…` : name;
  return start.replace(/\p{Cc}/gu, "\u{fffd}");
}

export const quote = (name: string): string => `\`${shorten(name)}\``;

export function ensure(condition: unknown, why: string): asserts condition {
  if (!condition) throw new Unreadable(why);
}
