/** Small networks built without the language, for tests of passes and targets. */
import { collect } from "../../src/base/diagnostic.ts";
import type { ActivationName } from "../../src/ir/activation.ts";
import { GraphBuilder } from "../../src/ir/build.ts";
import { noEpilogue } from "../../src/ir/epilogue.ts";
import type { Graph, Node } from "../../src/ir/graph.ts";
import type { Op } from "../../src/ir/op.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { noPads } from "../../src/ir/tensor.ts";

/** Steps of networks, each a node after another; what does not type throws. */
export class NetBuilder {
  readonly #builder: GraphBuilder;

  constructor() {
    const { report, diagnostics } = collect();
    this.#builder = new GraphBuilder((...args) => {
      report(...args);
      throw new Error(diagnostics[0].message);
    });
  }

  add<A>(op: Op<A>, name: string, inputs: readonly Node[], attrs: A): Node<A> {
    return this.#builder.add(op, name, inputs, attrs)!;
  }

  input(name: string, ...shape: number[]): Node {
    return this.add(ops.input, name, [], { shape });
  }

  conv(name: string, x: Node, channels: number, { size = 3, stride = 1, groups = 1 } = {}): Node {
    const side = (size - 1) / 2;
    const pads = { top: side, bottom: side, left: side, right: side };
    const kernel = [size, size, x.type.shape[3] / groups, channels];
    const weight = this.#builder.param(`${name}.weight`, "weight", kernel)!;
    const attrs = {
      kernel: [size, size],
      channels,
      stride,
      dilation: 1,
      groups,
      pads,
      epilogue: noEpilogue,
    } as const;
    return this.add(ops.conv2d, name, [x, weight], attrs);
  }

  norm(name: string, x: Node): Node {
    const roles = ["mean", "var", "scale", "shift"] as const;
    const vectors = roles.map((role) => this.#builder.param(`${name}.${role}`, role, [x.type.shape[3]])!);
    return this.add(ops.batchNorm, name, [x, ...vectors], { eps: 1e-5, scale: true, shift: true });
  }

  activation(name: string, x: Node, fn: ActivationName = "relu"): Node {
    return this.add(ops.activation, name, [x], { fn });
  }

  dense(name: string, x: Node, units: number): Node {
    const weight = this.#builder.param(`${name}.weight`, "weight", [...x.type.shape.slice(1), units])!;
    const product = this.add(ops.dense, name, [x, weight], { units, epilogue: noEpilogue });
    return this.add(
      ops.bias,
      `${name}.add`,
      [product, this.#builder.param(`${name}.bias`, "bias", [units])!],
      null,
    );
  }

  graph(name: string, outputs: Readonly<Record<string, Node>>): Graph {
    return this.#builder.graph(
      name,
      Object.entries(outputs).map(([name, node]) => ({ name, node })),
    );
  }
}

/** A stem with a pool, three residual blocks (one strided, one grouped with a gate), a head. */
export function smallNet(): Graph {
  const net = new NetBuilder();
  const step = (name: string, x: Node, channels: number, more = {}) =>
    net.norm(`${name}.bn`, net.conv(name, x, channels, more));
  const block = (name: string, x: Node, channels: number, stride: number, groups = 1) => {
    const first = net.activation(`${name}.relu1`, step(`${name}.conv1`, x, channels, { stride }));
    const second = step(`${name}.conv2`, first, channels, { groups });
    const shortcut = stride > 1 ? step(`${name}.down`, x, channels, { size: 1, stride }) : x;
    return net.activation(`${name}.relu`, net.add(ops.add, `${name}.add`, [second, shortcut], null));
  };
  const x = net.input("input", 1, 32, 32, 3);
  const stem = net.activation("stem.relu", step("stem", x, 8, { size: 7, stride: 2 }));
  const pads = { top: 1, bottom: 1, left: 1, right: 1 };
  const pool = net.add(ops.maxPool, "pool", [stem], { kernel: [3, 3], stride: 2, pads });
  const one = block("stage1.0", pool, 8, 1);
  const two = block("stage2.0", one, 16, 2);
  const gate = net.activation(
    "gate",
    net.dense("gate.fc", net.add(ops.globalAveragePool, "gate.pool", [two], { sum: false }), 16),
    "sigmoid",
  );
  const three = block("stage3.0", net.add(ops.mul, "gated", [two, gate], null), 16, 1, 4);
  const top = net.add(ops.averagePool, "top", [three], {
    kernel: [4, 4],
    stride: 1,
    pads: noPads,
    overhang: { bottom: 0, right: 0 },
    countPads: true,
  });
  return net.graph("smallnet", { features: three, logits: net.dense("fc", top, 10) });
}
