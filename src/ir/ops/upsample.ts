/** upsample: each place becomes scale x scale places of the same value (nearest neighbour). */
import type { Op } from "../op.ts";
import { zeros } from "../tensor.ts";

export interface UpsampleAttrs {
  readonly scale: number;
}

export const upsample: Op<UpsampleAttrs> = {
  name: "upsample",
  summary: "repeats each place scale times in both directions",
  infer: (
    [
      {
        dtype,
        shape: [n, h, w, c],
      },
    ],
    { scale },
  ) => ({ dtype, shape: [n, h * scale, w * scale, c] }),
  macs: () => 0,
  reference([x], node) {
    const y = zeros(node.type.shape);
    const [batch, height, width, c] = node.type.shape;
    const { scale } = node.attrs;
    const [, h, w] = x.shape;
    for (let n = 0; n < batch; n++) {
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < width; j++) {
          const from = ((n * h + Math.floor(i / scale)) * w + Math.floor(j / scale)) * c;
          for (let k = 0; k < c; k++) y.data[((n * height + i) * width + j) * c + k] = x.data[from + k];
        }
      }
    }
    return y;
  },
  print: ({ scale }) => `x${scale}`,
  emit: {
    tfjs(node, out) {
      const [, h, w] = node.type.shape;
      out.result(node, "image.resizeNearestNeighbor", out.ref(node.inputs[0]), `[${h}, ${w}]`);
    },
  },
};
