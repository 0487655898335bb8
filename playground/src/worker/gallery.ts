/** Texts to begin with: the examples, and every published network of the zoo. */
import { isOp } from "../../../src/ir/graph.ts";
import { ops } from "../../../src/ir/ops/index.ts";
import { oneFile } from "../../../src/published/one-file.ts";
import { zooNames, zooNet, zooPlace } from "../../../src/published/zoo.ts";
import type { Gallery } from "../protocol.ts";
import { documentOf, examples } from "./documents.ts";

let known: Gallery | undefined;

export function gallery(): Gallery {
  known ??= {
    examples: [...examples].map(([name, text]) => ({ name, doc: /^## ?(.*)$/m.exec(text)?.[1] ?? "" })),
    zoo: zooNames(),
  };
  return known;
}

/** An example as it is; a published net with all that it is made of, to be changed. */
export function galleryText({ name }: { readonly name: string }): string {
  const example = examples.get(name);
  if (example !== undefined) return example;
  const place = zooPlace(name);
  const original = place && zooNet(name);
  if (!place || !original) throw new Error(`The gallery has no ${name}.`);
  const weights = original.graph.nodes.filter((node) => isOp(node, ops.param)).map((node) => node.name);
  const { module, net } = place;
  const text = (own: string) =>
    oneFile(module, net, { name: own, doc: `As ${name} was published.`, weights });
  // Something that it is made of may be called so.
  const isTaken = documentOf(text(net)).diagnostics.some(({ severity }) => severity === "error");
  return text(isTaken ? `my_${net}` : net);
}
