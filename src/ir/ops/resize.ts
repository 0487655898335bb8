/**
 * resize: a map at another height and width. `nearest` repeats or leaves out places: place i shows place
 * floor(i in / out). `bilinear` weighs the two nearest rows and columns by where the middle of a place falls
 * among the old ones' middles, (i + 1/2) in / out - 1/2, the edge standing for all beyond it: PyTorch's
 * `interpolate(align_corners=False)` without antialiasing, ONNX's and tfjs' half-pixel rule.
 */
import { emitResize } from "../emit-onnx.ts";
import type { Op } from "../op.ts";
import { type Tensor, zeros } from "../tensor.ts";

export interface ResizeAttrs {
  readonly height: number;
  readonly width: number;
  readonly method: "nearest" | "bilinear";
}

/** Where a place of the result looks: at two places of the map, the second with weight `share`. */
export interface Tap {
  readonly first: number;
  readonly second: number;
  readonly share: number;
}

/** The tap of place `i` along one axis. In whole numbers, so that it never depends on rounding. */
export function tapOf(i: number, from: number, to: number, method: ResizeAttrs["method"]): Tap {
  if (method === "nearest") {
    const first = Math.floor((i * from) / to);
    return { first, second: first, share: 0 };
  }
  // The place in steps of 1/(2 to).
  const place = Math.max(0, (2 * i + 1) * from - to);
  const first = Math.floor(place / (2 * to));
  const share = (place - first * 2 * to) / (2 * to);
  return { first, second: Math.min(first + 1, from - 1), share };
}

export const resize: Op<ResizeAttrs> = {
  name: "resize",
  summary: "a map at another height and width",
  infer: ([{ dtype, shape }], { height, width }) => ({ dtype, shape: [shape[0], height, width, shape[3]] }),
  macs: () => 0,
  reference([x], node) {
    const y = zeros(node.type.shape);
    const { height, width, method } = node.attrs;
    const [batch, h, w, c] = x.shape;
    const pixel = (n: number, row: number, column: number) => ((n * h + row) * w + column) * c;
    let to = 0;
    for (let n = 0; n < batch; n++) {
      for (let i = 0; i < height; i++) {
        const row = tapOf(i, h, height, method);
        for (let j = 0; j < width; j++) {
          const column = tapOf(j, w, width, method);
          const along = (at: number, k: number) =>
            mix(x, pixel(n, at, column.first) + k, pixel(n, at, column.second) + k, column.share);
          for (let k = 0; k < c; k++) {
            const [upper, lower] = [along(row.first, k), along(row.second, k)];
            y.data[to++] = row.share ? upper + row.share * (lower - upper) : upper;
          }
        }
      }
    }
    return y;
  },
  print: ({ height, width, method }) => `${method} ${height}x${width}`,
  emit: {
    tfjs(node, out) {
      const { height, width, method } = node.attrs;
      const size = `[${height}, ${width}]`;
      const x = out.ref(node.inputs[0]);
      if (method === "nearest") out.result(node, "image.resizeNearestNeighbor", x, size);
      else out.result(node, "image.resizeBilinear", x, size, "false", "true");
    },
    onnx: emitResize,
  },
};

/** Equal ends stay as they are, infinite ones too. */
const mix = ({ data }: Tensor, first: number, second: number, share: number): number =>
  share ? data[first] + share * (data[second] - data[first]) : data[first];
