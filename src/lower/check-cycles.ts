/**
 * Blocks, nets and `let`s that are built from themselves, used or not: `a` names `b`, which names `a`. Found by names alone,
 * so that a circle is told once, with the place of each step, and not at every row that would run into it.
 */
import type { Report } from "../base/diagnostic.ts";
import type { Span } from "../base/source.ts";
import type { BlockItem, Expr, LetRow, NetItem, Row } from "../parser/ast.ts";
import type { Module } from "./modules.ts";

type Item = BlockItem | NetItem | LetRow;

/** A name in a declaration that means another one. */
interface Use {
  readonly to: Item;
  readonly span: Span;
}

/** More steps of a circle than this are not shown. */
const mostSteps = 6;

export function checkCycles({ file, scope, cyclic }: Module, report: Report): void {
  const items = new Map<string, Item>();
  for (const item of file.items) {
    if (item.kind !== "block" && item.kind !== "net" && item.kind !== "let") continue;
    // Of two of the same name the first is what the name means.
    if (scope.get(item.name.text)?.span === item.name.span) items.set(item.name.text, item);
  }
  const uses = new Map([...items.values()].map((item) => [item, usesOf(item, items)]));
  for (const circle of circlesOf([...items.values()], uses)) {
    const names = circle.map(({ to }) => to.name.text);
    const path = [names[names.length - 1], ...names].map(shown(names.length)).filter(Boolean).join(" -> ");
    const [back] = circle.slice(-1);
    const notes = circle
      .slice(0, -1)
      .slice(0, mostSteps)
      .map(({ to, span }, i) => {
        const from = i === 0 ? names[names.length - 1] : names[i - 1];
        return { message: `\`${from}\` is built from \`${to.name.text}\` here`, span };
      });
    const hint =
      back.to.kind === "block" ? "repeat a block with `x n` instead" : "one of them must stand on its own";
    report("cyclic-definition", back.span, { name: back.to.name.text, path }, { notes, hint });
    for (const { to } of circle) cyclic.add(to.name.text);
  }
}

/** Long circles are shown by their beginning and their end. */
const shown =
  (count: number) =>
  (name: string, i: number): string | undefined =>
    count <= mostSteps || i < mostSteps - 1 || i === count ? name : i === mostSteps - 1 ? "..." : undefined;

/** Circles by depth-first search, each as its uses in order, the one that closes it last; every item is in one at most. */
function circlesOf(items: readonly Item[], uses: ReadonlyMap<Item, readonly Use[]>): (readonly Use[])[] {
  const circles: (readonly Use[])[] = [];
  const done = new Set<Item>();
  for (const start of items) {
    if (done.has(start)) continue;
    // The walk keeps its own stack: chains may be thousands of `let`s long.
    const path: { readonly item: Item; readonly by: Use | undefined; next: number }[] = [
      { item: start, by: undefined, next: 0 },
    ];
    while (path.length > 0) {
      const top = path[path.length - 1];
      const use = uses.get(top.item)![top.next++];
      if (!use) {
        done.add(top.item);
        path.pop();
        continue;
      }
      const again = path.findIndex(({ item }) => item === use.to);
      if (again >= 0) {
        circles.push([...path.slice(again + 1).flatMap(({ by }) => by ?? []), use]);
        for (const { item } of path.slice(again)) done.add(item);
        // What lies on a circle that is told is not walked further.
        path.length = again;
      } else if (!done.has(use.to)) path.push({ item: use.to, by: use, next: 0 });
    }
  }
  return circles;
}

/** The first use of each other declaration, where nothing local has the name. */
function usesOf(item: Item, items: ReadonlyMap<string, Item>): readonly Use[] {
  const found = new Map<Item, Use>();
  const see = (expr: Expr | undefined): void => {
    switch (expr?.kind) {
      case "name": {
        const to = items.get(expr.name);
        if (to && !found.has(to)) found.set(to, { to, span: expr.span });
        break;
      }
      case "tuple":
        expr.items.forEach(see);
        break;
      case "group":
        expr.rows.forEach(seeRow);
        break;
      case "choice":
        see(expr.condition);
        see(expr.consequent);
        see(expr.alternate);
        break;
      case "call":
        see(expr.callee);
        for (const { value } of expr.args) see(value);
        break;
      case "member":
        see(expr.object);
        break;
      case "unary":
        see(expr.operand);
        break;
      case "binary":
        see(expr.left);
        see(expr.right);
        break;
    }
  };
  const seeRow = (row: Row): void => {
    if (row.kind === "default") row.values.forEach(see);
    else if (row.kind !== "output") see(row.value);
  };
  if (item.kind === "let") see(item.value);
  else {
    for (const { default: value } of item.parameters) see(value);
    if (item.kind === "net") see(item.base);
    item.rows.forEach(seeRow);
  }
  return [...found.values()];
}
