/**
 * The catalogue: every sentence a user can be told, with its code and severity. Codes name the thing that
 * is wrong and are never reused. Names of the user's stand in backquotes.
 */

export type Severity = "error" | "warning" | "info";

interface Message<P> {
  readonly severity: Severity;
  readonly text: (params: P) => string;
  /** What usually helps, where the place that reports knows nothing better. */
  readonly hint?: ((params: P) => string) | undefined;
}

const warning = <P>(text: (params: P) => string, hint?: (params: P) => string): Message<P> => ({
  severity: "warning",
  text,
  hint,
});

const error = <P>(text: (params: P) => string, hint?: (params: P) => string): Message<P> => ({
  severity: "error",
  text,
  hint,
});

type None = Readonly<Record<string, never>>;
/** The divisors around a number: the largest below and the smallest above. */
function nearestDivisors(channels: number, groups: number): number[] {
  const divisors: number[] = [];
  for (let d = 1; d * d <= channels; d++) if (channels % d === 0) divisors.push(d, channels / d);
  const below = Math.max(...divisors.filter((d) => d < groups));
  const above = Math.min(...divisors.filter((d) => d > groups));
  return [below, above].filter(Number.isFinite);
}

/** "the difference is 23_599_105; " where both are plain counts. */
function difference(wanted: string, found: string): string {
  const numbers = [wanted, found].map((text) => Number(text.replaceAll("_", "")));
  if (numbers.some(Number.isNaN)) return "";
  const gap = numbers[1] - numbers[0];
  return `that is ${Math.abs(gap).toLocaleString("en").replaceAll(",", "_")} too ${gap > 0 ? "many" : "few"}; `;
}

const plural = (n: number, one: string, many = `${one}s`) =>
  `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

const textMessages = {
  "unreadable-file": error((p: { path: string; why: string }) => `cannot read ${p.path}: ${p.why}`),
  "file-too-large": error(
    (p: { what: string; size: number; limit: number }) =>
      `${p.what} has ${plural(p.size, "character")}, the limit is ${p.limit.toLocaleString("en")}`,
    () => "networks are short: look whether this is the right file",
  ),
  "nesting-too-deep": error(
    (p: { what: string; limit: number }) =>
      `${p.what} are nested deeper than ${p.limit.toLocaleString("en")}`,
    () => "name the inner parts with labels, `let` or blocks of their own",
  ),
  "row-too-long": error((p: { limit: number }) => `this row has more than ${p.limit} operators`),
  "merge-conflict": error((_: None) => "a merge stands here that was not resolved"),
  "other-language": error((p: { language: string }) => `this is ${p.language}, and no .resnet file`),
  "unknown-edition": error(
    (p: { found: string; known: number }) =>
      `this file is written for edition ${p.found}, this resnetc knows edition ${p.known}`,
  ),
  "bad-number": error((p: { text: string }) => `\`${p.text}\` is not a number`),
  "bad-name": error((p: { text: string }) => `\`${p.text}\` is no name`),
  "bad-text": error((_: None) => "this text has no closing quote"),
  "bad-escape": error((p: { text: string }) => `\`${p.text}\` has an escape that is not one of JSON's`),
  "bad-character": error((p: { text: string }) =>
    p.text === "`" ? "a backquote means nothing here" : `\`${p.text}\` means nothing here`,
  ),
  "unknown-operator": error((p: { text: string }) => `the language has no sign \`${p.text}\``),
  "unclosed-bracket": error((p: { bracket: string }) => `\`${p.bracket}\` is never closed`),
  "wrong-bracket": error(
    (p: { opener: string; bracket: string }) => `\`${p.opener}\` is closed by \`${p.bracket}\``,
  ),
  "stray-bracket": error((p: { bracket: string }) => `\`${p.bracket}\` closes nothing`),
  "joined-word": error((p: { text: string }) => `\`${p.text}\` is one name`),
  "missing-arrow": error((_: None) => "two steps without `->` between them"),
  "missing-operand": error(
    (p: { side: "before" | "after"; operator: string }) => `something is missing ${p.side} \`${p.operator}\``,
  ),
  "stray-comma": error((_: None) => "a comma has no place here"),
  "missing-comma": error((_: None) => "a comma is missing between two arguments"),
  "stray-sign": error((p: { sign: string; word: string }) => `no \`${p.sign}\` stands behind \`${p.word}\``),
  "stray-assignment": error((_: None) => "a row is not an assignment"),
  "stride-word": error((_: None) => "a stride is written with a slash"),
  "repeat-word": error((p: { text: string }) => `\`${p.text}\` repeats nothing`),
  "unknown-word": error((p: { text: string }) => `\`${p.text}\` is not a word of the language`),
  "capital-x": error((_: None) => "repetition is a small `x`"),
  "slash-comment": error((p: { sign: string }) => `\`${p.sign}\` starts no comment`),
  "unfinished-row": error(
    (p: { label: string }) => `\`${p.label}:\` starts a row, but the row above is not finished`,
  ),
  "incomplete-row": error((p: { where: string }) => p.where),
  "missing-brackets": error((_: None) => "what follows `if` and `else` stands in brackets"),
  "round-group": error((_: None) => "rows do not stand in parentheses"),
  "body-brackets": error((p: { what: string }) => `the rows of a ${p.what} stand in braces`),
  "square-arguments": error((_: None) => "arguments stand in parentheses"),
  "reserved-label": error(
    (p: { word: string }) => `\`${p.word}\` is a word of the language and cannot be a label`,
  ),
  "missing-name": error((p: { what: string }) => `this ${p.what} has no name`),
  "missing-part": error((p: { word: string; needs: string }) => `\`${p.word}\` needs ${p.needs}`),
  "row-outside": error((_: None) => "a row must stand inside a net or a block"),
  "misplaced-row": error(
    (p: { word: string; where: string }) => `\`${p.word}\` has no meaning in ${p.where}`,
  ),
  "nested-declaration": error((p: { word: string }) => `\`${p.word}\` cannot stand inside a net or block`),
  "empty-parentheses": error((_: None) => "nothing in the parentheses"),
  "unexpected-token": error((p: { text: string }) => `${p.text} does not fit here`),
} as const;

const nameMessages = {
  "unknown-name": error((p: { name: string }) => `nothing here is called \`${p.name}\``),
  "used-before": error((p: { name: string }) => `\`${p.name}\` is used before its row`),
  "unknown-kind": error((p: { name: string }) => `\`${p.name}\` is no kind`),
  "unknown-part": error(
    (p: { owner: string; part: string }) => `${p.owner} has no part called \`${p.part}\``,
  ),
  "unknown-parameter": error(
    (p: { callee: string; name: string }) => `\`${p.callee}\` has no parameter \`${p.name}\``,
  ),
  "bad-pattern": error(
    (p: { why: string }) => p.why,
    () => 'a line is `scale -> weight` or `"conv{s}.{*}" -> "layer{s-1}.{*}"`',
  ),
  "unknown-module": error((p: { module: string }) => `there is no module "${p.module}"`),
  "unknown-export": error((p: { module: string; name: string }) => `${p.module} has no \`${p.name}\``),
  "unknown-net": error((p: { name: string }) => `this file has no net called \`${p.name}\``),
  "ambiguous-net": error((p: { nets: string }) => `this file has several nets: ${p.nets}`),
  "no-net": error((_: None) => "this file has no net"),
  "unknown-setting": error(
    (p: { net: string; name: string }) => `net \`${p.net}\` has no parameter \`${p.name}\``,
  ),
  "unknown-labels": warning((p: { name: string }) => `no classes are known as "${p.name}"`),
  "unknown-metric": error((p: { name: string }) => `nothing is counted under \`${p.name}\``),
  "unknown-pass": error((p: { name: string }) => `there is no pass called \`${p.name}\``),
  "name-taken": error(
    (p: { what: string; name: string; by: string }) =>
      `${p.what} \`${p.name}\` would hide ${p.by} \`${p.name}\``,
  ),
  "duplicate-name": error((p: { name: string; where: string }) => `\`${p.name}\` is already ${p.where}`),
  "cyclic-definition": error(
    (p: { name: string; path: string }) => `\`${p.name}\` is built from itself: ${p.path}`,
  ),
} as const;

const kindMessages = {
  "kind-mismatch": error(
    (p: { message: string }) => p.message,
    () => "numbers, sizes, text and paths do not stand for each other; grammar/README.md lists the kinds",
  ),
  "missing-argument": error((p: { callee: string; name: string }) => `\`${p.callee}\` needs \`${p.name}\``),
  "extra-argument": error((p: { callee: string; takes: string }) => `\`${p.callee}\` takes ${p.takes}`),
  "argument-order": error((_: None) => "an argument without a name comes after one with a name"),
  "not-whole": error(
    (p: { what: string; value: number }) => `${p.what} must be whole, this is ${Number(p.value.toFixed(4))}`,
  ),
  "out-of-range": error(
    (p: { what: string; wanted: string; value: string }) =>
      `${p.what} must be ${p.wanted}, this is ${p.value}`,
    (p) => `give a value that is ${p.wanted}`,
  ),
  "no-stride": error(
    (p: { what: string; stride: number }) => `${p.what} has no \`stride\`, so it cannot take /${p.stride}`,
  ),
  "unlabelled-repetition": error((_: None) => "a repeated group needs a label"),
  "bad-index": error(
    (_: None) => "`as` names the number of a copy",
    () => "it stands behind the count: `block x 3 as i`, a stride behind it",
  ),
  "bad-sharing": error(
    (p: { why: string }) => p.why,
    () => "`name: step @ other` builds the row with the weights of the row `other`",
  ),
  "doubtful-size": warning((p: { message: string }) => p.message),
  "idle-step": warning((p: { step: string }) => `\`${p.step}\` changes nothing`),
  "unused-name": warning((p: { name: string }) => `nothing uses \`${p.name}\``),
  "bad-default": error((_: None) => "`default` takes named settings of a block or operation"),
} as const;

const shapeMessages = {
  "window-too-large": error(
    (p: { window: number; size: number; padding: number }) =>
      `the window (${p.window}) is larger than its input (${p.size}${p.padding ? ` + ${p.padding} padding` : ""})`,
    () => "the picture is too small here, or a stride too large",
  ),
  "groups-mismatch": error(
    (p: { groups: number; channels: number; side: "come in" | "go out" }) =>
      `${p.groups} groups do not divide the ${p.channels} channels that ${p.side}`,
    (p) => {
      const near = nearestDivisors(p.channels, p.groups);
      return `the nearest divisor${near.length > 1 ? "s" : ""} of ${p.channels} ${near.length > 1 ? "are" : "is"} ${near.join(" and ")}`;
    },
  ),
  "shape-mismatch": error(
    (p: { verb: string; left: string; right: string; differ: string }) =>
      `cannot ${p.verb} ${p.left} and ${p.right}: ${p.differ}`,
    () => "give both sides the same channels and strides",
  ),
  "param-shape": error(
    (p: { op: string; role: string; wanted: string; found: string }) =>
      `the ${p.role} of ${p.op} must be ${p.wanted}, this is ${p.found}`,
  ),
  "bad-extension": error(
    (p: { from: string; to: string }) => `extend cannot make ${p.from} smaller (${p.to})`,
    () => "0 leaves a side as it is",
  ),
  "bad-slice": error(
    (p: { first: number; last: number; channels: number }) =>
      p.first === p.last
        ? `there is no channel ${p.first} among ${p.channels}`
        : `there are no channels ${p.first} to ${p.last} among ${p.channels}`,
    () => "channels count from 0: `slice(first, channels)`",
  ),
  "bad-reflection": error(
    (p: { pad: number; shape: string }) => `${p.shape} cannot be mirrored by ${p.pad}`,
    () => "the mirror stands at the edge: it shows no more than the map has behind it",
  ),
  "tensor-too-large": error(
    (p: { shape: string; limit: number }) =>
      `${p.shape} has more than ${p.limit.toLocaleString("en")} elements`,
    () => "use a smaller picture, batch, kernel or width",
  ),
  "net-too-large": error(
    (p: { what: string; limit: number }) =>
      `this net has more than ${p.limit.toLocaleString("en")} ${p.what}`,
    () => "look for a repetition count that is too large, or blocks that double one another",
  ),
  "missing-input": error(
    (p: { net: string; isBelow?: boolean }) =>
      `net \`${p.net}\` has no input${p.isBelow ? " before this row" : ""}`,
  ),
  "bad-input": error((_: None) => "an input is height x width x channels"),
  "unused-row": error((p: { label: string }) => `nothing uses \`${p.label}\``),
  "expectation-failed": error(
    (p: { what: string; wanted: string; found: string }) =>
      `expected ${p.what} ${p.wanted}, the net has ${p.found}`,
    (p) => `${difference(p.wanted, p.found)}\`resnetc info\` shows the counts row by row`,
  ),
} as const;

const weightMessages = {
  "bad-checkpoint": error(
    (p: { path: string; why: string }) => `${p.path} is no checkpoint that can be read: ${p.why}`,
  ),
  "refused-global": error(
    (p: { path: string; name: string; offset: number; danger: string }) =>
      `${p.path} wants to call \`${p.name}\` (at byte ${p.offset}): ${p.danger}. Nothing was run`,
  ),
  "missing-weight": error(
    (p: { count: number; names: string }) =>
      `the checkpoint lacks ${plural(p.count, "tensor")} of the net: ${p.names}`,
  ),
  "extra-weight": error(
    (p: { count: number; names: string }) =>
      `the checkpoint has ${plural(p.count, "tensor")} that the net has no place for: ${p.names}`,
  ),
  "weight-shape": error(
    (p: { name: string; wanted: string; found: string; place: string }) =>
      `tensor \`${p.name}\` is ${p.found}, ${p.place} needs ${p.wanted}`,
  ),
  "weight-used-twice": error(
    (p: { name: string; places: string }) =>
      `tensor \`${p.name}\` is wanted at more than one place: ${p.places}`,
  ),
  "not-finite": error(
    (p: { name: string; count: number; what: string }) =>
      `tensor \`${p.name}\` has ${plural(p.count, "value")} that ${p.count === 1 ? "is" : "are"} ${p.what}`,
  ),
  "unknown-names": error((p: { name: string }) => `there is no table of names called \`${p.name}\``),
  "unknown-architecture": error(
    (p: { path: string }) => `no architecture known here has the tensors of ${p.path}`,
  ),
  "unknown-published": error(
    (p: { name: string }) => `there is no published network called \`${p.name}\` here`,
  ),
  "differs-from-published": error(
    (p: { net: string; published: string; what: string }) =>
      `${p.net} differs from ${p.published}: ${p.what}`,
  ),
  "no-spec": error(
    (p: { path: string; title: string; lacking: string }) =>
      `${p.path} is of ${p.title}, and the language has no word for ${p.lacking}`,
  ),
  "checkpoint-does-not-fit": error(
    (p: { path: string; net: string; matched: number; wanted: number }) =>
      `${p.path} does not fit ${p.net}: ${p.matched} of ${plural(p.wanted, "tensor")} found`,
  ),
} as const;

const runMessages = {
  "bad-image": error(
    (p: { path: string; why: string }) => `${p.path} is no picture that can be read: ${p.why}`,
  ),
  "bad-array": error((p: { path: string; why: string }) => `${p.path} does not fit: ${p.why}`),
  "unwritable-output": error((p: { path: string; why: string }) => `cannot write ${p.path}: ${p.why}`),
  "unknown-target": error((p: { name: string }) => `there is no target called \`${p.name}\``),
  "backend-missing": error(
    (p: { backend: string; why: string }) => `tfjs backend ${p.backend} does not run this: ${p.why}`,
  ),
  "network-too-large": error(
    (p: { needed: number; limit: number }) =>
      `the network needs ${(p.needed / 1e9).toFixed(1)} GB of memory, and WebAssembly has ${(p.limit / 1e9).toFixed(1)} GB`,
  ),
  "network-failed": error((p: { why: string }) => `the network does not run: ${p.why}`),
  "not-formatted": error((p: { path: string }) => `${p.path} is not in canonical format`),
} as const;

/** What a message is about, in the order in which a file goes through the compiler. */
export const messageGroups = {
  "the text": textMessages,
  names: nameMessages,
  "kinds and arguments": kindMessages,
  shapes: shapeMessages,
  weights: weightMessages,
  running: runMessages,
} as const;

export const messages = {
  ...textMessages,
  ...nameMessages,
  ...kindMessages,
  ...shapeMessages,
  ...weightMessages,
  ...runMessages,
} as const;

export type MessageParams<C extends keyof typeof messages> = Parameters<(typeof messages)[C]["text"]>[0];
