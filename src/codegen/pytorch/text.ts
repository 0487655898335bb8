/**
 * Python text with holes. The numbers of a class body stand in slots, so that bodies that differ in nothing but
 * numbers are one class, and the numbers that differ are what its constructor takes.
 */

/** A number of the text, and what it is. */
export interface Slot {
  readonly kind: SlotKind;
  readonly value: string;
  /** What stands before it, left out with it: ", stride=". */
  readonly prefix?: string;
  /** The value that need not be written. */
  readonly default?: string;
}

export type SlotKind =
  | "in"
  | "out"
  | "groups"
  | "kernel_size"
  | "stride"
  | "padding"
  | "dilation"
  | "eps"
  | "slope"
  | "size"
  | "first"
  | "last"
  | "parts"
  | "factor";

/** An instance of a class: `Bottleneck(64, 256)`. */
export interface Instance {
  readonly of: Family;
  readonly slots: readonly Slot[];
}

/** Bodies that are equal up to their numbers. */
export interface Family {
  readonly id: number;
  readonly body: Body;
  /** What its instances would like to be called; names of blocks begin with "!". */
  readonly names: string[];
}

export interface Body {
  readonly arguments: readonly string[];
  readonly init: readonly Text[];
  readonly forward: readonly Text[];
  /** A chain of modules: an expression instead of a class. */
  readonly chain?: readonly Link[];
}

/** A module of a Sequential under its name; one that only fills a place has none. */
export interface Link {
  readonly name: string | undefined;
  readonly make: Text;
}

export type Piece = string | Slot | Instance;
export type Text = readonly Piece[];

/** t`nn.Conv2d(${slot}, ${text})` */
export function t(strings: TemplateStringsArray, ...values: readonly (Piece | Text)[]): Text {
  const text: Piece[] = [];
  strings.forEach((string, i) => {
    if (string) text.push(string);
    const value = values[i];
    if (value === undefined) return;
    if (Array.isArray(value)) text.push(...(value as Text));
    else text.push(value as Piece);
  });
  return text;
}

export const slot = (
  kind: SlotKind,
  value: number | string,
  prefix?: string,
  standard?: number | string,
): Slot => ({
  kind,
  value: String(value),
  ...(prefix === undefined ? {} : { prefix }),
  ...(standard === undefined ? {} : { default: String(standard) }),
});

export const isSlot = (piece: Piece): piece is Slot => typeof piece === "object" && "kind" in piece;
export const isInstance = (piece: Piece): piece is Instance => typeof piece === "object" && "of" in piece;

export function join(texts: readonly Text[], between: string): Text {
  return texts.flatMap((text, i) => (i ? [between, ...text] : [...text]));
}

/** The slots of a text in order, those of instances included. */
export const slotsOf = (text: Text): Slot[] =>
  text.flatMap((piece) => (isInstance(piece) ? piece.slots : isSlot(piece) ? [piece] : []));

/** Equal for texts that differ in nothing but numbers. */
export function keyOf(text: Text): string {
  return text
    .map((piece) => {
      if (isInstance(piece)) return `\u0001${piece.of.id}\u0002`;
      if (isSlot(piece)) return `\u0003${piece.kind}${piece.prefix ?? ""}\u0002`;
      return piece;
    })
    .join("");
}

/** About how long it will be. */
export const lengthOf = (text: Text): number =>
  text.reduce((sum, piece) => {
    if (isInstance(piece)) return sum + 20;
    return sum + (isSlot(piece) ? (piece.value === piece.default ? 0 : piece.value.length) : piece.length);
  }, 0);

/** All texts of a body. */
export const textsOf = ({ init, forward, chain }: Body): readonly Text[] =>
  chain ? chain.map(({ make }) => make) : [...init, ...forward];

export function bodyKey(body: Body): string {
  const shape = body.chain ? body.chain.map(({ name }) => name ?? "-").join(",") : body.arguments.join(",");
  return [shape, ...textsOf(body).map(keyOf)].join("\n");
}

/** Words that Python keeps for itself. */
const reserved = new Set(
  (
    "False None True and as assert async await break class continue def del elif else except finally for from " +
    "global if import in is lambda nonlocal not or pass raise return try while with yield self torch nn F forward"
  ).split(" "),
);

export const isIdentifier = (text: string): boolean => /^[A-Za-z_]\w*$/.test(text) && !reserved.has(text);

export function identifier(text: string): string {
  const word = text.replace(/\W/g, "_").replace(/^(?=\d)/, "_");
  return isIdentifier(word) ? word : `${word}_`;
}

/** A text as a Python string. */
export const quote = (text: string): string => JSON.stringify(text);

export const className = (text: string): string => {
  const words = text
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean)
    .map((word) => word[0].toUpperCase() + word.slice(1));
  const name = words.join("");
  return /^[A-Za-z]/.test(name) ? name : `Net${name}`;
};
