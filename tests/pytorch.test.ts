/**
 * The pytorch target: its texts, that Python reads them, and that the state dict has the names that were promised. What the
 * modules compute is compared with upstream's by scripts/check-pytorch.py, which needs torch.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { pytorch } from "../src/codegen/pytorch/target.ts";
import { type Emitted, emit } from "../src/compile.ts";
import { isOp } from "../src/ir/graph.ts";
import { ops } from "../src/ir/ops/index.ts";
import { tablesOf } from "../src/node/find-weights.ts";
import { heWeights } from "../src/weights/initialise.ts";
import { torchNames, translate } from "../src/weights/names.ts";
import { golden } from "./support/golden.ts";
import { type OpenedNet, openNet, root } from "./support/nets.ts";
import { bind } from "./support/networks.ts";
import { pytorchCase, pytorchCases } from "./support/pytorch-cases.ts";

interface Sample {
  readonly file: string;
  readonly net: string;
  readonly table?: string;
  /** Its text is a golden file. */
  readonly isGolden?: true;
}

const samples: readonly Sample[] = [
  { file: "examples/resnet50.resnet", net: "resnet50", table: "torchvision", isGolden: true },
  { file: "examples/cifar.resnet", net: "resnet20", isGolden: true },
  { file: "examples/googlenet.resnet", net: "googlenet", table: "torchvision_googlenet", isGolden: true },
  {
    file: "zoo/torchvision_detection.resnet",
    net: "retinanet_resnet50_fpn",
    table: "retinanet_names",
    isGolden: true,
  },
  { file: "examples/vgg.resnet", net: "vgg11_bn", table: "torchvision_vgg11_bn" },
  { file: "examples/densenet.resnet", net: "densenet121", table: "torchvision_densenet" },
  { file: "zoo/timm.resnet", net: "resnetblur50", table: "timm" },
  { file: "zoo/timm_convnext.resnet", net: "convnext_atto", table: "timm_convnext_names" },
  { file: "zoo/timm_hrnet.resnet", net: "hrnet_w18_small", table: "hrnet_names" },
  { file: "zoo/timm_dla.resnet", net: "dla34", table: "dla_names" },
];

const openedNets = new Map<string, OpenedNet>();
const opened = ({ file, net }: Sample): OpenedNet => {
  const known = openedNets.get(net) ?? openNet(path.join(root, file), { net });
  openedNets.set(net, known);
  return known;
};

const tableOf = (sample: Sample) => tablesOf(opened(sample).module).find(({ name }) => name === sample.table);

function written(sample: Sample, hasWeights = false, notes: string[] = []): Emitted {
  const { net } = opened(sample);
  return emit(net, {
    target: pytorch,
    weights: heWeights(net.graph, 0),
    weightsFrom: "somewhere",
    names: tableOf(sample),
    hasWeights,
    onNote: (line) => notes.push(line),
  });
}

const textOf = ({ artifacts }: Emitted): string => String(artifacts[0].contents);

/** Runs Python on files of these texts; undefined, with a reason, where there is none. */
function python(script: readonly string[], texts: readonly string[]): string | undefined {
  const folder = mkdtempSync(path.join(tmpdir(), "resnetc-pytorch-"));
  try {
    execFileSync("python3", ["-c", "import sys; assert sys.version_info >= (3, 8)"], { stdio: "ignore" });
  } catch {
    console.log("skipped: there is no python3 here to read the modules");
    return undefined;
  }
  try {
    const files = texts.map((text, i) => {
      const file = path.join(folder, `net${i}.py`);
      writeFileSync(file, text);
      return file;
    });
    return execFileSync("python3", [...script, ...files], { encoding: "utf8", cwd: root });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const sample of samples.filter(({ isGolden }) => isGolden))
  test(`the text of ${sample.net}`, () => {
    const text = textOf(written(sample)).replace(/Written by resnetc \S+ /, "Written by resnetc ");
    golden("pytorch", sample.net, text);
  });

test("Python reads what is written", () => {
  python(
    ["-m", "py_compile"],
    samples.map((sample) => textOf(written(sample))),
  );
});

test("the state dict has the names of the table, and nothing else", () => {
  const told = python(
    ["tests/support/torch-keys.py"],
    samples.map((sample) => textOf(written(sample))),
  );
  if (told === undefined) return;
  const keys = JSON.parse(told) as string[][];
  samples.forEach((sample, i) => {
    const wanted = opened(sample).net.graph.nodes.flatMap((node) =>
      isOp(node, ops.param) && !node.attrs.compute
        ? [translate(tableOf(sample) ?? torchNames, node.name)]
        : [],
    );
    assert.equal(keys[i], wanted.sort(), sample.net);
  });
});

for (const [name, cases] of pytorchCases)
  test(`${name} is said in Python`, () => {
    const texts = cases.map((one) => pytorchCase(name, one).text);
    for (const text of texts) assert.match(text, name === "input" ? /return / : /return .+\(|return .+[+*[]/);
    python(["-m", "py_compile"], texts);
  });

test("a checkpoint is written beside it, and read back by its names", () => {
  const sample = samples[1];
  const { net, module } = opened(sample);
  const { artifacts } = written(sample, true);
  assert.equal(
    artifacts.map(({ path: file }) => file),
    ["resnet20.py", "resnet20.safetensors"],
  );
  const bytes = artifacts[1].contents as Uint8Array;
  const back = bind(net, module, "resnet20.safetensors", { read: () => bytes });
  const before = heWeights(net.graph, 0);
  for (const node of net.graph.nodes)
    if (isOp(node, ops.param))
      assert.equal(Array.from(back.get(node.name)), Array.from(before.get(node.name)));
});

test("names that are no paths of modules are told, and ours stand instead", () => {
  const sample = { file: "examples/resnet50.resnet", net: "resnet50", table: "keras" };
  const notes: string[] = [];
  assert.match(textOf(written(sample, false, notes)), /self\.conv2 = nn\.Sequential\(/);
  assert.match(notes.join(), /names of keras/);
});

test.run();
