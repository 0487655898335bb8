/** A small net, a table of names and checkpoints for it, with which the tests of binding play. */
import { collect, type Diagnostic } from "../../src/base/diagnostic.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { elements, type Shape } from "../../src/ir/tensor.ts";
import { type BindRequest, type BoundWeights, bindWeights } from "../../src/weights/bind.ts";
import type { Checkpoint, CheckpointTensor, Layout } from "../../src/weights/checkpoint.ts";
import type { NamesTable } from "../../src/weights/names.ts";
import { NetBuilder } from "./small-net.ts";

/** conv1 4x4x3→6 in 3 groups, bn1, conv2 2x2x6→4, fc over a 2x2x4 map → 5. */
export function smallConvNet(): Graph {
  const build = new NetBuilder();
  const x = build.input("input", 1, 2, 2, 3);
  const first = build.norm("stem.bn", build.conv("stem.conv", x, 6, { groups: 3 }));
  const second = build.conv("body.conv", first, 4);
  return build.graph("net", { logits: build.dense("fc", second, 5) });
}

export const table: NamesTable = {
  name: "torchlike",
  leaves: new Map([
    ["scale", "weight"],
    ["shift", "bias"],
    ["mean", "running_mean"],
    ["var", "running_var"],
  ]),
  lines: [
    { from: "stem.{op}.{*}", to: "{op}1.{*}" },
    { from: "body.conv.{*}", to: "conv2.{*}" },
  ],
};
export const other: NamesTable = { name: "other", leaves: new Map([["weight", "kernel"]]), lines: [] };

/** Every number tells where it stands: the index in row-major order. */
export const counting = (shape: Shape): Float32Array =>
  Float32Array.from({ length: elements(shape) }, (_, i) => i);

export type Shapes = Readonly<Record<string, Shape>>;

export const torchShapes: Shapes = {
  "conv1.weight": [6, 1, 3, 3],
  "bn1.weight": [6],
  "bn1.bias": [6],
  "bn1.running_mean": [6],
  "bn1.running_var": [6],
  "bn1.num_batches_tracked": [],
  "conv2.weight": [4, 6, 3, 3],
  "fc.weight": [5, 16],
  "fc.bias": [5],
};

export const tensorflowShapes: Shapes = {
  ...torchShapes,
  "conv1.weight": [3, 3, 3, 2],
  "conv2.weight": [3, 3, 6, 4],
  "fc.weight": [16, 5],
};

export function checkpointOf(shapes: Shapes, values = counting, layout: Layout = "torch"): Checkpoint {
  const tensors = new Map<string, CheckpointTensor>();
  for (const [name, shape] of Object.entries(shapes)) {
    tensors.set(name, { name, shape, dtype: "f32", read: () => values(shape) });
  }
  return { format: layout === "torch" ? "pytorch" : "tfjs", layout, tensors, notes: [] };
}

interface Bound {
  readonly weights: BoundWeights | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

export function bind(checkpoint: Checkpoint, more: Partial<BindRequest> = {}): Bound {
  const { report, diagnostics } = collect();
  const tables = [other, table];
  const weights = bindWeights({ graph: smallConvNet(), checkpoint, path: "net.pt", tables, ...more }, report);
  return { weights, diagnostics };
}

/** The checkpoint with one tensor changed, or left out. */
export function changed(name: string, shape: Shape | undefined, shapes = torchShapes): Shapes {
  const { [name]: _, ...rest } = shapes;
  return shape ? { ...rest, [name]: shape } : rest;
}

export const told = ({ diagnostics }: Bound): string =>
  diagnostics.map(({ code, message }) => `${code}: ${message}`).join("\n");
