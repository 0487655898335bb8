/** times: every value times a number. Adding up networks and dividing by how many there are makes an ensemble. */
import type { Op } from "../op.ts";
import { mapValues } from "../tensor.ts";

export interface TimesAttrs {
  readonly factor: number;
}

export const times: Op<TimesAttrs> = {
  name: "times",
  summary: "every value times a number",
  infer: ([x]) => x,
  macs: () => 0,
  reference: ([x], { attrs }) => ({
    shape: x.shape,
    data: mapValues(x.data, (value) => value * attrs.factor),
  }),
  print: ({ factor }) => String(factor),
  emit: {
    tfjs: (node, out) => out.result(node, "mul", out.ref(node.inputs[0]), String(node.attrs.factor)),
  },
};
