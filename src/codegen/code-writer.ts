/** Writes indented text line by line: what every target that emits source uses. */
export class CodeWriter {
  readonly #lines: string[] = [];
  #depth = 0;

  /** Adds lines at the current depth; a text of several lines is indented as a whole. */
  line(...texts: readonly string[]): this {
    for (const text of texts) {
      for (const line of text.split("\n"))
        this.#lines.push(line === "" ? "" : "  ".repeat(this.#depth) + line);
    }
    return this;
  }

  /** `open`, the body one level deeper, `close`. */
  block(open: string, body: () => void, close = "}"): this {
    this.line(open);
    this.#depth++;
    body();
    this.#depth--;
    return this.line(close);
  }

  /** A doc comment; what would end it early is defused. */
  doc(...texts: readonly string[]): this {
    const lines = texts.flatMap((text) => text.replaceAll("*/", "*\\/").split("\n"));
    if (lines.length === 1) return this.line(`/** ${lines[0]} */`);
    return this.line("/**", ...lines.map((line) => ` * ${line}`.trimEnd()), " */");
  }

  toString(): string {
    return `${this.#lines.join("\n")}\n`;
  }
}

/** A name as the key of an object literal or type: quoted only where it must be. */
export function propertyKey(name: string): string {
  // A plain __proto__ key would set the prototype.
  if (name === "__proto__") return `["__proto__"]`;
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

/** Words that no variable of a generated module may be called. */
const reservedWords = new Set(
  (
    "arguments as async await break case catch class const continue debugger default delete do else enum " +
    "eval export extends false finally for from function get if implements import in instanceof interface let " +
    "new null of package private protected public return set static super switch this throw true try typeof " +
    "undefined var void while with yield NaN Infinity"
  ).split(" "),
);

/** Gives out JavaScript identifiers that resemble names and are each given once. */
export class Identifiers {
  readonly #taken: Set<string>;

  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken);
  }

  /** "conv2.0.conv1" becomes conv2_0_conv1. */
  give(name: string): string {
    const plain = name.replace(/[^A-Za-z0-9_$]/g, "_").replace(/^(?=\d|$)/, "_");
    let unique = reservedWords.has(plain) ? `${plain}_` : plain;
    for (let i = 2; this.#taken.has(unique); i++) unique = `${plain}_${i}`;
    this.#taken.add(unique);
    return unique;
  }
}
