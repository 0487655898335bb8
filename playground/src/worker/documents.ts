/** The texts in the editors as documents: what was learned of a text is kept for as long as it stays. */

import { type AnalysedNet, defaultNet } from "../../../src/compile.ts";
import type { Document } from "../../../src/language/document.ts";
import { Workspace } from "../../../src/language/workspace.ts";
import { zooTexts } from "../../../src/published/zoo.generated.ts";
import type { Spec } from "../protocol.ts";

const found = import.meta.glob<string>("../../../examples/*.resnet", {
  query: "?raw",
  import: "default",
  eager: true,
});

/** The files of examples/ by their names without an ending. */
export const examples: ReadonlyMap<string, string> = new Map(
  Object.entries(found).map(([path, text]) => [path.replace(/^.*\/|\.resnet$/g, ""), text]),
);

/** What `use … from "./x"` finds: the examples and the zoo. */
const workspace = new Workspace({
  resolve: (request) => request.replace(/^\.\//, "").replace(/\.resnet$/, ""),
  read: (name) => {
    const text = examples.get(name) ?? (Object.hasOwn(zooTexts, name) ? zooTexts[name] : undefined);
    return text ?? { why: "a page has no files but the examples' and the zoo's" };
  },
  list: () => [],
});

export const files = (): readonly string[] =>
  [...examples.keys(), ...Object.keys(zooTexts)].map((name) => `./${name}`);

/** Texts that were asked for last: the editor's, and that beside it. */
const kept: Document[] = [];

export function documentOf(text: string): Document {
  const known = kept.findIndex((document) => document.text === text);
  const document = known >= 0 ? kept.splice(known, 1)[0] : workspace.open("net.resnet", text);
  kept.unshift(document);
  kept.length = Math.min(kept.length, 3);
  return document;
}

export const netsOf = ({ module }: Document): readonly string[] =>
  module?.nets.map(({ item }) => item.name.text) ?? [];

/** The net that is meant; undefined where there is none, or it fails. */
export function netOf({ text, net }: Spec): AnalysedNet | undefined {
  const document = documentOf(text);
  const names = netsOf(document);
  const usual = () => (document.module && defaultNet(document.module)?.item.name.text) ?? names[0];
  const name = net !== undefined && names.includes(net) ? net : usual();
  return name === undefined ? undefined : document.net(name);
}

export function neededNet(spec: Spec): AnalysedNet {
  const net = netOf(spec);
  if (!net) throw new Error("The text has mistakes: nothing can be made of it before they are mended.");
  return net;
}
