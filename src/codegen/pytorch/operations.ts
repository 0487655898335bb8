/** How each operation is said in PyTorch: as a module where it has weights, as a call where it has none. */
import { invariant } from "../../base/invariant.ts";
import type { Activation, ActivationName } from "../../ir/activation.ts";
import type { Epilogue } from "../../ir/epilogue.ts";
import { isOp, type Node } from "../../ir/graph.ts";
import type { Op } from "../../ir/op.ts";
import { batchNormOperands } from "../../ir/ops/batch-norm.ts";
import { type OpName, ops } from "../../ir/ops/index.ts";
import { isConstant, type ParamAttrs } from "../../ir/ops/param.ts";
import type { Pads } from "../../ir/tensor.ts";
import { slot, type Text, t } from "./text.ts";

/** What an operation asks of the module that it is written into. */
export interface Scribe {
  /** The value of a node, of rank 4. */
  map(node: Node): Text;
  /** The value of a node as a matrix: a picture a row. */
  flat(node: Node): Text;
  /** Of rank 4, or a matrix where its maker gives one. */
  either(node: Node): Text;
  isFlat(node: Node): boolean;
  /** The module that holds the operation's weights. */
  readonly self: string;
  /** A weight that no module of PyTorch's holds. */
  param(node: Node): Text;
}

export interface Saying {
  /** The module for its weights; absent where there are none, or PyTorch has none for them. */
  readonly make?: Text;
  /** What PyTorch calls the weights in that module. */
  readonly leaves?: ReadonlyMap<Node, string>;
  /** The shapes that the module gives weights, where they are not those of the layout. */
  readonly shapes?: ReadonlyMap<Node, readonly number[]>;
  /** Without weights, but a module all the same: it has a buffer. */
  readonly fixed?: Text;
  /** How it stands in a Sequential, if it has no weights. */
  readonly link?: Text;
  /** Gives a matrix. */
  readonly isFlat?: boolean;
  call(out: Scribe): Text;
}

type Sayer<A> = (node: Node<A>) => Saying;
type AttrsOf<Name extends OpName> = (typeof ops)[Name] extends Op<infer A> ? A : never;

const pair = ([a, b]: readonly [number, number]): string => (a === b ? `${a}` : `(${a}, ${b})`);
const isNone = ({ top, bottom, left, right }: Pads) => !(top || bottom || left || right);
const isEven = ({ top, bottom, left, right }: Pads) => top === bottom && left === right;
const padList = ({ top, bottom, left, right }: Pads) => `(${left}, ${right}, ${top}, ${bottom})`;
const padded = (x: Text, pads: Pads, value?: string): Text =>
  isNone(pads) ? x : t`F.pad(${x}, ${slot("padding", padList(pads))}${value ? `, value=${value}` : ""})`;

/** A number as Python writes it. */
const real = (value: number): string =>
  Number.isInteger(value) ? value.toFixed(1) : String(value).replace(/e([+-])(\d)$/, "e$10$2");

const epsilon = (value: number, prefix?: string) =>
  slot("eps", small(value), prefix, prefix === undefined ? undefined : small(1e-5));

const small = (value: number): string => (value > 0 && value < 1e-3 ? value.toExponential() : String(value));

// ---- activations ------------------------------------------------------------------------------------

const functions: Readonly<Record<ActivationName, readonly [call: string, link: string]>> = {
  relu: ["F.relu", "nn.ReLU()"],
  relu6: ["F.relu6", "nn.ReLU6()"],
  leaky: ["F.leaky_relu", "nn.LeakyReLU"],
  elu: ["F.elu", "nn.ELU()"],
  sigmoid: ["torch.sigmoid", "nn.Sigmoid()"],
  tanh: ["torch.tanh", "nn.Tanh()"],
  swish: ["F.silu", "nn.SiLU()"],
  hswish: ["F.hardswish", "nn.Hardswish()"],
  hsigmoid: ["F.hardsigmoid", "nn.Hardsigmoid()"],
  gelu: ["F.gelu", "nn.GELU()"],
  mish: ["F.mish", "nn.Mish()"],
};

function activated({ fn, slope = 0 }: Activation, x: Text): Text {
  const [call] = functions[fn];
  return fn === "leaky" ? t`${call}(${x}, ${slot("slope", real(slope))})` : t`${call}(${x})`;
}

const activationLink = ({ fn, slope = 0 }: Activation): Text =>
  fn === "leaky" ? t`nn.LeakyReLU(${slot("slope", real(slope))})` : [functions[fn][1]];

// ---- layers with kernels ----------------------------------------------------------------------------

/** The residual and the activation of a fused layer; none in a graph as it was written. */
function finished(y: Text, { residual, activation }: Epilogue, node: Node, out: Scribe): Text {
  const rest = residual ? node.inputs[node.inputs.length - 1] : undefined;
  const sum = rest ? t`${y} + ${out.isFlat(node) ? out.flat(rest) : out.map(rest)}` : y;
  return activation ? activated(activation, sum) : sum;
}

/** The stored kernel, and the eps with which it is standardised. */
function kernelOf(node: Node): { readonly stored: Node; readonly eps: number | undefined } {
  const [, kernel] = node.inputs;
  const eps = (kernel as Node<ParamAttrs>).attrs.standardised;
  return { stored: eps === undefined ? kernel : kernel.inputs[0], eps };
}

export function conv2d(
  node: Node<AttrsOf<"conv2d">>,
  bias: Node | undefined = node.attrs.epilogue.bias ? node.inputs[2] : undefined,
): Saying {
  const { kernel, channels, stride, dilation, groups, pads, epilogue } = node.attrs;
  const [x] = node.inputs;
  const even = isEven(pads);
  const { stored, eps } = kernelOf(node);
  const input = (out: Scribe) => (even ? out.map(x) : padded(out.map(x), pads));
  if (isConstant(stored)) return fixedConvolution(node, stored, input);
  const settings = t`${slot("stride", stride, ", stride=", 1)}${slot("padding", even ? pair([pads.top, pads.left]) : "0", ", padding=", 0)}${slot("dilation", dilation, ", dilation=", 1)}${slot("groups", groups, ", groups=", 1)}`;
  const isStandardised = eps !== undefined;
  const last = isStandardised ? t`, eps=${epsilon(eps)}` : [];
  const type = isStandardised ? "StandardisedConv2d" : "nn.Conv2d";
  return {
    make: t`${type}(${slot("in", x.type.shape[3])}, ${slot("out", channels)}, ${slot("kernel_size", pair(kernel))}${settings}${bias ? "" : ", bias=False"}${last})`,
    leaves: new Map([[stored, "weight"], ...(bias ? [[bias, "bias"] as const] : [])]),
    call: (out) => finished(t`${out.self}(${input(out)})`, epilogue, node, out),
  };
}

/** A kernel that is no weight: that of a blur pool is binomial. */
function fixedConvolution(
  node: Node<AttrsOf<"conv2d">>,
  kernel: Node<ParamAttrs>,
  input: (out: Scribe) => Text,
): Saying {
  const { stride, groups, channels, epilogue } = node.attrs;
  const values = kernel.attrs.compute!([]);
  const [height, width] = node.attrs.kernel;
  const rows = Array.from({ length: height }, (_, i) => {
    const row = Array.from({ length: width }, (_, j) => real(values[(i * width + j) * channels]));
    return `[${row.join(", ")}]`;
  });
  invariant(groups === channels && isEven(node.attrs.pads), "a fixed kernel goes over each channel");
  const side = node.attrs.pads.top;
  return {
    fixed: t`FixedConv2d([${rows.join(", ")}]${slot("stride", stride, ", stride=", 1)}${slot("padding", side, ", padding=", 0)})`,
    call: (out) => finished(t`${out.self}(${input(out)})`, epilogue, node, out),
  };
}

export function dense(
  node: Node<AttrsOf<"dense">>,
  bias: Node | undefined = node.attrs.epilogue.bias ? node.inputs[2] : undefined,
): Saying {
  const [x, kernel] = node.inputs;
  const [, h, w, c] = x.type.shape;
  return {
    make: t`nn.Linear(${slot("in", h * w * c)}, ${slot("out", node.attrs.units)}${bias ? "" : ", bias=False"})`,
    leaves: new Map([[kernel, "weight"], ...(bias ? [[bias, "bias"] as const] : [])]),
    isFlat: true,
    call: (out) => finished(t`${out.self}(${out.flat(x)})`, node.attrs.epilogue, node, out),
  };
}

// ---- everything else --------------------------------------------------------------------------------

const vector = (values: Text, out: Scribe, node: Node): Text =>
  out.isFlat(node) ? values : t`${values}[:, None, None]`;

/** The one value of a vector that no checkpoint has. */
function constantOf(node: Node): number | undefined {
  if (!isConstant(node)) return undefined;
  const values = node.attrs.compute!([]);
  invariant(
    values.every((value) => value === values[0]),
    `${node.name} is no number`,
  );
  return values[0];
}

const sum = ({ inputs }: Node, sign: string, out: Scribe): Text => {
  const [left, right] = inputs;
  const both = out.isFlat(left) && out.isFlat(right);
  return both
    ? t`${out.flat(left)} ${sign} ${out.flat(right)}`
    : t`${out.map(left)} ${sign} ${out.map(right)}`;
};

const plain = (call: (x: Text) => Text, link: Text): Sayer<unknown> => {
  return (node) => ({ link, call: (out) => call(out.map(node.inputs[0])) });
};

const sayers: { readonly [Name in OpName]: Sayer<AttrsOf<Name>> } = {
  input: (node) => ({ call: (out) => out.either(node) }),
  param: (node) => ({ call: (out) => out.param(node) }),
  conv2d: (node) => conv2d(node),
  dense: (node) => dense(node),
  bias: (node) => ({
    isFlat: true,
    call: (out) => t`${out.either(node.inputs[0])} + ${vector(out.param(node.inputs[1]), out, node)}`,
  }),
  batchNorm: (node) => {
    const { mean, variance, scale, shift } = batchNormOperands(node.inputs, node.attrs);
    const frozen = (mean as Node<ParamAttrs>).attrs.frozen === true;
    const type = frozen ? "FrozenBatchNorm2d" : "nn.BatchNorm2d";
    const channels = slot("out", mean.type.shape[0]);
    const parts =
      scale && shift ? "" : scale || shift ? `, ${scale ? "shift" : "scale"}=False` : ", affine=False";
    const isHalf = !frozen && Boolean(scale) !== Boolean(shift);
    const leaves = [
      [mean, "running_mean"] as const,
      [variance, "running_var"] as const,
      ...(scale ? [[scale, "weight"] as const] : []),
      ...(shift ? [[shift, "bias"] as const] : []),
    ];
    return {
      make: t`${isHalf ? "HalfBatchNorm2d" : type}(${channels}${epsilon(node.attrs.eps, ", eps=")}${parts})`,
      leaves: new Map(leaves),
      call: (out) => t`${out.self}(${out.map(node.inputs[0])})`,
    };
  },
  affine: (node) => ({
    isFlat: true,
    call: (out) => {
      const [x, scale, shift] = node.inputs;
      const [factor, offset] = [constantOf(scale), constantOf(shift)];
      const scales =
        factor === undefined ? vector(out.param(scale), out, node) : [slot("factor", real(factor))];
      const scaled = t`${out.either(x)} * ${scales}`;
      if (offset === 0) return scaled;
      const shifts =
        offset === undefined ? vector(out.param(shift), out, node) : [slot("factor", real(offset))];
      return t`${scaled} + ${shifts}`;
    },
  }),
  groupNorm: (node) => {
    const [x, scale, shift] = node.inputs;
    const { groups, eps } = node.attrs;
    return {
      make: t`nn.GroupNorm(${slot("groups", groups)}, ${slot("out", scale.type.shape[0])}${epsilon(eps, ", eps=")})`,
      leaves: new Map([
        [scale, "weight"],
        [shift, "bias"],
      ]),
      call: (out) => t`${out.self}(${out.map(x)})`,
    };
  },
  layerNorm: (node) => {
    const [x, scale, shift] = node.inputs;
    const { eps, center } = node.attrs;
    const type = center ? "LayerNorm2d" : "RMSNorm2d";
    return {
      make: t`${type}(${slot("out", scale.type.shape[0])}${epsilon(eps, ", eps=")}${center === Boolean(shift) ? "" : `, bias=${shift ? "True" : "False"}`})`,
      leaves: new Map([[scale, "weight"], ...(shift ? [[shift, "bias"] as const] : [])]),
      call: (out) => t`${out.self}(${out.map(x)})`,
    };
  },
  activation: (node) => ({
    isFlat: true,
    link: activationLink(node.attrs),
    call: (out) => activated(node.attrs, out.either(node.inputs[0])),
  }),
  prelu: (node) => ({
    make: t`nn.PReLU(${slot("out", node.type.shape[3])})`,
    leaves: new Map([[node.inputs[1], "weight"]]),
    isFlat: true,
    call: (out) => t`${out.self}(${out.either(node.inputs[0])})`,
  }),
  add: (node) => ({ isFlat: true, call: (out) => sum(node, "+", out) }),
  mul: (node) => ({ isFlat: true, call: (out) => sum(node, "*", out) }),
  concat: (node) => ({
    call: (out) =>
      t`torch.cat([${node.inputs.flatMap((from, i) => [...(i ? [", "] : []), ...out.map(from)])}], 1)`,
  }),
  slice: (node) => {
    const { first, channels } = node.attrs;
    return {
      call: (out) =>
        t`${out.map(node.inputs[0])}[:, ${slot("first", first)}:${slot("last", first + channels)}]`,
    };
  },
  pad: (node) => {
    const { pads, before, after } = node.attrs;
    const list = `${padList(pads).slice(0, -1)}${before || after ? `, ${before}, ${after}` : ""})`;
    return { call: (out) => t`F.pad(${out.map(node.inputs[0])}, ${slot("padding", list)})` };
  },
  reflectPad: (node) => {
    const list = slot("padding", padList(node.attrs.pads));
    return {
      link: t`nn.ReflectionPad2d(${list})`,
      call: (out) => t`F.pad(${out.map(node.inputs[0])}, ${list}, mode="reflect")`,
    };
  },
  maxPool: (node) => maxPool(node),
  averagePool: (node) => averagePool(node),
  globalAveragePool: (node) => {
    if (node.attrs.sum) return { call: (out) => t`${out.map(node.inputs[0])}.sum((2, 3), keepdim=True)` };
    return plain((x) => t`F.adaptive_avg_pool2d(${x}, 1)`, ["nn.AdaptiveAvgPool2d(1)"])(node);
  },
  resize: (node) => {
    const { height, width, method } = node.attrs;
    const [, h, w] = node.inputs[0].type.shape;
    const isWhole = method === "nearest" && height % h === 0 && height / h === width / w;
    const size = isWhole
      ? slot("factor", height / h, "scale_factor=")
      : slot("size", `(${height}, ${width})`, "size=");
    const how = method === "bilinear" ? ', mode="bilinear", align_corners=False' : "";
    return { call: (out) => t`F.interpolate(${out.map(node.inputs[0])}, ${size}${how})` };
  },
  softmax: (node) => {
    const { parts, places } = node.attrs;
    const [x] = node.inputs;
    if (places)
      return {
        call: (out) =>
          t`${out.map(x)}.flatten(2).softmax(2).unflatten(2, ${slot("size", `(${node.type.shape[1]}, ${node.type.shape[2]})`)})`,
      };
    if (!parts)
      return { isFlat: true, link: ["nn.Softmax(1)"], call: (out) => t`torch.softmax(${out.either(x)}, 1)` };
    return {
      call: (out) => t`${out.map(x)}.unflatten(1, (${slot("parts", parts)}, -1)).softmax(1).flatten(1, 2)`,
    };
  },
  lrn: (node) => {
    const { size, alpha, beta, k } = node.attrs;
    const settings = `${size}, alpha=${real(alpha)}, beta=${real(beta)}, k=${real(k)}`;
    return plain(
      (x) => t`F.local_response_norm(${x}, ${settings})`,
      [`nn.LocalResponseNorm(${settings})`],
    )(node);
  },
  channelConv: (node) => {
    const { kernel } = node.attrs;
    const [x, taps] = node.inputs;
    return {
      make: t`ChannelConv(${slot("kernel_size", kernel)})`,
      leaves: new Map([[taps, "weight"]]),
      shapes: new Map([[taps, [1, 1, kernel]]]),
      call: (out) => t`${out.self}(${out.map(x)})`,
    };
  },
};

function maxPool(node: Node<AttrsOf<"maxPool">>): Saying {
  const { kernel, stride, pads } = node.attrs;
  const [, h, w] = node.inputs[0].type.shape;
  const around = { ...pads, bottom: pads.top, right: pads.left };
  // A pool that rounds up sees beyond the edge what padding on both sides does not show.
  const places = (size: number, window: number, before: number, ceil: boolean) => {
    const free = size + 2 * before - window;
    let steps = ceil ? Math.ceil(free / stride) : Math.floor(free / stride);
    if (ceil && steps * stride >= size + before) steps--;
    return steps + 1;
  };
  const gives = (ceil: boolean) =>
    places(h, kernel[0], pads.top, ceil) === node.type.shape[1] &&
    places(w, kernel[1], pads.left, ceil) === node.type.shape[2];
  const isSmall = 2 * pads.top <= kernel[0] && 2 * pads.left <= kernel[1];
  const ceil = !isEven(pads) && isSmall && gives(true);
  const own = isSmall && (isEven(pads) || ceil);
  const settings = t`${slot("kernel_size", pair(kernel))}, stride=${slot("stride", stride)}${own ? [slot("padding", pair([around.top, around.left]), ", padding=", 0)] : ""}${ceil ? ", ceil_mode=True" : ""}`;
  return {
    ...(own ? { link: t`nn.MaxPool2d(${settings})` } : {}),
    call: (out) => {
      const x = out.map(node.inputs[0]);
      return t`F.max_pool2d(${own ? x : padded(x, pads, 'float("-inf")')}, ${settings})`;
    },
  };
}

function averagePool(node: Node<AttrsOf<"averagePool">>): Saying {
  const { kernel, stride, pads, overhang, countPads } = node.attrs;
  const ceil = overhang.bottom > 0 || overhang.right > 0;
  const isSmall = 2 * pads.top <= kernel[0] && 2 * pads.left <= kernel[1];
  const own = isEven(pads) && isSmall;
  const edges = isNone(pads) || countPads ? "" : ", count_include_pad=False";
  const settings = t`${slot("kernel_size", pair(kernel))}, stride=${slot("stride", stride)}${own ? [slot("padding", pair([pads.top, pads.left]), ", padding=", 0)] : ""}${ceil ? ", ceil_mode=True" : ""}`;
  if (own) {
    return {
      link: t`nn.AvgPool2d(${settings}${edges})`,
      call: (out) => t`F.avg_pool2d(${out.map(node.inputs[0])}, ${settings}${edges})`,
    };
  }
  if (countPads)
    return { call: (out) => t`F.avg_pool2d(${padded(out.map(node.inputs[0]), pads)}, ${settings})` };
  // Each window's sum over how many of its places lie on the map.
  return {
    call: (out) =>
      t`avg_pool_inside(${out.map(node.inputs[0])}, ${slot("padding", padList(pads))}, ${settings})`,
  };
}

/** What is said of a node; every operation has its saying. */
export function saying(node: Node): Saying {
  const name = (Object.keys(ops) as OpName[]).find((each) => isOp(node, ops[each] as Op));
  invariant(name, `${node.op.name} is no operation of the list`);
  return (sayers[name] as Sayer<unknown>)(node);
}
