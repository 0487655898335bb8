/** Every operation as steps: a table from the operation's name, like the table of operations itself. */
import { invariant } from "../../../base/invariant.ts";
import type { Node } from "../../../ir/graph.ts";
import { type BatchNormAttrs, batchNorm } from "../../../ir/ops/batch-norm.ts";
import type { OpName, ops } from "../../../ir/ops/index.ts";
import { elements, sameShape } from "../../../ir/tensor.ts";
import { batchNormScale, batchNormShift, type ComputedVector } from "../../../passes/per-channel.ts";
import { averagePoolKernel } from "../kernels/average-pool.ts";
import { channelConvKernel } from "../kernels/channel-conv.ts";
import { copyKernel } from "../kernels/copy.ts";
import { globalAveragePoolKernel } from "../kernels/global-average-pool.ts";
import { groupNormKernel } from "../kernels/group-norm.ts";
import { lanes, type MapLayout } from "../kernels/kernel.ts";
import { layerNormKernel } from "../kernels/layer-norm.ts";
import { lrnKernel } from "../kernels/lrn.ts";
import { maxPoolKernel } from "../kernels/max-pool.ts";
import { fitsPointwise, type PointwiseOperation, pointwiseKernel } from "../kernels/pointwise.ts";
import { reflectPadKernel } from "../kernels/reflect-pad.ts";
import { resizeKernel } from "../kernels/resize.ts";
import { softmaxKernel } from "../kernels/softmax.ts";
import { planConv, planDense } from "./convolution.ts";
import { type Chain, moveNs, type Planner } from "./planner.ts";

type NodeOf<Name extends OpName> = Parameters<(typeof ops)[Name]["print"]>[0] extends infer A
  ? Node<A>
  : never;

type Operations = {
  readonly [Name in OpName]: (node: NodeOf<Name>, planner: Planner, next: Node | undefined) => void;
};

/** `next` is the only reader of the node, if it has only one. */
const operations: Operations = {
  input: (node, planner) => planner.addPicture(node),
  // Weights are packed by the operations that read them.
  param: () => {},
  conv2d: planConv,
  dense: planDense,

  bias: (node, planner, next) =>
    join(
      node,
      planner,
      next,
      { op: "bias" },
      { bias: planner.vector(node.name, channelsOf(node), node.inputs[1]) },
    ),
  affine: (node, planner, next) =>
    join(
      node,
      planner,
      next,
      { op: "affine" },
      {
        weights: planner.vector(node.name, channelsOf(node), node.inputs[1]),
        bias: planner.vector(node.name, channelsOf(node), node.inputs[2]),
      },
    ),
  batchNorm: planBatchNorm,
  activation: (node, planner, next) =>
    join(node, planner, next, { op: "activation", activation: node.attrs }),
  prelu: (node, planner, next) =>
    join(
      node,
      planner,
      next,
      { op: "prelu" },
      { extra: planner.vector(node.name, channelsOf(node), node.inputs[1]) },
    ),
  add: (node, planner, next) => {
    const [main, second] = mainFirst(node, planner);
    join(node, planner, next, { op: "add" }, { second: planner.view(second) }, main);
  },
  mul: (node, planner, next) => {
    const [main, second] = mainFirst(node, planner);
    const op = sameShape(second.type.shape, node.type.shape)
      ? "mul"
      : second.type.shape[3] === node.type.shape[3]
        ? "gate"
        : "weigh";
    join(node, planner, next, { op }, { second: planner.view(second) }, main);
  },

  concat(node, planner) {
    const output = planner.map(node);
    const { channels, pixelStride } = output.layout;
    let before = 0;
    for (const [i, from] of node.inputs.entries()) {
      const source = planner.view(from);
      const isLast = i === node.inputs.length - 1;
      planner.step({
        node,
        part: node.inputs.length > 1 ? `operand ${i + 1}` : undefined,
        kernel: copyKernel({
          input: source.layout,
          output: output.layout,
          before: 0,
          after: isLast ? Math.min(lanes(channels), pixelStride) - channels : 0,
        }),
        input: source,
        output: { buffer: output.buffer, offset: output.offset + before },
        ns: moveNs(2 * elements(from.type.shape)),
      });
      before += source.layout.channels;
    }
  },
  slice(node, planner) {
    const { first, channels } = node.attrs;
    const whole = planner.view(node.inputs[0]);
    const part = { ...whole, offset: whole.offset + first, layout: { ...whole.layout, channels } };
    // Read where it lies, if nobody wants zeros around it.
    if (first % 4 === 0 && planner.wantsNoHalo(node)) return planner.alias(node, part);
    const output = planner.map(node);
    planner.step({
      node,
      kernel: copyKernel({
        input: part.layout,
        output: output.layout,
        before: 0,
        after: lanes(channels) - channels,
      }),
      input: part,
      output,
      ns: moveNs(2 * elements(node.type.shape)),
    });
  },
  pad(node, planner) {
    const { pads, before, after } = node.attrs;
    step(node, planner, ({ input, output }) => ({
      kernel: copyKernel({
        input,
        output,
        pads,
        before,
        after: after + lanes(output.channels) - output.channels,
      }),
    }));
  },
  reflectPad: (node, planner) =>
    step(node, planner, (maps) => ({ kernel: reflectPadKernel({ ...maps, ...node.attrs }) })),

  maxPool: (node, planner) =>
    step(node, planner, (maps) => ({ kernel: maxPoolKernel({ ...maps, ...node.attrs }) })),
  averagePool: (node, planner) =>
    step(node, planner, (maps) => ({ kernel: averagePoolKernel({ ...maps, ...node.attrs }) })),
  globalAveragePool: (node, planner) =>
    step(node, planner, ({ input }) => ({ kernel: globalAveragePoolKernel({ input, ...node.attrs }) })),

  groupNorm: (node, planner) =>
    step(node, planner, (maps) => ({
      kernel: groupNormKernel({ ...maps, ...node.attrs }),
      weights: planner.vector(node.name, channelsOf(node), node.inputs[1]),
      bias: planner.vector(node.name, channelsOf(node), node.inputs[2]),
    })),
  layerNorm: (node, planner) =>
    step(node, planner, (maps) => ({
      kernel: layerNormKernel({ ...maps, ...node.attrs }),
      weights: planner.vector(node.name, channelsOf(node), node.inputs[1]),
      ...(node.attrs.shift ? { bias: planner.vector(node.name, channelsOf(node), node.inputs[2]) } : {}),
    })),
  resize: (node, planner) =>
    step(node, planner, (maps) => ({ kernel: resizeKernel({ ...maps, method: node.attrs.method }) })),
  softmax: (node, planner) =>
    step(node, planner, (maps) => ({ kernel: softmaxKernel({ ...maps, ...node.attrs }) })),
  lrn: (node, planner) => step(node, planner, (maps) => ({ kernel: lrnKernel({ ...maps, ...node.attrs }) })),
  channelConv: (node, planner) =>
    step(node, planner, (maps) => ({
      kernel: channelConvKernel({ ...maps, ...node.attrs }),
      weights: planner.vector(node.name, lanes(node.attrs.kernel), node.inputs[1]),
    })),
};

export function planNode(node: Node, planner: Planner, next: Node | undefined): void {
  const plan = operations[node.op.name as OpName] as (
    node: Node,
    planner: Planner,
    next: Node | undefined,
  ) => void;
  invariant(plan, `the wasm target does not know ${node.op.name}`);
  plan(node, planner, next);
}

const channelsOf = (node: Node): number => lanes(node.type.shape[3]);

type Step = Parameters<Planner["step"]>[0];

/** The step of an operation that makes one map of another. */
function step(
  node: Node,
  planner: Planner,
  how: (maps: {
    readonly input: MapLayout;
    readonly output: MapLayout;
  }) => Pick<Step, "kernel" | "weights" | "bias">,
): void {
  const input = planner.view(node.inputs[0]);
  const output = planner.map(node);
  const floats = elements(node.inputs[0].type.shape) + elements(node.type.shape);
  const parts = how({ input: input.layout, output: output.layout });
  planner.step({ node, input, output, ns: moveNs(floats), ...parts });
}

// ---- elementwise --------------------------------------------------------------------------------------

const joinable: readonly string[] = [
  "bias",
  "affine",
  "batchNorm",
  "activation",
  "prelu",
  "add",
  "mul",
  "times",
];

/** The operand that other elementwise operations have not been run for yet, if there is one, before the other. */
function mainFirst({ inputs: [left, right] }: Node, planner: Planner): readonly [Node, Node] {
  const isSmaller = elements(left.type.shape) < elements(right.type.shape);
  return planner.pending.has(right) || isSmaller ? [right, left] : [left, right];
}

/**
 * Adds an operation to the chain that its input is the end of. The chain becomes a step when nothing more can
 * join: when the value has another reader, or one that is not elementwise.
 */
function join(
  node: Node,
  planner: Planner,
  next: Node | undefined,
  operation: PointwiseOperation,
  operands: Partial<Omit<Chain, "source" | "operations">> = {},
  main: Node = node.inputs[0],
): void {
  let chain = planner.pending.get(main);
  planner.pending.delete(main);
  if (chain && !fitsPointwise([...chain.operations, operation])) {
    flush(main, chain, planner);
    chain = undefined;
  }
  const whole: Chain = {
    ...(chain ?? { source: planner.view(main) }),
    ...operands,
    operations: [...(chain?.operations ?? []), operation],
  };
  // Of two operands that could wait for the same reader only one does: the other must be there.
  const waits = next?.inputs.some((other) => other !== node && planner.pending.has(other));
  if (next && !waits && canJoin(node, next)) planner.pending.set(node, whole);
  else flush(node, whole, planner);
}

/** Whether `next` reads the value once, as the map that it works on. */
function canJoin(node: Node, next: Node): boolean {
  if (!joinable.includes(next.op.name)) return false;
  const places = elements(node.type.shape) === elements(next.type.shape);
  return places && next.inputs.filter((from) => from === node).length === 1;
}

function flush(node: Node, chain: Chain, planner: Planner): void {
  const { source, second, operations: list } = chain;
  const output = planner.map(node);
  const { weights, bias, extra } = chain;
  planner.step({
    node,
    kernel: pointwiseKernel({
      input: source.layout,
      output: output.layout,
      ...(second ? { second: second.layout } : {}),
      chain: list,
    }),
    input: source,
    output,
    residual: second,
    weights,
    bias,
    extra,
    ns: moveNs((second ? 3 : 2) * elements(node.type.shape)),
  });
}

function planBatchNorm(node: Node<BatchNormAttrs>, planner: Planner, next: Node | undefined): void {
  invariant(node.op === (batchNorm as unknown), `${node.name} is no batch norm`);
  const vector = ({ from, compute }: ComputedVector, part: string) =>
    planner.vectorOf(`${node.name} ${part}`, channelsOf(node), () =>
      compute(from.map((param) => ({ shape: param.type.shape, data: planner.values(param) }))),
    );
  join(
    node,
    planner,
    next,
    { op: "affine" },
    { weights: vector(batchNormScale(node), "scale"), bias: vector(batchNormShift(node), "shift") },
  );
}
