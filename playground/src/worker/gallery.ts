/** Texts to begin with: the examples, and every published network of the zoo. */
import { zooNames, zooPlace } from "../../../src/published/zoo.ts";
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

/** An example as it is; a published net as a text that uses it. */
export function galleryText({ name }: { readonly name: string }): string {
  const example = examples.get(name);
  if (example !== undefined) return example;
  const place = zooPlace(name);
  if (!place) throw new Error(`The gallery has no ${name}.`);
  const { module, net } = place;
  const file = module.source.name.replace(/\.resnet$/, "");
  const text = (own: string) =>
    `resnet 1\nuse ${net} from "./${file}"\n\n## ${name}, as it was published.\nnet ${own} = ${net} {}\n`;
  const own = `${net}_of_${name.split(":")[0]}`;
  // A name that is no word of its own is refused; then another has to do.
  return documentOf(text(own)).diagnostics.length === 0 ? text(own) : text("mine");
}
