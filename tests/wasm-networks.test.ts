/** Whole networks as the wasm target builds them, against the numbers of others and of the interpreter. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Arithmetic } from "../src/codegen/target.ts";
import { interpret } from "../src/ir/interpret.ts";
import { heWeights } from "../src/weights/initialise.ts";
import { assertClose } from "./support/close-to.ts";
import { examplePath, openNet } from "./support/nets.ts";
import { onWasm } from "./support/networks.ts";
import { randomTensor } from "./support/random.ts";
import { requireShared } from "./support/shared.ts";
import { cifarLogits, cifarNet, faceDescriptors, faceNet } from "./support/trained-nets.ts";
import { upstreamLogits, upstreamNets } from "./support/upstream-nets.ts";

const rms = (values: readonly number[]): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

/** "resnet18", "resnet18, exact". */
const titled = (name: string, { exact }: Arithmetic): string => (exact ? `${name}, exact` : name);

const either: readonly Arithmetic[] = [{}, { exact: true }];

// Before any suite: what waits between suites would split the run.
const upstreams = requireShared(upstreamLogits) ? await upstreamNets() : [];

// ---- numbers of others --------------------------------------------------------------------------------

const trained = suite("trained weights");

if (requireShared(cifarLogits)) {
  for (const name of ["resnet20", "resnet56"] as const) {
    const { net, weights, input, logits } = cifarNet(name);
    for (const arithmetic of either) {
      trained(titled(`CIFAR ${name}`, arithmetic), async () => {
        const { data } = (await onWasm(net, weights, { input }, arithmetic)).logits;
        assertClose({ data }, logits, 1e-5);
        const reference = interpret(net.graph, { input }, weights).logits.data;
        const error = rms(Array.from(data, (value, i) => value - reference[i])) / rms([...reference]);
        assert.ok(error <= 1e-6, `the relative error of the logits is ${error}`);
      });
    }
  }
}

if (requireShared(faceDescriptors)) {
  const { net, weights, input, worst } = faceNet();
  for (const arithmetic of either) {
    trained(titled("dlib's face net: ten cases within 5e-6", arithmetic), async () => {
      const error = worst(await onWasm(net, weights, { input }, arithmetic));
      assert.ok(error <= 5e-6, String(error));
    });
  }
}

trained.run();

const upstream = suite("torchvision");

/** Those that run twice: one of basic blocks, one of grouped bottlenecks. */
const alsoExact = ["resnet18", "resnext50_32x4d"];

for (const { model, net, input, weights: fill, check } of upstreams) {
  upstream(model, async () => {
    const weights = fill();
    check((await onWasm(net, weights, { input })).logits, 1e-5);
    if (alsoExact.includes(model))
      check((await onWasm(net, weights, { input }, { exact: true })).logits, 1e-5);
  });
}

upstream.run();

// ---- numbers of the interpreter -----------------------------------------------------------------------

const examples = suite("examples");

/** Sizes that no stride divides. */
const size = "45x37x3";

const nets: readonly (readonly [file: string, net: string, settings: Readonly<Record<string, string>>])[] = [
  ["cifar", "resnet32", {}],
  ["cifar", "plain20", {}],
  ["densenet", "densenet121", { size }],
  ["googlenet", "googlenet", { size }],
  ["plain", "plain18", { size }],
  ["resnet18", "resnet18", { size }],
  ["resnet34", "resnet34_a", { size }],
  ["resnet50", "resnet50", { size }],
];

for (const [file, name, settings] of nets) {
  examples(name, async () => {
    const { net } = openNet(examplePath(`${file}.resnet`), { net: name, settings });
    const weights = heWeights(net.graph, 1);
    const input = randomTensor(2, net.graph.nodes.find(({ op }) => op.name === "input")!.type.shape);
    const expected = interpret(net.graph, { input }, weights);
    const actual = await onWasm(net, weights, { input });
    for (const [output, { data }] of Object.entries(expected))
      assertClose(actual[output], { data }, 1e-5, output);
  });
}

examples.run();
