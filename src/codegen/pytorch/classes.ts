/** Families of bodies become Python classes, and the numbers that differ the parameters of their constructors. */
import {
  type Body,
  className,
  type Family,
  isInstance,
  isSlot,
  type Slot,
  slotsOf,
  type Text,
  textsOf,
} from "./text.ts";

/** A parameter of a constructor. */
interface Parameter {
  readonly name: string;
  /** The first slot that it fills. */
  readonly first: number;
  readonly default: string | undefined;
  readonly isChannels: boolean;
}

interface Shaped {
  readonly family: Family;
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** Of each slot the parameter that fills it, if it differs between instances. */
  readonly filledBy: readonly (Parameter | undefined)[];
}

const widest = 100;

/** Every class that the network's own body uses, inner ones first, and that body itself. */
export class Classes {
  readonly #instances = new Map<Family, (readonly Slot[])[]>();
  readonly #shaped = new Map<Family, Shaped>();
  readonly #taken = new Set<string>();

  constructor(body: Body, taken: Iterable<string>) {
    for (const name of taken) this.#taken.add(name);
    this.#visit(textsOf(body), textsOf(body).flatMap(slotsOf));
    const all = [...this.#instances.keys()].sort((a, b) => a.id - b.id);
    for (const family of all) this.#shape(family, all);
  }

  /** Collects the slots of every instance, also of those inside of others. */
  #visit(texts: readonly Text[], slots: readonly Slot[]): void {
    let at = 0;
    for (const piece of texts.flat()) {
      if (isSlot(piece)) at++;
      if (!isInstance(piece)) continue;
      const own = slots.slice(at, at + piece.slots.length);
      at += own.length;
      const known = this.#instances.get(piece.of);
      if (known) known.push(own);
      else this.#instances.set(piece.of, [own]);
      this.#visit(textsOf(piece.of.body), own);
    }
  }

  #shape(family: Family, all: readonly Family[]): void {
    const instances = this.#instances.get(family)!;
    const count = instances[0].length;
    const columns = Array.from({ length: count }, (_, i) => instances.map((slots) => slots[i].value));
    const filledBy: (Parameter | undefined)[] = [];
    const byColumn = new Map<string, Parameter>();
    const parameters: Parameter[] = [];
    const used = new Set<string>();
    const lastOut = instances[0].map(({ kind }) => kind).lastIndexOf("out");
    const lastColumn = lastOut < 0 ? "" : columns[lastOut].join();
    const firstIn = instances[0].findIndex(({ kind }) => kind === "in");
    const firstColumn = firstIn < 0 ? "" : columns[firstIn].join();
    columns.forEach((values, i) => {
      if (values.every((value) => value === values[0])) {
        filledBy.push(undefined);
        return;
      }
      const { kind, default: standard } = instances[0][i];
      const isCount = kind === "groups" || kind === "first" || kind === "last";
      const isChannels = kind === "in" || kind === "out" || (isCount && byColumn.has(`c${values.join()}`));
      const key = `${isChannels ? "c" : kind}${values.join()}`;
      let parameter = byColumn.get(key);
      if (!parameter) {
        const column = values.join();
        const word = !isChannels
          ? kind
          : column === firstColumn && column === lastColumn
            ? "channels"
            : column === firstColumn
              ? "in_channels"
              : column === lastColumn
                ? "out_channels"
                : "width";
        let name: string = word;
        for (let n = 2; used.has(name); n++) name = `${word}${n}`;
        used.add(name);
        parameter = { name, first: i, default: isChannels ? undefined : standard, isChannels };
        byColumn.set(key, parameter);
        parameters.push(parameter);
      }
      filledBy.push(parameter);
    });
    const rank = ({ isChannels, default: standard }: Parameter) =>
      isChannels ? 0 : standard === undefined ? 1 : 2;
    const ordered = [0, 1, 2].flatMap((each) => parameters.filter((parameter) => rank(parameter) === each));
    this.#shaped.set(family, { family, name: this.#nameOf(family, all), parameters: ordered, filledBy });
  }

  /** After the block; of several the smallest has its plain name, the others that of what they have besides. */
  #nameOf(family: Family, all: readonly Family[]): string {
    if (family.body.chain) return "";
    const word = wordOf(family);
    const alike = all.filter((other) => !other.body.chain && wordOf(other) === word);
    const smallest = alike.reduce((a, b) => (membersOf(b).length < membersOf(a).length ? b : a));
    const more = membersOf(family).filter((name) => !membersOf(smallest).includes(name));
    const wanted = more.length === 1 ? `${word}With${className(more[0])}` : word;
    let name = wanted;
    for (let i = 2; this.#taken.has(name); i++) name = `${wanted}${i}`;
    this.#taken.add(name);
    return name;
  }

  /** The texts of all classes, inner ones first. */
  texts(): readonly string[] {
    return [...this.#shaped.values()].flatMap((shaped) => {
      const { family, name, parameters } = shaped;
      if (family.body.chain) return [];
      const list = parameters.map((each) =>
        each.default === undefined ? each.name : `${each.name}=${each.default}`,
      );
      return [this.classText({ name, parameters: list, body: family.body, shaped })];
    });
  }

  classText({
    name,
    parameters,
    body,
    shaped,
    doc,
  }: {
    readonly name: string;
    readonly parameters: readonly string[];
    readonly body: Body;
    readonly shaped?: Shaped;
    readonly doc?: string;
  }): string {
    let at = 0;
    const slots = textsOf(body).flatMap(slotsOf);
    const write = (text: Text, inForward: boolean): string => {
      const count = slotsOf(text).length;
      const own = slots.slice(at, at + count);
      const written = this.#render(text, own, at, shaped, inForward ? stored : undefined);
      at += count;
      return written;
    };
    const stored = new Set<string>();
    const init = body.init.map((text) => write(text, false));
    const forward = body.forward.map((text) => write(text, true));
    const lines = [
      `class ${name}(nn.Module):`,
      ...(doc ? [indent(doc, 1), ""] : []),
      ...(init.length > 0 || stored.size > 0
        ? [
            indent(wrapped(`def __init__(${["self", ...parameters].join(", ")}):`, widest - 4), 1),
            indent("super().__init__()", 2),
            ...[...stored].map((each) => indent(`self.${each} = ${each}`, 2)),
            ...init.map((line) => indent(wrapped(line, widest - 8), 2)),
            "",
          ]
        : []),
      indent(`def forward(${["self", ...body.arguments].join(", ")}):`, 1),
      ...forward.map((line) => indent(wrapped(line, widest - 8), 2)),
    ];
    return lines.join("\n");
  }

  /** `from` is the number of the text's first slot in the body of `shaped`; `stored` collects what forward needs. */
  #render(
    text: Text,
    slots: readonly Slot[],
    from: number,
    shaped: Shaped | undefined,
    stored?: Set<string>,
  ): string {
    let at = 0;
    const wordAt = (i: number): { readonly text: string; readonly isFixed: boolean } => {
      const parameter = shaped?.filledBy[from + i];
      if (!parameter) return { text: slots[i].value, isFixed: true };
      stored?.add(parameter.name);
      return { text: stored ? `self.${parameter.name}` : parameter.name, isFixed: false };
    };
    const pieces = text.map((piece) => {
      if (typeof piece === "string") return piece;
      if (isSlot(piece)) {
        const { text: value, isFixed } = wordAt(at++);
        return isFixed && value === piece.default ? "" : `${piece.prefix ?? ""}${value}`;
      }
      const start = at;
      at += piece.slots.length;
      return this.#instance(piece.of, (i) => wordAt(start + i), slots.slice(start, at), from + start, shaped);
    });
    return pieces.join("");
  }

  #instance(
    family: Family,
    wordAt: (slot: number) => { readonly text: string; readonly isFixed: boolean },
    slots: readonly Slot[],
    from: number,
    outer: Shaped | undefined,
  ): string {
    if (family.body.chain) return this.#chain(family, slots, from, outer);
    const { name, parameters } = this.#shaped.get(family)!;
    const list = parameters.flatMap(({ name: word, first, default: standard, isChannels }) => {
      const { text, isFixed } = wordAt(first);
      if (isFixed && text === standard) return [];
      return [isChannels ? text : `${word}=${text}`];
    });
    const positional = list.filter((each) => !each.includes("="));
    return `${name}(${[...positional, ...list.filter((each) => each.includes("="))].join(", ")})`;
  }

  #chain({ body }: Family, slots: readonly Slot[], from: number, outer: Shaped | undefined): string {
    let at = 0;
    const links = body.chain!.map(({ make }) => {
      const count = slotsOf(make).length;
      const text = this.#render(make, slots.slice(at, at + count), from + at, outer);
      at += count;
      return text;
    });
    const parts: string[] = [];
    for (let i = 0; i < links.length; ) {
      let end = i + 1;
      while (links[end] === links[i]) end++;
      const count = end - i;
      if (count > 2) parts.push(`*[${links[i]} for _ in range(${count})]`);
      else parts.push(...links.slice(i, end));
      i = end;
    }
    return `nn.Sequential(${parts.join(", ")})`;
  }
}

/** The block that a family is written as, else what its name in the network ends in. */
function wordOf({ names }: Family): string {
  const block = names.find((name) => name.startsWith("!"))?.slice(1);
  return className(block ?? names[0] ?? "block");
}

const membersOf = ({ body }: Family): readonly string[] =>
  body.init.flatMap((text) => /^self\.(\w+) = /.exec(text.slice(0, 3).join(""))?.[1] ?? []);

export const indent = (text: string, depth: number): string =>
  text
    .split("\n")
    .map((line) => (line ? "    ".repeat(depth) + line : ""))
    .join("\n");

/** Breaks a line that is too long at the commas of its outermost brackets, and so on inside. */
export function wrapped(line: string, width: number): string {
  if (line.length <= width) return line;
  const open = firstBracket(line, width);
  if (open < 0) return line;
  const close = closing(line, open);
  const inner = splitCommas(line.slice(open + 1, close));
  if (close < 0 || (inner.length === 1 && !/[([{]/.test(inner[0]))) return line;
  // A comprehension takes no comma.
  const comma = inner.length > 1 || line[open] !== "[" || !/ for _ in /.test(inner[0]) ? "," : "";
  const lines = inner.map((part) => indent(wrapped(part.trim() + comma, width - 4), 1));
  return `${line.slice(0, open + 1)}\n${lines.join("\n")}\n${line.slice(close)}`;
}

function firstBracket(line: string, width: number): number {
  for (let i = 0; i < line.length; i++) {
    if (!"([{".includes(line[i])) continue;
    const close = closing(line, i);
    // The bracket that makes the line too long.
    if (close + 1 >= Math.min(width, line.length - 2) && line[i + 1] !== line[close]) return i;
  }
  return -1;
}

function closing(line: string, open: number): number {
  let depth = 0;
  for (let i = open; i < line.length; i++) {
    if (line[i] === '"') i = line.indexOf('"', i + 1);
    if ("([{".includes(line[i])) depth++;
    else if (")]}".includes(line[i]) && --depth === 0) return i;
  }
  return -1;
}

function splitCommas(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '"') i = text.indexOf('"', i + 1);
    if ("([{".includes(text[i])) depth++;
    else if (")]}".includes(text[i])) depth--;
    else if (text[i] === "," && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts.filter((part) => part.trim() !== "");
}
