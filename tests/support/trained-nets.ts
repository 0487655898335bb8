/** Nets with weights that somebody trained, pictures, and what others computed of them in float64. */
import { readFileSync } from "node:fs";
import { isOp } from "../../src/ir/graph.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { elements, type Tensor } from "../../src/ir/tensor.ts";
import { prepare } from "../../src/pictures/prepare.ts";
import { decodeAlone } from "../../src/run/picture.ts";
import type { BoundWeights } from "../../src/weights/bind.ts";
import { examplePath, type OpenedNet, openNet, root } from "./nets.ts";
import { bind, toNhwc } from "./networks.ts";
import { sharedPath } from "./shared.ts";

export interface TrainedNet extends OpenedNet {
  readonly weights: BoundWeights;
  /** Several pictures. */
  readonly input: Tensor;
}

// ---- akamaster's CIFAR nets ---------------------------------------------------------------------------

export const cifarLogits = "models/cifar/expected-logits.json";

export interface CifarNet extends TrainedNet {
  /** By PyTorch. */
  readonly logits: { readonly data: readonly number[] };
}

export function cifarNet(name: "resnet20" | "resnet56"): CifarNet {
  const record = JSON.parse(readFileSync(sharedPath(cifarLogits), "utf8"))[name];
  const shape = [2, 3, 32, 32];
  // x[i] = ((i * 2654435761) mod 2^32) / 2^32 * 4 - 2, by the flat NCHW index.
  const pixels = Float32Array.from(
    { length: elements(shape) },
    (_, i) => ((Math.imul(i, 2654435761) >>> 0) / 2 ** 32) * 4 - 2,
  );
  const opened = openNet(examplePath("cifar.resnet"), { net: name });
  return {
    ...opened,
    weights: bind(opened.net, opened.module, sharedPath(`models/cifar/${record.file}`)),
    input: toNhwc(pixels, shape),
    logits: { data: record.logits_f64.flat() },
  };
}

// ---- dlib's face net ----------------------------------------------------------------------------------

export const faceDescriptors = "models/dlib-face/expected-public.json";

export interface FaceNet extends TrainedNet {
  readonly cases: number;
  /** The largest difference to the descriptors, absolute. */
  worst(results: Readonly<Record<string, Tensor>>): number;
}

interface FaceCase {
  readonly kind: string;
  readonly file?: string;
  readonly k?: number;
  readonly value?: number;
  readonly descriptor_f64: readonly number[];
}

const side = 150;

export function faceNet(): FaceNet {
  const { cases } = JSON.parse(readFileSync(sharedPath(faceDescriptors), "utf8")) as { cases: FaceCase[] };
  const manifest = `${root}node_modules/@vladmandic/face-api/model/face_recognition_model-weights_manifest.json`;
  const opened = openNet(examplePath("dlib_face.resnet"));
  const { nodes, outputs } = opened.net.graph;
  const [preprocess] = nodes.flatMap((node) => (isOp(node, ops.input) ? [node.attrs.preprocess!] : []));
  const shape = [cases.length, side, side, 3];
  const data = new Float32Array(elements(shape));
  for (const [i, one] of cases.entries()) {
    const picture = { width: side, height: side, data: pictureOf(one), channels: 3 as const };
    data.set(prepare(picture, [1, side, side, 3], preprocess), i * side * side * 3);
  }
  return {
    ...opened,
    weights: bind(opened.net, opened.module, manifest),
    input: { shape, data },
    cases: cases.length,
    worst(results) {
      const got = results[outputs[0].name].data;
      const expected = cases.flatMap(({ descriptor_f64 }) => descriptor_f64);
      return expected.reduce((most, value, i) => Math.max(most, Math.abs(got[i] - value)), 0);
    },
  };
}

/** RGB bytes. */
function pictureOf({ kind, file, k = 0, value = 0 }: FaceCase): Uint8Array {
  if (kind === "const") return new Uint8Array(side * side * 3).fill(value);
  if (kind === "synth") {
    return Uint8Array.from({ length: side * side * 3 }, (_, i) => {
      const [h, w, channel] = [Math.floor(i / (side * 3)), Math.floor(i / 3) % side, i % 3];
      return ((h * 7 + w * 13 + channel * 29 + k * 31) ^ ((h * w) >> 3)) & 255;
    });
  }
  const picture = decodeAlone(readFileSync(sharedPath(`models/dlib-face/${file}`)));
  if (typeof picture === "string") throw new Error(`${file}: ${picture}`);
  const rgb = Uint8Array.from(picture.data);
  if (kind !== "hflip") return rgb;
  return rgb.map((_, i) => {
    const [h, w] = [Math.floor(i / (side * 3)), Math.floor(i / 3) % side];
    return rgb[(h * side + (side - 1 - w)) * 3 + (i % 3)];
  });
}
