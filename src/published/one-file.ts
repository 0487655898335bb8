/**
 * A net of the zoo or the examples as a file of its own: what it is made of comes along, from whatever files that
 * stands in, and what only its neighbours need stays.
 */

import { makeSource } from "../base/source.ts";
import type { Module } from "../lower/modules.ts";
import type { Item, UseItem } from "../parser/ast.ts";
import { format } from "../parser/format.ts";
import { type NamesTable, translate } from "../weights/names.ts";

type Declared = Exclude<Item, UseItem>;

/** The text, with the net called `name`; `doc` is said of a net that has no doc comment, `weights` are the names of its own. */
export function oneFile(
  module: Module,
  net: string,
  {
    name,
    doc,
    weights,
  }: { readonly name: string; readonly doc: string; readonly weights: readonly string[] },
): string {
  const gathered = new Gathered();
  gathered.take(module, net);
  const table = tableFor(module, net, weights);
  if (table) gathered.take(module, table.name);
  const items = [...gathered.items].sort((a, b) => order(a.item) - order(b.item));
  const texts = items.map(({ module, item }) =>
    textOf(module, item, item.name.text === net ? { name, doc } : undefined),
  );
  const used = [...gathered.library].sort();
  const use = used.length > 0 ? [`use ${used.join(", ")} from std`] : [];
  const source = makeSource(
    `${name}.resnet`,
    `${["resnet 1", ...use].join("\n")}\n\n${texts.join("\n\n")}\n`,
  );
  return format(source).text ?? source.text;
}

/** What is named before the nets that name it, tables at the end. */
const order = ({ kind }: Declared): number => ["let", "block", "net", "names"].indexOf(kind);

class Gathered {
  readonly items = new Set<{ readonly module: Module; readonly item: Declared }>();
  /** Of std. */
  readonly library = new Set<string>();
  readonly #seen = new Set<Declared>();

  take(module: Module, name: string): void {
    const own = module.file.items.find(
      (item): item is Declared => item.kind !== "use" && item.name.text === name,
    );
    if (own) this.#takeItem(module, own);
    if (own) return;
    const use = module.file.items.find(
      (item): item is UseItem => item.kind === "use" && item.names.some(({ text }) => text === name),
    );
    if (!use) return;
    const from = module.imports.get(use);
    if (!use.isPath) this.library.add(name);
    else if (from) this.take(from, name);
  }

  #takeItem(module: Module, item: Declared): void {
    if (this.#seen.has(item)) return;
    this.#seen.add(item);
    for (const name of namesIn(item)) this.take(module, name);
    this.items.add({ module, item });
  }
}

/** The table that is called after the net, else the one that renames most of its weights with all of its lines. */
function tableFor({ tables }: Module, net: string, weights: readonly string[]): NamesTable | undefined {
  const named = [...tables.values()].filter(({ name }) =>
    net.startsWith(name.replace(/^timm_|_names$/g, "")),
  );
  if (named.length > 0) return named.reduce((a, b) => (b.name.length > a.name.length ? b : a));
  const renamed = (table: NamesTable) => {
    const plain = { ...table, lines: [] };
    const lines = table.lines.map((line) => ({ ...table, lines: [line] }));
    const changes = (one: NamesTable, weight: string) => translate(one, weight) !== translate(plain, weight);
    if (!lines.every((line) => weights.some((weight) => changes(line, weight)))) return 0;
    return weights.filter((weight) => changes(table, weight)).length;
  };
  const [best] = [...tables.values()]
    .map((table) => ({ table, count: renamed(table) }))
    .sort((a, b) => b.count - a.count);
  return best && best.count > 0 ? best.table : undefined;
}

/** Every name that it is written with; some are its own parameters, and mean nothing outside. */
function namesIn(item: Declared): ReadonlySet<string> {
  const found = new Set<string>();
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(walk);
    else if (typeof value === "object" && value !== null) {
      if ("kind" in value && value.kind === "name" && "name" in value) found.add(String(value.name));
      for (const [key, inner] of Object.entries(value)) if (!/span$/i.test(key)) walk(inner);
    }
  };
  walk(item);
  return found;
}

function textOf(
  { source: { text } }: Module,
  item: Declared,
  renamed: { readonly name: string; readonly doc: string } | undefined,
): string {
  const { start, end } = item.span;
  const { start: nameStart, end: nameEnd } = item.name.span;
  const body = renamed
    ? text.slice(start, nameStart) + renamed.name + text.slice(nameEnd, end)
    : text.slice(start, end);
  // Doc comments stand before the item, a line each.
  const lines = text.slice(0, start).split("\n").slice(0, -1);
  const from = lines.findLastIndex((line) => !line.startsWith("##")) + 1;
  const docs = body.startsWith("##") ? [] : lines.slice(from);
  if (docs.length === 0 && renamed && !body.startsWith("##")) docs.push(`## ${renamed.doc}`);
  return [...docs, body].join("\n");
}
