/**
 * What every build must reach, as ratios of times measured side by side: a floor, below which the gate closes, and the
 * aim. Ratios hold on any machine as far as they hold at all; times do not.
 */
import type { Runtime, Where } from "./contest.ts";
import type { Measure } from "./measures.ts";
import type { NetName } from "./nets.ts";

export interface Floor {
  readonly title: string;
  readonly sense: "at least" | "at most";
  readonly floor: number;
  readonly aim?: number;
  readonly measure: Measure;
}

const titles: Readonly<Record<NetName, string>> = {
  resnet18: "ResNet-18",
  resnet34: "ResNet-34",
  resnet50: "ResNet-50",
  resnet152: "ResNet-152",
  resnext50_32x4d: "ResNeXt-50 32x4d",
  mobilenet_v2: "MobileNetV2 1.0",
};

const runtimeTitles = {
  ours: "ours",
  relaxed: "ours, relaxed",
  tfjs: "tfjs",
  ort: "onnxruntime-web",
  // Where it is, ours has fused multiply-adds too: --fast-math relaxed.
  litert: "LiteRT.js, both relaxed",
} as const;

/** How many times as fast as a peer, or as the better of several. */
const speed =
  (where: Where, threads: number, ...peers: Runtime[]) =>
  (net: NetName, floor: number, aim: number): Floor => ({
    title: [
      titles[net],
      where === "node" ? "Node" : "Chromium",
      `${threads} thread${threads > 1 ? "s" : ""}`,
      `against ${peers.map((peer) => runtimeTitles[peer]).join(" and ")}`,
    ].join(", "),
    sense: "at least",
    floor,
    aim,
    measure: { kind: "speed", net, where, threads, peers },
  });

const nodeTfjs = speed("node", 1, "tfjs");
const nodeOrt = speed("node", 1, "ort");
const nodeOrt2 = speed("node", 2, "ort");
const nodeBoth = speed("node", 1, "tfjs", "ort");
const chromiumTfjs = speed("chromium", 1, "tfjs");
const chromiumTfjs2 = speed("chromium", 2, "tfjs");
const chromiumLitert = speed("chromium", 1, "litert");
const chromiumLitert2 = speed("chromium", 2, "litert");

const scaling = (net: NetName, floor: number, aim: number): Floor => ({
  title: `${titles[net]}, Node, 2 threads over 1`,
  sense: "at least",
  floor,
  aim,
  measure: { kind: "scaling", net },
});

const cost = (
  kind: Exclude<Measure["kind"], "speed" | "scaling">,
  what: string,
  net: NetName,
  floor: number,
  aim?: number,
): Floor => ({
  title: `${titles[net]}, ${what}`,
  sense: "at most",
  floor,
  ...(aim === undefined ? {} : { aim }),
  measure: { kind, net },
});

/** Eight times one picture, and 3 % for noise. */
const batchFloor = 1.03;

export const floors: readonly Floor[] = [
  nodeTfjs("resnet18", 2.7, 3.5),
  nodeTfjs("resnet34", 2.7, 3.6),
  nodeTfjs("resnet50", 1.7, 2.05),
  nodeTfjs("resnet152", 1.8, 2.1),
  nodeOrt("resnet18", 3.4, 4.5),
  nodeOrt("resnet50", 2.2, 2.7),
  nodeOrt2("resnet18", 3.0, 4),
  nodeOrt2("resnet34", 3.4, 4.5),
  nodeOrt2("resnet50", 2.2, 2.7),
  scaling("resnet18", 1.75, 1.95),
  scaling("resnet50", 1.85, 1.95),
  chromiumTfjs("resnet18", 2.5, 3.5),
  chromiumTfjs("resnet50", 1.7, 2.1),
  chromiumLitert("resnet18", 2.5, 3.4),
  chromiumLitert("resnet50", 1.5, 1.9),
  chromiumLitert2("resnet18", 2.2, 2.8),
  chromiumLitert2("resnet50", 1.6, 1.9),
  chromiumTfjs2("resnet50", 1.6, 2.0),
  nodeBoth("resnext50_32x4d", 1.5, 2.5),
  nodeBoth("mobilenet_v2", 1.0, 1.4),
  cost("cold", "first run over a steady one", "resnet18", 4, 2),
  cost("batch", "8 pictures at once over 8 times one", "resnet18", batchFloor),
  cost("batch", "8 pictures at once over 8 times one", "resnet50", batchFloor),
  cost("memory", "peak memory over weights and arena", "resnet50", 2.2),
  cost("memory against tfjs", "peak memory over tfjs'", "resnet50", 1),
  // 20 were of arrays alone; what takes pictures is 3.6 of them, workers and downloads that go on the rest.
  cost("code", "KB of module and loader by gzip", "resnet50", 27.3, 16),
];
