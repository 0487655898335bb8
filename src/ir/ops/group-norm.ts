/**
 * groupNorm: normalises each picture by itself, over the map and the channels of a group (Wu & He 2018).
 *
 *     y = scale * (x - mean) / sqrt(var + eps) + shift
 *
 * with the mean and the biased variance of [height, width, channels / groups]. One group is a layer norm over
 * the picture, as many groups as channels an instance norm. Operands: x, scale, shift.
 */
import { filled, perChannel } from "../emit-onnx.ts";
import type { TfjsEmitter } from "../emitters.ts";
import type { Op } from "../op.ts";
import { sameShape, zeros } from "../tensor.ts";

export interface GroupNormAttrs {
  readonly groups: number;
  readonly eps: number;
}

export const groupNorm: Op<GroupNormAttrs> = {
  name: "groupNorm",
  summary: "normalises each picture over its map and groups of channels",

  infer([x, ...vectors], { groups }) {
    const channels = x.shape[3];
    if (channels % groups) return { code: "groups-mismatch", params: { groups, channels, side: "come in" } };
    const bad = vectors.findIndex((vector) => !sameShape(vector.shape, [channels]));
    if (bad < 0) return x;
    const role = bad === 0 ? "scale" : "shift";
    const params = { op: "groupNorm", role, wanted: `${channels}`, found: vectors[bad].shape.join("x") };
    return { code: "param-shape", params };
  },

  macs: () => 0,

  reference([x, scale, shift], { attrs: { groups, eps } }) {
    const y = zeros(x.shape);
    const [batch, h, w, c] = x.shape;
    const own = c / groups;
    const count = h * w * own;
    for (let n = 0; n < batch; n++) {
      for (let group = 0; group < groups; group++) {
        const each = (visit: (at: number, k: number) => void) => {
          for (let place = 0; place < h * w; place++) {
            for (let k = group * own; k < (group + 1) * own; k++) visit((n * h * w + place) * c + k, k);
          }
        };
        let sum = 0;
        each((at) => {
          sum += x.data[at];
        });
        const mean = sum / count;
        let squares = 0;
        each((at) => {
          squares += (x.data[at] - mean) ** 2;
        });
        const deviation = Math.sqrt(squares / count + eps);
        each((at, k) => {
          y.data[at] = ((x.data[at] - mean) / deviation) * scale.data[k] + shift.data[k];
        });
      }
    }
    return y;
  },

  print: ({ groups, eps }) => `groups ${groups} eps ${eps}`,

  emit: {
    tfjs(node, out) {
      const [x, scale, shift] = node.inputs.map((from) => out.ref(from));
      const { groups, eps } = node.attrs;
      const { shape } = node.type;
      const centred = out.temp("sub", x, groupMeans(x, shape, groups, out));
      const variance = groupMeans(out.temp("square", centred), shape, groups, out);
      const gain = out.temp("mul", out.temp("rsqrt", out.temp("add", variance, String(eps))), scale);
      out.result(node, "add", out.temp("mul", centred, gain), shift);
    },
    onnx(node, out) {
      const [x, scale, shift] = node.inputs;
      const { groups, eps } = node.attrs;
      const [, h, w, c] = node.type.shape;
      const epsilon = { float: eps };
      if (groups === c) {
        const operands = [x, scale, shift].map((from) => out.ref(from));
        return out.result(node, "InstanceNormalization", operands, { epsilon });
      }
      // The channels of a group become one channel's places.
      const rows = out.temp("Reshape", [out.ref(x), out.ints(0, groups, -1)]);
      const operands = [rows, filled(1, groups, out), filled(0, groups, out)];
      const normal = out.temp("InstanceNormalization", operands, { epsilon });
      const map = out.temp("Reshape", [normal, out.ints(0, c, h, w)]);
      out.result(node, "Add", [out.temp("Mul", [map, perChannel(scale, out)]), perChannel(shift, out)]);
    },
  },
};

/**
 * The mean of each group, repeated for each of its channels: [n, 1, 1, c]. The map goes first, by avgPool, which
 * is nine times faster than tf.mean on the wasm backend; what is left is a vector.
 */
function groupMeans(x: string, [, h, w, c]: readonly number[], groups: number, out: TfjsEmitter): string {
  const channels = out.temp("avgPool", x, `[${h}, ${w}]`, "1", '"valid"');
  const own = c / groups;
  if (own === 1) return channels;
  const means = out.temp("mean", out.temp("reshape", channels, `[-1, ${groups}, ${own}]`), "2", "true");
  return out.temp("reshape", out.temp("tile", means, `[1, 1, ${own}]`), `[-1, 1, 1, ${c}]`);
}
