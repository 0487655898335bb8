/** Binding files of Keras that have no names: by the order in which Keras lists the layers of a model. */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import { makeSource } from "../src/base/source.ts";
import { type AnalysedNet, analyse } from "../src/compile.ts";
import { isOp } from "../src/ir/graph.ts";
import { ops } from "../src/ir/ops/index.ts";
import { tablesOf } from "../src/node/find-weights.ts";
import { bindWeights } from "../src/weights/bind.ts";
import { matchByOrder } from "../src/weights/keras-order.ts";
import { translate } from "../src/weights/names.ts";
import { openKeras, writeHdf5, writeLayer } from "./support/keras-files.ts";
import { readModule } from "./support/nets.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

/** Keras' ResNets: biased convolutions, an epsilon of their own, the stride in the first 1x1, softmax. */
const resnet = (depths: readonly [number, number, number, number]) => `resnet 1
use bottleneck, caffe from std

net keras_resnet(classes = 1000) {
  input caffe(224x224x3)
  default conv(bias = true), bn(eps = 1.001e-5), bottleneck(early = true)

  conv1: conv(7x7, 64) /2 -> bn -> relu
  pool1: maxpool(3x3) /2
  conv2: bottleneck(64) x ${depths[0]}
  conv3: bottleneck(128) x ${depths[1]} /2
  conv4: bottleneck(256) x ${depths[2]} /2
  conv5: bottleneck(512) x ${depths[3]} /2
  pool5: avgpool
  fc:    dense(classes)
  prob:  softmax
}
`;

function compile(text: string): AnalysedNet {
  const { nets, diagnostics } = analyse(makeSource("net.resnet", text), { read: readModule });
  assert.equal(
    diagnostics.map(({ message }) => message),
    [],
  );
  return nets[0];
}

const weightsOf = ({ graph }: AnalysedNet): string[] =>
  graph.nodes.flatMap((node) => (isOp(node, ops.param) && !node.attrs.compute ? [node.name] : []));

const keras = tablesOf(undefined).find(({ name }) => name === "keras")!;

// ---- Keras' own lists of layers ---------------------------------------------------------------------

type Layer = readonly [
  name: string,
  type: string,
  weights: readonly (readonly [name: string, shape: readonly number[]])[],
];

/** The places that Keras 3 gives these layers in a .weights.h5: class and counter, in the order of the list. */
function placesOf(layers: readonly Layer[]): ReadonlyMap<string, Layer> {
  const groups = { Conv2D: "conv2d", BatchNormalization: "batch_normalization", Dense: "dense" };
  const places = new Map<string, Layer>();
  for (const [type, group] of Object.entries(groups)) {
    for (const [i, layer] of layers.filter((one) => one[1] === type).entries())
      places.set(i === 0 ? group : `${group}_${i}`, layer);
  }
  return places;
}

if (requireShared("facts/state-dicts.json.gz")) {
  const facts = JSON.parse(gunzipSync(readFileSync(sharedPath("facts/state-dicts.json.gz"))).toString());
  const listOf = (model: string): readonly Layer[] => facts.keras[model];

  /** What reading such a file gives: `conv2d_9/kernel`, in order. */
  const tensorsOf = (layers: readonly Layer[]) => {
    const tensors = new Map<string, { readonly name: string; readonly shape: readonly number[] }>();
    const real = new Map<string, string>();
    for (const [place, [, , weights]] of placesOf(layers)) {
      for (const [own, shape] of weights) {
        const name = `${place}/${own.slice(own.lastIndexOf("/") + 1)}`;
        tensors.set(name, { name, shape });
        real.set(name, own);
      }
    }
    return { tensors, real };
  };

  for (const [model, depths] of [
    ["ResNet50", [3, 4, 6, 3]],
    ["ResNet101", [3, 4, 23, 3]],
    ["ResNet152", [3, 8, 36, 3]],
  ] as const) {
    test(`${model}: every weight gets the layer that Keras means`, () => {
      const net = compile(resnet(depths));
      const { tensors, real } = tensorsOf(listOf(model));
      const ordered = matchByOrder(net.graph, tensors);
      if (typeof ordered === "string") throw new Error(ordered);
      const names = weightsOf(net);
      assert.is(names.length, tensors.size);
      assert.equal(
        names.map((name) => real.get(ordered.names.get(name)!)),
        names.map((name) => translate(keras, name)),
      );
      assert.is(ordered.how, "by the order of layers in each class, the second side of a sum first");
    });
  }

  test("VGG16, a chain: by order alone", () => {
    const convs = [64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0];
    const rows = convs.map(
      (width, i) => `l${i}: ${width ? `conv(3x3, ${width}) -> relu` : "maxpool(2x2) /2"}`,
    );
    const net = compile(
      `resnet 1\nnet vgg {\n input 224x224x3\n default conv(bias = true)\n ${rows.join("\n ")}\n f1: dense(4096) -> relu\n f2: dense(4096) -> relu\n f3: dense(1000)\n}\n`,
    );
    const { tensors, real } = tensorsOf(listOf("VGG16"));
    const ordered = matchByOrder(net.graph, tensors);
    if (typeof ordered === "string") throw new Error(ordered);
    assert.equal(
      weightsOf(net).map((name) => real.get(ordered.names.get(name)!)),
      listOf("VGG16").flatMap(([, , weights]) => weights.map(([name]) => name)),
    );
    assert.is(ordered.how, "by the order of layers in each class");
  });

  if (requireShared("oracle/detfill.mjs")) {
    test("ResNet50 as a .weights.h5 without names binds, each value from the tensor of its real name", async () => {
      const { tensor: fill } = (await import(pathToFileURL(sharedPath("oracle/detfill.mjs")).href)) as {
        tensor(name: string, shape: readonly number[]): Float32Array;
      };
      const layers = listOf("ResNet50");
      const bytes = writeHdf5((file) => {
        for (const [place, [, , weights]] of placesOf(layers)) {
          const filled = weights.map(([name, shape]) => ({ shape, data: fill(name, shape) }));
          writeLayer(file, `layers/${place}`, filled);
        }
      });
      const net = compile(resnet([3, 4, 6, 3]));
      const path = "r50.weights.h5";
      const { checkpoint } = await openKeras(bytes, path);
      const { diagnostics, report } = collect();
      const request = { graph: net.graph, checkpoint: checkpoint!, path, tables: tablesOf(undefined) };
      const weights = bindWeights({ ...request, strict: true }, report);
      assert.equal(diagnostics, []);
      const shapes = new Map(
        layers.flatMap(([, , all]) => all.map(([name, shape]) => [name, shape] as const)),
      );
      for (const name of weightsOf(net)) {
        const own = translate(keras, name);
        // Kernels have the same order of values in both.
        assert.ok(
          Buffer.from(weights!.get(name).buffer).equals(Buffer.from(fill(own, shapes.get(own)!).buffer)),
          name,
        );
      }
      assert.match(weights!.notes.join("\n"), /names: by the order of layers in each class/);
    });
  }
}

// ---- doubt ------------------------------------------------------------------------------------------

/** Layers of a file without names, by class in order. */
function stored(layers: Readonly<Record<string, readonly (readonly number[])[]>>) {
  const tensors = new Map<string, { readonly name: string; readonly shape: readonly number[] }>();
  for (const [group, kernels] of Object.entries(layers)) {
    for (const [i, shape] of kernels.entries()) {
      const parts =
        group === "batch_normalization" ? ["gamma", "beta", "moving_mean", "moving_variance"] : ["kernel"];
      for (const part of parts) {
        const name = `${i ? `${group}_${i}` : group}/${part}`;
        tensors.set(name, { name, shape });
      }
    }
  }
  return tensors;
}

const oneStage = compile(`resnet 1
use bottleneck from std
net one {
  input 8x8x16
  conv2: bottleneck(4) x 1
}
`);

test("one stage alone: shortcut and last convolution have equal shapes, so it is refused", () => {
  const file = stored({
    conv2d: [
      [1, 1, 16, 4],
      [3, 3, 4, 4],
      [1, 1, 4, 16],
    ],
    batch_normalization: [[4], [4], [16]],
  });
  // Without a projection there is no doubt.
  assert.type(matchByOrder(oneStage.graph, file), "object");
  const twin = compile(`resnet 1
use bottleneck from std
net one {
  input 8x8x4
  conv2: bottleneck(4) x 1
}
`);
  const both = stored({
    conv2d: [
      [1, 1, 4, 4],
      [3, 3, 4, 4],
      [1, 1, 4, 16],
      [1, 1, 4, 16],
    ],
    batch_normalization: [[4], [4], [16], [16]],
  });
  assert.match(
    String(matchByOrder(twin.graph, both)),
    /fits in more than one way, for shapes are equal: `conv2d_[23]` may be `conv2\.0\.\S+` or `conv2\.0\.\S+`/,
  );
});

/** Two blocks of one convolution and one projection each, written in either order. */
const twoHands = (first: string, second: string) =>
  compile(`resnet 1

block one(width) {
  ${first}
}

block two(width) {
  ${second}
}

net hands {
  input 8x8x4
  a: one(8)
  b: two(16)
}
`);
const main = "conv(3x3, width)";
const side = "conv(1x1, width)";

test("sums at different places of the text may have other sides first", () => {
  const net = twoHands(`${main} + ${side}`, `${side} + ${main}`);
  const kernels = (...sides: (readonly number[])[]) => stored({ conv2d: sides });
  const named = (file: ReturnType<typeof stored>) => {
    const ordered = matchByOrder(net.graph, file);
    if (typeof ordered === "string") throw new Error(ordered);
    return [ordered.how, ...weightsOf(net).map((name) => ordered.names.get(name))];
  };
  const [a3, a1, b3, b1] = [
    [3, 3, 4, 8],
    [1, 1, 4, 8],
    [3, 3, 8, 16],
    [1, 1, 8, 16],
  ];
  const how = "by the order of layers in each class";
  // As it is written, and all turned.
  assert.equal(named(kernels(a3, a1, b1, b3))[0], how);
  assert.equal(named(kernels(a1, a3, b3, b1))[0], `${how}, the second side of a sum first`);
  // In the file the large kernel comes first in both.
  const [told, ...names] = named(kernels(a3, a1, b3, b1));
  assert.is(told, `${how}, the second side of some sums first`);
  assert.equal(weightsOf(net), ["a.conv1.weight", "a.conv2.weight", "b.conv1.weight", "b.conv2.weight"]);
  assert.equal(names, ["conv2d/kernel", "conv2d_1/kernel", "conv2d_3/kernel", "conv2d_2/kernel"]);
  assert.match(
    String(matchByOrder(net.graph, kernels(b3, a1, a3, b1))),
    /the order of its layers is not the net's/,
  );
});

test("what does not fit is told by class, part and shape", () => {
  const convs = [
    [1, 1, 16, 4],
    [3, 3, 4, 4],
    [1, 1, 4, 16],
  ];
  const norms = [[4], [4], [16]];
  const cases: readonly (readonly [ReturnType<typeof stored>, RegExp])[] = [
    [
      stored({ conv2d: convs.slice(1), batch_normalization: norms }),
      /the file has 2 layers of class Conv2D, the net 3/,
    ],
    [
      stored({ conv2d: convs.toReversed(), batch_normalization: norms }),
      /`conv2d` has the kernel \[1, 1, 4, 16\], `conv2\.0\.conv1` wants \[1, 1, 16, 4\]/,
    ],
    [
      stored({ conv2d: convs, batch_normalization: norms, dense: [[2, 2]] }),
      /1 layers of class Dense, the net 0/,
    ],
    [stored({ conv2d: convs, other: [[4]] }), /`other` has the kernel|`other` is none of/],
  ];
  for (const [file, message] of cases) assert.match(String(matchByOrder(oneStage.graph, file)), message);
  const biased = stored({ conv2d: convs, batch_normalization: norms });
  biased.set("conv2d_1/bias", { name: "conv2d_1/bias", shape: [4] });
  assert.match(
    String(matchByOrder(oneStage.graph, biased)),
    /`conv2d_1` has a bias, `conv2\.0\.conv2` has none/,
  );
});

test("the reason stands among the notes of what does not fit", async () => {
  const bytes = writeHdf5((file) =>
    writeLayer(file, "layers/conv2d", [{ shape: [1], data: Float32Array.of(1) }]),
  );
  const { checkpoint } = await openKeras(bytes, "odd.weights.h5");
  const { diagnostics, report } = collect();
  const request = { graph: oneStage.graph, checkpoint: checkpoint!, path: "odd.weights.h5", tables: [keras] };
  assert.not(bindWeights(request, report));
  assert.match((diagnostics[0].notes ?? []).map(({ message }) => message).join("\n"), /whose order is known/);
});

test.run();
