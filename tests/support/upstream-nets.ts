/**
 * torchvision's nets with weights that follow from their names, and the logits that torchvision itself computed with
 * them in float64: see ../shared/oracle/README.md.
 */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import * as assert from "uvu/assert";
import { isOp } from "../../src/ir/graph.ts";
import type { Op } from "../../src/ir/op.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { elements, type Tensor } from "../../src/ir/tensor.ts";
import { tablesOf } from "../../src/node/find-weights.ts";
import type { BoundWeights } from "../../src/weights/bind.ts";
import type { Layout } from "../../src/weights/checkpoint.ts";
import { translate } from "../../src/weights/names.ts";
import { writeSafetensors } from "../../src/weights/write-safetensors.ts";
import { examplePath, type OpenedNet, openNet } from "./nets.ts";
import { bind, toNhwc } from "./networks.ts";
import { sharedPath } from "./shared.ts";

export interface UpstreamRecord {
  readonly source: string;
  readonly model: string;
  readonly img: number;
  readonly params: number;
  readonly argmax: number;
  readonly f64: {
    readonly absmax: number;
    readonly sum: number;
    readonly l2: number;
    readonly at: Record<string, number>;
  };
  readonly logits_f64_first16: number[];
  /** What the model was made with beside its defaults. */
  readonly kwargs: { readonly output_stride?: number };
}

export interface UpstreamNet extends OpenedNet {
  readonly model: string;
  /** The names that its checkpoint has. */
  readonly table: string;
  readonly record: UpstreamRecord;
  readonly input: Tensor;
  /** From a checkpoint as upstream would save it; made anew with each call. */
  weights(): BoundWeights;
  /** `tolerance` is relative to the largest logit. */
  check(logits: Tensor, tolerance: number): void;
}

/** Where the records and the filler are; for requireShared. */
export const upstreamLogits = "oracle/upstream-logits.json";

const small = { size: "64x64x3" };

const torchvisionNets: readonly (readonly [
  model: string,
  file: string,
  table: string,
  settings?: Record<string, string>,
])[] = [
  ["resnet18", "resnet18", "torchvision", small],
  ["resnet34", "resnet34", "torchvision", small],
  ["resnet50", "resnet50", "torchvision", small],
  ["resnext50_32x4d", "resnext", "torchvision", small],
  ["wide_resnet50_2", "resnext", "torchvision", small],
  ["densenet121", "densenet", "torchvision_densenet", small],
  ["googlenet", "googlenet", "torchvision_googlenet", small],
  ["vgg11_bn", "vgg", "torchvision_vgg11_bn"],
];

export interface Filler {
  tensor(name: string, shape: readonly number[], fanIn: number): Float32Array;
  input(count: number): Float32Array;
}

export async function upstreamNets(): Promise<readonly UpstreamNet[]> {
  const { records } = JSON.parse(readFileSync(sharedPath(upstreamLogits), "utf8")) as {
    records: UpstreamRecord[];
  };
  const fill = (await import(pathToFileURL(sharedPath("oracle/detfill.mjs")).href)) as Filler;
  return torchvisionNets.map(([model, file, table, settings]) => {
    const record = records.find((r) => r.model === model && r.source.startsWith("torchvision"))!;
    const opened = openNet(examplePath(`${file}.resnet`), {
      net: model,
      ...(settings ? { settings } : {}),
    });
    const shape = [1, 3, record.img, record.img];
    return {
      ...{ ...opened, model, table, record },
      input: toNhwc(fill.input(elements(shape)), shape),
      weights: () => bindFilled(opened, table, fill),
      check: ({ data }, tolerance) => assertLogits(Array.from(data), record, tolerance),
    };
  });
}

/** A net's weights from a checkpoint as upstream would save it, under the names of a table. */
export function bindFilled(
  { net, module }: OpenedNet,
  table: string,
  fill: Filler,
  layout: Layout = "torch",
): BoundWeights {
  const bytes = checkpoint({ net, module }, table, fill, layout);
  return bind(net, module, "detfill.safetensors", { read: () => bytes });
}

/** A net's tensors under the names of a table. */
export function upstreamTensors({ net, module }: OpenedNet, table: string, layout: Layout = "torch") {
  const names = tablesOf(module).find(({ name }) => name === table)!;
  const kernelsOf = (op: Op<never>) =>
    new Set(net.graph.nodes.flatMap((node) => (node.op === op ? [node.inputs[1].name] : [])));
  const [dense, alongChannels] = [kernelsOf(ops.dense), kernelsOf(ops.channelConv)];
  return net.graph.nodes.flatMap((node) => {
    if (!isOp(node, ops.param) || node.attrs.compute) return [];
    const s = node.attrs.shape;
    const inputs = s.slice(0, 3).reduce((a, b) => a * b, 1);
    const shape = alongChannels.has(node.name)
      ? [1, 1, ...s]
      : s.length < 4
        ? s
        : dense.has(node.name)
          ? layout === "torch"
            ? [s[3], inputs]
            : [inputs, s[3]]
          : layout === "torch"
            ? [s[3], s[2], s[0], s[1]]
            : s;
    const name = translate(names, node.name);
    // torchvision's ConvNeXt alone has vectors of three dimensions.
    return [{ name, shape: name.endsWith("layer_scale") ? [...shape, 1, 1] : shape }];
  });
}

/** Every tensor filled from its upstream name. */
function checkpoint(net: OpenedNet, table: string, fill: Filler, layout: Layout): Uint8Array {
  const fanIn = (shape: readonly number[]) =>
    (layout === "torch" ? shape.slice(1) : shape.slice(0, -1)).reduce((a, b) => a * b, 1);
  const tensors = upstreamTensors(net, table, layout);
  return writeSafetensors(
    tensors.map(({ name, shape }) => ({ name, shape, data: fill.tensor(name, shape, fanIn(shape)) })),
  );
}

export function assertLogits(logits: readonly number[], record: UpstreamRecord, tolerance: number): void {
  const allowed = tolerance * record.f64.absmax;
  for (const [i, value] of record.logits_f64_first16.entries())
    assert.ok(Math.abs(logits[i] - value) <= allowed, `logit ${i}: ${logits[i]} for ${value}`);
  for (const [i, value] of Object.entries(record.f64.at))
    assert.ok(Math.abs(logits[Number(i)] - value) <= allowed, `logit ${i}`);
  const sum = logits.reduce((a, b) => a + b, 0);
  assert.ok(Math.abs(sum - record.f64.sum) <= allowed * logits.length, "sum");
  assert.is(logits.indexOf(Math.max(...logits)), record.argmax);
}
