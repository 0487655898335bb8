/**
 * What each pass does and what it must leave alone, as small graphs: the goldens under tests/golden/passes show
 * them before and after. A case whose name starts with `keeps-` must come out as it went in.
 */
import type { Epilogue } from "../../src/ir/epilogue.ts";
import type { Graph, Node } from "../../src/ir/graph.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { noPads } from "../../src/ir/tensor.ts";
import { evenPads, Sketch } from "./sketch.ts";

/** Builds a graph on one 4x4x2 input. */
type Outputs = Node | Readonly<Record<string, Node>>;
const onInput = (build: (net: Sketch, x: Node) => Outputs) => (): Graph => {
  const net = new Sketch();
  return net.graph(build(net, net.input([1, 4, 4, 2])));
};

const point = { kernel: [1, 1] } as const;

export const passCases: Readonly<Record<string, Readonly<Record<string, () => Graph>>>> = {
  "remove-dead": {
    "drops-no-ops": onInput((net, x) => {
      const padded = net.pad(net.concat([x]), {});
      const pooled = net.averagePool(net.maxPool(padded, { kernel: 1, stride: 1 }), { kernel: 1, stride: 1 });
      return net.conv(net.upsample(pooled, 1), 3);
    }),
    "drops-what-no-output-needs": () => {
      const net = new Sketch();
      const x = net.input([1, 4, 4, 2]);
      net.input([1, 2, 2, 1], "unused");
      net.relu(net.conv(x, 3));
      return net.graph(net.conv(x, 4));
    },
    "drops-repeated-activations": onInput((net, x) => {
      const six = net.activation(net.activation(x, "relu6"), "relu6");
      return net.relu(net.relu(net.activation(net.relu(six), "sigmoid")));
    }),
    "drops-the-mean-of-one-place": onInput((net, x) => net.mean(net.mean(x))),
    "drops-an-output-that-is-its-operand": onInput((net, x) => {
      const map = net.conv(x, 3);
      return { first: net.pad(map, {}), second: map };
    }),
    "keeps-what-changes-something": onInput((net, x) => {
      const padded = net.pad(x, { after: 1 });
      const pooled = net.maxPool(padded, { kernel: 1, stride: 2 });
      const framed = net.maxPool(pooled, { kernel: 1, stride: 1, pads: evenPads(1) });
      return net.activation(net.relu(framed), "relu6");
    }),
    "keeps-channels-in-front-or-behind": onInput((net, x) =>
      net.pad(net.relu(net.pad(x, { before: 1 })), { after: 1 }),
    ),
    "keeps-activations-that-are-not-idempotent": onInput((net, x) =>
      net.activation(net.activation(net.activation(x, "leaky", 0.1), "leaky", 0.1), "relu"),
    ),
    "keeps-an-overhang": onInput((net, x) => {
      const attrs = { kernel: [1, 1], stride: 1, pads: noPads, overhang: { bottom: 1, right: 0 } } as const;
      return net.add(ops.averagePool, "pool", [x], { ...attrs, countPads: false });
    }),
  },
  "fold-slice": {
    "takes-operands-of-a-concat": onInput((net, x) => {
      const [a, b] = [net.conv(x, 3, point), net.conv(x, 4, point)];
      const both = net.concat([a, b]);
      return { both, second: net.relu(net.slice(both, 3, 4)), part: net.relu(net.slice(both, 4, 2)) };
    }),
    "through-slices-and-concats": onInput((net, x) => {
      const inner = net.concat([net.conv(x, 3, point), x]);
      return net.relu(net.slice(net.slice(net.concat([x, inner]), 1, 5), 2, 2));
    }),
    "keeps-slices-over-several-operands": onInput((net, x) =>
      net.slice(net.concat([net.relu(x), x, net.conv(x, 1)]), 1, 3),
    ),
    "keeps-slices-of-other-maps": onInput((net, x) => net.slice(net.conv(x, 4), 1, 2)),
  },
  "flatten-concat": {
    "puts-all-together-at-once": onInput((net, x) => {
      const pair = net.concat([net.relu(x), x]);
      return net.concat([net.concat([pair, net.conv(x, 1)]), net.concat([net.conv(x, 2)])]);
    }),
    "keeps-what-is-read-twice": onInput((net, x) => {
      const pair = net.concat([net.relu(x), x]);
      return net.concat([pair, net.conv(pair, 2)]);
    }),
    "keeps-a-concat-twice-in-one": onInput((net, x) => {
      const pair = net.concat([net.relu(x), x]);
      return net.concat([pair, pair]);
    }),
  },
  "fold-padding": {
    "moves-into-the-convolution": onInput((net, x) =>
      net.conv(net.pad(x, { pads: { top: 1, bottom: 2, left: 3, right: 4 } }), 3, { stride: 2 }),
    ),
    "merges-pads-in-a-row": onInput((net, x) => {
      const wide = net.pad(net.pad(x, { pads: evenPads(1) }), { pads: { ...noPads, left: 2 } });
      return { map: net.conv(wide, 3), channels: net.pad(net.pad(x, { before: 1 }), { after: 2 }) };
    }),
    "keeps-channels": onInput((net, x) => net.conv(net.pad(x, { pads: evenPads(1), after: 2 }), 3)),
    "keeps-a-pad-with-two-readers": onInput((net, x) => {
      const padded = net.pad(x, { pads: evenPads(1) });
      return { a: net.conv(padded, 3), b: net.conv(padded, 4) };
    }),
    "keeps-the-pads-of-pools": onInput((net, x) => net.maxPool(net.pad(x, { pads: evenPads(1) }))),
  },
  "fold-bias": {
    "into-conv-and-dense": onInput((net, x) => net.bias(net.dense(net.bias(net.conv(x, 3)), 2))),
    "into-a-grouped-convolution": onInput((net, x) => net.bias(net.conv(x, 4, { groups: 2 }))),
    "keeps-a-second-bias": onInput((net, x) => net.bias(withBias(net, x))),
    "keeps-a-bias-behind-a-fused-activation": onInput((net, x) => net.bias(withRelu(net, x))),
    "keeps-a-bias-behind-a-residual": onInput((net, x) => net.bias(withResidual(net, x))),
    "keeps-a-shared-convolution": onInput((net, x) => {
      const map = net.conv(x, 3);
      return { biased: net.bias(map), plain: map };
    }),
    "keeps-a-bias-behind-an-activation": onInput((net, x) => net.bias(net.relu(net.conv(x, 3)))),
  },
  "fold-batch-norm": {
    "into-a-convolution": onInput((net, x) => net.batchNorm(net.conv(x, 3))),
    "into-a-bias": onInput((net, x) => net.batchNorm(withBias(net, x))),
    "without-scale-or-shift": onInput((net, x) => {
      const bare = net.batchNorm(net.conv(x, 3), { scale: false, shift: false });
      const scaled = net.batchNorm(net.conv(bare, 3, point), { shift: false });
      return net.batchNorm(net.conv(scaled, 3, point), { scale: false });
    }),
    "chains-of-all-kinds": onInput((net, x) => net.bias(net.affine(net.batchNorm(net.conv(x, 3))))),
    "into-a-dense-layer": onInput((net, x) => net.affine(net.dense(x, 3))),
    "into-groups": onInput((net, x) => net.batchNorm(net.conv(x, 4, { groups: 2 }))),
    "shared-kernels-get-names-of-their-own": onInput((net, x) => {
      const first = net.conv(x, 2);
      const second = net.conv(net.batchNorm(first), 2, { shared: first.inputs[1] });
      return net.batchNorm(second);
    }),
    "keeps-a-first-bias": onInput((net, x) => net.bias(net.conv(x, 3))),
    "keeps-what-is-read-twice": onInput((net, x) => {
      const map = net.conv(x, 3);
      return net.plus(net.batchNorm(map), map);
    }),
    "keeps-norms-behind-activations": onInput((net, x) => {
      const before = net.conv(net.relu(net.batchNorm(x)), 2);
      return net.batchNorm(net.relu(before));
    }),
    "keeps-an-output": onInput((net, x) => {
      const map = net.conv(x, 3);
      return { raw: map, normal: net.batchNorm(map) };
    }),
    "keeps-norms-behind-fused-activations": onInput((net, x) => net.batchNorm(withRelu(net, x))),
  },
  "lower-batch-norm": {
    "pre-activation": onInput((net, x) => net.conv(net.relu(net.batchNorm(x)), 3)),
    "without-scale-or-shift": onInput((net, x) => {
      const bare = net.batchNorm(x, { scale: false, shift: false });
      return net.batchNorm(net.relu(bare), { scale: false });
    }),
    "keeps-affine-and-group-norm": onInput((net, x) => {
      const vectors = (["scale", "shift"] as const).map((role) => net.weight(`norm.${role}`, role, [2]));
      return net.affine(net.add(ops.groupNorm, "norm", [x, ...vectors], { groups: 2, eps: 1e-5 }));
    }),
  },
  "fuse-activation": {
    "into-conv-and-dense": onInput((net, x) =>
      net.activation(net.dense(net.activation(net.conv(x, 3), "leaky", 0.1), 2), "gelu"),
    ),
    "only-the-first-of-two": onInput((net, x) => net.relu(net.activation(net.conv(x, 3), "tanh"))),
    "behind-a-residual": onInput((net, x) => net.relu(withResidual(net, x))),
    "keeps-a-shared-convolution": onInput((net, x) => {
      const map = net.conv(x, 2);
      return net.plus(net.relu(map), map);
    }),
    "keeps-activations-behind-other-things": onInput((net, x) =>
      net.relu(net.plus(net.relu(net.maxPool(x)), net.activation(net.batchNorm(net.maxPool(x)), "swish"))),
    ),
  },
  "fuse-residual": {
    "identity-shortcut": onInput((net, x) => {
      const inner = net.relu(net.conv(x, 2));
      return net.relu(net.plus(net.conv(inner, 2), x));
    }),
    "shortcut-on-the-left": onInput((net, x) => net.plus(x, net.conv(x, 2))),
    "projection-takes-the-later": onInput((net, x) => {
      const main = net.conv(net.relu(net.conv(x, 3)), 3);
      return net.relu(net.plus(main, net.conv(x, 3, point, "projection")));
    }),
    "the-other-when-the-later-is-taken": onInput((net, x) => {
      const shared = net.conv(x, 2, {}, "shared");
      return net.plus(net.conv(x, 2, {}, "own"), net.plus(shared, net.relu(shared)));
    }),
    "sums-in-a-row": onInput((net, x) => net.plus(net.plus(net.conv(x, 2), x), net.conv(x, 2))),
    "keeps-an-activated-convolution": onInput((net, x) => net.plus(x, withRelu(net, x))),
    "keeps-a-convolution-that-has-a-residual": onInput((net, x) => net.plus(withResidual(net, x), x)),
    "keeps-a-sum-with-itself": onInput((net, x) => {
      const map = net.conv(x, 2);
      return net.plus(map, map);
    }),
    "keeps-a-shortcut-from-the-convolution": onInput((net, x) => {
      const map = net.conv(x, 2);
      return net.plus(map, net.maxPool(map, { kernel: 3, stride: 1, pads: evenPads(1) }));
    }),
    "keeps-plain-activations": onInput((net, x) => net.relu(net.conv(x, 2))),
  },
};

/** A 1x1 convolution to two channels that has something in its epilogue already. */
function fused(net: Sketch, x: Node, name: string, epilogue: Epilogue): Node {
  const operands = [
    x,
    net.weight(`${name}.weight`, "weight", [1, 1, 2, 2]),
    ...(epilogue.bias ? [net.weight(`${name}.bias`, "bias", [2])] : []),
    ...(epilogue.residual ? [x] : []),
  ];
  const window = { kernel: [1, 1], stride: 1, dilation: 1, groups: 1, pads: noPads } as const;
  return net.add(ops.conv2d, name, operands, { ...window, channels: 2, epilogue });
}

const withBias = (net: Sketch, x: Node): Node => fused(net, x, "biased", { bias: true, residual: false });
const withResidual = (net: Sketch, x: Node): Node => fused(net, x, "summed", { bias: false, residual: true });
const withRelu = (net: Sketch, x: Node): Node =>
  fused(net, x, "active", { bias: false, residual: false, activation: { fn: "relu" } });
