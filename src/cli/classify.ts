/** Pictures to classes: `resnetc run` on PNG and JPEG files. */
import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { collect } from "../base/diagnostic.ts";
import type { Preprocess } from "../ir/ops/input.ts";
import { decodePicture, type Picture, prepareView } from "../run/picture.ts";
import { type Crops, type View, viewsOf } from "../run/views.ts";
import { labelSets } from "../std/labels.generated.ts";
import { isBytes, readBytes } from "./files.ts";
import { UsageError } from "./net-options.ts";
import type { Running, RunSubject } from "./run-subject.ts";
import { type DiagnosticFormat, paintFor, print, printDiagnostics } from "./terminal.ts";

export interface ClassifyArguments {
  /** What is seen of a picture; its middle unless given. */
  readonly crops?: Crops | undefined;
  /** Shorter sides of the pictures, separated by commas; the net's own unless given. */
  readonly scales?: string | undefined;
  readonly top: number;
  readonly json: boolean;
  readonly format: DiagnosticFormat;
}

const plain = (channels: number): Preprocess => ({
  mean: new Array<number>(channels).fill(0),
  std: new Array<number>(channels).fill(1),
  range: 1,
  order: "rgb",
  resize: 0,
  labels: "",
});

/** The exit code; a picture that cannot be read is told, and the others are classified. */
export async function classify(
  subject: RunSubject,
  images: readonly string[],
  options: ClassifyArguments,
): Promise<number> {
  const { inputs, outputs, name: net } = subject;
  const [input] = inputs;
  const [, height, width, classes] = outputs[0].shape;
  if (inputs.length !== 1) throw new UsageError(`${net} has ${inputs.length} inputs: pictures feed one`);
  const channels = input.shape[3];
  if (channels !== 3 && channels !== 1) {
    throw new UsageError(
      `the input of ${net} has ${channels} channels, a picture 3 or 1: use --raw and --out`,
    );
  }
  if (outputs.length !== 1 || height !== 1 || width !== 1) {
    const names = outputs.map(({ name }) => name).join(", ");
    throw new UsageError(`${net} gives ${names}, not classes: use --raw and --out`);
  }
  const preprocess = input.preprocess ?? plain(channels);
  const labels = labelSets[preprocess.labels];
  const scales = readScales(options.scales) ?? [preprocess.resize];
  const crops = options.crops ?? "1";
  const networks = new Networks(subject);
  let failed = false;
  try {
    for (const file of images.flatMap(picturesUnder)) {
      const { diagnostics, report } = collect();
      const bytes = readBytes(file);
      const picture = isBytes(bytes) ? decodePicture(bytes, file, report) : undefined;
      if (!picture) {
        printDiagnostics(isBytes(bytes) ? diagnostics : [bytes], options.format);
        failed = true;
        continue;
      }
      const views = scales.flatMap((shorter) => viewsOf(picture, input.shape, shorter, crops));
      const scores = await scoresOf(picture, views, networks, preprocess);
      const top = scores
        .map((score, index) => ({
          score,
          index,
          label: labels?.length === classes ? labels[index] : undefined,
        }))
        .sort((a, b) => b.score - a.score || a.index - b.index)
        .slice(0, options.top);
      if (options.json) print(JSON.stringify({ image: file, net, views: views.length, top }));
      else showTop(file, top);
    }
  } finally {
    networks.dispose();
  }
  return failed ? 1 : 0;
}

function readScales(text: string | undefined): readonly number[] | undefined {
  if (text === undefined) return undefined;
  const sides = text.split(",").map((side) => (/^\s*\d{1,5}\s*$/.test(side) ? Number(side) : 0));
  if (sides.includes(0)) throw new UsageError(`--scales ${text} is not a list of sides such as 224,256,384`);
  return sides;
}

/** The probabilities of all views, averaged. */
async function scoresOf(
  picture: Picture,
  views: readonly View[],
  networks: Networks,
  preprocess: Preprocess,
): Promise<number[]> {
  let sum: number[] = [];
  for (const view of views) {
    const { subject, running } = await networks.of(view);
    const [{ name, shape }] = subject.inputs;
    const data = prepareView(picture, view, shape[3], preprocess);
    const [output] = subject.outputs;
    const result = running.run({ [name]: { shape: [1, view.height, view.width, shape[3]], data } })[
      output.name
    ].data;
    const scores = output.probabilities ? Array.from(result) : softmax(result);
    sum = sum.length ? sum.map((total, i) => total + scores[i]) : scores;
  }
  return sum.map((total) => total / views.length);
}

/** The network for views of a size; the last one stays started, for views of one size follow each other. */
class Networks {
  readonly #declared: RunSubject;
  #last: { readonly subject: RunSubject; readonly running: Running } | undefined;

  constructor(declared: RunSubject) {
    this.#declared = declared;
  }

  async of({ height, width }: View): Promise<{ readonly subject: RunSubject; readonly running: Running }> {
    const isOf = ({ inputs }: RunSubject) => inputs[0].shape[1] === height && inputs[0].shape[2] === width;
    if (this.#last && isOf(this.#last.subject)) return this.#last;
    this.dispose();
    const subject = isOf(this.#declared) ? this.#declared : await this.#declared.at(height, width);
    this.#last = { subject, running: await subject.start() };
    return this.#last;
  }

  dispose(): void {
    this.#last?.running.dispose();
    this.#last = undefined;
  }
}

/** A folder's pictures in order of name; anything else as it is. */
function picturesUnder(name: string): string[] {
  if (!existsSync(name) || !statSync(name).isDirectory()) return [name];
  const found = readdirSync(name).filter((file) => /\.(png|jpe?g)$/i.test(file));
  return found.sort().map((file) => path.join(name, file));
}

function softmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const largest = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = values.map((value) => Math.exp(value - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((value) => value / sum);
}

function showTop(
  file: string,
  top: readonly { readonly score: number; readonly index: number; readonly label: string | undefined }[],
): void {
  print(paintFor(process.stdout)("bold", file));
  for (const { score, index, label } of top)
    print(`  ${(100 * score).toFixed(2).padStart(6)} %  ${label ?? `class ${index}`}`);
}
