/**
 * More of the zoo against the upstream code: the names and shapes of all tensors, and what torchvision and timm compute in
 * float64 with weights that follow from these names (scripts/upstream-records.py).
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { wasm } from "../src/codegen/wasm/target.ts";
import { emit } from "../src/compile.ts";
import { isOp } from "../src/ir/graph.ts";
import { ops } from "../src/ir/ops/index.ts";
import { countGraph } from "../src/ir/stats.ts";
import { elements } from "../src/ir/tensor.ts";
import { tablesOf } from "../src/node/find-weights.ts";
import { startWasm } from "../src/run/wasm.ts";
import type { Layout } from "../src/weights/checkpoint.ts";
import { filler, fnv1a } from "./support/filler.ts";
import { type OpenedNet, root } from "./support/nets.ts";
import { toNchw, toNhwc } from "./support/networks.ts";
import { bindFilled, upstreamTensors } from "./support/upstream-nets.ts";
import { zooNetOf } from "./support/zoo.ts";

interface RecordOf {
  readonly source: string;
  readonly model: string;
  /** What the model was made with beside its defaults; the zoo's nets of another output stride are called so. */
  readonly options: { readonly output_stride?: number };
  /** A net of its own, MODEL_part, with channels of its own that go in. */
  readonly part?: string;
  readonly channels?: number;
  /** SOURCE:NET of the zoo, where its name is not the model's. */
  readonly net?: string;
  readonly size: number;
  readonly params: number;
  /** A hash of the names and shapes of all tensors. */
  readonly keys: number;
  readonly outputs: readonly {
    readonly shape: readonly number[];
    readonly absmax: number;
    readonly sum: number;
    readonly l2: number;
    readonly at: Readonly<Record<string, number>>;
  }[];
}

const folder = path.join(root, "tests", "fixtures", "upstream");

for (const file of readdirSync(folder)) {
  const upstream = suite(file.replace(".json", ""));
  const { records } = JSON.parse(readFileSync(path.join(folder, file), "utf8")) as { records: RecordOf[] };

  for (const record of records) {
    const { size, options, part, channels = 3 } = record;
    const [source, named] = record.net?.split(":") ?? [record.source, record.model];
    const stride = options.output_stride ? `_os${options.output_stride}` : "";
    const model = `${named}${stride}${part ? `_${part}` : ""}`;
    upstream(`${source} ${model}`, async () => {
      const found = zooNetOf(source, model, size === 224 ? {} : { size: `${size}x${size}x${channels}` });
      assert.ok(found, "the zoo has no such net");
      assert.is(countGraph(found!.net.graph).params, record.params);
      const layout = source === "keras" ? "tensorflow" : "torch";
      const table = tableOf(found!, record.keys, layout);
      const weights = bindFilled(found!, table, filler, layout);
      const { artifacts } = emit(found!.net, { target: wasm, weights, weightsFrom: "names" });
      const started = await startWasm({ artifacts, threads: 1 });
      const shape = [1, channels, size, size];
      const [{ name }] = found!.net.graph.nodes.filter((node) => isOp(node, ops.input));
      const results = started.run({ [name]: toNhwc(filler.input(elements(shape)), shape) });
      started.dispose();
      const ours = Object.values(results);
      assert.is(ours.length, record.outputs.length, "outputs");
      for (const [i, wanted] of record.outputs.entries()) {
        const [n, c, h = 1, w = 1] = wanted.shape;
        assert.equal(ours[i].shape, [n, h, w, c]);
        const values = toNchw(ours[i]);
        const allowed = 1e-5 * wanted.absmax;
        for (const [place, value] of Object.entries(wanted.at))
          assert.ok(
            Math.abs(values[Number(place)] - value) <= allowed,
            `${place}: ${values[Number(place)]}, upstream ${value}`,
          );
        const sum = values.reduce((a, b) => a + b, 0);
        assert.ok(
          Math.abs(sum - wanted.sum) <= allowed * values.length,
          `sum ${sum}, upstream ${wanted.sum}`,
        );
        const l2 = Math.sqrt(values.reduce((a, b) => a + b * b, 0));
        assert.ok(Math.abs(l2 - wanted.l2) <= allowed * Math.sqrt(values.length), `l2 ${l2}`);
      }
    });
  }

  upstream.run();
}

/** The table that gives the net's tensors the names and shapes that the upstream code has. */
function tableOf(found: OpenedNet, keys: number, layout: Layout): string {
  const lines = new Map(
    tablesOf(found.module).map(({ name }) => [
      name,
      upstreamTensors(found, name, layout)
        .map(({ name, shape }) => `${name} ${shape.filter((side) => side > 1).join("x")}`)
        .sort(),
    ]),
  );
  const fit = [...lines].find(([, names]) => fnv1a(names.join("\n")) === keys);
  assert.ok(fit, "no table gives the upstream names");
  return fit![0];
}
