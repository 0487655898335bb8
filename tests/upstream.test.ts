/** torchvision's nets with weights that follow from their names, so names and layouts are tested as well as arithmetic. */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { tablesOf } from "../src/cli/weights-options.ts";
import { isOp } from "../src/ir/graph.ts";
import { interpret } from "../src/ir/interpret.ts";
import { ops } from "../src/ir/ops/index.ts";
import { elements, type Tensor } from "../src/ir/tensor.ts";
import { runPasses, standardPasses } from "../src/passes/pipeline.ts";
import { translate } from "../src/weights/names.ts";
import { writeSafetensors } from "../src/weights/write-safetensors.ts";
import { assertClose } from "./support/close-to.ts";
import { examplePath, openNet } from "./support/nets.ts";
import { bind, onTfjs, toNhwc } from "./support/networks.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

interface UpstreamRecord {
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
}

const torchvisionNets: readonly (readonly [
  model: string,
  file: string,
  table: string,
  settings?: Record<string, string>,
])[] = [
  ["resnet18", "resnet18", "torchvision", { size: "64x64x3" }],
  ["resnet34", "resnet34", "torchvision", { size: "64x64x3" }],
  ["resnet50", "resnet50", "torchvision", { size: "64x64x3" }],
  ["resnext50_32x4d", "resnext", "torchvision", { size: "64x64x3" }],
  ["wide_resnet50_2", "resnext", "torchvision", { size: "64x64x3" }],
  ["densenet121", "densenet", "torchvision_densenet", { size: "64x64x3" }],
  ["googlenet", "googlenet", "torchvision_googlenet", { size: "64x64x3" }],
  ["vgg11_bn", "vgg", "torchvision_vgg11_bn"],
];

if (requireShared("oracle/upstream-logits.json")) {
  const { records } = JSON.parse(readFileSync(sharedPath("oracle/upstream-logits.json"), "utf8")) as {
    records: UpstreamRecord[];
  };
  const fill = await import(pathToFileURL(sharedPath("oracle/detfill.mjs")).href);

  for (const [model, file, table, settings] of torchvisionNets) {
    const record = records.find((r) => r.model === model && r.source.startsWith("torchvision"))!;
    const { net, module } = openNet(examplePath(`${file}.resnet`), {
      net: model,
      ...(settings ? { settings } : {}),
    });

    /** The checkpoint as upstream would save it: every tensor filled from its upstream name, in torch's layout. */
    const checkpoint = () => {
      const names = tablesOf(module).find(({ name }) => name === table)!;
      const kernelsOfDense = new Set(
        net.graph.nodes.flatMap((node) => (isOp(node, ops.dense) ? [node.inputs[1].name] : [])),
      );
      const tensors = net.graph.nodes.flatMap((node) => {
        if (!isOp(node, ops.param)) return [];
        const name = translate(names, node.name);
        const s = node.attrs.shape;
        const shape =
          s.length < 4
            ? s
            : kernelsOfDense.has(node.name)
              ? [s[3], s[0] * s[1] * s[2]]
              : [s[3], s[2], s[0], s[1]];
        return [{ name, shape, data: fill.tensor(name, shape) as Float32Array }];
      });
      return writeSafetensors(tensors);
    };

    const check = ({ data }: Tensor, tolerance: number) => {
      const allowed = tolerance * record.f64.absmax;
      for (const [i, value] of record.logits_f64_first16.entries())
        assert.ok(Math.abs(data[i] - value) <= allowed, `logit ${i}: ${data[i]} for ${value}`);
      for (const [i, value] of Object.entries(record.f64.at))
        assert.ok(Math.abs(data[Number(i)] - value) <= allowed, `logit ${i}`);
      const values = Array.from(data);
      assert.ok(
        Math.abs(values.reduce((a, b) => a + b, 0) - record.f64.sum) <= allowed * values.length,
        "sum",
      );
      assert.is(values.indexOf(Math.max(...values)), record.argmax);
    };

    test(`${model}: before and after the passes, and on tfjs wasm`, async () => {
      const params = net.graph.nodes.flatMap((node) => (isOp(node, ops.param) ? [node] : []));
      const counted = params
        .filter(({ attrs: { role } }) => role !== "mean" && role !== "var")
        .reduce((sum, node) => sum + elements(node.type.shape), 0);
      assert.is(counted, record.params);
      const bytes = checkpoint();
      const weights = bind(net, module, "detfill.safetensors", { read: () => bytes });
      assert.ok(
        weights.notes.some((line) => line.includes(table)),
        `recognised: ${weights.notes.join("; ")}`,
      );
      const shape = [1, 3, record.img, record.img];
      const input = toNhwc(fill.input(elements(shape)), shape);
      const before = interpret(net.graph, { input }, weights).logits;
      check(before, 1e-5);
      const after = interpret(runPasses(net.graph, standardPasses), { input }, weights).logits;
      check(after, 1e-5);
      // In float64 the passes only reorder roundings: far closer to each other than either must be to upstream.
      assertClose(after, before, 1e-9);
      check((await onTfjs(net, weights, { input }, "wasm")).logits, 1e-5);
    });
  }
}
test.run();
