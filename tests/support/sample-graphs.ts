/** Graphs that several tests of the IR look at. */
import type { Graph } from "../../src/ir/graph.ts";
import { evenPads, Sketch } from "./sketch.ts";

/** A little of everything that prints attributes. */
export function showcase(): Graph {
  const net = new Sketch();
  const image = net.input([1, 9, 9, 4], "image");
  const grouped = net.conv(
    image,
    8,
    { kernel: [3, 1], groups: 2, dilation: 2, pads: evenPads(0) },
    "stem.conv",
  );
  const normal = net.batchNorm(net.bias(grouped, "stem.bias"), { scale: false }, "stem.bn");
  const active = net.activation(normal, "leaky", 0.2, "stem.leaky");
  const pooled = net.maxPool(active, { kernel: 3, pads: { top: 1, bottom: 0, left: 1, right: 0 } }, "pool");
  const wide = net.pad(pooled, { pads: evenPads(1), before: 1, after: 3 }, "wide");
  const average = net.averagePool(wide, { kernel: 3, stride: 1, pads: evenPads(1) }, "average");
  const sum = net.plus(average, net.pad(average, {}), "sum");
  const logits = net.softmax(net.dense(sum, 10, "head"), 0, "probabilities");
  return net.graph({ map: sum, classes: logits }, "showcase");
}

/** 20,000 operations, one behind the other. */
export function chain(): Graph {
  const net = new Sketch();
  let last = net.input([1, 1, 1, 1]);
  for (let i = 0; i < 20_000; i++) last = net.activation(last, "tanh");
  return net.graph(last);
}
