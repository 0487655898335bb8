/**
 * What a net sees of a picture: the middle as torchvision cuts it, or the several views of a test. Krizhevsky et al. (2012)
 * average the corners, the middle and their mirror images, ten crops; He et al. (2015) the whole picture at several sizes.
 */
import type { Shape } from "../ir/tensor.ts";

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A part of the picture at another size, in pixels. */
export interface View {
  /** The size of the whole picture. */
  readonly resized: Size;
  /** Where the part starts in it; negative where black comes before it. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Left and right are exchanged. */
  readonly mirrored: boolean;
}

/** 1: the middle. 5: the corners too. 10: mirrored too. whole: all of the picture, whatever the net's declared size. */
export const cropKinds = ["1", "5", "10", "whole"] as const;
export type Crops = (typeof cropKinds)[number];

/** The views of a picture whose shorter side is made `shorter`; 0: as small as covers the input, [batch, height, width, channels]. */
export function viewsOf(picture: Size, inputShape: Shape, shorter: number, crops: Crops): readonly View[] {
  const middle = centreView(picture, inputShape, shorter);
  const { resized, width, height } = middle;
  if (crops === "1") return [middle];
  if (crops === "whole") return [{ ...middle, left: 0, top: 0, ...resized }];
  // Where nothing can be cut off, corners are the middle.
  const [right, bottom] = [resized.width - width, resized.height - height];
  const lefts = right > 0 ? [0, right] : [middle.left, middle.left];
  const tops = bottom > 0 ? [0, bottom] : [middle.top, middle.top];
  const corners = tops.flatMap((top) => lefts.map((left) => ({ ...middle, left, top })));
  const five = [...corners, middle];
  return crops === "5" ? five : [...five, ...five.map((view) => ({ ...view, mirrored: true }))];
}

/** torchvision's CenterCrop: cut at the rounded middle. */
export function centreView(picture: Size, [, height, width]: Shape, shorter: number): View {
  const resized = resizedSize(picture, width, height, shorter);
  const [left, top] = [cropStart(resized.width, width), cropStart(resized.height, height)];
  return { resized, left, top, width, height, mirrored: false };
}

function resizedSize({ width, height }: Size, toWidth: number, toHeight: number, shorter: number): Size {
  if (shorter === 0) {
    if (width === toWidth && height === toHeight) return { width, height };
    // The smallest size that covers the input, so that nothing is filled up.
    const scale = Math.max(toWidth / width, toHeight / height);
    return {
      width: Math.max(toWidth, Math.trunc(width * scale)),
      height: Math.max(toHeight, Math.trunc(height * scale)),
    };
  }
  // torchvision's Resize(int): the shorter side becomes that, the longer one int(size * longer / shorter).
  return width <= height
    ? { width: shorter, height: Math.trunc((shorter * height) / width) }
    : { width: Math.trunc((shorter * width) / height), height: shorter };
}

/** Where the crop starts in the picture; negative where black comes before it. */
function cropStart(size: number, wanted: number): number {
  if (wanted > size) return -Math.floor((wanted - size) / 2);
  // Python's round(): halves go to the even neighbour.
  const half = (size - wanted) / 2;
  return Number.isInteger(half) ? half : 2 * Math.round(half / 2);
}
