/** What weights in fewer bits change in a network's results: both networks run, on the same pictures. */
import type { Artifact, Card } from "../codegen/target.ts";
import { elements, type Tensor } from "../ir/tensor.ts";
import { plainPreprocess, prepare } from "../pictures/prepare.ts";
import { madeUpPicture } from "./made-up-pictures.ts";
import { type StartedWasm, startWasm } from "./wasm.ts";

export interface StoredEffect {
  readonly pictures: number;
  /** The largest difference in any result, in parts of the range of that picture's results. */
  readonly largest: number;
  /** Pictures whose largest result stays the same one; where there is one output, of classes. */
  readonly sameTop: number | undefined;
}

export interface StoredEffectRequest {
  /** With float32. */
  readonly plain: readonly Artifact[];
  readonly stored: readonly Artifact[];
  /** Each a batch of one. */
  readonly inputs: Iterable<Readonly<Record<string, Tensor>>>;
}

export async function storedEffect({ plain, stored, inputs }: StoredEffectRequest): Promise<StoredEffect> {
  const started: StartedWasm[] = [];
  try {
    started.push(await startWasm({ artifacts: plain }));
    started.push(await startWasm({ artifacts: stored }));
    let [pictures, largest, sameTop, isVector] = [0, 0, 0, true];
    for (const input of inputs) {
      const [want, got] = started.map((network) => Object.values(network.run(input)));
      pictures++;
      for (const [i, { data }] of want.entries()) largest = Math.max(largest, difference(data, got[i].data));
      isVector &&= want.length === 1 && want[0].shape[1] * want[0].shape[2] === 1 && want[0].shape[3] > 1;
      if (topOf(want[0].data) === topOf(got[0].data)) sameTop++;
    }
    return { pictures, largest, sameTop: isVector ? sameTop : undefined };
  } finally {
    for (const network of started) network.dispose();
  }
}

/** Made-up pictures for the inputs of a card, prepared as it says. */
export function* madeUpInputs({ inputs }: Card, count: number): Generator<Record<string, Tensor>> {
  for (let i = 0; i < count; i++) {
    yield Object.fromEntries(
      inputs.map(({ name, shape, preprocess }, place) => {
        const one = [1, ...shape.slice(1)];
        const picture = madeUpPicture(shape[2], shape[1], i * inputs.length + place);
        const channels = shape[3];
        const data =
          channels === 3 || channels === 1
            ? prepare(picture, one, preprocess ?? plainPreprocess(channels))
            : spread(picture.data, elements(one));
        return [name, { shape: one, data }];
      }),
    );
  }
}

/** For inputs that are no pictures: the same values, about 0. */
const spread = (values: ArrayLike<number>, count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => (values[i % values.length] - 120) / 58);

function difference(want: ArrayLike<number>, got: ArrayLike<number>): number {
  let [low, high, largest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (let i = 0; i < want.length; i++) {
    low = Math.min(low, want[i]);
    high = Math.max(high, want[i]);
    largest = Math.max(largest, Math.abs(want[i] - got[i]));
  }
  return high > low ? largest / (high - low) : largest;
}

function topOf(values: ArrayLike<number>): number {
  let top = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[top]) top = i;
  return top;
}
