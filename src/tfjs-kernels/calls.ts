/**
 * The kernels of tfjs that are replaced: what their arguments ask for, as layers. What is asked for in a way that
 * the layers here do not know is left to tfjs, with the reason in words.
 */
import type { Activation } from "../ir/activation.ts";
import { elements } from "../ir/tensor.ts";
import type { Layer } from "./layer.ts";
import type { KernelParams, TensorInfo, Tf } from "./tfjs.ts";

/** One call of a kernel. */
export interface Call {
  readonly x: TensorInfo;
  readonly filter: TensorInfo;
  readonly bias: TensorInfo | undefined;
  readonly slopes: TensorInfo | undefined;
  /** Calls with the same key want the same. */
  readonly key: string;
  /** What it asks for, or why that is tfjs' business. */
  readonly want: () => Want | string;
}

export interface Want {
  readonly layer: Layer;
  /** One behind the other in x. */
  readonly pictures: number;
  readonly shape: readonly number[];
}

type Inputs = Readonly<Record<string, TensorInfo | undefined>>;
type Read = (tf: Tf, params: KernelParams) => Call | undefined;

/** By the name that tfjs knows the kernel by. */
export const kernels: Readonly<Record<string, Read>> = {
  Conv2D: (tf, params) => readConv(tf, params, false),
  FusedConv2D: (tf, params) => readConv(tf, params, false),
  DepthwiseConv2dNative: (tf, params) => readConv(tf, params, true),
  FusedDepthwiseConv2D: (tf, params) => readConv(tf, params, true),
  BatchMatMul: (_tf, params) => readProduct(params),
  _FusedMatMul: (_tf, params) => readProduct(params),
};

// ---- convolutions -----------------------------------------------------------------------------------

interface ConvAttrs {
  readonly strides: number | [number, number];
  readonly dilations: number | [number, number] | null | undefined;
  readonly pad: Parameters<Tf["backend_util"]["computeConv2DInfo"]>[4];
  readonly dataFormat?: string;
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
  readonly activation?: string;
  readonly leakyreluAlpha?: number;
}

function readConv(tf: Tf, params: KernelParams, depthwise: boolean): Call | undefined {
  const { x, filter, bias, preluActivationWeights: slopes } = params.inputs as Inputs;
  if (!x || !filter) return undefined;
  const attrs = params.attrs as unknown as ConvAttrs;
  return {
    x,
    filter,
    bias,
    slopes,
    key: keyOf(depthwise ? "depthwise" : "conv", [x, filter, bias, slopes], attrs),
    want: () => wantConv(tf, x, filter, bias, slopes, attrs, depthwise),
  };
}

function wantConv(
  tf: Tf,
  x: TensorInfo,
  filter: TensorInfo,
  bias: TensorInfo | undefined,
  slopes: TensorInfo | undefined,
  attrs: ConvAttrs,
  depthwise: boolean,
): Want | string {
  if (x.shape.length !== 4 || filter.shape.length !== 4) return "a map without a batch";
  const { dataFormat = "NHWC", activation = "linear", leakyreluAlpha } = attrs;
  if (dataFormat !== "NHWC") return `the layout ${dataFormat}`;
  const info = tf.backend_util.computeConv2DInfo(
    x.shape as [number, number, number, number],
    filter.shape as [number, number, number, number],
    attrs.strides,
    attrs.dilations ?? 1,
    attrs.pad,
    attrs.dimRoundingMode,
    depthwise,
  );
  const { strideHeight, strideWidth, dilationHeight, dilationWidth } = info;
  if (strideHeight !== strideWidth) return "strides that differ";
  if (dilationHeight !== dilationWidth) return "dilations that differ";
  const { inHeight, inWidth, inChannels, outHeight, outWidth, outChannels } = info;
  const ends = endsOf(outChannels, bias, slopes, activation, leakyreluAlpha);
  if (typeof ends === "string") return ends;
  const { top, bottom, left, right } = info.padInfo;
  return {
    layer: {
      input: [inHeight, inWidth, inChannels],
      output: [outHeight, outWidth, outChannels],
      window: {
        kernel: [info.filterHeight, info.filterWidth],
        stride: strideHeight,
        dilation: dilationHeight,
        pads: { top, bottom, left, right },
        depthwise,
      },
      ...ends,
    },
    pictures: info.batchSize,
    shape: info.outShape,
  };
}

// ---- products of matrices -----------------------------------------------------------------------------

interface ProductAttrs {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly activation?: string;
  readonly leakyreluAlpha?: number;
}

function readProduct(params: KernelParams): Call | undefined {
  const { a, b, bias, preluActivationWeights: slopes } = params.inputs as Inputs;
  if (!a || !b) return undefined;
  const attrs = params.attrs as unknown as ProductAttrs;
  return {
    x: a,
    filter: b,
    bias,
    slopes,
    key: keyOf("product", [a, b, bias, slopes], attrs),
    want: () => wantProduct(a, b, bias, slopes, attrs),
  };
}

/** Rows of `a` as the pixels of one map. */
function wantProduct(
  a: TensorInfo,
  b: TensorInfo,
  bias: TensorInfo | undefined,
  slopes: TensorInfo | undefined,
  { transposeA, transposeB, activation = "linear", leakyreluAlpha }: ProductAttrs,
): Want | string {
  if (transposeA || transposeB) return "a transposed matrix";
  const depth = a.shape[a.shape.length - 1];
  const channels = b.shape[b.shape.length - 1];
  const isOne = b.shape.length <= a.shape.length && elements(b.shape) === depth * channels;
  if (!isOne) return "several matrices";
  const ends = endsOf(channels, bias, slopes, activation, leakyreluAlpha);
  if (typeof ends === "string") return ends;
  const rows = elements(a.shape) / depth;
  const window =
    rows === 1
      ? "whole"
      : ({
          kernel: [1, 1],
          stride: 1,
          dilation: 1,
          pads: { top: 0, bottom: 0, left: 0, right: 0 },
          depthwise: false,
        } as const);
  return {
    layer: { input: [1, rows, depth], output: [1, rows, channels], window, ...ends },
    pictures: 1,
    shape: [...a.shape.slice(0, -1), channels],
  };
}

// ---- what follows the sum -----------------------------------------------------------------------------

const activations: Readonly<Record<string, Activation | undefined>> = {
  linear: undefined,
  relu: { fn: "relu" },
  relu6: { fn: "relu6" },
  elu: { fn: "elu" },
  sigmoid: { fn: "sigmoid" },
};

function endsOf(
  channels: number,
  bias: TensorInfo | undefined,
  slopes: TensorInfo | undefined,
  activation: string,
  slope: number | undefined,
): Pick<Layer, "bias" | "activation"> | string {
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== channels))
    return "a bias that is no vector of channels";
  const isVector =
    slopes && elements(slopes.shape) === channels && slopes.shape[slopes.shape.length - 1] === channels;
  if (activation === "prelu")
    return isVector ? { bias: bias !== undefined, activation } : "slopes that are no vector of channels";
  if (activation === "leakyrelu")
    return { bias: bias !== undefined, activation: { fn: "leaky", slope: slope ?? 0 } };
  if (!Object.hasOwn(activations, activation)) return `the activation ${activation}`;
  return { bias: bias !== undefined, activation: activations[activation] };
}

function keyOf(kind: string, tensors: readonly (TensorInfo | undefined)[], attrs: object): string {
  let key = `${kind} ${JSON.stringify(attrs)}`;
  for (const tensor of tensors) key += tensor ? ` ${tensor.dtype} ${tensor.shape.join()}` : " -";
  return key;
}

export const isFloat = ({ x, filter, bias, slopes }: Call): boolean =>
  [x, filter, bias, slopes].every((tensor) => !tensor || tensor.dtype === "float32");
