/** The files of zoo/, as those who use one another see them. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { makeSource } from "../../src/base/source.ts";
import { analyseLoaded, type Loaded, load } from "../../src/compile.ts";
import type { ReadModule } from "../../src/lower/modules.ts";
import { root } from "./nets.ts";

export const zoo = (file: string) =>
  makeSource(`${file}.resnet`, readFileSync(path.join(root, "zoo", `${file}.resnet`), "utf8"));

export const readZoo: ReadModule = (file) => zoo(file.slice(2));

const files = readdirSync(path.join(root, "zoo")).map((name) => name.replace(".resnet", ""));
const loaded = new Map<string, Loaded>();

/** A file of the zoo, read once for all of its nets. */
export function zooFile(file: string): Loaded {
  const known = loaded.get(file) ?? load(zoo(file), readZoo);
  loaded.set(file, known);
  return known;
}

/** The zoo's net of a source's name, wherever it stands, with the module it stands in. */
export function zooNetOf(source: string, net: string, settings: Readonly<Record<string, string>> = {}) {
  for (const file of files.filter((name) => name.startsWith(source)).map(zooFile)) {
    if (!file.module?.nets.some(({ item }) => item.name.text === net)) continue;
    const [found] = analyseLoaded(file, { net, settings }).nets;
    return found && { net: found, module: file.module };
  }
  return undefined;
}
