/**
 * Writes small networks down quickly: each method adds one operation with its weights, named after it as lowering
 * names them, and throws where the shape rule objects.
 *
 *     const net = new Sketch();
 *     const x = net.input([1, 5, 5, 3]);
 *     const graph = net.graph(net.relu(net.batchNorm(net.conv(x, 8))));
 */

import { collect } from "../../src/base/diagnostic.ts";
import type { ActivationName } from "../../src/ir/activation.ts";
import { GraphBuilder } from "../../src/ir/build.ts";
import { noEpilogue } from "../../src/ir/epilogue.ts";
import type { Graph, Node } from "../../src/ir/graph.ts";
import { isOp } from "../../src/ir/graph.ts";
import type { WeightSource } from "../../src/ir/interpret.ts";
import type { Op } from "../../src/ir/op.ts";
import type { BatchNormAttrs } from "../../src/ir/ops/batch-norm.ts";
import type { Conv2dAttrs } from "../../src/ir/ops/conv2d.ts";
import { ops } from "../../src/ir/ops/index.ts";
import type { PadAttrs } from "../../src/ir/ops/pad.ts";
import { type ParamRole, param } from "../../src/ir/ops/param.ts";
import { elements, noPads, type Pads, type Shape } from "../../src/ir/tensor.ts";
import { reach } from "../../src/ir/window.ts";
import { randomValues } from "./random.ts";

export const evenPads = (size: number): Pads => ({ top: size, bottom: size, left: size, right: size });

export interface ConvOptions extends Partial<Omit<Conv2dAttrs, "channels" | "epilogue">> {
  /** Another convolution's kernel. */
  readonly shared?: Node;
}

export interface PoolOptions {
  readonly kernel?: number;
  readonly stride?: number;
  readonly pads?: Pads;
}

export class Sketch {
  readonly #collector = collect();
  readonly #builder = new GraphBuilder(this.#collector.report);
  readonly #counts = new Map<string, number>();

  add<A>(op: Op<A>, name: string, inputs: readonly Node[], attrs: A): Node<A> {
    const node = this.#builder.add(op, name, inputs, attrs);
    if (!node) throw new Error(this.#collector.diagnostics.map(({ message }) => message).join("; "));
    return node;
  }

  /** The operation named after itself and a number, or as told. */
  #op<A>(op: Op<A>, inputs: readonly Node[], attrs: A, name = this.#name(op.name)): Node<A> {
    return this.add(op, name, inputs, attrs);
  }

  #name(word: string): string {
    const count = (this.#counts.get(word) ?? 0) + 1;
    this.#counts.set(word, count);
    return `${word}${count}`;
  }

  weight(name: string, role: ParamRole, shape: Shape): Node {
    return this.add(param, name, [], { role, shape });
  }

  input(shape: Shape, name = "input"): Node {
    return this.add(ops.input, name, [], { shape });
  }

  /** A convolution that keeps the size of the map at stride 1, unless told otherwise. */
  conv(x: Node, channels: number, options: ConvOptions = {}, name = this.#name("conv")): Node {
    const { kernel = [3, 3], stride = 1, dilation = 1, groups = 1, shared } = options;
    const pads = options.pads ?? {
      top: Math.floor(reach(kernel[0], dilation) / 2),
      bottom: Math.floor(reach(kernel[0], dilation) / 2),
      left: Math.floor(reach(kernel[1], dilation) / 2),
      right: Math.floor(reach(kernel[1], dilation) / 2),
    };
    const shape = [...kernel, x.type.shape[3] / groups, channels];
    const weight = shared ?? this.weight(`${name}.weight`, "weight", shape);
    const attrs = { kernel, channels, stride, dilation, groups, pads, epilogue: noEpilogue };
    return this.add(ops.conv2d, name, [x, weight], attrs);
  }

  dense(x: Node, units: number, name = this.#name("dense")): Node {
    const weight = this.weight(`${name}.weight`, "weight", [...x.type.shape.slice(1), units]);
    return this.add(ops.dense, name, [x, weight], { units, epilogue: noEpilogue });
  }

  bias(x: Node, name = this.#name("bias")): Node {
    return this.add(ops.bias, name, [x, this.#vector(x, name, "bias")], null);
  }

  batchNorm(x: Node, options: Partial<BatchNormAttrs> = {}, name = this.#name("bn")): Node {
    const { eps = 1e-5, scale = true, shift = true } = options;
    const roles: ParamRole[] = [
      "mean",
      "var",
      ...(scale ? ["scale" as const] : []),
      ...(shift ? ["shift" as const] : []),
    ];
    const vectors = roles.map((role) => this.#vector(x, name, role));
    return this.add(ops.batchNorm, name, [x, ...vectors], { eps, scale, shift });
  }

  affine(x: Node, name = this.#name("affine")): Node {
    const vectors = [this.#vector(x, name, "scale"), this.#vector(x, name, "shift")];
    return this.add(ops.affine, name, [x, ...vectors], null);
  }

  prelu(x: Node, name = this.#name("prelu")): Node {
    return this.add(ops.prelu, name, [x, this.#vector(x, name, "scale")], null);
  }

  #vector(x: Node, name: string, role: ParamRole): Node {
    return this.weight(`${name}.${role}`, role, [x.type.shape[3]]);
  }

  activation(x: Node, fn: ActivationName, slope?: number, name = this.#name(fn)): Node {
    return this.add(ops.activation, name, [x], slope === undefined ? { fn } : { fn, slope });
  }

  relu = (x: Node, name?: string): Node => this.activation(x, "relu", undefined, name);
  plus = (left: Node, right: Node, name?: string): Node => this.#op(ops.add, [left, right], null, name);
  times = (left: Node, right: Node, name?: string): Node => this.#op(ops.mul, [left, right], null, name);
  concat = (maps: readonly Node[], name?: string): Node => this.#op(ops.concat, maps, null, name);
  mean = (x: Node, name?: string): Node => this.#op(ops.globalAveragePool, [x], { sum: false }, name);
  softmax = (x: Node, parts = 0, name?: string): Node =>
    this.#op(ops.softmax, [x], { parts, places: false }, name);
  slice = (x: Node, first: number, channels: number): Node => this.#op(ops.slice, [x], { first, channels });
  reflectPad = (x: Node, around: Partial<Pads>): Node =>
    this.#op(ops.reflectPad, [x], { pads: { ...noPads, ...around } });

  resize(x: Node, height: number, width: number, method: "nearest" | "bilinear" = "bilinear"): Node {
    return this.#op(ops.resize, [x], { height, width, method });
  }

  upsample(x: Node, scale = 2): Node {
    const [, height, width] = x.type.shape;
    return this.resize(x, scale * height, scale * width, "nearest");
  }

  pad(x: Node, attrs: Partial<PadAttrs>, name?: string): Node {
    return this.#op(ops.pad, [x], { pads: noPads, before: 0, after: 0, ...attrs }, name);
  }

  maxPool(x: Node, { kernel = 2, stride = 2, pads = noPads }: PoolOptions = {}, name?: string): Node {
    return this.#op(ops.maxPool, [x], { kernel: [kernel, kernel], stride, pads }, name);
  }

  averagePool(x: Node, { kernel = 2, stride = 2, pads = noPads }: PoolOptions = {}, name?: string): Node {
    const attrs = { kernel: [kernel, kernel] as const, stride, pads };
    return this.#op(
      ops.averagePool,
      [x],
      { ...attrs, overhang: { bottom: 0, right: 0 }, countPads: true },
      name,
    );
  }

  /** One output called `output`, or several by name. */
  graph(outputs: Node | Readonly<Record<string, Node>>, name = "net"): Graph {
    const named = "op" in outputs ? { output: outputs as Node } : outputs;
    return this.#builder.graph(
      name,
      Object.entries(named).map(([name, node]) => ({ name, node })),
    );
  }
}

/**
 * A value for every loaded weight of a graph, by its name: the same before and after a pass. Variances are
 * positive; kernels are small enough that deep nets stay finite.
 */
export function namedWeights(graph: Graph, seed = 0): WeightSource {
  const values = new Map<string, Float32Array>();
  for (const node of graph.nodes) {
    if (!isOp(node, param) || node.attrs.compute) continue;
    const { role, shape } = node.attrs;
    const [low, high] = role === "var" ? [0.5, 1.5] : role === "weight" ? [-0.5, 0.5] : [-1, 1];
    values.set(node.name, randomValues(seed ^ hash(node.name), elements(shape), low, high));
  }
  return {
    get(name) {
      const found = values.get(name);
      if (!found) throw new Error(`${name} is no weight of this graph`);
      return found;
    },
  };
}

/** FNV-1a. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return state >>> 0;
}
