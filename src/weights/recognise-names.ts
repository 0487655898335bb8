/**
 * Which names a checkpoint uses: every known table, and our own names, each under every prefix that occurs.
 * The choice that finds most tensors wins.
 */
import { invariant } from "../base/invariant.ts";
import { type NamesTable, translate } from "./names.ts";
import { quote } from "./unreadable.ts";

/** What wrappers put before every name: DataParallel, torch.compile, trainers, distillation. */
const knownPrefix =
  /^(module|model|_orig_mod|backbone|net|network|encoder|student|teacher|ema|resnet|body|trunk)\./;

/** A weight of ours, as far as naming goes. */
export interface Wanted {
  readonly name: string;
  /** Whether a tensor of this shape could be it. */
  accepts(shape: readonly number[]): boolean;
}

interface Named {
  readonly shape: readonly number[];
}

export interface Naming {
  /** Absent for our own names. */
  readonly table: NamesTable | undefined;
  readonly prefix: string;
  /** Their name of each wanted weight, in order; with the prefix. */
  readonly names: readonly string[];
  /** How many of these the checkpoint has. */
  readonly matched: number;
  /** Why this table and no other, as the end of "names: timm, …". */
  readonly reason?: string | undefined;
}

/** The naming that finds most; more tensors of the right shape decide between equals, then the earlier table. */
export function recogniseNames(
  wanted: readonly Wanted[],
  tensors: ReadonlyMap<string, Named>,
  tables: readonly (NamesTable | undefined)[],
): Naming {
  const ranked = tables
    .map((table) => bestPrefix(wanted, tensors, table))
    .sort((a, b) => b.matched - a.matched || b.fitting - a.fitting);
  const [best, ...others] = ranked;
  return { ...best, reason: reasonFor(best, others, tensors) };
}

interface Ranked extends Naming {
  /** How many of the matched have a shape that fits. */
  readonly fitting: number;
}

function bestPrefix(
  wanted: readonly Wanted[],
  tensors: ReadonlyMap<string, Named>,
  table: NamesTable | undefined,
): Ranked {
  const plain = wanted.map(({ name }) => (table ? translate(table, name) : name));
  let best: Ranked | undefined;
  for (const prefix of prefixesOf(plain, tensors)) {
    const names = prefix ? plain.map((name) => prefix + name) : plain;
    // A tensor that several weights are called by is found once.
    const found = new Set<string>();
    const fits = new Set<string>();
    names.forEach((name, i) => {
      const tensor = tensors.get(name);
      if (tensor) found.add(name);
      if (tensor && wanted[i].accepts(tensor.shape)) fits.add(name);
    });
    const [matched, fitting] = [found.size, fits.size];
    if (best && (matched < best.matched || (matched === best.matched && fitting <= best.fitting))) continue;
    best = { table, prefix, names, matched, fitting };
  }
  invariant(best, "no prefix is one to try, too");
  return best;
}

/** A tensor that no other table would find, shown without its prefix; or which tables find as much. */
function reasonFor(
  best: Ranked,
  others: readonly Ranked[],
  tensors: ReadonlyMap<string, unknown>,
): string | undefined {
  if (!best.table || others.length === 0) return undefined;
  const elsewhere = new Set(others.flatMap(({ names }) => names));
  const telling = best.names.find((name) => tensors.has(name) && !elsewhere.has(name));
  if (telling !== undefined) return `told by ${quote(telling.slice(best.prefix.length))}`;
  const equals = others.filter(({ matched, table }) => table && matched === best.matched && matched > 0);
  const names = equals.map(({ table }) => `\`${table?.name}\``);
  return names.length > 0 ? `which are those of ${names.join(" and ")} too` : undefined;
}

/** What known wrappers have put before these names, each way of it: "module.", "module.model.". */
export function wrapperPrefixes(names: readonly string[]): readonly string[] {
  const found = new Set<string>();
  for (const name of names) {
    let length = 0;
    for (let match = knownPrefix.exec(name); match; match = knownPrefix.exec(name.slice(length))) {
      length += match[0].length;
      found.add(name.slice(0, length));
    }
  }
  return [...found];
}

/** Enough for any checkpoint met so far; each costs a look at every name. */
const maxPrefixes = 8;

/**
 * The prefixes worth trying, none first: what known wrappers put before the names, and whatever stands before
 * a few of the names we look for, such as the "backbone.body." of a detector. A probe of names ranks them.
 */
function prefixesOf(names: readonly string[], tensors: ReadonlyMap<string, unknown>): string[] {
  const found = new Set(wrapperPrefixes([...tensors.keys()]));
  const endings = spread(names, 5);
  for (const name of tensors.keys()) {
    const ending = endings.find((each) => name.endsWith(each));
    const prefix = ending && name.slice(0, name.length - ending.length);
    if (prefix && /[./]$/.test(prefix)) found.add(prefix);
  }
  const probe = spread(names, 40);
  const score = (prefix: string) => probe.filter((name) => tensors.has(prefix + name)).length;
  const ranked = [...found]
    .map((prefix) => ({ prefix, found: score(prefix) }))
    .sort((a, b) => b.found - a.found);
  return ["", ...ranked.slice(0, maxPrefixes).map(({ prefix }) => prefix)];
}

/** About `count` of the items, evenly spread. */
const spread = <T>(items: readonly T[], count: number): T[] =>
  items.filter((_, i) => i % Math.max(1, Math.floor(items.length / count)) === 0);
