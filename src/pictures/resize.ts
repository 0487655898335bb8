/**
 * Resizes pictures exactly as Pillow does (src/libImaging/Resample.c, BILINEAR and BICUBIC), which is what torchvision and timm
 * evaluate their models with: a filter whose width grows with the reduction (antialias), first along the
 * rows, then along the columns, in fixed point with 22 bits, rounded to whole numbers after each pass.
 */

/** How pixels between those of the picture are found. */
export type Filter = "bilinear" | "bicubic";

interface Kernel {
  /** How far it reaches to both sides, where nothing is made smaller. */
  readonly support: number;
  weight(distance: number): number;
}

const kernels: Readonly<Record<Filter, Kernel>> = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  /** Keys (1981) with a = -1/2. */
  bicubic: {
    support: 2,
    weight(distance) {
      const x = Math.abs(distance);
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
    },
  },
};

/** A picture: 8 bits a channel, red, green, blue and, of four, alpha of each pixel, row by row from the top. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly channels: 3 | 4;
}

/** Of the 32 bits of an accumulator 8 are the pixel and 2 guard against overshoot. */
const precision = 32 - 8 - 2;

/** For each pixel of the result: where its window starts, and the fixed-point weight of each pixel in it. */
interface Windows {
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  /** `stride` weights for each pixel. */
  readonly weights: Int32Array;
  readonly stride: number;
}

/** A run of columns or rows of the resized picture. */
export interface Range {
  readonly start: number;
  readonly count: number;
}

function windowsFor(from: number, to: number, part: Range, filter: Filter): Windows {
  const kernel = kernels[filter];
  const scale = from / to;
  const spread = Math.max(scale, 1);
  const support = kernel.support * spread;
  const stride = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(part.count);
  const lengths = new Int32Array(part.count);
  const weights = new Int32Array(part.count * stride);
  const exact = new Float64Array(stride);
  for (let i = 0; i < part.count; i++) {
    const center = (part.start + i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const length = Math.min(from, Math.trunc(center + support + 0.5)) - start;
    let sum = 0;
    for (let k = 0; k < length; k++) {
      exact[k] = kernel.weight((k + start - center + 0.5) * (1 / spread));
      sum += exact[k];
    }
    for (let k = 0; k < length; k++) {
      const weight = (exact[k] / sum) * 2 ** precision;
      weights[i * stride + k] = Math.trunc(weight + (weight < 0 ? -0.5 : 0.5));
    }
    starts[i] = start;
    lengths[i] = length;
  }
  return { starts, lengths, weights, stride };
}

/**
 * A part of the picture at another size, without alpha. Only the part is computed: a picture one pixel wide, made 256
 * wide, would else be larger than memory.
 */
export function resize(
  picture: Pixels,
  width: number,
  height: number,
  columns: Range,
  rows: Range,
  filter: Filter = "bilinear",
): Pixels {
  return resizeColumns(resizeRows(picture, width, columns, filter), height, rows, filter);
}

/** Alpha is dropped here, not blended, as Pillow's convert("RGB") does. */
function resizeRows(picture: Pixels, width: number, columns: Range, filter: Filter): Pixels {
  if (width === picture.width && columns.count === width && picture.channels === 3) return picture;
  const { starts, lengths, weights, stride } = windowsFor(picture.width, width, columns, filter);
  const { height, data, channels } = picture;
  const to = columns.count;
  const out = new Uint8Array(to * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < to; x++) {
      const from = (y * picture.width + starts[x]) * channels;
      for (let c = 0; c < 3; c++) {
        out[(y * to + x) * 3 + c] = weigh(data, from + c, channels, weights, x * stride, lengths[x]);
      }
    }
  }
  return { width: to, height, data: out, channels: 3 };
}

function resizeColumns(picture: Pixels, height: number, rows: Range, filter: Filter): Pixels {
  if (height === picture.height && rows.count === height) return picture;
  const { starts, lengths, weights, stride } = windowsFor(picture.height, height, rows, filter);
  const row = picture.width * 3;
  const out = new Uint8Array(row * rows.count);
  for (let y = 0; y < rows.count; y++) {
    for (let i = 0; i < row; i++) {
      out[y * row + i] = weigh(picture.data, starts[y] * row + i, row, weights, y * stride, lengths[y]);
    }
  }
  return { width: picture.width, height: rows.count, data: out, channels: 3 };
}

/** The weighted sum of every `step`-th value, rounded to 0..255. */
function weigh(
  data: Pixels["data"],
  from: number,
  step: number,
  weights: Int32Array,
  at: number,
  count: number,
): number {
  let sum = 1 << (precision - 1);
  for (let k = 0; k < count; k++) sum += data[from + k * step] * weights[at + k];
  return Math.min(255, Math.max(0, sum >> precision));
}
