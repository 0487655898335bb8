/**
 * Random small networks for property tests. A network is a list of steps, each of which reads values that are
 * there already ("the last but n"), so that any part of the list is a network too: fast-check shrinks a
 * counterexample by leaving steps out and making numbers smaller. A step that does not fit where it stands is
 * left out. Values no output needs are common, as are values with several readers and shared kernels.
 */
import fc from "fast-check";
import { type ActivationName, activations } from "../../src/ir/activation.ts";
import type { Graph, Node } from "../../src/ir/graph.ts";
import type { WeightSource } from "../../src/ir/interpret.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { printGraph } from "../../src/ir/print.ts";
import { elements, noPads, type Pads, type Shape, sameShape, type Tensor } from "../../src/ir/tensor.ts";
import { reach, slidingSize } from "../../src/ir/window.ts";
import { randomTensor } from "./random.ts";
import { namedWeights, Sketch } from "./sketch.ts";

export interface Model {
  readonly graph: Graph;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly weights: WeightSource;
}

/** What every step has, whatever its kind makes of it. */
interface Step {
  readonly kind: keyof typeof kinds;
  /** Which value it reads: 0 is the last. */
  readonly back: number;
  /** Which of the others that fit. */
  readonly other: number;
  readonly numbers: readonly number[];
}

interface Recipe {
  readonly shape: Shape;
  readonly steps: readonly Step[];
  readonly outputs: readonly number[];
  readonly seed: number;
}

/** Larger maps would only be slower. */
const mostElements = 700;

interface Site {
  readonly net: Sketch;
  readonly x: Node;
  readonly values: readonly Node[];
  readonly other: number;
  /** The i-th number of the step, in 0 to count - 1. */
  readonly pick: (i: number, count: number) => number;
}

type Grow = (site: Site) => Node | undefined;

const activationNames = Object.keys(activations) as ActivationName[];

const padsFrom = ({ pick }: Site, most: number): Pads => ({
  top: pick(4, most + 1),
  bottom: pick(5, most + 1),
  left: pick(6, most + 1),
  right: pick(7, most + 1),
});

const choose = (from: readonly Node[], which: number): Node => from[which % from.length];

const conv: Grow = (site) => {
  const { net, x, values, other, pick } = site;
  const [, h, w, c] = x.type.shape;
  const groups = [1, 1, 2, 3, c].filter((count) => c % count === 0)[pick(0, 3)] ?? 1;
  const stride = 1 + (pick(2, 4) === 3 ? 1 : 0);
  const dilation = 1 + (pick(3, 4) === 3 ? 1 : 0);
  const pads = pick(4, 3) === 0 ? noPads : padsFrom(site, 2);
  const kernel = [1 + pick(8, 3), 1 + pick(9, 3)] as const;
  const fits =
    slidingSize(h, reach(kernel[0], dilation), stride, pads.top, pads.bottom) > 0 &&
    slidingSize(w, reach(kernel[1], dilation), stride, pads.left, pads.right) > 0;
  const window = fits ? kernel : ([1, 1] as const);
  const channels = groups * (1 + pick(1, 3));
  const shape = [...window, c / groups, channels];
  const kernels = values.flatMap(({ op, inputs }) => (op.name === "conv2d" ? [inputs[1]] : []));
  const shared = kernels.filter(({ type }) => sameShape(type.shape, shape));
  const options = { kernel: window, stride, dilation, groups, pads };
  return pick(10, 2) && shared.length > 0
    ? net.conv(x, channels, { ...options, shared: choose(shared, other) })
    : net.conv(x, channels, options);
};

const pool =
  (kind: "maxPool" | "averagePool"): Grow =>
  (site) => {
    const { net, x, pick } = site;
    const side = Math.min(1 + pick(0, 3), x.type.shape[1], x.type.shape[2]);
    const kernel = [side, side] as const;
    const stride = 1 + pick(1, 2);
    // A window of pads only would have no largest value and no mean.
    const pads = pick(2, 2) === 0 ? noPads : padsFrom(site, side - 1);
    const name = `${kind}${site.values.length}`;
    if (kind === "maxPool") return net.add(ops.maxPool, name, [x], { kernel, stride, pads });
    const overhang = {
      bottom: pick(8, 3) === 2 && pads.bottom + 1 < side ? 1 : 0,
      right: pick(9, 3) === 2 && pads.right + 1 < side ? 1 : 0,
    };
    return net.add(ops.averagePool, name, [x], {
      kernel,
      stride,
      pads,
      overhang,
      countPads: pick(3, 2) === 1,
    });
  };

const sameAs = ({ x, values }: Site) => values.filter(({ type }) => sameShape(type.shape, x.type.shape));

const kinds = {
  conv,
  maxPool: pool("maxPool"),
  averagePool: pool("averagePool"),
  bias: ({ net, x }) => net.bias(x),
  batchNorm: ({ net, x, pick }) =>
    net.batchNorm(x, { scale: pick(0, 3) < 2, shift: pick(1, 3) < 2, eps: [1e-5, 1e-3, 0.1][pick(2, 3)] }),
  affine: ({ net, x }) => net.affine(x),
  relu: ({ net, x }) => net.relu(x),
  activation({ net, x, pick }) {
    const fn = activationNames[pick(0, activationNames.length)];
    return net.activation(x, fn, fn === "leaky" ? [0.1, 0.2, 0][pick(1, 3)] : undefined);
  },
  prelu: ({ net, x }) => net.prelu(x),
  plus(site) {
    const other = choose(sameAs(site), site.other);
    return site.pick(0, 2) ? site.net.plus(site.x, other) : site.net.plus(other, site.x);
  },
  /** A layer as nets have it: linear, then some of bias, norm and activation. */
  layer(site) {
    const { net, pick } = site;
    let made = pick(10, 5) === 4 ? net.dense(site.x, 2) : (conv(site) ?? site.x);
    if (pick(7, 2)) made = net.bias(made);
    if (pick(8, 2)) made = net.batchNorm(made);
    return pick(9, 2) ? net.relu(made) : made;
  },
  /** What a residual block ends in: two convolutions of the same value, added. */
  block({ net, x, pick }) {
    const channels = x.type.shape[3];
    const inner = net.batchNorm(net.conv(x, channels, { kernel: [1, 1] }));
    const shortcut = pick(0, 2) ? x : net.batchNorm(net.conv(x, channels, { kernel: [1, 1] }));
    const sum = pick(1, 2) ? net.plus(inner, shortcut) : net.plus(shortcut, inner);
    return pick(2, 2) ? net.relu(sum) : sum;
  },
  times: (site) => site.net.times(site.x, choose(sameAs(site), site.other)),
  gate: ({ net, x, pick }) => {
    const gate = net.activation(net.mean(x), pick(0, 2) ? "sigmoid" : "hsigmoid");
    return pick(1, 2) ? net.times(x, gate) : net.times(gate, x);
  },
  concat({ net, x, values, other, pick }) {
    const [, h, w] = x.type.shape;
    const beside = values.filter(({ type: { shape } }) => shape[1] === h && shape[2] === w);
    const maps = [x, choose(beside, other), choose(beside, other + 1)].slice(0, 1 + pick(0, 3));
    return pick(1, 2) ? net.concat(maps) : net.concat([net.concat(maps), choose(beside, other + 2)]);
  },
  pad: (site) => {
    const [before, after] = site.pick(0, 3) === 2 ? [site.pick(1, 2), site.pick(2, 2)] : [0, 0];
    return site.net.pad(site.x, { pads: padsFrom(site, 2), before, after });
  },
  upsample: ({ net, x, pick }) => net.upsample(x, 1 + pick(0, 2)),
  mean: ({ net, x }) => net.mean(x),
  dense: ({ net, x, pick }) => net.dense(x, 1 + pick(0, 4)),
  resize: ({ net, x, pick }) =>
    net.resize(x, 1 + pick(0, 9), 1 + pick(1, 9), pick(2, 2) ? "nearest" : "bilinear"),
  slice({ net, x, values, other, pick }) {
    const [, h, w] = x.type.shape;
    const beside = values.filter(({ type: { shape } }) => shape[1] === h && shape[2] === w);
    const from = pick(2, 2) ? x : net.concat([choose(beside, other), x]);
    const first = pick(0, from.type.shape[3]);
    return net.slice(from, first, 1 + pick(1, from.type.shape[3] - first));
  },
  reflectPad({ net, x, pick }) {
    const [, h, w] = x.type.shape;
    const [top, bottom, left, right] = [h, h, w, w].map((size, i) => pick(i, Math.min(3, size)));
    return net.reflectPad(x, { top, bottom, left, right });
  },
  softmax: ({ net, x, pick }) => net.softmax(x, [0, 1, x.type.shape[3]][pick(0, 3)]),
  softmaxOfPlaces: ({ net, x, values }) =>
    net.add(ops.softmax, `places${values.length}`, [x], { parts: 0, places: true }),
  sum: ({ net, x, values }) => net.add(ops.globalAveragePool, `sum${values.length}`, [x], { sum: true }),
  weigh: ({ net, x }) => net.times(x, net.slice(x, 0, 1)),
  layerNorm({ net, x, values, pick }) {
    const name = `layerNorm${values.length}`;
    const center = pick(0, 2) === 0;
    const roles = center ? (["scale", "shift"] as const) : (["scale"] as const);
    const vectors = roles.map((role) => net.weight(`${name}.${role}`, role, [x.type.shape[3]]));
    return net.add(ops.layerNorm, name, [x, ...vectors], { eps: 1e-3, center, shift: center });
  },
  lrn: ({ net, x, values }) =>
    net.add(ops.lrn, `lrn${values.length}`, [x], { size: 3, alpha: 0.1, beta: 0.75, k: 1 }),
  channelConv({ net, x, values, pick }) {
    const name = `channelConv${values.length}`;
    const kernel = 1 + 2 * pick(0, 3);
    return net.add(ops.channelConv, name, [x, net.weight(`${name}.weight`, "weight", [kernel])], { kernel });
  },
  groupNorm({ net, x, values, pick }) {
    const name = `groupNorm${values.length}`;
    const channels = x.type.shape[3];
    const vectors = (["scale", "shift"] as const).map((role) =>
      net.weight(`${name}.${role}`, role, [channels]),
    );
    const groups = pick(0, 2) ? channels : 1;
    return net.add(ops.groupNorm, name, [x, ...vectors], { groups, eps: 1e-5 });
  },
} satisfies Record<string, Grow>;

/** How often each kind is drawn. */
const weights: Readonly<Record<keyof typeof kinds, number>> = {
  conv: 8,
  batchNorm: 5,
  relu: 4,
  bias: 4,
  activation: 4,
  plus: 4,
  layer: 5,
  block: 3,
  affine: 3,
  pad: 7,
  dense: 2,
  concat: 5,
  gate: 1,
  times: 1,
  maxPool: 1,
  averagePool: 1,
  upsample: 1,
  mean: 1,
  prelu: 1,
  resize: 1,
  slice: 4,
  reflectPad: 1,
  softmax: 1,
  softmaxOfPlaces: 1,
  sum: 1,
  weigh: 1,
  layerNorm: 1,
  lrn: 1,
  channelConv: 1,
  groupNorm: 1,
};

const kindNames = Object.keys(kinds) as Step["kind"][];

const arbitraryStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(...kindNames.map((kind) => ({ arbitrary: fc.constant(kind), weight: weights[kind] }))),
  back: fc.oneof({ arbitrary: fc.constant(0), weight: 4 }, { arbitrary: fc.nat(4), weight: 1 }),
  other: fc.nat(8),
  numbers: fc.array(fc.nat(11), { minLength: 11, maxLength: 11 }),
});

const arbitraryRecipe: fc.Arbitrary<Recipe> = fc.record({
  shape: fc.tuple(
    fc.integer({ min: 1, max: 2 }),
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 1, max: 5 }),
    fc.constantFrom(1, 2, 3, 4),
  ),
  steps: fc.array(arbitraryStep, { minLength: 1, maxLength: 14, size: "max" }),
  outputs: fc.array(fc.nat(9), { maxLength: 2 }),
  seed: fc.nat(1000),
});

/** A network with its weights and something to feed it; printed as its graph where a property fails. */
export const arbitraryModel: fc.Arbitrary<Model> = arbitraryRecipe.map(build);

function build({ shape, steps, outputs, seed }: Recipe): Model {
  const net = new Sketch();
  const values = [net.input(shape)];
  for (const { kind, back, other, numbers } of steps) {
    const x = values[values.length - 1 - (back % values.length)];
    const site: Site = { net, x, values, other, pick: (i, count) => numbers[i] % count };
    const made = elements(x.type.shape) <= mostElements ? kinds[kind](site) : undefined;
    if (made && elements(made.type.shape) <= mostElements) values.push(made);
  }
  const last = values[values.length - 1];
  const others = outputs.map(
    (back, i) => [`also${i}`, values[Math.max(0, values.length - 1 - back)]] as const,
  );
  const graph = net.graph({ output: last, ...Object.fromEntries(others) });
  const model = {
    graph,
    inputs: { input: randomTensor(seed + 1, shape) },
    weights: namedWeights(graph, seed),
    [fc.toStringMethod]: () => printGraph(graph, { params: true }),
  };
  return model;
}
