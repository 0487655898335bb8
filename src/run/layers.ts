/** The steps of a plan as layers of the network, with what each took. */
import { isOp, type Node } from "../ir/graph.ts";
import { ops } from "../ir/ops/index.ts";
import { elements } from "../ir/tensor.ts";

export interface Layer {
  /** Of its operation. */
  readonly name: string;
  /** The operation, as people say it: "conv 3x3 /2, 256". */
  readonly what: string;
  /** The kernels that it takes, in words. */
  readonly kernels: string;
  readonly ms: number;
  /** What the wasm target's planner expects on one thread. */
  readonly predictedMs?: number;
  /** Multiply-adds of the definition, whatever the algorithm does. */
  readonly macs: number;
  /** Weights and maps, float32, each once. */
  readonly bytes: number;
}

export interface Part {
  readonly node: Node;
  readonly kernel: string;
  readonly predictedMs?: number;
}

export interface TimedStep extends Part {
  readonly ms: number;
}

/** The steps of one operation together, in the order of their first. */
export function layersOf(steps: readonly TimedStep[]): readonly Layer[] {
  const byNode = new Map<Node, TimedStep[]>();
  for (const step of steps) {
    const found = byNode.get(step.node);
    if (found) found.push(step);
    else byNode.set(step.node, [step]);
  }
  return [...byNode].map(([node, parts]) => {
    const predicted = parts.flatMap(({ predictedMs }) => predictedMs ?? []);
    return {
      name: node.name,
      what: whatIs(node),
      kernels: [...new Set(parts.map(({ kernel }) => kernel))].join(" + "),
      ms: parts.reduce((sum, { ms }) => sum + ms, 0),
      ...(predicted.length > 0 ? { predictedMs: predicted.reduce((sum, ms) => sum + ms, 0) } : {}),
      macs: node.op.macs(node),
      bytes: 4 * [node, ...node.inputs].reduce((sum, { type: { shape } }) => sum + elements(shape), 0),
    };
  });
}

function whatIs(node: Node): string {
  if (isOp(node, ops.conv2d)) {
    const { kernel, stride, channels, groups } = node.attrs;
    const split = groups === 1 ? "" : groups === channels ? " depthwise" : ` in ${groups} groups`;
    return `conv ${kernel.join("x")}${stride > 1 ? ` /${stride}` : ""}, ${channels}${split}`;
  }
  if (isOp(node, ops.dense)) return `dense ${node.attrs.units}`;
  return node.op.name;
}

/** "winograd F(4,3)", "conv", "maxPool": the family of a kernel's name, with the variant where it has one. */
export function familyOf(name: string): string {
  const [family, variant = ""] = name.split(" ");
  return /^F\(/.test(variant) ? `${family} ${variant}` : family;
}
