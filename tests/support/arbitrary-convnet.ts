/**
 * Random networks as people build them, of a size at which planners have a choice: a stem on a picture, blocks of
 * several kinds, a head. arbitrary-model.ts has the odder and smaller ones.
 */
import fc from "fast-check";
import type { Node } from "../../src/ir/graph.ts";
import { printGraph } from "../../src/ir/print.ts";
import type { Pads } from "../../src/ir/tensor.ts";
import type { Model } from "./arbitrary-model.ts";
import { randomTensor } from "./random.ts";
import { evenPads, namedWeights, Sketch } from "./sketch.ts";

interface Site {
  readonly net: Sketch;
  readonly x: Node;
  readonly width: number;
  readonly stride: number;
}

const point = { kernel: [1, 1], pads: evenPads(0) } as const;

const normal = (net: Sketch, x: Node): Node => net.relu(net.batchNorm(x));

function shortcut({ net, x, width, stride }: Site): Node {
  if (x.type.shape[3] === width && stride === 1) return x;
  return net.batchNorm(net.conv(x, width, { ...point, stride }));
}

const blocks = {
  plain: ({ net, x, width, stride }) => normal(net, net.conv(x, width, { stride })),
  basic(site) {
    const { net, x, width, stride } = site;
    const inner = normal(net, net.conv(x, width, { stride }));
    return net.relu(net.plus(net.batchNorm(net.conv(inner, width)), shortcut(site)));
  },
  bottleneck(site) {
    const { net, x, width, stride } = site;
    const narrow = normal(net, net.conv(x, Math.ceil(width / 4), point));
    const inner = normal(net, net.conv(narrow, Math.ceil(width / 4), { stride }));
    return net.relu(net.plus(shortcut(site), net.batchNorm(net.conv(inner, width, point))));
  },
  separable({ net, x, width, stride }) {
    const channels = x.type.shape[3];
    const deep = net.activation(net.batchNorm(net.conv(x, channels, { groups: channels, stride })), "relu6");
    return net.activation(net.bias(net.conv(deep, width, point)), "hswish");
  },
  grouped({ net, x, width, stride }) {
    const channels = x.type.shape[3];
    const groups = [8, 4, 3, 2].find((count) => channels % count === 0 && width % count === 0) ?? 1;
    return normal(net, net.conv(x, width, { groups, stride }));
  },
  inception({ net, x, width, stride }) {
    const pooled = net.maxPool(x, { kernel: 3, stride, pads: evenPads(1) });
    const branches = [
      net.relu(net.conv(x, Math.ceil(width / 2), { ...point, stride })),
      net.bias(net.conv(net.relu(net.conv(x, 5, point)), Math.ceil(width / 4), { stride })),
      net.relu(net.conv(pooled, 3, point)),
    ];
    return net.concat(branches);
  },
  gated({ net, x, width, stride }) {
    const map = net.batchNorm(net.conv(x, width, { stride }));
    const squeezed = net.relu(net.conv(net.mean(map), 6, point));
    return net.relu(net.times(map, net.activation(net.conv(squeezed, width, point), "sigmoid")));
  },
  dense({ net, x, width, stride }) {
    const grown = net.concat([x, net.conv(normal(net, x), Math.ceil(width / 3))]);
    return stride === 2 ? net.averagePool(grown, { kernel: 3, stride: 2, pads: evenPads(1) }) : grown;
  },
  dilated: ({ net, x, width, stride }) =>
    net.relu(net.bias(net.conv(x, width, { dilation: 2, pads: evenPads(2), stride }))),
  tall: ({ net, x, width, stride }) =>
    net.prelu(
      net.conv(net.conv(x, width, { kernel: [5, 1], pads: { ...evenPads(0), top: 2, bottom: 2 } }), 9, {
        stride,
      }),
    ),
  upsampled: ({ net, x, width }) =>
    x.type.shape[1] > 12 ? net.relu(net.conv(x, width, point)) : net.conv(net.upsample(x, 2), width),
} satisfies Record<string, (site: Site) => Node>;

const kinds = Object.keys(blocks) as (keyof typeof blocks)[];

const arbitraryRecipe = fc.record({
  size: fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 })),
  channels: fc.constantFrom(1, 2, 3, 3, 3, 4, 5, 8, 16, 24),
  stem: fc.option(
    fc.record({
      kernel: fc.constantFrom(3, 3, 4, 5, 6, 7, 7, 8),
      stride: fc.constantFrom(1, 2, 2),
      pads: fc.oneof(
        fc.nat(3).map(evenPads),
        fc.record({ top: fc.nat(3), bottom: fc.nat(3), left: fc.nat(3), right: fc.nat(3) }),
      ),
      width: fc.constantFrom(8, 12, 16, 24, 32, 48),
    }),
  ),
  blocks: fc.array(
    fc.record({
      kind: fc.constantFrom(...kinds),
      width: fc.constantFrom(8, 11, 16, 16, 20, 32, 48, 64),
      stride: fc.constantFrom(1, 1, 1, 2),
    }),
    { maxLength: 5, size: "max" },
  ),
  head: fc.constantFrom("none", "dense", "softmax", "map"),
  middle: fc.option(fc.nat(6)),
  seed: fc.nat(1000),
});

const fits = (
  [height, width]: readonly [number, number],
  { kernel, pads }: { readonly kernel: number; readonly pads: Pads },
): boolean => height + pads.top + pads.bottom >= kernel && width + pads.left + pads.right >= kernel;

export const arbitraryConvnet: fc.Arbitrary<Model> = arbitraryRecipe.map(
  ({ size, channels, stem, blocks: list, head, middle, seed }) => {
    const net = new Sketch();
    const input = net.input([1, ...size, channels]);
    const values = [input];
    const last = () => values[values.length - 1];
    if (stem && fits(size, stem)) {
      const { kernel, stride, pads, width } = stem;
      values.push(net.relu(net.conv(input, width, { kernel: [kernel, kernel], stride, pads })));
    }
    for (const { kind, width, stride } of list) values.push(blocks[kind]({ net, x: last(), width, stride }));
    if (head === "map") values.push(net.dense(last(), 12));
    else if (head !== "none") {
      const logits = net.bias(net.dense(net.mean(last()), 10));
      values.push(head === "softmax" ? net.softmax(logits) : logits);
    }
    const outputs = {
      output: last(),
      ...(middle === null ? {} : { middle: values[middle % values.length] }),
    };
    const graph = net.graph(outputs);
    return {
      graph,
      inputs: { input: randomTensor(seed + 1, [1, ...size, channels]) },
      weights: namedWeights(graph, seed),
      [fc.toStringMethod]: () => printGraph(graph, { params: true }),
    };
  },
);
