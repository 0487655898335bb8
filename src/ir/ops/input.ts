/** input: where a picture enters, NHWC. Carries how the picture wants to be prepared. */
import { invariant } from "../../base/invariant.ts";
import type { Op } from "../op.ts";
import type { Shape } from "../tensor.ts";

/** How a picture becomes numbers: x = (range * pixel - mean) / std per channel, pixel in 0..1. */
export interface Preprocess {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly range: number;
  readonly order: "rgb" | "bgr";
  /** The shorter side is resized to this before the centre crop; 0 resizes it to the input itself. */
  readonly resize: number;
  /** How it is resized: as Pillow's BICUBIC; BILINEAR without it. */
  readonly filter?: "bicubic";
  /** Name of a label set, such as "imagenet-1k", or "". */
  readonly labels: string;
}

export interface InputAttrs {
  readonly shape: Shape;
  readonly preprocess?: Preprocess;
}

export const input: Op<InputAttrs> = {
  name: "input",
  summary: "where a picture enters",
  infer: (_inputs, { shape }) => ({ dtype: "f32", shape }),
  macs: () => 0,
  reference(_inputs, node) {
    invariant(false, `the interpreter feeds ${node.name}`);
  },
  print: () => "",
  emit: {
    // The module's function gets inputs as arguments: `ref` names them.
    tfjs: () => {},
    onnx: () => {},
  },
};
