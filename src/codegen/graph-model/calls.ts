/**
 * tfjs calls as nodes of TensorFlow's operations, those that tfjs-converter 4.22 knows.
 *
 * What that format cannot say is said in other words: pools have no explicit padding, so their maps are padded by nodes before
 * them; a fused convolution takes an activation only together with a bias.
 */
import { InternalError } from "../../base/invariant.ts";
import { slidingSize } from "../../ir/window.ts";
import type { Call } from "../tfjs/emitter.ts";
import { type Argument, isTensor, readArgument } from "./arguments.ts";
import { flag, float, int, text } from "./attributes.ts";
import { convolution, fusedConvolution, fusedProduct } from "./convolutions.ts";
import type { NodeList } from "./nodes.ts";
import { Arguments, hasPads, type Made, padsNode, type Reader, type Values, window } from "./reader.ts";

/** Reads one call; the node of its result is called `name`. */
export function addCall({ fn, args }: Call, name: string, values: Values, nodes: NodeList): void {
  const read = readers[fn];
  if (!read) throw new InternalError(`no node is known for tf.${fn}`);
  const { op, input, attr } = read(new Arguments(args.map(readArgument), values, nodes), nodes);
  nodes.add(name, op, input, attr);
}

const elementwise = (op: string, operands = 1): Reader => {
  return (args) => ({ op, input: Array.from({ length: operands }, (_, i) => args.node(i)) });
};

/** An operation that takes whole numbers as its second tensor. */
const withInts = (op: string, word: string): Reader => {
  return (args, nodes) => ({ op, input: [args.node(0), nodes.ints(word, args.numbers(1))] });
};

const reduction = (op: string): Reader => {
  return (args, nodes) => ({
    op,
    input: [args.node(0), nodes.ints("axes", args.numbers(1))],
    attr: { keep_dims: flag(args.at(2) === true) },
  });
};

const resize = (op: string): Reader => {
  return (args, nodes) => ({
    op,
    input: [args.node(0), nodes.ints("size", args.numbers(1))],
    attr: { align_corners: flag(args.at(2) === true), half_pixel_centers: flag(args.at(3) === true) },
  });
};

/** The lowest float32: not every GPU has infinities, and no value is below it. */
const lowest = -3.4028234663852886e38;

const readers: Readonly<Record<string, Reader>> = {
  relu: elementwise("Relu"),
  relu6: elementwise("Relu6"),
  elu: elementwise("Elu"),
  sigmoid: elementwise("Sigmoid"),
  tanh: elementwise("Tanh"),
  softplus: elementwise("Softplus"),
  erf: elementwise("Erf"),
  square: elementwise("Square"),
  rsqrt: elementwise("Rsqrt"),
  softmax: elementwise("Softmax"),
  add: elementwise("AddV2", 2),
  sub: elementwise("Sub", 2),
  mul: elementwise("Mul", 2),
  div: elementwise("RealDiv", 2),
  prelu: elementwise("Prelu", 2),
  reshape: withInts("Reshape", "shape"),
  transpose: withInts("Transpose", "order"),
  tile: withInts("Tile", "multiples"),
  sum: reduction("Sum"),
  mean: reduction("Mean"),
  "image.resizeNearestNeighbor": resize("ResizeNearestNeighbor"),
  "image.resizeBilinear": resize("ResizeBilinear"),

  slice: (args, nodes) => ({
    op: "Slice",
    input: [args.node(0), nodes.ints("begin", args.numbers(1)), nodes.ints("size", args.numbers(2))],
  }),

  concat(args, nodes) {
    const maps = (args.at(0) as readonly Argument[]).filter(isTensor).map((map) => args.values.nodeOf(map));
    return {
      op: "ConcatV2",
      input: [...maps, nodes.ints("axis", args.numbers(1), [])],
      attr: { N: int(maps.length) },
    };
  },

  pad: (args, nodes) => ({ op: "Pad", input: [args.node(0), nodes.ints("pads", args.numbers(1), [4, 2])] }),

  mirrorPad: (args, nodes) => ({
    op: "MirrorPad",
    input: [args.node(0), nodes.ints("pads", args.numbers(1), [4, 2])],
    attr: { mode: text(String(args.at(2)).toUpperCase()) },
  }),

  maxPool(args, nodes) {
    const pads = args.pads(3);
    const x = args.node(0);
    if (!hasPads(pads)) return pool("MaxPool", x, args);
    const value = nodes.floats("lowest", [lowest], []);
    return pool("MaxPool", nodes.part("pad", "PadV2", [x, padsNode(pads, nodes), value]), args);
  },

  /** What is padded does not count: zeros are put around, and the means then scaled by the places that are none. */
  avgPool(args, nodes) {
    const pads = args.pads(3);
    const x = args.node(0);
    if (!hasPads(pads)) return pool("AvgPool", x, args);
    const padded = nodes.part("pad", "Pad", [x, padsNode(pads, nodes)]);
    const { op, input, attr } = pool("AvgPool", padded, args);
    const means = nodes.part("mean", op, input, attr);
    const [, h, w] = args.values.shapeOf(args.tensorAt(0));
    const [kernel, stride] = [args.numbers(1), args.number(2)];
    const rows = sharesOf(h, kernel[0], stride, pads[1]);
    const columns = sharesOf(w, kernel[1], stride, pads[2]);
    const shares = rows.flatMap((row) => columns.map((column) => row * column));
    return { op: "Mul", input: [means, nodes.floats("shares", shares, [1, rows.length, columns.length, 1])] };
  },

  localResponseNormalization: (args) => ({
    op: "LRN",
    input: [args.node(0)],
    attr: {
      depth_radius: int(args.number(1)),
      bias: float(args.number(2)),
      alpha: float(args.number(3)),
      beta: float(args.number(4)),
    },
  }),

  /** tf.batchNorm(x, mean, variance, shift, scale, eps) */
  batchNorm(args, nodes) {
    const [x, mean, variance] = [0, 1, 2].map((i) => args.node(i));
    const channels = args.values.shapeOf(args.tensorAt(0))[3];
    const scale = args.optionalNode(4) ?? nodes.floats("ones", new Array(channels).fill(1));
    const shift = args.optionalNode(3) ?? nodes.floats("zeros", new Array(channels).fill(0));
    return {
      op: "FusedBatchNormV3",
      input: [x, scale, shift, mean, variance],
      attr: { epsilon: float(args.number(5)), is_training: flag(false), data_format: text("NHWC") },
    };
  },

  conv2d: convolution("Conv2D"),
  depthwiseConv2d: convolution("DepthwiseConv2dNative"),
  "fused.conv2d": fusedConvolution("Conv2D", "_FusedConv2D"),
  "fused.depthwiseConv2d": fusedConvolution("DepthwiseConv2dNative", "FusedDepthwiseConv2dNative"),
  "fused.matMul": fusedProduct,
};

const pool = (op: string, x: string, args: Arguments): Made => ({
  op,
  input: [x],
  attr: {
    ksize: window(args.numbers(1)),
    strides: window(args.numbers(2)),
    padding: text(args.at(3) === "same" ? "SAME" : "VALID"),
    data_format: text("NHWC"),
  },
});

/** What the mean of each window along one axis must be multiplied by, as the window has places outside of the map. */
function sharesOf(
  size: number,
  kernel: number,
  stride: number,
  [before, after]: readonly [number, number],
): number[] {
  const windows = slidingSize(size, kernel, stride, before, after);
  return Array.from({ length: windows }, (_, i) => {
    const start = i * stride - before;
    return kernel / (Math.min(start + kernel, size) - Math.max(start, 0));
  });
}
