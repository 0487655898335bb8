/** docs/families.md: the networks of the zoo with their counts, as a page. */
import { count, short } from "../../src/base/show-number.ts";
import type { AnalysedNet } from "../../src/compile.ts";
import { isOp } from "../../src/ir/graph.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { countGraph, depthOf } from "../../src/ir/stats.ts";

const titles: Readonly<Record<string, string>> = {
  timm: "timm: resnet.py, senet.py, resnetv2.py",
  timm_next: "timm: sknet.py, res2net.py, resnest.py, regnet.py, densenet.py, byobnet.py",
  timm_convnext: "timm: convnext.py",
  timm_mobile: "timm: mobilenetv3.py, and what is older in efficientnet.py",
  timm_efficientnet: "timm: efficientnet.py",
  timm_dla: "timm: dla.py",
  timm_hrnet: "timm: hrnet.py",
  timm_inception: "timm: inception_v3.py, inception_v4.py, inception_resnet_v2.py",
  timm_xception: "timm: xception.py, xception_aligned.py",
  torchvision: "torchvision",
  torchvision_convnext: "torchvision: convnext.py",
  torchvision_mobile: "torchvision: mobilenetv2.py, mnasnet.py, mobilenetv3.py, efficientnet.py",
  torchvision_segmentation: "torchvision: segmentation",
  torchvision_detection: "torchvision: detection",
  torchvision_inception: "torchvision: inception.py",
  keras: "Keras' applications",
  caffe: "Caffe: He et al. and Hu et al.",
  papers: "The papers",
};

/** Of each file of the zoo, its nets. */
export function familiesPage(zoo: ReadonlyMap<string, readonly AnalysedNet[]>): string {
  const sections = [...zoo].map(([file, nets]) =>
    [
      `## ${titles[file]}`,
      "",
      `[zoo/${file}.resnet](../zoo/${file}.resnet)`,
      "",
      "| network | input | parameters | multiply-adds | as timm counts | layers |",
      "|---|---|---:|---:|---:|---:|",
      ...nets.map(rowOf),
    ].join("\n"),
  );
  return `${[head, ...sections].join("\n\n")}\n`;
}

const head = `# Families

The published networks that are written in the language, [zoo/](../zoo), with what is counted of them. A test compares the counts with the
published integers: parameters, multiply-adds as torchvision counts them (convolution and dense layers), and for timm's networks timm's
own count too (with norms, global pools, resizes and standardised kernels). The zoo's files also have nets of their own that others are derived
from; these stand here as well.

\`resnetc check FILE --against timm:resnet50\` compares a net with any of them, stage by stage, and \`resnetc info
zoo/timm.resnet#seresnext50_32x4d\` shows one.`;

function rowOf({ name, graph }: AnalysedNet): string {
  const { params, macs, timmMacs } = countGraph(graph);
  const input = graph.nodes
    .find((node) => isOp(node, ops.input))
    ?.type.shape.slice(1)
    .join("x");
  const cells = [name, input, count(params), short(macs), short(timmMacs), depthOf(graph)];
  return `| ${cells.join(" | ")} |`;
}
