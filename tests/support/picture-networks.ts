/** Networks of every form that a picture has to show, written without the language. */
import type { Graph, Node } from "../../src/ir/graph.ts";
import { Sketch } from "./sketch.ts";

const point = { kernel: [1, 1] } as const;

const convBn = (net: Sketch, x: Node, name: string, channels: number, stride = 1, kernel: 1 | 3 = 3): Node =>
  net.batchNorm(net.conv(x, channels, { kernel: [kernel, kernel], stride }, name), {}, `${name}_bn`);

function basic(net: Sketch, x: Node, name: string, channels: number, stride = 1): Node {
  const inner = net.relu(convBn(net, x, `${name}.conv1`, channels, stride), `${name}.relu1`);
  const main = convBn(net, inner, `${name}.conv2`, channels);
  const projected = stride > 1 || x.type.shape[3] !== channels;
  const shortcut = projected ? convBn(net, x, `${name}.shortcut`, channels, stride, 1) : x;
  return net.relu(net.plus(main, shortcut, `${name}.add`), `${name}.relu2`);
}

export function residual(blocks = 2): Graph {
  const net = new Sketch();
  let x = net.relu(convBn(net, net.input([1, 32, 32, 3]), "conv1", 16), "conv1_relu");
  [16, 32, 64].forEach((channels, stage) => {
    for (let block = 0; block < blocks; block++) {
      x = basic(net, x, `conv${stage + 2}.${block}`, channels, block === 0 && stage > 0 ? 2 : 1);
    }
  });
  const logits = net.dense(net.mean(x, "pool"), 10, "fc");
  return net.graph({ logits: net.bias(logits, "fc_bias") }, "residual");
}

export function plain(): Graph {
  const net = new Sketch();
  let x = net.input([1, 16, 16, 3]);
  for (const channels of [8, 16]) x = net.maxPool(net.relu(net.bias(net.conv(x, channels))));
  return net.graph(net.softmax(net.dense(x, 10)), "plain");
}

export function inception(): Graph {
  const net = new Sketch();
  const pool = net.maxPool(net.conv(net.input([1, 16, 16, 3]), 32, {}, "stem"), {}, "pool1");
  const branches = [
    net.relu(net.conv(pool, 16, point, "i.one")),
    net.relu(net.conv(net.conv(pool, 8, point, "i.reduce3"), 24, {}, "i.three")),
    net.relu(net.conv(net.conv(pool, 4, point, "i.reduce5"), 8, {}, "i.five")),
    net.conv(
      net.maxPool(pool, { kernel: 1, stride: 2 }, "i.pool"),
      8,
      { kernel: [1, 1], pads: pads(2) },
      "i.pooled",
    ),
  ];
  return net.graph(net.mean(net.concat(branches, "i.concat"), "pool2"), "inception");
}

export const pads = (size: number) => ({ top: size, bottom: size, left: size, right: size });

/** Three maps of a body, and three outputs made from the last one upwards. */
export function pyramid(): Graph {
  const net = new Sketch();
  const c2 = basic(net, net.conv(net.input([1, 32, 32, 3]), 8, {}, "stem"), "conv2.0", 8);
  const c3 = basic(net, c2, "conv3.0", 16, 2);
  const c4 = basic(net, c3, "conv4.0", 32, 2);
  const p4 = net.conv(c4, 8, point, "neck.inner4");
  const p3 = net.plus(net.upsample(p4), net.conv(c3, 8, point, "neck.inner3"));
  const p2 = net.plus(net.upsample(p3), net.conv(c2, 8, point, "neck.inner2"));
  const outputs = { p2: net.conv(p2, 8, {}, "neck.p2"), p3: net.conv(p3, 8, {}, "neck.p3") };
  return net.graph({ ...outputs, p4: net.conv(p4, 8, {}, "neck.p4") }, "pyramid");
}

export function dense(): Graph {
  const net = new Sketch();
  let x = net.conv(net.input([1, 8, 8, 3]), 8, {}, "conv0");
  for (let i = 0; i < 4; i++) {
    const inner = net.relu(net.batchNorm(x, {}, `dense.${i}.bn`), `dense.${i}.relu`);
    x = net.concat([x, net.conv(inner, 4, {}, `dense.${i}.conv`)], `dense.${i}.concat`);
  }
  return net.graph(net.relu(net.batchNorm(x, {}, "norm")), "dense");
}

function gated(): Graph {
  const net = new Sketch();
  const x = net.conv(net.input([1, 8, 8, 3]), 8, {}, "conv");
  const squeezed = net.relu(net.conv(net.mean(x, "se.mean"), 2, point, "se.reduce"));
  const gate = net.activation(net.conv(squeezed, 8, point, "se.expand"), "sigmoid");
  return net.graph(net.times(x, gate, "se.mul"), "gated");
}

/** Branches that are no columns: one is empty, one is left halfway, one has a residual of its own. */
export function tangled(): Graph {
  const net = new Sketch();
  const x = net.conv(net.input([1, 8, 8, 3]), 8, {}, "stem");
  const empty = net.concat([
    x,
    net.conv(x, 4, {}, "a.one"),
    net.conv(net.conv(x, 4, {}, "a.two"), 4, {}, "a.three"),
  ]);
  const half = net.conv(empty, 4, {}, "b.half");
  const long = net.conv(net.conv(net.conv(empty, 4, {}, "b.one"), 4, {}, "b.two"), 4, {}, "b.three");
  const left = net.concat([net.conv(half, 4, {}, "b.rest"), long]);
  const inner = net.conv(left, 4, {}, "c.inner");
  const own = net.plus(net.conv(inner, 4, {}, "c.own"), inner, "c.add");
  const deep = net.conv(net.conv(net.conv(net.conv(left, 4), 4), 4), 4);
  return net.graph({ map: net.concat([own, deep], "c.concat"), half, again: half }, "tangled");
}

/** A shortcut whose first step is an output too, and feeds a step that stands early. */
function early(): Graph {
  const net = new Sketch();
  const x = net.conv(net.input([1, 8, 8, 3]), 4, {}, "stem");
  const side = net.conv(x, 4, {}, "side");
  const first = net.plus(net.conv(x, 4, {}, "one"), side, "first");
  const main = net.conv(net.conv(net.conv(first, 4, {}, "two"), 4, {}, "three"), 4, {}, "four");
  return net.graph(net.plus(main, net.conv(side, 4, {}, "late"), "second"), "early");
}

/** All of them, by name. */
export const networks: Readonly<Record<string, () => Graph>> = {
  residual,
  plain,
  inception,
  pyramid,
  dense,
  gated,
  tangled,
  early,
};
