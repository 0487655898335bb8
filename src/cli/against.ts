/**
 * `check --against torchvision:resnet50`: a net beside a published one. What can be compared depends on what is known of it:
 * a spec is compiled for the same picture and compared in everything that counts show; of others the catalogue has the
 * counts, by stage or as a whole.
 */
import { type Diagnostic, makeDiagnostic, type Note } from "../base/diagnostic.ts";
import { count, short } from "../base/show-number.ts";
import { allNearest, didYouMean } from "../base/suggest.ts";
import type { AnalysedNet } from "../compile.ts";
import { isOp } from "../ir/graph.ts";
import { ops } from "../ir/ops/index.ts";
import { countGraph, type Stage, stagesOf } from "../ir/stats.ts";
import { type PublishedNetwork, publishedNetworks, sizeOf } from "../published/catalogue.ts";
import { besideStages } from "../published/compare.ts";
import { pairStages } from "../published/stages.ts";
import { zooNet } from "../published/zoo.ts";

/** The sources, in the order in which people mean them. */
const bestKnown = ["torchvision", "timm", "keras", "caffe", "paper"];

/** Why there is no published network of this name. */
export function unknownPublished(name: string): Diagnostic | undefined {
  const known = publishedNetworks();
  if (known.has(name)) return undefined;
  const model = name.replace(/^.*:/, "").toLowerCase();
  // `resnet50` alone, or of another source.
  const source = name.split(":")[0];
  const rank = (other: string) => [source, ...bestKnown].indexOf(other.split(":")[0]);
  const namesakes = [...known.keys()]
    .filter((other) => other.replace(/^.*:/, "").toLowerCase() === model)
    .sort((a, b) => rank(a) - rank(b));
  const near = namesakes.length > 0 ? namesakes : allNearest(name, known.keys());
  const sources = [...new Set([...known.keys()].map((other) => other.split(":")[0]))].join(", ");
  const hint = didYouMean(near, "") ?? `there are ${count(known.size)}, as SOURCE:MODEL of ${sources}`;
  return makeDiagnostic("unknown-published", undefined, { name }, { hint });
}

/** The published net, on a picture of the same size as the net's if it takes one; undefined where the zoo has none. */
export function openPublished(name: string, like: AnalysedNet | undefined): AnalysedNet | undefined {
  const input = like?.graph.nodes.find((node) => isOp(node, ops.input));
  const size = input?.type.shape.slice(1).join("x");
  return (size && zooNet(name, { size })) || zooNet(name);
}

export interface Comparison {
  /** What was found to differ. */
  readonly diagnostics: readonly Diagnostic[];
  /** What was compared: "params, multiply-adds and shapes". */
  readonly measures: string;
}

/** What differs, of each net. */
export function compareAll(nets: readonly AnalysedNet[], name: string): Comparison {
  const all = nets.map((net) => {
    const published = openPublished(name, net);
    if (published) {
      const problem = compareWithPublished(net, published, name);
      return {
        diagnostics: problem ? [problem] : [],
        measures: "the params, multiply-adds and shapes of every stage",
      };
    }
    return compareWithCounts(net, publishedNetworks().get(name)!);
  });
  return { diagnostics: all.flatMap(({ diagnostics }) => diagnostics), measures: all[0]?.measures ?? "" };
}

/** What differs, at the first stage that does; undefined when nothing does that counts show. */
export function compareWithPublished(
  net: AnalysedNet,
  published: AnalysedNet,
  name: string,
): Diagnostic | undefined {
  const [own, theirs] = [net, published].map(({ graph }) => countGraph(graph));
  const pairs = pairStages(stagesOf(net.graph, 1), stagesOf(published.graph, 1));
  const different = pairs.filter(([a, b]) => !isSame(a, b));
  if (different.length === 0) return undefined;
  const notes = different.map(([a, b]) => ({ message: describe(a, b) }));
  const [[ours, other]] = different;
  const row = other && published.rows.get(other.name);
  const hint = row && `\`${other.name}\` of ${name} is \`${row.text}\``;
  return differs(net, name, differenceOf(own, theirs), ours, { notes, hint });
}

/** A net beside the counts of the catalogue. */
export function compareWithCounts(net: AnalysedNet, network: PublishedNetwork): Comparison {
  const own = countGraph(net.graph);
  const size = sizeOf(net.graph);
  const macs = network.macs.get(size);
  const beside = besideStages(net.graph, network);
  // Their multiply-adds are of one size of picture.
  const hasMacs = network.stages?.size === size;
  const different = (beside?.pairs ?? []).filter(
    ([a, b]) => a?.params !== b?.params || (hasMacs && a?.macs !== b?.macs),
  );
  const counts = `the params${macs === undefined ? "" : " and multiply-adds"}`;
  const measured = beside ? `${counts} of every stage` : counts;
  const sizes = [...network.macs.keys()].join(", ");
  const unknown = macs === undefined && sizes ? ` (its multiply-adds are known at ${sizes})` : "";
  const isEqual =
    own.params === network.params && (macs === undefined || macs === own.macs) && different.length === 0;
  if (isEqual) return { diagnostics: [], measures: `${measured}${unknown}` };
  const what = differenceOf(own, { params: network.params, macs: macs ?? own.macs });
  const notes = different.map(([a, b]) => {
    if (!a || !b) return { message: describe(a, b) };
    return { message: `\`${a.name}\`: ${differencesOf(a, hasMacs ? b : { ...b, macs: a.macs }).join(", ")}` };
  });
  const hint = beside
    ? `compared by the ${hasMacs ? "params and multiply-adds" : "params"} of its stages`
    : `only the counts of the whole are known of ${network.name}${unknown}`;
  const problem = differs(net, network.name, what, different[0]?.[0], { notes, hint });
  return { diagnostics: [problem], measures: measured };
}

/** At the row of the first stage that differs, if any does. */
function differs(
  net: AnalysedNet,
  name: string,
  what: string,
  first: { readonly name: string } | undefined,
  extra: { readonly notes: readonly Note[]; readonly hint: string | undefined },
): Diagnostic {
  const span = first && net.rows.get(first.name)?.span;
  return makeDiagnostic("differs-from-published", span, { net: net.name, published: name, what }, extra);
}

interface TwoCounts {
  readonly params: number;
  readonly macs: number;
}

function differenceOf(own: TwoCounts, theirs: TwoCounts): string {
  const [first] = differencesOf(own, theirs);
  return first ?? "the same counts, in other stages";
}

const differencesOf = (a: TwoCounts, b: TwoCounts): readonly string[] => [
  ...(a.params === b.params
    ? []
    : [`${count(a.params)} params instead of ${count(b.params)} (${signed(a.params - b.params)})`]),
  ...(a.macs === b.macs ? [] : [`${short(a.macs)} multiply-adds instead of ${short(b.macs)}`]),
];

const isSame = (a: Stage | undefined, b: Stage | undefined): boolean =>
  a !== undefined &&
  b !== undefined &&
  a.params === b.params &&
  a.state === b.state &&
  a.macs === b.macs &&
  a.shape.join() === b.shape.join();

function describe(
  a: (TwoCounts & { readonly name: string } & Partial<Stage>) | undefined,
  b: (TwoCounts & { readonly name: string } & Partial<Stage>) | undefined,
): string {
  if (!a) return `\`${b!.name}\` is missing: ${count(b!.params)} params`;
  if (!b) return `\`${a.name}\` is more than it has: ${count(a.params)} params`;
  const shapes = [a, b].map(({ shape }) => shape?.join("x"));
  const parts = [
    ...differencesOf(a, b),
    ...(shapes[0] === shapes[1] ? [] : [`${shapes[0]} comes out instead of ${shapes[1]}`]),
    ...(a.state === b.state
      ? []
      : [`${count(a.state ?? 0)} running statistics instead of ${count(b.state ?? 0)}`]),
  ];
  return `\`${a.name}\`: ${parts.join(", ")}`;
}

const signed = (value: number): string => `${value < 0 ? "-" : "+"}${count(Math.abs(value))}`;
