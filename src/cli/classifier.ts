/** A net that says what is on pictures: what `resnetc run` and each of its jobs does with a file. */
import { collect, type Diagnostic } from "../base/diagnostic.ts";
import { givesClasses } from "../codegen/target.ts";
import type { Preprocess } from "../ir/ops/input.ts";
import { isBytes, readBytes } from "../node/files.ts";
import { UsageError } from "../node/usage-error.ts";
import { plainPreprocess, prepareView } from "../pictures/prepare.ts";
import type { Pixels } from "../pictures/resize.ts";
import { best, type Guess, softmax } from "../pictures/scores.ts";
import { type Crops, type View, viewsOf } from "../pictures/views.ts";
import { decodePicture } from "../run/picture.ts";
import type { Running, RunSubject } from "./run-subject.ts";

export interface ViewArguments {
  /** What is seen of a picture; its middle unless given. */
  readonly crops?: Crops | undefined;
  /** Shorter sides of the pictures, separated by commas; the net's own unless given. */
  readonly scales?: string | undefined;
  readonly top: number;
}

/** What a file is; data alone, so that it goes from thread to thread. */
export type Classified =
  | { readonly image: string; readonly views: number; readonly top: readonly Guess[] }
  | { readonly image: string; readonly problems: readonly Diagnostic[] };

export class Classifier {
  readonly #subject: RunSubject;
  readonly #networks: Networks;
  readonly #preprocess: Preprocess;
  readonly #scales: readonly number[];
  readonly #crops: Crops;
  readonly #top: number;

  /** A usage error where the net does not classify pictures. */
  constructor(subject: RunSubject, { crops = "1", scales, top }: ViewArguments) {
    const { inputs, outputs, name } = subject;
    const [input] = inputs;
    if (inputs.length !== 1) throw new UsageError(`${name} has ${inputs.length} inputs: pictures feed one`);
    const channels = input.shape[3];
    if (channels !== 3 && channels !== 1) {
      throw new UsageError(
        `the input of ${name} has ${channels} channels, a picture 3 or 1: use --raw and --out`,
      );
    }
    if (!givesClasses(subject)) {
      const names = outputs.map((output) => output.name).join(", ");
      throw new UsageError(`${name} gives ${names}, not classes: use --raw and --out`);
    }
    this.#subject = subject;
    this.#preprocess = input.preprocess ?? plainPreprocess(channels);
    this.#scales = readScales(scales) ?? [this.#preprocess.resize];
    this.#crops = crops;
    this.#top = top;
    this.#networks = new Networks(subject);
  }

  async classify(image: string): Promise<Classified> {
    const { diagnostics, report } = collect();
    const bytes = readBytes(image);
    const picture = isBytes(bytes) ? await decodePicture(bytes, image, report) : undefined;
    if (!picture) return { image, problems: isBytes(bytes) ? diagnostics : [bytes] };
    const { inputs } = this.#subject;
    const views = this.#scales.flatMap((shorter) => viewsOf(picture, inputs[0].shape, shorter, this.#crops));
    const scores = await scoresOf(picture, views, this.#networks, this.#preprocess);
    const top = best(scores, this.#top, this.#subject.labels);
    return { image, views: views.length, top };
  }

  dispose(): void {
    this.#networks.dispose();
  }
}

function readScales(text: string | undefined): readonly number[] | undefined {
  if (text === undefined) return undefined;
  const sides = text.split(",").map((side) => (/^\s*\d{1,5}\s*$/.test(side) ? Number(side) : 0));
  if (sides.includes(0)) throw new UsageError(`--scales ${text} is not a list of sides such as 224,256,384`);
  return sides;
}

/** The probabilities of all views, averaged. */
async function scoresOf(
  picture: Pixels,
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
