/**
 * Brings a checkpoint and a graph together: finds each weight under the checkpoint's name for it, checks its
 * shape and its values, and gives it out in the graph's layout. Every tensor is used exactly once, or the user
 * is told (bind-report.ts).
 *
 * Nothing is kept converted: a weight is read and transposed when it is asked for, so a checkpoint of 240 MB
 * is held once.
 */

import type { Report } from "../base/diagnostic.ts";
import { invariant } from "../base/invariant.ts";
import { type Graph, isOp, type Node } from "../ir/graph.ts";
import type { WeightSource } from "../ir/interpret.ts";
import { dense } from "../ir/ops/dense.ts";
import { isConstant, type ParamAttrs, param } from "../ir/ops/param.ts";
import {
  reportDoesNotFit,
  reportExtra,
  reportMisshapen,
  reportMissing,
  reportNotFinite,
  reportUsedTwice,
} from "./bind-report.ts";
import type { Checkpoint, CheckpointTensor, Layout } from "./checkpoint.ts";
import { isFloating } from "./elements.ts";
import { matchByOrder, type Ordered } from "./keras-order.ts";
import { fits, toGraphLayout } from "./layout.ts";
import type { NamesTable } from "./names.ts";
import { type Naming, recogniseNames } from "./recognise-names.ts";

export interface BindRequest {
  /** As lowered, before any pass. */
  readonly graph: Graph;
  readonly checkpoint: Checkpoint;
  /** What messages call the checkpoint. */
  readonly path: string;
  /** The tables known: those of the file and of the standard library. */
  readonly tables: readonly NamesTable[];
  /** The table asked for; without one it is recognised. */
  readonly table?: NamesTable | undefined;
  /** Takes NaN and infinite values as they are. */
  readonly allowNaN?: boolean;
  /** Tensors that the net has no place for are errors, not warnings. */
  readonly strict?: boolean;
  /** The other nets of the file, asked for when tensors are left over: a checkpoint may be of several. */
  readonly others?: () => readonly Graph[];
}

export interface BoundWeights extends WeightSource {
  /** What was recognised, one line each: "names: timm, told by `conv1.0.weight`". */
  readonly notes: readonly string[];
  /** The table of the checkpoint's names; absent where they are our own. */
  readonly table?: NamesTable | undefined;
}

/** A loaded weight of the graph with what the checkpoint calls it. */
export interface Place {
  readonly node: Node<ParamAttrs>;
  /** Whether a dense layer reads it: its shape is then shown as a matrix. */
  readonly dense: boolean;
  /** Their name. */
  readonly name: string;
  /** Absent where the checkpoint lacks it. */
  readonly tensor: CheckpointTensor | undefined;
}

/** A place whose tensor is there. */
export type Filled = Place & { readonly tensor: CheckpointTensor };

export function bindWeights(request: BindRequest, report: Report): BoundWeights | undefined {
  const { graph, checkpoint, table, tables } = request;
  const params = paramsOf(graph);
  const byName = nameParams(params, checkpoint, table ? [table] : [undefined, ...tables]);
  const isStranger = byName.matched * 2 < params.length;
  // Keras' newer files have no names, only places.
  const ordered =
    isStranger && !table && checkpoint.format === "keras"
      ? matchByOrder(graph, checkpoint.tensors)
      : undefined;
  if (isStranger && typeof ordered !== "object") {
    const other = table && nameParams(params, checkpoint, [undefined, ...tables]);
    reportDoesNotFit({ ...request, params, naming: byName, other, order: ordered }, report);
    return undefined;
  }
  const naming: Named = typeof ordered === "object" ? namesInOrder(params, ordered) : byName;
  const kernels = new Set(graph.nodes.flatMap((node) => (isOp(node, dense) ? [node.inputs[1]] : [])));
  const places = params.map((node, i): Place => {
    const name = naming.names[i];
    return { node, dense: kernels.has(node), name, tensor: checkpoint.tensors.get(name) };
  });
  const filled = places.filter((place): place is Filled => place.tensor !== undefined);
  const layout = chooseLayout(filled, checkpoint.layout);
  const left = tensorsLeft(request, places);
  if (!checkPlaces(request, places, filled, layout, left.extra, report)) return undefined;
  const placeOf = new Map(filled.map((place) => [place.node.name, place]));
  const get = (name: string) => {
    const place = placeOf.get(name);
    invariant(place, `${name} is no loaded weight of ${graph.name}`);
    return toGraphLayout(place.tensor.read(), place.node.attrs.shape, layout);
  };
  const notes = [...checkpoint.notes, ...describe(naming, checkpoint, filled, layout), ...left.notes];
  return { get, notes, table: naming.table };
}

/** Those to load: what is computed from others is not. */
const paramsOf = (graph: Graph): readonly Node<ParamAttrs>[] =>
  graph.nodes.filter((node) => isOp(node, param) && !node.attrs.compute) as Node<ParamAttrs>[];

/** Tensors that neither the net nor another one of its file has a place for, and whose the others are. */
function tensorsLeft(
  { graph, checkpoint, tables, others }: BindRequest,
  places: readonly Place[],
): { readonly extra: readonly CheckpointTensor[]; readonly notes: readonly string[] } {
  // What the net computes from nothing, a blur's kernel, stands in the files that the onnx target writes.
  const own = graph.nodes.filter(isConstant);
  const used = new Set([...places, ...own].map(({ name }) => name));
  let extra = [...checkpoint.tensors.values()].filter(({ name }) => !used.has(name) && !ignored.test(name));
  const notes: string[] = [];
  if (extra.length === 0) return { extra, notes };
  for (const other of others?.() ?? []) {
    const theirs = new Set(nameParams(paramsOf(other), checkpoint, [undefined, ...tables]).names);
    const rest = extra.filter(({ name }) => !theirs.has(name));
    if (rest.length < extra.length)
      notes.push(`${extra.length - rest.length} tensors are net ${other.name}'s`);
    extra = rest;
  }
  return { extra, notes };
}

function nameParams(
  params: readonly Node<ParamAttrs>[],
  { tensors }: Checkpoint,
  tables: readonly (NamesTable | undefined)[],
): Naming {
  const wanted = params.map(({ name, attrs }) => ({
    name,
    accepts: (shape: readonly number[]) =>
      fits(shape, attrs.shape, "torch") || fits(shape, attrs.shape, "tensorflow"),
  }));
  return recogniseNames(wanted, tensors, tables);
}

const namesInOrder = (params: readonly Node<ParamAttrs>[], { names, how }: Ordered): Named => ({
  table: undefined,
  prefix: "",
  names: params.map(({ name }) => names.get(name) ?? name),
  matched: names.size,
  how,
});

/** The format's own layout, unless some shape contradicts it and the other layout fits every one. */
function chooseLayout(filled: readonly Filled[], usual: Layout): Layout {
  const other: Layout = usual === "torch" ? "tensorflow" : "torch";
  const all = (layout: Layout) =>
    filled.every(({ node, tensor }) => fits(tensor.shape, node.attrs.shape, layout));
  return !all(usual) && all(other) ? other : usual;
}

/** Tells everything that is wrong, not only the first; false if any of it is an error. */
function checkPlaces(
  { allowNaN = false, strict = false }: BindRequest,
  places: readonly Place[],
  filled: readonly Filled[],
  layout: Layout,
  extra: readonly CheckpointTensor[],
  report: Report,
): boolean {
  const users = new Map<string, Filled[]>();
  for (const place of filled) users.set(place.name, [...(users.get(place.name) ?? []), place]);
  const missing = places.filter((place) => !place.tensor);
  const shared = [...users.values()].filter((sharers) => sharers.length > 1);
  const misshapen = filled.filter(({ node, tensor }) => !fits(tensor.shape, node.attrs.shape, layout));
  const broken = allowNaN ? [] : filled.flatMap(({ tensor }) => notFinite(tensor) ?? []);
  if (missing.length > 0) reportMissing(missing, places, extra, report);
  if (shared.length > 0) reportUsedTwice(shared, report);
  if (misshapen.length > 0) reportMisshapen(misshapen, layout, report);
  if (broken.length > 0) reportNotFinite(broken, report);
  if (extra.length > 0) reportExtra(extra, strict, report);
  const wrong =
    missing.length + shared.length + misshapen.length + broken.length + (strict ? extra.length : 0);
  return wrong === 0;
}

/** What torch and its profilers store beside weights, which inference has no use for. */
const ignored = /(^|\.)(num_batches_tracked|total_ops|total_params)$/;

export interface NotFinite {
  readonly name: string;
  readonly nan: number;
  readonly infinite: number;
}

function notFinite({ name, dtype, read }: CheckpointTensor): NotFinite | undefined {
  if (!isFloating(dtype)) return undefined;
  let nan = 0;
  let infinite = 0;
  const values = read();
  for (let i = 0; i < values.length; i++) {
    // The difference is 0 for every finite number, and NaN for the others.
    if (values[i] - values[i] === 0) continue;
    if (Number.isNaN(values[i])) nan++;
    else infinite++;
  }
  return nan + infinite > 0 ? { name, nan, infinite } : undefined;
}

/** A naming, and how it was found where it was not by a table. */
type Named = Naming & { readonly how?: string };

function describe(
  naming: Named,
  { format, layout: usual }: Checkpoint,
  filled: readonly Filled[],
  layout: Layout,
): string[] {
  const prefix = naming.prefix ? `, prefix \`${naming.prefix}\` removed` : "";
  const reason = naming.reason ? `, ${naming.reason}` : "";
  const order = layout === "torch" ? "torch (OIHW)" : "tensorflow (HWIO)";
  const why = layout === usual ? "" : `, told by the shapes: ${format} files are usually ${usual}`;
  const types = [...new Set(filled.map(({ tensor }) => tensor.dtype))].filter((type) => type !== "f32");
  return [
    `names: ${naming.how ?? naming.table?.name ?? "as in the net"}${reason}${prefix}`,
    `layout: ${order}${why}`,
    ...(types.length > 0 ? [`stored as: ${types.join(", ")}`] : []),
  ];
}
