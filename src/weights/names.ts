/**
 * Tables of names: what a checkpoint calls the weights that this compiler calls `conv4.35.conv2.weight`
 * (language reference, section 4.1).
 *
 *     names torchvision {
 *       scale -> weight                                       renames the last part
 *       "conv{s}.{b}.{*}" -> "layer{s-1}.{b}.{*}"             matches the whole name
 *     }
 *
 * First the last part is renamed, then the first text line that matches rewrites the name. On the left `{s}`,
 * one letter, is a number, `{op}`, longer, a word, `{p=mean|var}` one of these, `{*}` the rest. The right side
 * may use them, with `{s-1}`, `{b+1}`, `{2s-3}`, `{b:a}` for a letter, 0 being a, and `{b:2}` for two digits.
 */

export interface NamesTable {
  readonly name: string;
  /** Plain lines: the last part of a name and what it is called. */
  readonly leaves: ReadonlyMap<string, string>;
  /** Text lines, in order. */
  readonly lines: readonly NamesLine[];
}

export interface NamesLine {
  readonly from: string;
  readonly to: string;
}

/** Our own names with the last parts that PyTorch's modules have. */
export const torchNames: NamesTable = {
  name: "torch",
  leaves: new Map([
    ["scale", "weight"],
    ["shift", "bias"],
    ["mean", "running_mean"],
    ["var", "running_var"],
  ]),
  lines: [],
};

/** What the table calls a weight of ours. */
export function translate(table: NamesTable, name: string): string {
  const dot = name.lastIndexOf(".") + 1;
  const leaf = table.leaves.get(name.slice(dot));
  const renamed = leaf === undefined ? name : name.slice(0, dot) + leaf;
  for (const { pattern, pieces } of compiled(table)) {
    const match = pattern.exec(renamed);
    if (match) return pieces.map((piece) => write(piece, match)).join("");
  }
  return renamed;
}

/** What is wrong with the lines of a table, in whole sentences; lines that are wrong match nothing. */
export function checkTable(table: NamesTable): string[] {
  return table.lines.flatMap(({ from, to }) => {
    const line = compileLine(from, to);
    return "problem" in line ? [line.problem] : [];
  });
}

// ---- compiling ------------------------------------------------------------------------------------

interface Line {
  readonly pattern: RegExp;
  readonly pieces: readonly Piece[];
}

/** A piece of the right side: text, or a group of the match with what happens to it. */
type Piece = string | Use;

interface Use {
  readonly group: number;
  readonly times: number;
  readonly add: number;
  /** As a letter, or with at least so many digits. */
  readonly as: "letter" | number;
}

interface Wrong {
  readonly problem: string;
}

const compiledTables = new WeakMap<NamesTable, readonly Line[]>();

function compiled(table: NamesTable): readonly Line[] {
  let lines = compiledTables.get(table);
  if (!lines) {
    lines = table.lines.flatMap(({ from, to }) => {
      const line = compileLine(from, to);
      return "problem" in line ? [] : [line];
    });
    compiledTables.set(table, lines);
  }
  return lines;
}

function compileLine(from: string, to: string): Line | Wrong {
  const left = compileLeft(from);
  if ("problem" in left) return left;
  const pieces: Piece[] = [];
  for (const part of split(to)) {
    if (!part.startsWith("{")) {
      if (/[{}]/.test(part)) return { problem: `"${to}" has a brace that is not closed` };
      pieces.push(part);
      continue;
    }
    const piece = compileRight(part, left.variables);
    if (typeof piece === "string") return { problem: `"${to}": ${piece}` };
    pieces.push(piece);
  }
  return { pattern: left.pattern, pieces };
}

interface Left {
  readonly pattern: RegExp;
  /** The variables in order, each with whether it stands for a number. */
  readonly variables: ReadonlyMap<string, { readonly group: number; readonly isNumber: boolean }>;
}

/** Each word multiplies the ways in which a long name can fail to match. */
const maxWords = 3;

function compileLeft(from: string): Left | Wrong {
  const variables = new Map<string, { readonly group: number; readonly isNumber: boolean }>();
  let pattern = "";
  let words = 0;
  let previous: "text" | "number" | "word" = "text";
  for (const part of split(from)) {
    if (!part.startsWith("{")) {
      if (/[{}]/.test(part)) return { problem: `"${from}" has a brace that is not closed` };
      pattern += part.replace(/[.*+?^$()|[\]\\/]/g, "\\$&");
      previous = "text";
      continue;
    }
    const found = /^\{(\*|[A-Za-z]\w*)(?:=(\w+(?:\|\w+)*))?\}$/.exec(part);
    if (!found)
      return { problem: `"${from}": \`${part}\` is no variable, write {s}, {op}, {p=mean|var} or {*}` };
    const [, name, choices] = found;
    if (variables.has(name)) return { problem: `"${from}": \`{${name}}\` stands twice on the left side` };
    const isNumber = choices ? /^[\d|]+$/.test(choices) : name.length === 1 && name !== "*";
    const kind = isNumber ? "number" : "word";
    // Two of a kind side by side could be parted in many ways; a dot or a letter between them decides.
    if (previous === kind)
      return { problem: `"${from}": nothing stands between \`${part}\` and what is before it` };
    pattern += choices ? `(${choices})` : isNumber ? "(\\d{1,9})" : name === "*" ? "(.+)" : "([A-Za-z_]+)";
    variables.set(name, { group: variables.size + 1, isNumber });
    previous = kind;
    if (!choices && !isNumber && ++words > maxWords)
      return { problem: `"${from}" has more than ${maxWords} words` };
  }
  return { pattern: new RegExp(`^${pattern}$`), variables };
}

/** A variable of the right side, or a sentence without its end on what is wrong with it. */
function compileRight(part: string, variables: Left["variables"]): Use | string {
  const found = /^\{([2-9]?)(\*|[A-Za-z]\w*)(?:([+-])(\d{1,6}))?(?::(a|[1-9]))?\}$/.exec(part);
  if (!found)
    return `\`${part}\` is no use of a variable, write {s}, {s-1}, {b+1}, {2s-3}, {b:a}, {b:2} or {*}`;
  const [, factor, name, sign, digits, as] = found;
  const variable = variables.get(name);
  if (!variable) return `\`{${name}}\` does not stand on the left side`;
  if ((factor || sign || as) && !variable.isNumber)
    return `\`{${name}}\` is a word, \`${part}\` needs a number`;
  const add = sign ? Number(digits) * (sign === "-" ? -1 : 1) : 0;
  return {
    group: variable.group,
    times: Number(factor || 1),
    add,
    as: as === "a" ? "letter" : Number(as ?? 0),
  };
}

const split = (text: string): string[] => text.split(/(\{[^{}]*\})/).filter((part) => part !== "");

// ---- writing --------------------------------------------------------------------------------------

function write(piece: Piece, match: RegExpExecArray): string {
  if (typeof piece === "string") return piece;
  const { group, times, add, as } = piece;
  const value = match[group];
  if (as === "letter") return letters(times * Number(value) + add);
  const number = add || times > 1 ? String(times * Number(value) + add) : value;
  return number.padStart(as, "0");
}

/** 0 is a, 25 is z, 26 is aa, as columns of a table are counted. */
function letters(index: number): string {
  if (index < 0) return String(index);
  const last = String.fromCharCode(97 + (index % 26));
  return index < 26 ? last : letters(Math.floor(index / 26) - 1) + last;
}
