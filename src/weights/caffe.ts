/**
 * Weights of a .caffemodel, called by layer and role, in Caffe's layouts, which are torch's: kernels OIHW, matrices
 * [O, I] over channels first.
 *
 *     Convolution, Deconvolution, InnerProduct    res2a_branch2a/weight, res2a_branch2a/bias
 *     BatchNorm                                   bn2a_branch2a/mean, bn2a_branch2a/var
 *     Scale                                       scale2a_branch2a/scale, scale2a_branch2a/shift
 *
 * Caffe keeps sums of means and variances and, as a third blob, how many were added: what comes out of here is divided
 * by that.
 */
import { type CaffeBlob, type CaffeLayer, parseCaffe } from "./caffe-model.ts";
import type { Checkpoint, CheckpointTensor } from "./checkpoint.ts";
import { decodeElements, type Floats } from "./elements.ts";
import { ensure, quote, Unreadable } from "./unreadable.ts";

/** What the blobs of a layer are, in order. */
const roles: Readonly<Record<string, readonly string[]>> = {
  Convolution: ["weight", "bias"],
  Deconvolution: ["weight", "bias"],
  InnerProduct: ["weight", "bias"],
  BatchNorm: ["mean", "var"],
  Scale: ["scale", "shift"],
  Bias: ["bias"],
  PReLU: ["weight"],
};

/** Caffe's own. */
const usualEps = Math.fround(1e-5);

export function readCaffe(bytes: Uint8Array): Checkpoint {
  const layers = parseCaffe(bytes);
  const tensors = new Map<string, CheckpointTensor>();
  for (const layer of layers) {
    for (const tensor of tensorsOf(layer)) {
      ensure(!tensors.has(tensor.name), `it has two tensors called ${quote(tensor.name)}`);
      tensors.set(tensor.name, tensor);
    }
  }
  ensure(tensors.size > 0, "no layer of it has weights: it is a net without them");
  const odd = layers.find(({ eps = usualEps }) => eps !== usualEps);
  const notes = odd
    ? [`${quote(odd.name)} has eps ${Number(odd.eps?.toPrecision(6))}: see \`default bn(eps = …)\``]
    : [];
  return { format: "caffe", layout: "torch", tensors, notes };
}

function tensorsOf(layer: CaffeLayer): CheckpointTensor[] {
  const { name, type, blobs, transposed } = layer;
  ensure(name !== "", "a layer of it with weights has no name");
  ensure(!transposed, `${quote(name)} has its matrix turned (transpose), which resnetc does not read`);
  if (type === "BatchNorm") return normalised(layer);
  return blobs.map((blob, i) => {
    const role = roles[type]?.[i] ?? `blob${i}`;
    return asTensor(`${name}/${role}`, blob, shapeOf(blob, type, role), () =>
      decodeElements(blob.data(), blob.dtype),
    );
  });
}

const asTensor = (
  name: string,
  { dtype }: CaffeBlob,
  shape: readonly number[],
  read: () => Floats,
): CheckpointTensor => ({
  name,
  shape,
  dtype,
  read,
});

/** Without the sides of 1 in front that everything had when blobs had four sides. */
function shapeOf({ shape }: CaffeBlob, type: string, role: string): readonly number[] {
  const isKernel = role === "weight" && type !== "PReLU";
  if (isKernel) {
    const isMatrix = type === "InnerProduct" && shape.slice(0, -2).every((side) => side === 1);
    return isMatrix ? shape.slice(-2) : shape;
  }
  const long = shape.filter((side) => side !== 1);
  return long.length > 1 ? shape : [long[0] ?? 1];
}

/** Mean and variance of a batch normalisation, divided by its third blob. */
function normalised({ name, blobs }: CaffeLayer): CheckpointTensor[] {
  const [mean, variance, count, more] = blobs;
  if (!variance || more)
    throw new Unreadable(`${quote(name)} has ${blobs.length} blobs, a batch norm has 2 or 3`);
  const countSides = count?.shape ?? [];
  ensure(
    countSides.every((side) => side === 1),
    `${quote(name)} has [${countSides.join(", ")}] for its factor, which is one number`,
  );
  const factor = count ? decodeElements(count.data(), count.dtype)[0] : 1;
  const read = (blob: CaffeBlob) => () => {
    const values = decodeElements(blob.data(), blob.dtype);
    if (factor === 1) return values;
    // A net that has not seen a picture has 0, and Caffe's means are then 0 too.
    return values.map((value) => (factor === 0 ? 0 : value / factor));
  };
  return [mean, variance].map((blob, i) => {
    const role = roles.BatchNorm[i];
    return asTensor(`${name}/${role}`, blob, shapeOf(blob, "BatchNorm", role), read(blob));
  });
}
