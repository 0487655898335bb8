/** The list of operations. */
import { activation } from "./activation.ts";
import { add } from "./add.ts";
import { affine } from "./affine.ts";
import { averagePool } from "./average-pool.ts";
import { batchNorm } from "./batch-norm.ts";
import { bias } from "./bias.ts";
import { channelConv } from "./channel-conv.ts";
import { concat } from "./concat.ts";
import { conv2d } from "./conv2d.ts";
import { dense } from "./dense.ts";
import { globalAveragePool } from "./global-average-pool.ts";
import { groupNorm } from "./group-norm.ts";
import { input } from "./input.ts";
import { layerNorm } from "./layer-norm.ts";
import { lrn } from "./lrn.ts";
import { maxPool } from "./max-pool.ts";
import { mul } from "./mul.ts";
import { pad } from "./pad.ts";
import { param } from "./param.ts";
import { prelu } from "./prelu.ts";
import { reflectPad } from "./reflect-pad.ts";
import { resize } from "./resize.ts";
import { slice } from "./slice.ts";
import { softmax } from "./softmax.ts";

export const ops = {
  input,
  param,
  conv2d,
  dense,
  bias,
  batchNorm,
  affine,
  groupNorm,
  layerNorm,
  activation,
  prelu,
  add,
  mul,
  concat,
  slice,
  pad,
  reflectPad,
  maxPool,
  averagePool,
  globalAveragePool,
  resize,
  softmax,
  lrn,
  channelConv,
} as const;

export type OpName = keyof typeof ops;
