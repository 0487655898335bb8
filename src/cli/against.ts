/** `check --against torchvision:resnet50`: a net beside a published one, stage by stage. */
import { type Diagnostic, makeDiagnostic } from "../base/diagnostic.ts";
import { makeSource } from "../base/source.ts";
import { nearest } from "../base/suggest.ts";
import { type AnalysedNet, analyse } from "../compile.ts";
import { isOp } from "../ir/graph.ts";
import { ops } from "../ir/ops/index.ts";
import { countGraph, type Stage, stagesOf } from "../ir/stats.ts";
import { publishedNames, publishedSpec } from "../weights/architecture/published.ts";
import { count, short } from "./terminal.ts";

/** Why there is no published network of this name. */
export function unknownPublished(name: string): Diagnostic | undefined {
  if (publishedNames.includes(name)) return undefined;
  const near = nearest(name, publishedNames);
  const hint = near ? `did you mean ${near}?` : `there are ${publishedNames.join(", ")}`;
  return makeDiagnostic("unknown-published", undefined, { name }, { hint });
}

/** The published net, on a picture of the same size as the net's; or why there is none. */
export function openPublished(name: string, like: AnalysedNet | undefined): AnalysedNet | Diagnostic {
  const spec = publishedSpec(name);
  if (!spec) return unknownPublished(name)!;
  const input = like?.graph.nodes.find((node) => isOp(node, ops.input));
  const size = input ? { size: input.type.shape.slice(1).join("x") } : {};
  const [net] = analyse(makeSource(`${name}.resnet`, spec.text), { settings: size }).nets;
  return net;
}

/** What differs, of each net. */
export function compareAll(nets: readonly AnalysedNet[], name: string): Diagnostic[] {
  return nets.flatMap((net) => {
    const published = openPublished(name, net);
    return "code" in published ? published : (compareWithPublished(net, published, name) ?? []);
  });
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
  const what =
    own.params === theirs.params
      ? own.macs === theirs.macs
        ? "the same counts, in other stages"
        : `${short(own.macs)} multiply-adds instead of ${short(theirs.macs)}`
      : `${count(own.params)} params instead of ${count(theirs.params)} (${signed(own.params - theirs.params)})`;
  const notes = different.map(([a, b]) => ({ message: describe(a, b) }));
  const [[ours, other]] = different;
  const span = ours && net.rows.get(ours.name)?.span;
  const row = other && published.rows.get(other.name);
  const hint = row && `\`${other.name}\` of ${name} is \`${row.text}\``;
  return makeDiagnostic(
    "differs-from-published",
    span,
    { net: net.name, published: name, what },
    { notes, hint },
  );
}

type Pair = readonly [ours: Stage | undefined, theirs: Stage | undefined];

/** Stages that have weights: those of the same name, and where names differ those in the same place. */
function pairStages(ours: readonly Stage[], theirs: readonly Stage[]): Pair[] {
  const [mine, others] = [ours, theirs].map((stages) => stages.filter(({ params }) => params > 0));
  const named = mine.every(({ name }) => others.some((other) => other.name === name));
  if (!named) {
    const length = Math.max(mine.length, others.length);
    return Array.from({ length }, (_, i): Pair => [mine[i], others[i]]);
  }
  return others.map((other): Pair => [mine.find(({ name }) => name === other.name), other]);
}

const isSame = (a: Stage | undefined, b: Stage | undefined): boolean =>
  a !== undefined &&
  b !== undefined &&
  a.params === b.params &&
  a.state === b.state &&
  a.macs === b.macs &&
  a.shape.join() === b.shape.join();

function describe(a: Stage | undefined, b: Stage | undefined): string {
  if (!a) return `\`${b!.name}\` is missing: ${count(b!.params)} params`;
  if (!b) return `\`${a.name}\` is more than it has: ${count(a.params)} params`;
  const parts = [
    ...(a.params === b.params
      ? []
      : [`${count(a.params)} params instead of ${count(b.params)} (${signed(a.params - b.params)})`]),
    ...(a.macs === b.macs ? [] : [`${short(a.macs)} multiply-adds instead of ${short(b.macs)}`]),
    ...(a.shape.join() === b.shape.join()
      ? []
      : [`${a.shape.join("x")} comes out instead of ${b.shape.join("x")}`]),
    ...(a.state === b.state ? [] : [`${count(a.state)} running statistics instead of ${count(b.state)}`]),
  ];
  return `\`${a.name}\`: ${parts.join(", ")}`;
}

const signed = (value: number): string => `${value < 0 ? "-" : "+"}${count(Math.abs(value))}`;
