/** The texts that `resnetc new` starts from: nets of the examples and of the zoo, each as a file of its own. */
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { makeSource } from "../base/source.ts";
import { allNearest, didYouMean } from "../base/suggest.ts";
import { analyse, load } from "../compile.ts";
import { isOp } from "../ir/graph.ts";
import { param } from "../ir/ops/param.ts";
import type { Module } from "../lower/modules.ts";
import { isSource, readModule, readSource } from "../node/files.ts";
import { packageFile } from "../node/package-files.ts";
import { UsageError } from "../node/usage-error.ts";
import { oneFile } from "../published/one-file.ts";
import { zooNames, zooPlace } from "../published/zoo.ts";

interface Place {
  readonly module: Module;
  readonly net: string;
  /** What it is, for one who has forgotten. */
  readonly origin: string;
}

/** The text of a file with the net of `from` under another name, which compiles. */
export function specFrom(from: string, name: string): string {
  if (!/^[A-Za-z_]\w*$/.test(name))
    throw new UsageError(`${name} is no name of a net: letters, digits and _, a letter first`);
  const place = findPlace(from);
  if (!place) throw new UsageError(unknown(from));
  const { module, net, origin } = place;
  const original = analyse(module.source, { net, read: readModule }).nets[0] ?? undefined;
  const weights = (original?.graph.nodes ?? []).filter((node) => isOp(node, param)).map((node) => node.name);
  const text = oneFile(module, net, { name, doc: `As ${origin}.`, weights });
  const { fine } = analyse(makeSource(`${name}.resnet`, text), { net: name });
  if (!fine)
    throw new UsageError(`${name} is taken by something that ${from} is made of: choose another name`);
  return text;
}

function findPlace(from: string): Place | undefined {
  if (from.includes(":")) return zoo(from);
  const example = examples().find(({ net }) => net === from);
  if (example) return example;
  for (const source of ["torchvision", "timm", "keras", "papers", "caffe"]) {
    const found = zoo(`${source}:${from}`);
    if (found) return found;
  }
  return undefined;
}

function zoo(name: string): Place | undefined {
  const place = zooPlace(name);
  return place && { ...place, origin: `the published network ${name}` };
}

/** Every net of the examples; a file's own comes before those of others that are called the same. */
function examples(): readonly Place[] {
  const folder = packageFile("examples/");
  if (!existsSync(folder)) return [];
  const places: Place[] = [];
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".resnet"))) {
    const source = readSource(fileURLToPath(new URL(file, folder)));
    const module = isSource(source) ? load(source, readModule).module : undefined;
    for (const { item } of module?.nets ?? [])
      places.push({ module: module!, net: item.name.text, origin: `${item.name.text} of examples/${file}` });
  }
  return places;
}

function unknown(from: string): string {
  const names = [...examples().map(({ net }) => net), ...zooNames()];
  const near = allNearest(from, new Set([...names, ...names.map((name) => name.replace(/^.*:/, ""))]));
  const hint = didYouMean(near, "") ?? "the examples and the networks of docs/families.md are there";
  return `--from ${from}: there is no such net; ${hint}`;
}
