/**
 * Weights as the file and the memory hold them: in the order in which steps consume them, convolution kernels cut
 * into panels of output channels. The file has the size of the weights; what Winograd convolution wants instead is
 * made from it at load, by steps of the module.
 */
import type { Kernel } from "../kernels/kernel.ts";
import type { AxisAlgorithm } from "../kernels/winograd-algorithm.ts";
import type { Precision } from "./precision.ts";

/** A piece of the file. */
export interface Packed {
  readonly label: string;
  /** How its values are laid out; with the numbers below it says all. Vectors have none. */
  readonly form?: "panels" | "taps inside" | "transformed" | "depthwise";
  /** Floats in the file: panels of rows of `width`. */
  readonly stored: number;
  readonly panels: number;
  readonly width: number;
  readonly precision: Precision;
  /** The values to store; called once. */
  readonly make: () => Float32Array;
  /** What turns the stored values into those that steps read; they are the same when absent. */
  readonly prepare?: Preparation | undefined;
  /** In bytes, once placed. */
  address: number;
}

export interface Preparation {
  /** From `input` to `output`; its units are panels. */
  readonly kernel: Kernel;
  /** Its `extra` argument. */
  readonly extra: number;
  /** Floats that a panel becomes. */
  readonly preparedOfPanel: number;
}

/** Floats in memory. */
export const floatsOf = ({ stored, panels, prepare }: Packed): number =>
  prepare ? panels * prepare.preparedOfPanel : stored;

export interface PanelShape {
  readonly kernel: readonly [height: number, width: number];
  /** Channels in of a group, after merging. */
  readonly depth: number;
  readonly channels: number;
  readonly groups: number;
  /** How many groups of the convolution are one here, zeros where they do not meet. */
  readonly merged: number;
  readonly panels: number;
  /** Channels of a panel. */
  readonly width: number;
  /** All taps of a channel in together, as Winograd's transform of weights reads them. */
  readonly tapsInside?: boolean;
}

/**
 * HWIO values → [panel][row][column][channel in][channel of the panel], or [panel][channel in][row][column][…], zeros
 * beyond the channels.
 */
export function packPanels(values: ArrayLike<number>, shape: PanelShape): Float32Array {
  const { kernel, depth, channels, groups, merged, panels, width, tapsInside = false } = shape;
  const packed = new Float32Array(panels * kernel[0] * kernel[1] * depth * width);
  const ownDepth = depth / merged;
  const perGroup = channels / (groups * merged);
  const panelsOfGroup = panels / groups;
  const taps = kernel[0] * kernel[1];
  for (let panel = 0; panel < panels; panel++) {
    const group = Math.floor(panel / panelsOfGroup);
    const first = group * merged * perGroup + (panel % panelsOfGroup) * width;
    const count = Math.min(width, channels - first);
    for (let tap = 0; tap < taps; tap++) {
      for (let c = 0; c < depth; c++) {
        const place = tapsInside ? c * taps + tap : tap * depth + c;
        const to = (panel * taps * depth + place) * width;
        const from = (tap * ownDepth + (c % ownDepth)) * channels + first;
        if (merged === 1) {
          for (let o = 0; o < count; o++) packed[to + o] = values[from + o];
        } else {
          const part = group * merged + Math.floor(c / ownDepth);
          for (let o = 0; o < count; o++) {
            if (Math.floor((first + o) / perGroup) === part) packed[to + o] = values[from + o];
          }
        }
      }
    }
  }
  return packed;
}

/** A 7x7 window (or 5 to 8) over a picture → 4x4 over its 2x2 places as channels, HWIO. */
export function spaceToDepthKernel(
  values: ArrayLike<number>,
  [height, width]: readonly [number, number],
  channelsIn: number,
  channels: number,
): Float32Array {
  const wide = new Float32Array(16 * 4 * channelsIn * channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const tap = (y >> 1) * 4 + (x >> 1);
      const part = 2 * (y & 1) + (x & 1);
      for (let c = 0; c < channelsIn; c++) {
        const from = ((y * width + x) * channelsIn + c) * channels;
        const to = (tap * 4 * channelsIn + part * channelsIn + c) * channels;
        for (let o = 0; o < channels; o++) wide[to + o] = values[from + o];
      }
    }
  }
  return wide;
}

/** What the module's weights transform does, in float64: [panel][tap][row] → [panel][weight pair][row]. */
export function transformPanels(
  packed: Float32Array,
  { taps, g }: AxisAlgorithm,
  depth: number,
  panels: number,
): Float32Array {
  const row = depth * 8;
  const made = new Float32Array(panels * g.length ** 2 * row);
  for (let panel = 0; panel < panels; panel++) {
    for (const [i, gi] of g.entries()) {
      for (const [j, gj] of g.entries()) {
        const to = (panel * g.length ** 2 + i * g.length + j) * row;
        for (let k = 0; k < row; k++) {
          let sum = 0;
          for (let y = 0; y < taps; y++) {
            for (let x = 0; x < taps; x++)
              sum += gi[y] * gj[x] * packed[(panel * taps ** 2 + y * taps + x) * row + k];
          }
          made[to + k] = sum;
        }
      }
    }
  }
  return made;
}

/** A vector filled up with zeros. */
export function padVector(values: ArrayLike<number>, floats: number): Float32Array {
  const padded = new Float32Array(floats);
  padded.set(values);
  return padded;
}
