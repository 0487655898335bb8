/** What `--precision` does to nets that somebody trained, on photos: for the test and for `npm run bench:precision`. */
import { readFileSync } from "node:fs";
import type { Artifact, Precision } from "../../src/codegen/target.ts";
import { wasm } from "../../src/codegen/wasm/target.ts";
import { emit } from "../../src/compile.ts";
import { isOp } from "../../src/ir/graph.ts";
import { ops } from "../../src/ir/ops/index.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { prepareView } from "../../src/pictures/prepare.ts";
import type { Pixels } from "../../src/pictures/resize.ts";
import { decodeAlone } from "../../src/run/picture.ts";
import { type StoredEffect, storedEffect } from "../../src/run/stored-effect.ts";
import { runWasm } from "../../src/run/wasm.ts";
import { randomValues } from "./random.ts";
import { sharedPath } from "./shared.ts";
import { cifarNet, faceNet, type TrainedNet } from "./trained-nets.ts";

export const fewerBits = ["f16", "u8"] as const satisfies readonly Precision[];
export type FewerBits = (typeof fewerBits)[number];

const photos = ["astronaut.png", "chelsea.png", "coffee.png", "china.jpg"];

/** Built with weights in these bits; and the megabytes of the file. */
function built(
  { net, weights }: TrainedNet,
  precision: Precision,
): { artifacts: readonly Artifact[]; mb: number } {
  const { artifacts } = emit(net, {
    target: wasm,
    weights,
    weightsFrom: "trained",
    arithmetic: { precision },
  });
  const { contents } = artifacts.find(({ path }) => path.endsWith(".weights"))!;
  return { artifacts, mb: contents.length / 1e6 };
}

export interface Measured extends StoredEffect {
  readonly mb: number;
}

/** ResNet-20 and 56 for CIFAR-10, on squares cut out of photos, so many of each, as small as their pictures. */
export async function cifarEffect(
  name: "resnet20" | "resnet56",
  precision: FewerBits,
  crops = 64,
): Promise<Measured> {
  const trained = cifarNet(name);
  const stored = built(trained, precision);
  const effect = await storedEffect({
    plain: built(trained, "f32").artifacts,
    stored: stored.artifacts,
    inputs: photoInputs(trained, crops),
  });
  return { ...effect, mb: stored.mb };
}

function* photoInputs({ net }: TrainedNet, crops: number): Generator<Record<string, Tensor>> {
  const input = net.graph.nodes.find((node) => isOp(node, ops.input))!;
  const [, height, width, channels] = input.type.shape;
  for (const [i, file] of photos.entries()) {
    const photo = decodeAlone(readFileSync(sharedPath(`models/photos/${file}`))) as Pixels;
    const random = randomValues(i, 3 * crops, 0, 1);
    for (let k = 0; k < crops; k++) {
      const [size, x, y] = random.subarray(3 * k, 3 * k + 3);
      // From a tenth of the shorter side to all of it, brought to the net's size.
      const scale = Math.min(photo.width, photo.height) * (0.1 + 0.9 * size);
      const resized = {
        width: Math.max(width, Math.round((photo.width * width) / scale)),
        height: Math.max(height, Math.round((photo.height * height) / scale)),
      };
      const left = Math.floor(x * (resized.width - width));
      const top = Math.floor(y * (resized.height - height));
      const view = { resized, left, top, width, height, mirrored: false };
      const data = prepareView(photo, view, channels, input.attrs.preprocess!);
      yield { [input.name]: { shape: [1, height, width, channels], data } };
    }
  }
}

/** dlib: two pictures show one person below this distance. */
export const threshold = 0.6;

export interface FaceEffect {
  readonly mb: number;
  readonly pairs: number;
  /** The largest difference of a value of a descriptor. */
  readonly value: number;
  /** The largest difference of the distance of a pair. */
  readonly distance: number;
  readonly sameDecision: number;
  /** How near to the threshold the distances come. */
  readonly nearest: number;
}

/** dlib's face net: each two of ten pictures. */
export async function faceEffect(precision: FewerBits): Promise<FaceEffect> {
  const trained = faceNet();
  const stored = built(trained, precision);
  const describe = async (artifacts: readonly Artifact[]) => {
    const { data } = Object.values(await runWasm({ artifacts, inputs: { input: trained.input } }))[0];
    const length = data.length / trained.cases;
    return Array.from({ length: trained.cases }, (_, i) =>
      Array.from(data.slice(i * length, (i + 1) * length)),
    );
  };
  const want = await describe(built(trained, "f32").artifacts);
  const got = await describe(stored.artifacts);
  const values = want.flatMap((descriptor, i) => descriptor.map((value, k) => Math.abs(value - got[i][k])));
  const pairs = want.flatMap((_, i) => want.slice(i + 1).map((_, k) => [i, i + 1 + k]));
  const distances = pairs.map(([a, b]) => [distance(want[a], want[b]), distance(got[a], got[b])]);
  return {
    mb: stored.mb,
    pairs: pairs.length,
    value: Math.max(...values),
    distance: Math.max(...distances.map(([before, after]) => Math.abs(before - after))),
    sameDecision: distances.filter(([before, after]) => before < threshold === after < threshold).length,
    nearest: Math.min(...distances.map(([before]) => Math.abs(before - threshold))),
  };
}

const distance = (a: readonly number[], b: readonly number[]): number =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0));
