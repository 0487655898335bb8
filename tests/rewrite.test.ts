/** How passes change graphs: what a rule sees, who counts as a reader, what is left afterwards. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { InternalError } from "../src/base/invariant.ts";
import { countUses, isOp, type Node } from "../src/ir/graph.ts";
import { ops } from "../src/ir/ops/index.ts";
import { reachable, rewrite } from "../src/ir/rewrite.ts";
import { verify } from "../src/ir/verify.ts";
import { cpuMs } from "./support/cpu-time.ts";
import { chain, showcase } from "./support/sample-graphs.ts";
import { Sketch } from "./support/sketch.ts";

const names = (nodes: readonly Node[]): readonly string[] => nodes.map(({ name }) => name);

test("walks 20,000 nodes without a deep stack", () => {
  const graph = chain();
  const start = cpuMs();
  const after = rewrite(graph, (node, edit) =>
    isOp(node, ops.activation) ? edit.node(ops.activation, node, node.inputs, { fn: "relu" }) : undefined,
  );
  assert.is(after.nodes.length, 20_001);
  assert.ok(after.nodes.every((node) => !isOp(node, ops.activation) || node.attrs.fn === "relu"));
  assert.is(verify(after), undefined);
  const same = reachable(graph.name, graph.outputs);
  assert.is(same.nodes.length, 20_001);
  assert.is(same.nodes[20_000], graph.nodes[20_000]);
  const ms = cpuMs() - start;
  assert.ok(ms < 3000, `${ms.toFixed(0)} ms`);
});

test("gives back the very nodes that no rule touches", () => {
  const graph = showcase();
  const after = rewrite(graph, () => undefined);
  assert.equal([...after.nodes].sort(byName), [...graph.nodes].sort(byName));
  assert.ok(after.nodes.every((node) => graph.nodes.includes(node)));
});

const byName = (a: Node, b: Node) => (a.name < b.name ? -1 : 1);

test("drops what no output needs, but no input", () => {
  const net = new Sketch();
  const used = net.input([1, 2, 2, 1], "used");
  net.relu(net.input([1, 3, 3, 1], "unused"), "dead");
  const graph = net.graph(net.relu(used, "live"));
  const seen: string[] = [];
  const after = rewrite(graph, ({ name }) => {
    seen.push(name);
    return undefined;
  });
  assert.equal(names(after.nodes), ["used", "unused", "live"]);
  assert.not(seen.includes("dead"));
});

test("counts a dead reader as none", () => {
  const net = new Sketch();
  const map = net.conv(net.input([1, 2, 2, 1]), 1);
  net.relu(map, "dead");
  let uses = 0;
  rewrite(net.graph(net.relu(map, "live")), (node, edit) => {
    if (node.name === "live") uses = edit.uses(node.inputs[0]);
    return undefined;
  });
  assert.is(uses, 1);
});

test("hands a removed node's readers on to what stands in for it", () => {
  const net = new Sketch();
  const map = net.relu(net.input([1, 2, 2, 1]), "map");
  const noOp = net.pad(map, {}, "noOp");
  const graph = net.graph({ a: net.relu(noOp, "a"), b: net.relu(noOp, "b"), c: net.relu(map, "c") });
  const seen: Record<string, number> = {};
  rewrite(graph, (node, edit) => {
    if (node.inputs.length > 0) seen[node.name] = edit.uses(node.inputs[0]);
    return node.name === "noOp" ? node.inputs[0] : undefined;
  });
  assert.equal(seen, { map: 1, noOp: 2, a: 3, b: 3, c: 3 });
});

test("counts an operand read twice as two readers, an output as one", () => {
  const net = new Sketch();
  const map = net.relu(net.input([1, 2, 2, 1]));
  const sum = net.plus(map, map);
  const uses = countUses(net.graph({ sum, map }));
  assert.equal([uses.get(map), uses.get(sum)], [3, 1]);
});

test("numbers computed weights whose name is taken", () => {
  const net = new Sketch();
  const map = net.input([1, 2, 2, 1]);
  const graph = net.graph(net.bias(net.bias(net.bias(map, "one"), "two"), "three"));
  const after = rewrite(graph, (node, edit) => {
    if (!isOp(node, ops.bias)) return undefined;
    const [from, vector] = node.inputs;
    const computed = edit.computed("two.bias", "bias", [1], [vector], ([{ data }]) =>
      Float64Array.from(data),
    );
    return edit.node(ops.bias, node, [from, computed], null);
  });
  assert.is(verify(after), undefined);
  const computed = after.nodes.filter((node) => isOp(node, ops.param) && node.attrs.compute);
  assert.equal(names(computed), ["two.bias_2", "two.bias_3", "two.bias_4"]);
});

test("calls a rule that builds what does not type a bug", () => {
  const net = new Sketch();
  const graph = net.graph(net.relu(net.input([1, 2, 2, 1])));
  assert.throws(
    () =>
      rewrite(graph, (node, edit) =>
        isOp(node, ops.activation)
          ? edit.node(ops.lrn, node, node.inputs, { size: 2, alpha: 1, beta: 1, k: 1 })
          : undefined,
      ),
    (error: Error) => error instanceof InternalError && /relu1, which does not type/.test(error.message),
  );
});

test.run();
