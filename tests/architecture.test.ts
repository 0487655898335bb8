/**
 * Recognition of checkpoints: the 42 published models by their names and shapes alone. The written specs load them, and
 * compute the logits that torchvision and timm computed with the same weights.
 */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import { makeSource } from "../src/base/source.ts";
import { wasm } from "../src/codegen/wasm/target.ts";
import { type AnalysedNet, analyse, emit } from "../src/compile.ts";
import { isOp } from "../src/ir/graph.ts";
import type { WeightSource } from "../src/ir/interpret.ts";
import { ops } from "../src/ir/ops/index.ts";
import { countGraph } from "../src/ir/stats.ts";
import { otherGraphs, tablesOf } from "../src/node/find-weights.ts";
import { format } from "../src/parser/format.ts";
import { startWasm } from "../src/run/wasm.ts";
import { isSpec, recogniseArchitecture, type Spec } from "../src/weights/architecture/index.ts";
import { bindWeights } from "../src/weights/bind.ts";
import type { Checkpoint, CheckpointTensor } from "../src/weights/checkpoint.ts";
import { isLong } from "./support/long.ts";
import { manifests, oracleInput, type PublishedModel, publishedModels } from "./support/manifests.ts";
import { toNchw, toNhwc } from "./support/networks.ts";
import { requireShared, sharedPath } from "./support/shared.ts";
import { type UpstreamRecord, upstreamLogits } from "./support/upstream-nets.ts";

/** What each is called. */
const titles: Readonly<Record<string, string>> = {
  "torchvision resnet18": "ResNet-18",
  "torchvision resnet34": "ResNet-34",
  "torchvision resnet50": "ResNet-50",
  "torchvision resnet101": "ResNet-101",
  "torchvision resnet152": "ResNet-152",
  "torchvision resnext50_32x4d": "ResNeXt-50 32x4d",
  "torchvision resnext101_32x8d": "ResNeXt-101 32x8d",
  "torchvision wide_resnet50_2": "Wide ResNet-50-2",
  "torchvision wide_resnet101_2": "Wide ResNet-101-2",
  "torchvision vgg11_bn": "VGG-11 with batch normalisation",
  "torchvision vgg16": "VGG-16",
  "torchvision vgg19": "VGG-19",
  "torchvision densenet121": "DenseNet-121",
  "torchvision googlenet": "GoogLeNet with batch normalisation",
  "torchvision regnet_x_400mf": "RegNetX of 22 blocks",
  "torchvision fcn_resnet50": "FCN with ResNet-50",
  "torchvision fasterrcnn_resnet50_fpn": "Faster R-CNN with ResNet-50 and a feature pyramid",
  "timm resnet18d": "ResNet-18-D",
  "timm resnet26t": "ResNet-26-T",
  "timm resnet50c": "ResNet-50-C",
  "timm resnet50d": "ResNet-50-D",
  "timm seresnet50": "SE-ResNet-50",
  "timm ecaresnet26t": "ECA-ResNet-26-T",
  "timm resnetrs50": "ResNet-RS-50",
  "timm resnetblur50": "ResNet-50",
  "timm resnetaa50d": "ResNet-50-D",
  "timm resnet50_gn": "ResNet-50 with group normalisation",
  "timm legacy_seresnet18": "SE-ResNet-18",
  "timm legacy_senet154": "SENet-154",
  "timm resnetv2_50": "ResNetV2-50",
  "timm resnetv2_50d_gn": "ResNetV2-50-D with group normalisation",
  "timm resnetv2_50x1_bit": "ResNetV2-50x1 (Big Transfer, BiT)",
  "timm skresnet18": "SK-ResNet-18",
  "timm res2net50_26w_4s": "Res2Net-50 26w 4s",
  "timm regnetx_002": "RegNetX of 13 blocks",
  "timm resnet33ts": "ResNet-33-TS",
  "keras ResNet50": "ResNet-50",
  "keras ResNet101": "ResNet-101",
  "keras ResNet152": "ResNet-152",
  "keras ResNet50V2": "ResNet-50 V2",
  "keras VGG16": "VGG-16",
  "keras VGG19": "VGG-19",
};

/** Whose specs use a table of the standard library, and which; the others bring their own. */
const tables: Readonly<Record<string, RegExp>> = {
  torchvision: /^(torchvision (resne|wide)|timm resnet(50_gn|blur50))/,
  timm: /^timm (resnet(18d|26t|50[cd]|rs50|aa50d)|seresnet50|ecaresnet26t)/,
  senet: /^timm legacy/,
  resnetv2: /^timm resnetv2/,
  keras: /^keras ResNet\d+$/,
};

const nameOf = ({ source, model }: PublishedModel): string => `${source} ${model}`;

const recognise = ({ model, checkpoint }: PublishedModel) =>
  recogniseArchitecture(checkpoint, `${model}.pth`);

/** The spec's net with the checkpoint's weights, and the tensors that it has no place for. */
function load({ model, checkpoint }: PublishedModel, spec: Spec, settings: Record<string, string> = {}) {
  const source = makeSource(`${spec.name}.resnet`, spec.text);
  const { nets, module, diagnostics, fine } = analyse(source, { settings });
  assert.ok(module && fine, diagnostics.map(({ message }) => message).join("; "));
  const [net] = nets;
  const used = new Set<string>();
  const watched: Checkpoint = {
    ...checkpoint,
    tensors: new Map(
      [...checkpoint.tensors].map(([name, tensor]) => [
        name,
        {
          ...tensor,
          read: () => {
            used.add(name);
            return tensor.read();
          },
        },
      ]),
    ),
  };
  const { report, diagnostics: problems } = collect();
  const weights = bindWeights(
    {
      graph: net.graph,
      checkpoint: watched,
      path: model,
      tables: tablesOf(module),
      allowNaN: true,
      others: () => otherGraphs(module, net.name),
    },
    report,
  );
  assert.ok(weights, problems.map(({ message }) => message).join("; "));
  return { net, weights, problems, used };
}

/** The first result for the oracle's input, in PyTorch's order. */
async function runOn(net: AnalysedNet, weights: WeightSource, side: number): Promise<Float64Array> {
  const { artifacts } = emit(net, { target: wasm, weights, weightsFrom: "test" });
  const started = await startWasm({ artifacts, threads: 1 });
  const input = toNhwc(await oracleInput(3 * side ** 2), [1, 3, side, side]);
  const [{ name }] = net.graph.nodes.filter((node) => isOp(node, ops.input));
  const [result] = Object.values(started.run({ [name]: input }));
  started.dispose();
  return toNchw(result);
}

/** A tensor of timm's resnetv2 as Big Transfer publishes it: its name, kernels HWIO. */
function asBigTransfer(tensor: CheckpointTensor): [string, CheckpointTensor] {
  const block = /^stages\.(\d)\.blocks\.(\d)\.(.*)\.(weight|bias)$/.exec(tensor.name);
  const leaf = tensor.name.endsWith(".weight") ? (tensor.shape.length === 4 ? "kernel" : "gamma") : "beta";
  const places: Readonly<Record<string, string>> = {
    "stem.conv.weight": "resnet/root_block/standardized_conv2d/kernel",
    "norm.weight": "resnet/group_norm/gamma",
    "norm.bias": "resnet/group_norm/beta",
    "head.fc.weight": "resnet/head/conv2d/kernel",
    "head.fc.bias": "resnet/head/conv2d/bias",
  };
  let name = places[tensor.name];
  if (block) {
    const [, stage, unit, part] = block;
    const inner =
      part === "downsample.conv"
        ? "a/proj/standardized_conv2d"
        : `${"abc"[Number(part.slice(-1)) - 1]}/${part.startsWith("conv") ? "standardized_conv2d" : "group_norm"}`;
    name = `resnet/block${Number(stage) + 1}/unit0${Number(unit) + 1}/${inner}/${leaf}`;
  }
  assert.ok(name, tensor.name);
  const [o, i, h, w] = tensor.shape;
  if (tensor.shape.length !== 4) return [name, { ...tensor, name }];
  const read = () => {
    const values = tensor.read();
    const turned = new Float32Array(values.length);
    for (let at = 0; at < values.length; at++) {
      // [O, I, h w] becomes [h w, I, O].
      const [out, rest] = [Math.floor(at / (i * h * w)), at % (i * h * w)];
      turned[((rest % (h * w)) * i + Math.floor(rest / (h * w))) * o + out] = values[at];
    }
    return turned;
  };
  return [name, { ...tensor, name, shape: [h, w, i, o], read }];
}

if (requireShared(manifests)) {
  const models = await publishedModels();

  // ---- what they are ------------------------------------------------------------------------------

  const known = suite("published models");

  known("there are 42, and each is expected", () => {
    assert.equal(models.map(nameOf).sort(), Object.keys(titles).sort());
  });

  for (const one of models) {
    const name = nameOf(one);
    known(name, () => {
      const found = recognise(one);
      assert.ok(found, "not recognised");
      assert.is(found.title, titles[name]);
      assert.ok(isSpec(found.spec));
      const { text } = found.spec;
      assert.is(format(makeSource("written.resnet", text)).text, text, "not in canonical format");
      const { problems, weights } = load(one, found.spec);
      assert.equal(problems, []);
      const [table] = Object.entries(tables).find(([, models]) => models.test(name)) ?? [];
      assert.is(/^names \w+ \{$/m.test(text), table === undefined, "std's table, or one of its own");
      if (table) assert.match(weights.notes[0], new RegExp(`^names: ${table}(,|$)`));
    });
  }

  known("multiply-adds are the published ones, counted as torchvision does and as timm does", () => {
    const [head, ...rows] = readFileSync(sharedPath("facts/timm_models.csv"), "utf8").trim().split("\n");
    const at = (row: string, title: string) => row.split(",")[head.split(",").indexOf(title)];
    const counted = models
      .filter(({ source }) => source === "timm")
      .map((one) => {
        const row = rows.find((each) => at(each, "model") === one.model);
        const found = recognise(one);
        assert.ok(row && found && isSpec(found.spec), one.model);
        const side = at(row, "img_size");
        const { net } = load(one, found.spec, { size: `${side}x${side}x3` });
        const { params, macs, timmMacs } = countGraph(net.graph);
        const published = ["param_count", "macs_conv_fc_exact", "fvcore_total_exact"].map((title) =>
          Number(at(row, title)),
        );
        assert.equal([params, macs, timmMacs], published, `${one.model} at ${side}`);
        return one.model;
      });
    assert.is(counted.length, 19);
  });

  known("a net of the backbone alone finds its weights behind the prefixes of detectors", () => {
    const text = `use bottleneck from std
net body {
  input 64x64x3
  conv1: conv(7x7, 64) /2 -> bn -> relu
  pool1: maxpool(3x3) /2
  conv2: bottleneck(64) x 3
  conv3: bottleneck(128) x 4 /2
  conv4: bottleneck(256) x 6 /2
  conv5: bottleneck(512) x 3 /2
}
`;
    for (const [model, prefix] of [
      ["fasterrcnn_resnet50_fpn", "backbone.body."],
      ["fcn_resnet50", "backbone."],
    ]) {
      const one = models.find((each) => each.model === model)!;
      const { weights, problems } = load(one, { name: "body", text });
      assert.is(
        weights.notes[0],
        `names: torchvision, which are those of \`timm\` too, prefix \`${prefix}\` removed`,
      );
      assert.equal(
        problems.map(({ code }) => code),
        ["extra-weight"],
      );
    }
  });

  known("a wrapper's prefix changes nothing but the prefix", () => {
    const [one] = models.filter(({ model }) => model === "resnet50d");
    const tensors = new Map(
      [...one.checkpoint.tensors].map(([name, tensor]) => [
        `module.model.${name}`,
        { ...tensor, name: `module.model.${name}` },
      ]),
    );
    const wrapped = recogniseArchitecture({ ...one.checkpoint, tensors }, "resnet50d.pth");
    assert.is(wrapped?.prefix, "module.model.");
    assert.equal({ ...wrapped, prefix: "" }, recognise(one));
  });

  known("shapes that several architectures share are told, and what file names say is heard", () => {
    const [plain] = models.filter(({ source, model }) => source === "torchvision" && model === "resnet50");
    const asked = (path: string) => recogniseArchitecture(plain.checkpoint, path)!;
    const questions = asked("weights.pth").open.map(({ what, assumed }) => `${what}: ${assumed}`);
    assert.equal(questions, [
      "which convolution of a bottleneck strides: the 3x3",
      "what makes maps smaller: strides",
    ]);
    const averaged = asked("resnetaa50.pth").spec;
    assert.ok(isSpec(averaged) && averaged.text.includes("smooth = avgpool(2x2)"));
    const blurred = asked("resnetblur50.pth").spec;
    assert.ok(isSpec(blurred) && blurred.text.includes("smooth = blurpool"));
  });

  known.run();

  // ---- what they compute --------------------------------------------------------------------------

  const logits = suite("logits of torchvision and timm");
  const { records } = JSON.parse(readFileSync(sharedPath(upstreamLogits), "utf8")) as {
    records: UpstreamRecord[];
  };
  let compared = 0;

  for (const record of records) {
    const source = record.source.split(" ")[0];
    const [one] = models.filter((each) => each.source === source && each.model === record.model);
    const found = one && recognise(one);
    if (!found || !isSpec(found.spec)) continue;
    if (!isLong && record.params > 26e6) continue;
    const { spec } = found;
    logits(nameOf(one), async () => {
      const settings = spec.text.includes("size =") ? { size: `${record.img}x${record.img}x3` } : {};
      const { net, weights, used } = load(one, spec, settings as Record<string, string>);
      const data = await runOn(net, weights, record.img);
      // Weights that are standardised differ little from each other, which costs digits.
      const allowed = (record.model.endsWith("_bit") ? 1e-4 : 1e-5) * record.f64.absmax;
      for (const [i, value] of record.logits_f64_first16.entries())
        assert.ok(Math.abs(data[i] - value) <= allowed, `logit ${i}: ${data[i]} for ${value}`);
      for (const [i, value] of Object.entries(record.f64.at))
        assert.ok(Math.abs(data[Number(i)] - value) <= allowed, `logit ${i}`);
      assert.is(Array.from(data).indexOf(Math.max(...data)), record.argmax);
      const counted = [...one.checkpoint.tensors.keys()].filter(
        (name) => !name.endsWith("num_batches_tracked"),
      );
      assert.equal(
        counted.filter((name) => !used.has(name)),
        [],
        "tensors that are not used",
      );
      compared++;
    });
  }

  logits("Big Transfer's own names and layout give the logits of timm's", async () => {
    const [one] = models.filter(({ model }) => model === "resnetv2_50x1_bit");
    const tensors = new Map([...one.checkpoint.tensors.values()].map((tensor) => asBigTransfer(tensor)));
    const npz: PublishedModel = { ...one, checkpoint: { ...one.checkpoint, layout: "tensorflow", tensors } };
    const found = recognise(npz);
    assert.ok(found, "not recognised");
    assert.is(found.title, "ResNetV2-50x1 (Big Transfer, BiT)");
    assert.is(found.convention, "Big Transfer");
    assert.ok(isSpec(found.spec));
    const { net, weights, problems } = load(npz, found.spec, { size: "64x64x3" });
    assert.equal(problems, []);
    assert.match(weights.notes[0], /^names: bit, told by `resnet\/root_block/);
    const record = records.find(({ model }) => model === one.model)!;
    const data = await runOn(net, weights, record.img);
    for (const [i, value] of record.logits_f64_first16.entries())
      assert.ok(Math.abs(data[i] - value) <= 1e-4 * record.f64.absmax, `logit ${i}`);
  });

  logits("nearly all of them are compared", () => assert.is(compared, isLong ? 29 : 23));

  logits.run();

  // ---- whatever comes ------------------------------------------------------------------------------

  const strange = suite("strange checkpoints");

  strange("tensors that are missing, renamed or of other shapes never throw", () => {
    const change = fc.record({
      model: fc.nat(models.length - 1),
      drop: fc.array(fc.nat(2000), { maxLength: 40 }),
      reshape: fc.array(fc.tuple(fc.nat(2000), fc.array(fc.nat(70), { maxLength: 5 })), { maxLength: 6 }),
      keep: fc.option(fc.nat(60)),
    });
    fc.assert(
      fc.property(change, ({ model, drop, reshape, keep }) => {
        const entries = [...models[model].checkpoint.tensors].slice(0, keep ?? undefined);
        for (const i of drop) entries.splice(i % Math.max(1, entries.length), 1);
        for (const [i, shape] of reshape) {
          const at = i % Math.max(1, entries.length);
          if (entries[at]) entries[at] = [entries[at][0], { ...entries[at][1], shape }];
        }
        const found = recogniseArchitecture(
          { ...models[model].checkpoint, tensors: new Map(entries) },
          "x.pth",
        );
        if (found && isSpec(found.spec)) analyse(makeSource("written.resnet", found.spec.text));
      }),
      { numRuns: 400, seed: 3 },
    );
  });

  strange("nothing is known of nothing", () => {
    const empty: Checkpoint = { format: "safetensors", layout: "torch", tensors: new Map(), notes: [] };
    assert.is(recogniseArchitecture(empty), undefined);
  });

  strange.run();
}
