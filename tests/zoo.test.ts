/**
 * The zoo: published networks in the language. Each has the published parameters and multiply-adds, counted as torchvision
 * does and as timm does, at every size that was published, and the published tensors by name and shape.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import { type AnalysedNet, analyse, analyseLoaded } from "../src/compile.ts";
import { countGraph } from "../src/ir/stats.ts";
import { otherGraphs, tablesOf } from "../src/node/find-weights.ts";
import { format } from "../src/parser/format.ts";
import { bindWeights } from "../src/weights/bind.ts";
import { familiesPage } from "./support/families.ts";
import { manifests, publishedModels } from "./support/manifests.ts";
import { root } from "./support/nets.ts";
import { requireShared, sharedPath } from "./support/shared.ts";
import { readZoo, zoo, zooFile, zooNetOf } from "./support/zoo.ts";

type Row = Readonly<Record<string, string>>;

/** A table of facts/ by its titles; no column that is read stands behind one with commas. */
function tableOf(file: string): readonly Row[] {
  const [head, ...rows] = readFileSync(sharedPath(file), "utf8").trim().split("\n");
  const titles = head.split(",");
  return rows.map((row) => Object.fromEntries(row.split(",").map((cell, i) => [titles[i], cell])));
}

const texts = suite("texts");
const analysed = new Map<string, readonly AnalysedNet[]>();

const files = [
  "timm",
  "timm_next",
  "timm_convnext",
  "timm_mobile",
  "timm_efficientnet",
  "timm_dla",
  "timm_hrnet",
  "timm_inception",
  "timm_xception",
  "torchvision",
  "torchvision_convnext",
  "torchvision_mobile",
  "torchvision_segmentation",
  "torchvision_detection",
  "torchvision_inception",
  "keras",
  "caffe",
  "papers",
];

for (const file of files) {
  texts(`${file} holds what it expects, in canonical format`, () => {
    const source = zoo(file);
    const { diagnostics, nets } = analyse(source, { net: "*", read: readZoo });
    assert.equal(diagnostics, []);
    assert.ok(nets.length > 0);
    analysed.set(file, nets);
    assert.is(format(source).text, source.text);
  });
}

texts("docs/families.md is the page of them; `npm run bless` writes it", () => {
  const page = familiesPage(analysed);
  const file = path.join(root, "docs", "families.md");
  if (process.env.BLESS) writeFileSync(file, page);
  assert.is(readFileSync(file, "utf8"), page);
});

texts.run();

/** What was published of a network at one size; of what is not known, nothing is compared. */
interface Published {
  readonly model: string;
  /** Absent where the net has it unless told. */
  readonly size?: string | undefined;
  readonly classes?: string;
  readonly params?: number;
  readonly macs?: number;
  /** The same in thousands of millions, to three digits. */
  readonly gmacs?: string;
  readonly timmMacs?: number;
  readonly state?: number;
  /** What looks at regions is a net of its own, MODEL_boxes: with how many of them the multiply-adds were counted. */
  readonly regions?: number;
}

/** What nets have unless told, most of them. */
const usual = "224x224x3";

/** A row of timm_models.csv. */
const timmRow = (row: Row): Published => ({
  model: row.model,
  size:
    row.img_size === "224" && row.native_img === "224" && row.in_chans === "3"
      ? undefined
      : `${row.img_size}x${row.img_size}x${row.in_chans}`,
  classes: row.num_classes,
  params: Number(row.param_count),
  macs: Number(row.macs_conv_fc_exact),
  timmMacs: Number(row.fvcore_total_exact),
});

/** A row of torchvision_weights.csv. */
const torchvisionRow = (row: Row): Published => ({
  model: row.model,
  size: row.crop === "224" ? undefined : `${row.crop}x${row.crop}x3`,
  params: Number(row.num_params),
  macs: Number(row.macs_conv_fc_exact),
});

const sources: readonly {
  readonly file: string;
  readonly facts: string;
  readonly count: number;
  readonly read: (row: Row) => Published | readonly Published[] | undefined;
}[] = [
  {
    file: "timm",
    facts: "facts/timm_models.csv",
    count: 106,
    read: (row) => (row.tier === "T3" ? undefined : timmRow(row)),
  },
  {
    file: "timm_next",
    facts: "facts/timm_models.csv",
    count: 62,
    read: (row) =>
      /^(skresne|res2ne|regnet[xy]_\d{3}$|resnest\d+[de]$|densenet|resnet32ts|(se|eca_|gc)?resne(t33ts|xt\d\dts)|gcresnet50t)/.test(
        row.model,
      )
        ? timmRow(row)
        : undefined,
  },
  {
    file: "timm_convnext",
    facts: "facts/timm_models.csv",
    count: 17,
    // Not those with a norm that subtracts nothing and divides by the unbiased deviation.
    read: (row) => (/^convnext_(?!zepto)/.test(row.model) ? timmRow(row) : undefined),
  },
  {
    file: "timm_mobile",
    facts: "facts/timm_models.csv",
    count: 42,
    read: (row) =>
      /^(mobilenetv[12]|(tf_)?mobilenetv3|(se)?mnasnet|spnasnet|fbnet|lcnet)/.test(row.model)
        ? timmRow(row)
        : undefined,
  },
  {
    file: "timm_efficientnet",
    facts: "facts/timm_models.csv",
    count: 57,
    read: (row) =>
      /^((tf_)?efficientnet(v2)?_(b\d|l2|lite\d|e[sml]|[smlx]l?|rw_[tsm])|tinynet_.|mobilenet_edgetpu_100)$/.test(
        row.model,
      )
        ? timmRow(row)
        : undefined,
  },
  {
    file: "timm_dla",
    facts: "facts/timm_models.csv",
    count: 12,
    read: (row) => (row.family === "dla" ? timmRow(row) : undefined),
  },
  {
    file: "timm_hrnet",
    facts: "facts/timm_models.csv",
    count: 11,
    read: (row) => (row.family === "hrnet" ? timmRow(row) : undefined),
  },
  {
    file: "timm_inception",
    facts: "facts/timm_models.csv",
    count: 3,
    read: (row) => (/^inception_(v3|v4|resnet_v2)$/.test(row.model) ? timmRow(row) : undefined),
  },
  {
    file: "timm_xception",
    facts: "facts/timm_models.csv",
    count: 6,
    read: (row) => (row.family.startsWith("xception") ? timmRow(row) : undefined),
  },
  {
    file: "torchvision",
    facts: "facts/torchvision_weights.csv",
    count: 38,
    read: (row) =>
      /^(resnet|resnext|wide|vgg|googlenet|densenet|regnet)/.test(row.model) &&
      row.weights !== "IMAGENET1K_FEATURES" &&
      !row.weights.includes("E2E")
        ? torchvisionRow(row)
        : undefined,
  },
  {
    file: "torchvision_convnext",
    facts: "facts/torchvision_weights.csv",
    count: 4,
    read: (row) => (row.model.startsWith("convnext") ? torchvisionRow(row) : undefined),
  },
  {
    file: "torchvision_mobile",
    facts: "facts/torchvision_weights.csv",
    count: 18,
    read: (row) => (/^(mobilenet|mnasnet|efficientnet)/.test(row.model) ? torchvisionRow(row) : undefined),
  },
  {
    file: "torchvision_segmentation",
    facts: "facts/torchvision_weights.csv",
    count: 4,
    read: (row) =>
      /^(fcn|deeplabv3)_resnet/.test(row.model) ? { ...torchvisionRow(row), size: undefined } : undefined,
  },
  {
    file: "torchvision_detection",
    facts: "facts/torchvision_weights.csv",
    count: 5,
    read: ({ model, num_params, ops_g }) =>
      /^(retinanet|fcos|fasterrcnn)_resnet/.test(model)
        ? {
            model,
            params: Number(num_params),
            gmacs: Number(ops_g).toFixed(3),
            ...(model.startsWith("faster") && { regions: 1000 }),
          }
        : undefined,
  },
  {
    file: "torchvision_inception",
    facts: "facts/torchvision_weights.csv",
    count: 2,
    // The parameters are published with the auxiliary classifier, the multiply-adds without it.
    read: ({ model, num_params, macs_conv_fc_exact, crop }) =>
      model === "inception_v3"
        ? [
            { model, size: `${crop}x${crop}x3`, macs: Number(macs_conv_fc_exact) },
            { model: "inception_v3_aux", size: `${crop}x${crop}x3`, params: Number(num_params) },
          ]
        : undefined,
  },
  {
    file: "keras",
    facts: "facts/keras_models.csv",
    count: 11,
    read: (row) =>
      /^(ResNet|VGG|DenseNet)/.test(row.model)
        ? {
            model: row.model.toLowerCase(),
            size: row.input === usual ? undefined : row.input,
            params: Number(row.trainable),
            state: Number(row.non_trainable),
            macs: Number(row.macs_conv) + Number(row.macs_dense),
          }
        : undefined,
  },
  {
    file: "caffe",
    facts: "facts/caffe_models.csv",
    count: 9,
    read: (row) => ({
      model: row.label.slice(6).replaceAll("-", "_").toLowerCase(),
      params: Number(row.params),
      macs: Number(row.macs),
    }),
  },
  {
    file: "papers",
    facts: "facts/paper_models_computed.csv",
    count: 72,
    read: (row) => ({
      model: row.model.replaceAll(/[-.]/g, "_"),
      params: Number(row.params),
      macs: Number(row.macs),
    }),
  },
];

for (const { file, facts, count, read: readRow } of sources) {
  if (!requireShared(facts)) continue;
  const counts = suite(`counts of ${file}`);
  const published = tableOf(facts).flatMap((row) => readRow(row) ?? []);
  const models = new Set(published.map(({ model }) => model));

  counts("none is left out", () => assert.is(models.size, count));

  for (const model of models) {
    counts(model, () => {
      for (const one of published.filter((each) => each.model === model)) {
        const countsOf = (net: string, settings = {}) => {
          const { nets, module } = analyseLoaded(zooFile(file), { net, settings });
          assert.ok(nets[0], `${module?.nets.length} nets, and not ${net}`);
          return countGraph(nets[0].graph);
        };
        const { params, macs, timmMacs, state } = countsOf(model, settingsOf(one));
        const boxes = one.regions ? countsOf(`${model}_boxes`) : { params: 0, macs: 0 };
        const found = {
          params: one.params && params + boxes.params,
          macs: one.macs && macs,
          gmacs: one.gmacs && ((macs + (one.regions ?? 0) * boxes.macs) / 1e9).toFixed(3),
          timmMacs: one.timmMacs && timmMacs,
          state: one.state && state,
        };
        const wanted = {
          params: one.params,
          macs: one.macs,
          gmacs: one.gmacs,
          timmMacs: one.timmMacs,
          state: one.state,
        };
        assert.equal(found, wanted, `at ${one.size}`);
      }
    });
  }

  counts.run();
}

function settingsOf({ size, classes }: Published): Record<string, string> {
  return { ...(size ? { size } : {}), ...(classes ? { classes } : {}) };
}

if (requireShared(manifests)) {
  const names = suite("names");
  const models = await publishedModels();
  let bound = 0;

  for (const { source, model, checkpoint } of models) {
    const net = model.toLowerCase();
    const found = zooNetOf(source, net);
    if (!found) continue;
    names(`${source} ${model}`, () => {
      const { report, diagnostics } = collect();
      const request = {
        checkpoint,
        path: model,
        tables: tablesOf(found.module),
        allowNaN: true,
        strict: true,
        // Faster R-CNN is two nets.
        others: () => otherGraphs(found.module, found.net.name),
      };
      const weights = bindWeights({ graph: found.net.graph, ...request }, report);
      assert.equal(diagnostics, []);
      assert.ok(weights);
      bound++;
    });
  }

  names("all of the manifests are of the zoo", () => assert.is(bound, 42));

  names.run();
}
