/**
 * Files and what they see. A file sees the built-ins, what it `use`s and what it declares; nothing may hide
 * anything. `use` lists names one by one, so a later standard library can add names without breaking a file.
 * The order of declarations does not matter: `let`s are evaluated when they are first asked for.
 */
import { collect, type Note, type Report } from "../base/diagnostic.ts";
import { writeOneOf } from "../base/fix.ts";
import { invariant } from "../base/invariant.ts";
import { makeSource, type Source, type Span } from "../base/source.ts";
import { allNearest, didYouMean, listNames } from "../base/suggest.ts";
import type { File, Item, LetRow, NamesItem, UseItem } from "../parser/ast.ts";
import { parse } from "../parser/parse.ts";
import { stdText } from "../std/std.generated.ts";
import { checkTable, type NamesTable } from "../weights/names.ts";
import { builtins, functions } from "./builtins.ts";
import { nameSteps } from "./naming.ts";
import { type Declaration, noSettings, type Value } from "./values.ts";

export interface Module {
  readonly source: Source;
  readonly file: File;
  /** Everything visible at the top of the file. */
  readonly scope: ReadonlyMap<string, Entry>;
  /** What another file may `use`. */
  readonly exports: ReadonlySet<string>;
  readonly nets: readonly Declaration[];
  readonly tables: ReadonlyMap<string, NamesTable>;
  /** Declarations that are built from themselves, which was reported: running into them is no news. */
  readonly cyclic: Set<string>;
  /** The modules behind its `use` rows, as far as they were found. */
  readonly imports: ReadonlyMap<UseItem, Module>;
  /** Names that mean nothing somewhere in the file, which was reported too. */
  readonly unknown: Set<string>;
  /** See Parsed: from this offset on complaints may follow from a syntax error. */
  readonly brokenFrom: number;
}

/** A name at the top of a file: its value, or a `let` that is evaluated when it is first asked for. */
export type Entry =
  | { readonly kind: "value"; readonly value: Value; readonly what: string; readonly span?: Span }
  | {
      readonly kind: "let";
      readonly row: LetRow;
      readonly module: () => Module;
      value?: Value;
      readonly what: string;
      /** Where it is declared; what is built in has no such place. */
      readonly span?: Span;
    }
  /** What a `use` should have brought and did not: that was reported, and is no news where it is used. */
  | { readonly kind: "missing"; readonly what: string; readonly span?: Span };

/** Finds the text behind `use … from "./other"`: the adapter's business, as the compiler reads no files. */
export type ReadModule = (path: string, from: Source) => Source | { readonly why: string };

/** What every file sees. */
export const builtinScope: ReadonlyMap<string, Entry> = new Map<string, Entry>([
  ...[...builtins].map(([name, operation]): [string, Entry] => [
    name,
    { kind: "value", what: "the operation", value: { kind: "operation", operation, ...noSettings } },
  ]),
  ...[...functions].map(([name, apply]): [string, Entry] => [
    name,
    { kind: "value", what: "the function", value: { kind: "function", name, apply } },
  ]),
  ["image", { kind: "value", what: "the operation", value: { kind: "image-function", ...noSettings } }],
]);

/** What the standard library is called where its text is shown. */
export const stdName = "std.resnet";

let std: Module | undefined;

/** The standard library, loaded once; its tables of names, which are most of its text, when one is asked for. */
export function standardLibrary(): Module {
  if (!std) {
    let tables: Module["tables"] | undefined;
    const library = loadStd(stdText.replace(tableBodies, (lines) => lines.replace(/[^\n]/g, " ")));
    std = {
      ...library,
      get tables() {
        tables ??= loadStd(stdText).tables;
        return tables;
      },
    };
  }
  return std;
}

/** What stands in the braces of tables: blanks take its place, and everything else stays where it is. */
const tableBodies = /(?<=^names \w+ \{)[\s\S]*?(?=^\})/gm;

function loadStd(text: string): Module {
  const { diagnostics, report } = collect();
  const loader = new ModuleLoader(() => ({ why: "the standard library uses no file" }), report);
  const module = loader.load(makeSource(stdName, text));
  invariant(module && diagnostics.length === 0, `the standard library is broken: ${diagnostics[0]?.message}`);
  return module;
}

export class ModuleLoader {
  readonly #read: ReadModule;
  readonly #report: Report;
  readonly #loaded = new Map<string, Module>();
  readonly #loading: string[] = [];

  constructor(read: ReadModule, report: Report) {
    this.#read = read;
    this.#report = report;
  }

  load(source: Source): Module | undefined {
    const parsed = parse(source, this.#report);
    if (!parsed) return undefined;
    this.#loading.push(source.name);
    const module = this.#declare(source, parsed.file, parsed.brokenFrom);
    this.#loading.pop();
    this.#loaded.set(source.name, module);
    return module;
  }

  #declare(source: Source, file: File, brokenFrom: number): Module {
    const scope = new Map(builtinScope);
    const exports = new Set<string>();
    const nets: Declaration[] = [];
    const tables = new Map<string, NamesTable>();
    const imports = new Map<UseItem, Module>();
    const module: Module = {
      source,
      file,
      scope,
      exports,
      nets,
      tables,
      imports,
      cyclic: new Set(),
      unknown: new Set(),
      brokenFrom,
    };
    const declare = (name: string, span: Span, entry: Entry) => {
      const taken = scope.get(name);
      if (!taken) scope.set(name, { ...entry, span });
      else if (builtinScope.has(name)) {
        const extra = { hint: "choose another name" };
        this.#report("name-taken", span, { what: entry.what, name, by: taken.what }, extra);
      } else {
        const hint = "what a file declares or uses has a name of its own";
        const extra = { hint, notes: firstHere(name, taken.span) };
        this.#report("duplicate-name", span, { name, where: "declared in this file" }, extra);
      }
    };
    for (const item of file.items) {
      if (item.kind !== "use") continue;
      const from = this.#find(item, source, brokenFrom);
      if (from) imports.set(item, from);
      this.#use(item, from, module, declare, tables);
    }
    for (const item of file.items) {
      if (item.kind === "use") continue;
      if (item.kind === "names") {
        if (tables.has(item.name.text)) {
          const params = { name: item.name.text, where: "a table of names here" };
          const first = file.items.find((one) => one.kind === "names" && one.name.text === item.name.text);
          const notes =
            first?.kind === "names" && first !== item ? firstHere(item.name.text, first.name.span) : [];
          this.#report("duplicate-name", item.name.span, params, { hint: "choose another name", notes });
        }
        this.#checkTable(item);
        tables.set(item.name.text, readTable(item));
        exports.add(item.name.text);
        continue;
      }
      const entry = this.#entry(item, module, nets);
      declare(item.name.text, item.name.span, entry);
      exports.add(item.name.text);
    }
    return module;
  }

  #checkTable(item: NamesItem): void {
    for (const { from, to } of item.lines) {
      if (from.whole !== to.whole) {
        const why = "one side of this line is a name, the other a text";
        this.#report("bad-pattern", from.span, { why });
      } else if (from.whole) {
        const line = { name: item.name.text, leaves: new Map(), lines: [{ from: from.text, to: to.text }] };
        for (const why of checkTable(line)) this.#report("bad-pattern", from.span, { why });
      }
    }
  }

  #entry(item: Exclude<Item, UseItem | NamesItem>, module: Module, nets: Declaration[]): Entry {
    if (item.kind === "let") return { kind: "let", row: item, module: () => module, what: "the name" };
    const declaration: Declaration = { item, module, stepNames: nameSteps(item.rows) };
    if (item.kind === "net") nets.push(declaration);
    return { kind: "value", value: { kind: "block", declaration, ...noSettings }, what: `the ${item.kind}` };
  }

  #use(
    item: UseItem,
    from: Module | undefined,
    module: Module,
    declare: (name: string, span: Span, entry: Entry) => void,
    tables: Map<string, NamesTable>,
  ): void {
    const missing: Entry = { kind: "missing", what: "the name" };
    for (const { text, span } of item.names) {
      if (!from) {
        declare(text, span, missing);
        continue;
      }
      const entry = from.exports.has(text) ? from.scope.get(text) : undefined;
      const table = entry ? undefined : from.tables.get(text);
      if (entry) declare(text, span, entry);
      else if (table) tables.set(text, table);
      else {
        declare(text, span, missing);
        // A broken file may have lost the declaration: its syntax error says enough.
        if (from.brokenFrom < Number.POSITIVE_INFINITY) continue;
        const near = allNearest(text, from.exports);
        const all = listNames(from.exports);
        const hint = didYouMean(near) ?? (all ? `it has ${all}` : "it declares nothing");
        const extra = { hint, fixes: writeOneOf(span, near) };
        this.#report("unknown-export", span, { module: describeModule(item), name: text }, extra);
        // What was meant is used by its right name further on: no news either.
        for (const name of near)
          if (!module.scope.has(name) && !item.names.some((other) => other.text === name))
            declare(name, span, missing);
      }
    }
  }

  #find(item: UseItem, from: Source, brokenFrom: number): Module | undefined {
    const { text, span } = item.module;
    // The row itself is broken: that was said.
    if (span.start >= brokenFrom) return undefined;
    if (!item.isPath) {
      if (text === "std")
        return from.name === stdName && from.text === stdText ? undefined : standardLibrary();
      const near = allNearest(text, ["std"]);
      const hint = didYouMean(near) ?? `the built-in module is \`std\`; a file of yours is "./${text}"`;
      this.#report("unknown-module", span, { module: text }, { hint, fixes: writeOneOf(span, near) });
      return undefined;
    }
    const found = this.#read(text, from);
    if ("why" in found) {
      this.#report("unknown-module", span, { module: text }, { hint: found.why });
      return undefined;
    }
    const loaded = this.#loaded.get(found.name);
    if (loaded) return loaded;
    if (this.#loading.includes(found.name)) {
      const path = [...this.#loading.slice(this.#loading.indexOf(found.name)), found.name].join(" -> ");
      const extra = { hint: "move what both need into a third file" };
      this.#report("cyclic-definition", span, { name: found.name, path }, extra);
      return undefined;
    }
    return this.load(found);
  }
}

/** Points to what has a name already. */
export const firstHere = (name: string, span: Span | undefined): readonly Note[] =>
  span ? [{ message: `the first \`${name}\` stands here`, span }] : [];

function describeModule(item: UseItem): string {
  return item.isPath ? `"${item.module.text}"` : item.module.text;
}

/** A `names` declaration as the weight importers want it. */
function readTable(item: NamesItem): NamesTable {
  const plain = item.lines.filter(({ from }) => !from.whole);
  const whole = item.lines.filter(({ from }) => from.whole);
  return {
    name: item.name.text,
    leaves: new Map(plain.map(({ from, to }) => [from.text, to.text])),
    lines: whole.map(({ from, to }) => ({ from: from.text, to: to.text })),
  };
}
