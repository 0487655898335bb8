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
