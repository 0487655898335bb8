/** Writes .caffemodel files: layers of 2015 and after, and of before, blobs in all the ways that Caffe has written them. */

import { bytes, type Chunks, int, join, message, text } from "../../bench/protobuf.ts";

export interface Blob {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface Layer {
  readonly name: string;
  readonly type: string;
  readonly blobs: readonly Blob[];
}

export interface Format {
  /** `layers` of before 2015, whose types are numbers. */
  readonly old?: boolean;
  /** Four sides in place of a shape. */
  readonly sides?: boolean;
  /** A field for each number. */
  readonly unpacked?: boolean;
  readonly double?: boolean;
}

const oldTypes: Readonly<Record<string, number>> = { Data: 5, Convolution: 4, InnerProduct: 14, ReLU: 18 };

function blobChunks({ shape, values }: Blob, { sides, unpacked, double }: Format): Chunks {
  const four = [...Array<number>(4 - Math.min(4, shape.length)).fill(1), ...shape];
  // A dimension is an integer without a key in front.
  const dims = join(shape.flatMap((side) => int(0, side).slice(1)));
  const numbers = double ? Float64Array.from(values) : values;
  const content = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  const [key, wire, width] = double ? [8, 1, 8] : [5, 5, 4];
  return [
    ...(sides ? four.flatMap((side, i) => int(i + 1, side)) : message(7, bytes(1, dims))),
    ...(unpacked
      ? Array.from(values, (_, i) => [
          Uint8Array.of(8 * key + wire),
          content.subarray(i * width, (i + 1) * width),
        ]).flat()
      : bytes(key, content)),
  ];
}

function layerChunks({ name, type, blobs }: Layer, format: Format): Chunks {
  const contents = blobs.map((blob) => blobChunks(blob, format));
  if (format.old)
    return message(
      2,
      text(3, name),
      text(4, name),
      int(5, oldTypes[type]),
      ...contents.map((content) => message(6, content)),
    );
  return message(
    100,
    text(1, name),
    text(2, type),
    text(4, name),
    ...contents.map((content) => message(7, content)),
  );
}

export const caffeModel = (name: string, layers: readonly Layer[], format: Format = {}): Uint8Array =>
  join([...text(1, name), ...layers.flatMap((layer) => layerChunks(layer, format))]);

// ---- the published ResNets ----------------------------------------------------------------------------

/** Blocks of each stage. ResNet-50 has letters for its blocks, the deeper ones b1, b2, … in the long stages. */
const depths = { 50: [3, 4, 6, 3], 101: [3, 4, 23, 3], 152: [3, 8, 36, 3] } as const;
export type Depth = keyof typeof depths;

/** What the sums of means and variances are to be divided by. */
export const batches = 4;

/**
 * The layers of ResNet-N-deploy.prototxt that have weights, in order; `fill` gives the values of each. Published is a
 * width of 64.
 */
export function resnetLayers(
  depth: Depth,
  fill: (layer: string, blob: number, count: number) => Float32Array,
  narrow = 64,
): Layer[] {
  const layer = (name: string, type: string, ...shapes: number[][]): Layer => ({
    name,
    type,
    blobs: shapes.map((shape, i) => {
      const count = shape.reduce((product, side) => product * side, 1);
      // The third blob of a batch norm.
      const values = type === "BatchNorm" && i === 2 ? Float32Array.of(batches) : fill(name, i, count);
      return { shape, values };
    }),
  });
  const unit = (conv: string, suffix: string, o: number, i: number, k: number, bias = false): Layer[] => [
    layer(conv, "Convolution", [o, i, k, k], ...(bias ? [[o]] : [])),
    layer(`bn${suffix}`, "BatchNorm", [o], [o], [1]),
    layer(`scale${suffix}`, "Scale", [o], [o]),
  ];
  const stages = depths[depth].flatMap((blocks, s) => {
    const width = narrow * 2 ** s;
    return Array.from({ length: blocks }, (_, b) => {
      const isLong = depth > 50 && (s === 1 || s === 2);
      const block = isLong && b > 0 ? `b${b}` : String.fromCharCode(97 + b);
      const inputs = b > 0 ? 4 * width : s === 0 ? narrow : 2 * width;
      const at = (branch: string) => `${s + 2}${block}_branch${branch}`;
      return [
        ...(b === 0 ? unit(`res${at("1")}`, at("1"), 4 * width, inputs, 1) : []),
        ...unit(`res${at("2a")}`, at("2a"), width, inputs, 1),
        ...unit(`res${at("2b")}`, at("2b"), width, width, 3),
        ...unit(`res${at("2c")}`, at("2c"), 4 * width, width, 1),
      ];
    }).flat();
  });
  return [
    { name: "data", type: "Input", blobs: [] },
    ...unit("conv1", "_conv1", narrow, 3, 7, depth === 50),
    ...stages,
    layer("fc1000", "InnerProduct", [1000, 32 * narrow], [1000]),
  ];
}

/** The SENets of Hu et al.: blocks of each stage, groups and channels of the first 3x3, whether the stem is deep. */
export const senets = {
  "SE-ResNet-50": { depths: [3, 4, 6, 3], groups: 1, first: 64, width: 64, deep: false },
  "SE-ResNet-101": { depths: [3, 4, 23, 3], groups: 1, first: 64, width: 64, deep: false },
  "SE-ResNet-152": { depths: [3, 8, 36, 3], groups: 1, first: 64, width: 64, deep: false },
  "SE-ResNeXt-50": { depths: [3, 4, 6, 3], groups: 32, first: 128, width: 128, deep: false },
  "SE-ResNeXt-101": { depths: [3, 4, 23, 3], groups: 32, first: 128, width: 128, deep: false },
  "SENet-154": { depths: [3, 8, 36, 3], groups: 64, first: 128, width: 256, deep: true },
} as const;

/** The layers of MODEL.prototxt that have weights, by name, with the shapes of their blobs. */
export function senetShapes(
  model: keyof typeof senets,
): readonly (readonly [string, string, ...number[][]])[] {
  const { depths: counts, groups, first, width, deep } = senets[model];
  const layers: (readonly [string, string, ...number[][]])[] = [];
  const unit = (name: string, ...shape: [number, number, number, number]) => {
    layers.push([name, "Convolution", shape]);
    layers.push([`${name}/bn`, "BatchNorm", [shape[0]], [shape[0]], [1]]);
    layers.push([`${name}/bn/scale`, "Scale", [shape[0]], [shape[0]]]);
  };
  if (deep) {
    unit("conv1_1/3x3_s2", 64, 3, 3, 3);
    unit("conv1_2/3x3", 64, 64, 3, 3);
    unit("conv1_3/3x3", 128, 64, 3, 3);
  } else unit("conv1/7x7_s2", 64, 3, 7, 7);
  let inputs = deep ? 128 : 64;
  counts.forEach((blocks, s) => {
    const [one, two, out] = [first, width, 256].map((channels) => channels * 2 ** s);
    for (let b = 1; b <= blocks; b++) {
      const at = `conv${s + 2}_${b}_`;
      unit(`${at}1x1_reduce`, one, inputs, 1, 1);
      unit(`${at}3x3`, two, one / groups, 3, 3);
      unit(`${at}1x1_increase`, out, two, 1, 1);
      layers.push([`${at}1x1_down`, "Convolution", [out / 16, out, 1, 1], [out / 16]]);
      layers.push([`${at}1x1_up`, "Convolution", [out, out / 16, 1, 1], [out]]);
      const side = deep && s > 0 ? 3 : 1;
      if (b === 1) unit(`${at}1x1_proj`, out, inputs, side, side);
      inputs = out;
    }
  });
  layers.push(["classifier", "InnerProduct", [1000, 2048], [1000]]);
  return layers;
}
