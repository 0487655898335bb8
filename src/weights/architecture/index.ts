/**
 * Which architecture a checkpoint is of, from the names and shapes of its tensors alone: its family, depth and variant,
 * whose names it has, what its shapes leave open, and a spec that loads it.
 */
import type { Checkpoint } from "../checkpoint.ts";
import { wrapperPrefixes } from "../recognise-names.ts";
import { type Architecture, isSpec } from "./architecture.ts";
import { asTimm } from "./big-transfer.ts";
import { asLegacySenet, asTorchvision } from "./caffe-names.ts";
import { readConvnet, readDenseNet } from "./convnets.ts";
import { readDensePrediction } from "./dense-prediction.ts";
import { readDlibFace } from "./dlib-face.ts";
import { readKerasV2 } from "./keras-v2.ts";
import { readMobileNet } from "./mobilenet.ts";
import { describeResidual } from "./residual.ts";
import { readResidual } from "./residual-facts.ts";
import { formatted } from "./spec-text.ts";
import { legacySenet, type Style, styles, timmV2, torchvision } from "./style.ts";
import { countParams, Tensors } from "./tensors.ts";

export { type Architecture, isSpec, type OpenQuestion, type Spec } from "./architecture.ts";

/** `path` is only a hint: names of files often say what shapes do not. */
export function recogniseArchitecture(checkpoint: Checkpoint, path = ""): Architecture | undefined {
  for (const prefix of ["", ...wrapperPrefixes([...checkpoint.tensors.keys()])]) {
    const t = new Tensors(checkpoint.tensors, checkpoint.layout, prefix);
    const found = recogniseIn(t, path);
    if (found) return { ...found, spec: isSpec(found.spec) ? formatted(found.spec) : found.spec };
  }
  return undefined;
}

function recogniseIn(t: Tensors, path: string): Architecture | undefined {
  const params = countParams(t);
  const withHeads = readDensePrediction(t, params);
  if (withHeads) return withHeads;
  const distinct = readKerasV2(t, params) ?? readDenseNet(t, params);
  if (distinct) return distinct;
  const [translated, style] = translate(t);
  for (const each of style ? [style] : styles) {
    const facts = readResidual(translated, each);
    if (!facts) continue;
    if ("strange" in facts) {
      const { title, strange } = facts;
      return {
        title,
        convention: each.convention,
        prefix: t.prefix,
        facts: [],
        open: [],
        spec: { lacking: strange },
      };
    }
    return describeResidual(t, facts, each, { params, path });
  }
  return readConvnet(t, params) ?? readMobileNet(t, params) ?? readDlibFace(t, params);
}

/** Names that follow no pattern are read as another framework's, and have a style of their own. */
function translate(t: Tensors): readonly [Tensors, Style?] {
  const timm = asTimm(t);
  if (timm) return [timm, { ...timmV2, convention: "Big Transfer" }];
  const caffe = { framework: "caffe", pool: "ceil" } as const;
  const resnet = asTorchvision(t);
  if (resnet)
    return [resnet, { ...torchvision, ...caffe, convention: "Caffe (He et al. 2015)", early: true }];
  const senet = asLegacySenet(t);
  if (!senet) return [t];
  const picture = 'range = 255, mean = (104, 117, 123), order = "bgr", resize = 256';
  return [senet, { ...legacySenet, ...caffe, convention: "Caffe (Hu et al. 2017)", picture }];
}
