/**
 * The published networks that are written in the language (zoo/): each SOURCE:MODEL of the catalogue that has a net, compiled.
 */
import { makeSource } from "../base/source.ts";
import { type AnalysedNet, analyse } from "../compile.ts";
import type { ReadModule } from "../lower/modules.ts";
import { publishedNetworks } from "./catalogue.ts";
import { zooTexts } from "./zoo.generated.ts";

const sourceOf = (file: string) => makeSource(`${file}.resnet`, zooTexts[file]);

/** Files of the zoo use one another as "./timm". */
const read: ReadModule = (path) => {
  const file = path.replace("./", "");
  return Object.hasOwn(zooTexts, file) ? sourceOf(file) : { why: "the zoo has no such file" };
};

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

/** The net of SOURCE:MODEL under the settings; undefined where the zoo has none. */
export function zooNet(
  name: string,
  settings: Readonly<Record<string, string>> = {},
): AnalysedNet | undefined {
  const { files, net } = placeOf(name);
  for (const file of files) {
    const [found] = analyse(sourceOf(file), { net, read, settings }).nets;
    if (found) return found;
  }
  return undefined;
}

/** Those of the catalogue that have a net. */
export function zooNames(): readonly string[] {
  const nets = new Map(
    Object.keys(zooTexts).map((file) => {
      const { module } = analyse(sourceOf(file), { net: "none of them", read });
      return [file, new Set(module?.nets.map(({ item }) => item.name.text))];
    }),
  );
  return [...publishedNetworks().keys()].filter((name) => {
    const { files, net } = placeOf(name);
    return files.some((file) => nets.get(file)?.has(net));
  });
}
