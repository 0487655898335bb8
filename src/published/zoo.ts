/**
 * The published networks that are written in the language (zoo/): each SOURCE:MODEL of the catalogue that has a net, compiled.
 */
import { makeSource } from "../base/source.ts";
import { type AnalysedNet, analyseLoaded, type Loaded, load } from "../compile.ts";
import type { Module, ReadModule } from "../lower/modules.ts";
import { publishedNetworks } from "./catalogue.ts";
import { zooTexts } from "./zoo.generated.ts";

const sourceOf = (file: string) => makeSource(`${file}.resnet`, zooTexts[file]);

/** Files of the zoo use one another as "./timm". */
const read: ReadModule = (path) => {
  const file = path.replace("./", "");
  return Object.hasOwn(zooTexts, file) ? sourceOf(file) : { why: "the zoo has no such file" };
};

const loaded = new Map<string, Loaded>();

/** A file of the zoo, read once. */
function fileOf(file: string): Loaded {
  const known = loaded.get(file) ?? load(sourceOf(file), read);
  loaded.set(file, known);
  return known;
}

const has = ({ module }: Loaded, net: string): boolean =>
  module?.nets.some(({ item }) => item.name.text === net) ?? false;

/** The files of a source begin with its name: timm, timm_next. */
const filesOf = (source: string): readonly string[] =>
  Object.keys(zooTexts).filter((file) => file.startsWith(source));

/** Where the net of SOURCE:MODEL may stand: names of the catalogue have letters that names of nets have not. */
function placeOf(name: string): { readonly files: readonly string[]; readonly net: string } {
  const [source, model] = name.split(":");
  const net = model.replaceAll(/[-.]/g, "_");
  const files = filesOf(source);
  return { files, net: source === "keras" || source === "caffe" ? net.toLowerCase() : net };
}

/** The file that the net of SOURCE:MODEL stands in, and what it is called there; undefined where the zoo has none. */
export function zooPlace(name: string): { readonly module: Module; readonly net: string } | undefined {
  const { files, net } = placeOf(name);
  const module = files.map(fileOf).find((one) => has(one, net))?.module;
  return module && { module, net };
}

/** The net of SOURCE:MODEL under the settings; undefined where the zoo has none. */
export function zooNet(
  name: string,
  settings: Readonly<Record<string, string>> = {},
): AnalysedNet | undefined {
  const { files, net } = placeOf(name);
  const file = files.map(fileOf).find((one) => has(one, net));
  return file && analyseLoaded(file, { net, settings }).nets[0];
}

/** Those of the catalogue that have a net. */
export function zooNames(): readonly string[] {
  return [...publishedNetworks().keys()].filter((name) => {
    const { files, net } = placeOf(name);
    return files.some((file) => has(fileOf(file), net));
  });
}
