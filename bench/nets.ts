/**
 * The nets that are measured, and what is built of each: our module, the tfjs module, the ONNX file. All have the
 * same seeded weights. A build is kept in bench/.cache until something that it is made of changes.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { targets } from "../src/codegen/targets.ts";
import { emit } from "../src/compile.ts";
import { countUses, type Graph, isOp, type Node } from "../src/ir/graph.ts";
import { ops } from "../src/ir/ops/index.ts";
import { elements } from "../src/ir/tensor.ts";
import { runPasses, standardPasses } from "../src/passes/pipeline.ts";
import { heWeights } from "../src/weights/initialise.ts";
import { openNet } from "../tests/support/nets.ts";
import { onnxModel } from "./onnx.ts";
import { bench, cache, root } from "./paths.ts";

const files = {
  resnet18: "examples/resnet18.resnet",
  resnet34: "examples/resnet34.resnet",
  resnet50: "examples/resnet50.resnet",
  resnet152: "examples/resnet152.resnet",
  resnext50_32x4d: "examples/resnext.resnet",
  mobilenet_v2: "bench/nets/mobilenet_v2.resnet",
} as const;

export type NetName = keyof typeof files;
export const netNames = Object.keys(files) as readonly NetName[];

/** What is built of a net: `wasm` is our own module. */
export type Kind = "wasm" | "tfjs" | "onnx";

const seed = 1;

/** The folder with the build of a net, made if there is none or an old one. */
export function built(name: NetName, kind: Kind): string {
  const folder = path.join(cache, kind, name);
  const key = keyOf(name, kind);
  if (readKey(folder) === key) return folder;
  process.stderr.write(`building ${name} for ${kind}\n`);
  const made = artifacts(name, kind);
  const fresh = `${folder}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  for (const { path: file, contents } of made) writeFileSync(path.join(fresh, file), contents);
  writeFileSync(path.join(fresh, "package.json"), '{ "type": "module" }\n');
  writeFileSync(path.join(fresh, keyFile), key);
  rmSync(folder, { recursive: true, force: true });
  renameSync(fresh, folder);
  return folder;
}

function artifacts(name: NetName, kind: Kind) {
  const net = openNamed(name);
  const weights = heWeights(net.graph, seed);
  if (kind === "onnx") {
    const graph = runPasses(net.graph, standardPasses);
    return [{ path: `${name}.onnx`, contents: onnxModel(graph, weights) }];
  }
  const target = targets.find((one) => one.name === kind);
  if (!target) throw new Error(`This resnetc has no target ${kind}.`);
  // Both kinds of kernels: contestants say which they run.
  const arithmetic = { relaxed: kind === "wasm" };
  return emit(net, { target, weights, weightsFrom: `He initialisation, seed ${seed}`, arithmetic }).artifacts;
}

/** The net as written. */
export const openNamed = (name: NetName) => openNet(path.join(root, files[name]), { net: name }).net;

// ---- what a build is made of -----------------------------------------------------------------------

const keyFile = "key.txt";

function readKey(folder: string): string | undefined {
  try {
    return readFileSync(path.join(folder, keyFile), "utf8");
  } catch {
    return undefined;
  }
}

/** A digest of the net's text and of the sources that make the build: the compiler, for ONNX its writer. */
function keyOf(name: NetName, kind: Kind): string {
  const hash = createHash("sha256").update(readFileSync(path.join(root, files[name])));
  const sources = readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.startsWith("cli"))
    .filter((file) => kind === "wasm" || !file.startsWith(path.join("codegen", "wasm")))
    .sort()
    .map((file) => path.join(root, "src", file));
  if (kind === "onnx") sources.push(path.join(bench, "onnx.ts"), path.join(bench, "protobuf.ts"));
  for (const file of sources) hash.update(file).update(readFileSync(file));
  return hash.digest("hex");
}

// ---- memory that a net cannot do without -----------------------------------------------------------

/** Bytes of the weights, and of the maps that live at the same time where they are most. */
export function leastMemory(name: NetName): { readonly weights: number; readonly arena: number } {
  const graph = runPasses(openNamed(name).graph, standardPasses);
  const read = new Set(graph.nodes.filter((node) => !isOp(node, ops.param)).flatMap(({ inputs }) => inputs));
  const params = [...read].filter((node) => isOp(node, ops.param));
  return { weights: params.reduce((sum, node) => sum + bytesOf(node), 0), arena: peakOfMaps(graph) };
}

/** The peak of a run in the graph's order, a map dying behind its last reader. */
export function peakOfMaps(graph: Graph): number {
  const uses = new Map(countUses(graph));
  let live = 0;
  let peak = 0;
  for (const node of graph.nodes) {
    if (isOp(node, ops.param)) continue;
    live += bytesOf(node);
    peak = Math.max(peak, live);
    for (const input of node.inputs) {
      if (isOp(input, ops.param)) continue;
      const left = uses.get(input)! - 1;
      uses.set(input, left);
      if (left === 0) live -= bytesOf(input);
    }
  }
  return peak;
}

const bytesOf = ({ type }: Node): number => 4 * elements(type.shape);
