/**
 * What a checkpoint that does not fit is told as: one diagnostic a kind, in the checkpoint's own names and
 * shapes with ours beside them, by stage (the first part of our names).
 */
import type { Note, Report } from "../base/diagnostic.ts";
import type { Node } from "../ir/graph.ts";
import type { ParamAttrs } from "../ir/ops/param.ts";
import { type Shape, sameShape } from "../ir/tensor.ts";
import type { BindRequest, Filled, NotFinite, Place } from "./bind.ts";
import type { CheckpointTensor, Layout } from "./checkpoint.ts";
import { expectedShape, storedShapes } from "./layout.ts";
import type { Naming } from "./recognise-names.ts";

const shownNames = 4;
const shownStages = 8;
/** Beyond this many of one kind the rest is only counted. */
const shownEach = 10;

interface DoesNotFit extends BindRequest {
  readonly params: readonly Node<ParamAttrs>[];
  readonly naming: Naming;
  /** What recognition finds, where a table was asked for. */
  readonly other: Naming | undefined;
  /** Why the order of its layers does not say more than names do, where that was tried. */
  readonly order: string | undefined;
}

export function reportDoesNotFit(request: DoesNotFit, report: Report): void {
  const { path, graph, params, naming, other, order, checkpoint, table } = request;
  const absent = naming.names.filter((name) => !checkpoint.tensors.has(name));
  const looked = naming.table ? ` by the names of \`${naming.table.name}\`` : "";
  const notes: Note[] = [
    { message: `looked for${looked}: ${list(absent, 3)}` },
    { message: `the checkpoint has: ${list([...checkpoint.tensors.keys()], 3)}` },
  ];
  const better = other && other.matched > naming.matched ? other : undefined;
  if (table && better) {
    const found = `${better.matched} of ${params.length}`;
    notes.push({ message: `\`${better.table?.name ?? "the net's own"}\` names would find ${found}` });
  }
  if (order !== undefined) notes.push({ message: order });
  const counts = { path, net: graph.name, matched: naming.matched, wanted: params.length };
  report("checkpoint-does-not-fit", undefined, counts, { notes });
}

export function reportMissing(
  missing: readonly Place[],
  places: readonly Place[],
  extra: readonly CheckpointTensor[],
  report: Report,
): void {
  const names = list(missing.map(showPlace), shownNames, (name) => name);
  const notes = byStage(missing, (place) => stageOf(place.node.name)).map(([stage, lacking]) => {
    const all = places.filter((place) => stageOf(place.node.name) === stage).length;
    return `\`${stage}\` lacks ${lacking.length} of its ${all}`;
  });
  const hint = hintAtNewName(missing, extra);
  report("missing-weight", undefined, { count: missing.length, names }, { notes: limited(notes), hint });
}

/** A head that was renamed is the commonest cause: a tensor of the same last part and shape, and only one. */
function hintAtNewName(missing: readonly Place[], extra: readonly CheckpointTensor[]): string | undefined {
  for (const place of missing) {
    const last = lastPart(place.name);
    const alike = extra.filter(
      ({ name, shape }) =>
        lastPart(name) === last &&
        storedShapes(place.node.attrs.shape, "torch").some((one) => sameShape(one, shape)),
    );
    if (alike.length !== 1 || place.node.attrs.role !== "weight") continue;
    const from = withoutLast(place.node.name);
    const to = withoutLast(alike[0].name);
    return `\`${alike[0].name}\` has the shape of \`${place.name}\`: a line "${from}.{*}" -> "${to}.{*}" in a table of names takes it`;
  }
  return undefined;
}

export function reportExtra(extra: readonly CheckpointTensor[], strict: boolean, report: Report): void {
  const names = list(
    extra.map(({ name }) => name),
    shownNames,
  );
  const groups = byStage(extra, ({ name }) => stageOf(name));
  const notes = groups.map(([part, some]) => `\`${part}\` has ${some.length} of them`);
  const severity = strict ? "error" : "warning";
  const shown = groups.length > 1 ? limited(notes) : [];
  report("extra-weight", undefined, { count: extra.length, names }, { notes: shown, severity });
}

export function reportMisshapen(misshapen: readonly Filled[], layout: Layout, report: Report): void {
  misshapen.slice(0, shownEach).forEach(({ node, dense, name, tensor }, i) => {
    const wanted = expectedShape(node.attrs.shape, layout, dense);
    const more = misshapen.length - shownEach;
    const notes = i === shownEach - 1 && more > 0 ? [{ message: `and ${more} more of another shape` }] : [];
    const params = { name, wanted: show(wanted), found: show(tensor.shape), place: `\`${node.name}\`` };
    report("weight-shape", undefined, params, {
      notes,
      hint: dense ? hintAtClasses(wanted, tensor.shape, layout) : undefined,
    });
  });
}

function hintAtClasses(wanted: Shape, found: Shape, layout: Layout): string | undefined {
  const [units, inputs] = layout === "torch" ? [0, 1] : [1, 0];
  if (wanted.length !== 2 || found.length !== 2 || wanted[inputs] !== found[inputs]) return undefined;
  return `the checkpoint was trained for ${found[units]} outputs here, the net has ${wanted[units]}`;
}

export function reportUsedTwice(shared: readonly (readonly Filled[])[], report: Report): void {
  for (const sharers of shared.slice(0, shownEach)) {
    const places = list(
      sharers.map(({ node }) => node.name),
      shownNames,
    );
    report("weight-used-twice", undefined, { name: sharers[0].name, places });
  }
}

export function reportNotFinite(broken: readonly NotFinite[], report: Report): void {
  broken.slice(0, shownEach).forEach(({ name, nan, infinite }, i) => {
    const what = nan === 0 ? "infinite" : infinite === 0 ? "NaN" : "NaN or infinite";
    const more = broken.length - shownEach;
    const notes = i === shownEach - 1 && more > 0 ? [{ message: `and ${more} more such tensors` }] : [];
    const hint = i === 0 ? "`--allow-nan` takes them as they are" : undefined;
    report("not-finite", undefined, { name, count: nan + infinite, what }, { notes, hint });
  });
}

// ---- words ----------------------------------------------------------------------------------------

const quote = (name: string): string => `\`${name}\``;

/** "`a`, `b` and 12 more". */
function list(names: readonly string[], limit: number, show: (name: string) => string = quote): string {
  const shown = names.slice(0, limit).map(show).join(", ");
  const more = names.length - limit;
  return more > 0 ? `${shown} and ${more.toLocaleString("en")} more` : shown;
}

/** Their name, and ours where it differs. */
const showPlace = ({ name, node }: Place): string =>
  name === node.name ? quote(name) : `${quote(name)} (here ${quote(node.name)})`;

const show = (shape: Shape): string => `[${shape.join(", ")}]`;

const stageOf = (name: string): string => name.split(/[./]/, 1)[0];
const lastPart = (name: string): string => name.slice(name.lastIndexOf(".") + 1);
const withoutLast = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf(".")));

function byStage<T>(items: readonly T[], stage: (item: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(stage(item));
    if (group) group.push(item);
    else groups.set(stage(item), [item]);
  }
  return [...groups];
}

function limited(messages: readonly string[]): Note[] {
  const notes = messages.slice(0, shownStages).map((message) => ({ message }));
  const more = messages.length - shownStages;
  return more > 0 ? [...notes, { message: `and ${more} more stages` }] : notes;
}
