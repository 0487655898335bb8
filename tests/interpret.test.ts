/** The reference executor: what it feeds, keeps and shows. What each op computes is in ops.test.ts. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Node } from "../src/ir/graph.ts";
import { interpret, paramValue } from "../src/ir/interpret.ts";
import { ops } from "../src/ir/ops/index.ts";
import { f32, type Tensor } from "../src/ir/tensor.ts";
import { randomTensor } from "./support/random.ts";
import { chain } from "./support/sample-graphs.ts";
import { namedWeights, Sketch } from "./support/sketch.ts";

const noWeights = { get: (name: string): never => assert.unreachable(`${name} is read`) as never };

test("runs 20,000 operations, one behind the other", () => {
  const input: Tensor = { shape: [1, 1, 1, 1], data: Float64Array.of(0.5) };
  let count = 0;
  const { output } = interpret(chain(), { input }, noWeights, { onValue: () => count++ });
  assert.is(count, 20_000);
  assert.ok(output.data[0] > 0);
});

test("drops a value after its last reader", () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const net = new Sketch();
  let last = net.upsample(net.input([1, 1, 1, 1]), 512);
  for (let i = 0; i < 20; i++) last = net.relu(last);
  const mapBytes = 8 * 512 * 512;
  let most = 0;
  const input: Tensor = { shape: [1, 1, 1, 1], data: Float64Array.of(1) };
  const before = process.memoryUsage().arrayBuffers;
  interpret(net.graph(net.mean(last)), { input }, noWeights, {
    onValue() {
      collectGarbage();
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    },
  });
  // Two are needed at a time, the one that is read and the one that is made; 21 if none were dropped.
  assert.ok(most < 5 * mapBytes, `${(most / mapBytes).toFixed(1)} maps were held at once`);
});

test("takes another batch than the graph was built with", () => {
  const net = new Sketch();
  const image = net.input([1, 4, 4, 2]);
  const map = net.relu(net.plus(net.batchNorm(net.conv(image, 2)), image));
  const graph = net.graph(net.dense(net.averagePool(net.times(map, net.mean(map))), 3));
  const weights = namedWeights(graph);
  const batch = randomTensor(1, [3, 4, 4, 2]);
  const { output } = interpret(graph, { input: batch }, weights);
  assert.equal(output.shape, [3, 1, 1, 3]);
  for (let n = 0; n < 3; n++) {
    const one = { shape: [1, 4, 4, 2], data: batch.data.subarray(n * 32, (n + 1) * 32) };
    const alone = interpret(graph, { input: one }, weights).output;
    assert.equal([...output.data.subarray(n * 3, n * 3 + 3)], [...alone.data], `picture ${n}`);
  }
});

test("shows each value as it is made, and no weights", () => {
  const net = new Sketch();
  const graph = net.graph(net.relu(net.bias(net.input([1, 1, 1, 2]))));
  const seen: [string, readonly number[]][] = [];
  const weights = { get: () => Float32Array.of(1, -3) };
  interpret(graph, { input: { shape: [1, 1, 1, 2], data: Float64Array.of(1, 2) } }, weights, {
    onValue: ({ name }, { data }) => seen.push([name, [...data]]),
  });
  assert.equal(seen, [
    ["bias1", [2, -1]],
    ["relu1", [2, 0]],
  ]);
});

test("computes weights from weights", () => {
  const weight = (name: string): Node => ({
    name,
    op: ops.param,
    inputs: [],
    attrs: { role: "weight", shape: [2] },
    type: f32(2),
  });
  const compute = ([a, b]: readonly Tensor[]) => Float64Array.from(a.data, (value, i) => value - b.data[i]);
  const attrs = { role: "weight", shape: [2], compute } as const;
  const inner = { name: "inner", op: ops.param, inputs: [weight("a"), weight("b")], attrs, type: f32(2) };
  const outer = { ...inner, name: "outer", inputs: [inner, weight("a")] };
  const values: Readonly<Record<string, readonly number[]>> = { a: [1, 2], b: [10, 20] };
  const { data } = paramValue(outer, { get: (name) => Float32Array.from(values[name]) });
  assert.equal([...data], [-10, -20]);
});

test("an output may be an input, or the same value twice", () => {
  const net = new Sketch();
  const image = net.input([1, 1, 1, 1]);
  const map = net.activation(image, "tanh");
  const input: Tensor = { shape: [1, 1, 1, 1], data: Float64Array.of(0) };
  const results = interpret(net.graph({ image, one: map, two: map }), { input }, noWeights);
  assert.is(results.image.data[0], 0);
  assert.is(results.one, results.two);
});

test("says which input has no value", () => {
  const net = new Sketch();
  const graph = net.graph(net.relu(net.input([1, 1, 1, 1], "image")));
  const other = { other: { shape: [1, 1, 1, 1], data: Float64Array.of(0) } };
  assert.throws(() => interpret(graph, other, noWeights), /no value for input image/);
});

test.run();
