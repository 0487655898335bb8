/**
 * The part of a generated module that takes pictures, as text, and what the other files must know of it: whether the net
 * takes one and says what is on it, and by which names.
 */
import { type Card, givesClasses } from "../target.ts";
import { classifyText, prepareText } from "./pictures.generated.ts";

export interface PictureUse {
  /** Whether the one output is classes; the module has `classify` then. */
  readonly classifies: boolean;
  /** A name for each class, or none. */
  readonly labels: readonly string[];
}

/** Undefined where the net has no picture as its one input. */
export function pictureUse(card: Card, labels: readonly string[] = []): PictureUse | undefined {
  const { inputs, outputs } = card;
  const channels = inputs[0]?.shape[3];
  if (inputs.length !== 1 || (channels !== 3 && channels !== 1)) return undefined;
  const classifies = givesClasses(card);
  return { classifies, labels: classifies && labels.length === outputs[0].shape[3] ? labels : [] };
}

/** More than this many characters of labels are a file of their own, which comes when it is needed. */
const fewLabels = 2000;

/** The file of the labels, if there is one. */
export function labelsFile(
  name: string,
  { labels }: PictureUse,
): { path: string; contents: string } | undefined {
  const text = listText(labels);
  return text.length > fewLabels
    ? { path: `${name}.labels.js`, contents: `export const labels = ${text};\n` }
    : undefined;
}

/** One long text takes less than many short ones. */
const listText = (labels: readonly string[]): string =>
  labels.some((label) => label.includes("\n"))
    ? JSON.stringify(labels)
    : `${JSON.stringify(labels.join("\n"))}.split("\\n")`;

/** For NAME.json. */
export const labelsTable = (use: PictureUse | undefined): { labels?: readonly string[] } =>
  use && use.labels.length > 0 ? { labels: use.labels } : {};

/** `labels`, a function to the promise of all. */
export function labelsText(name: string, use: PictureUse): string {
  const file = labelsFile(name, use);
  return file
    ? `const labels = async () => (await import(${JSON.stringify(`./${encodeURIComponent(name)}.labels.js`)})).labels;`
    : `const labels = async () => ${JSON.stringify(use.labels)};`;
}

/** The methods of a network for pictures; `run` takes inputs by name and promises outputs. */
export const pictureMethodsText = ({ classifies }: PictureUse): string => `
// ---- pictures ----------------------------------------------------------------------------------

const pictures = ${classifies ? classifyText : prepareText};

const pictureMethods = (${classifies ? "run" : ""}) => ({
  prepare: (image) => pictures.preparePicture(card.inputs[0], image),${classifies ? classifyMethod : ""}
});
`;

const classifyMethod = `

  async classify(image, options = {}) {
    pictures.checkTop(options);
    const input = await pictures.preparePicture(card.inputs[0], image);
    options.signal?.throwIfAborted();
    const results = await run({ [inputs[0].name]: input });
    return pictures.answer(results[outputs[0].name], card.outputs[0], options, await labels());
  },

  labels,`;
