/**
 * A graph as a tfjs GraphModel, as converters write them: a model that has nothing of resnetc in it. It knows the
 * operations of residual nets and refuses the others.
 */
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import type { io } from "@tensorflow/tfjs-core";
import type { Activation } from "../../src/ir/activation.ts";
import { type Graph, isOp, type Node } from "../../src/ir/graph.ts";
import { paramValue, type WeightSource } from "../../src/ir/interpret.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { noPads, type Pads, type Shape } from "../../src/ir/tensor.ts";

type Attr = Readonly<Record<string, unknown>>;

interface NodeDef {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, Attr>>;
}

/** What an IOHandler loads. */
export interface GraphModelFiles {
  readonly json: object;
  readonly weights: ArrayBuffer;
}

export const toGraphModel = (graph: Graph, weights: WeightSource): GraphModelFiles =>
  new Writer(weights).write(graph);

export const loadFiles = ({ json, weights }: GraphModelFiles) =>
  loadGraphModel({ load: async () => ({ ...json, weightData: weights }) as io.ModelArtifacts });

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const text = (value: string): Attr => ({ s: base64(value) });
const texts = (values: readonly string[]): Attr => ({ list: { s: values.map(base64) } });
const ints = (values: readonly number[]): Attr => ({ list: { i: values.map(String) } });
const int = (value: number): Attr => ({ i: String(value) });
const flag = (value: boolean): Attr => ({ b: value });
const shapeOf = (shape: Shape): Attr => ({ shape: { dim: shape.map((size) => ({ size: String(size) })) } });
const isEmpty = ({ top, bottom, left, right }: Pads): boolean => top + bottom + left + right === 0;

/** As FusedConv2D knows them. */
const fusable: Readonly<Partial<Record<Activation["fn"], string>>> = {
  relu: "Relu",
  relu6: "Relu6",
  elu: "Elu",
  sigmoid: "Sigmoid",
};

class Writer {
  readonly #weights: WeightSource;
  readonly #nodes: NodeDef[] = [];
  readonly #values = new Map<Node, string>();
  readonly #specs: { name: string; shape: Shape; dtype: "float32" | "int32" }[] = [];
  readonly #data: Uint8Array[] = [];

  constructor(weights: WeightSource) {
    this.#weights = weights;
  }

  write(graph: Graph): GraphModelFiles {
    for (const node of graph.nodes) if (!isOp(node, ops.param)) this.#values.set(node, this.#emit(node));
    const outputs = graph.outputs.map(({ name, node }) => this.#call(name, "Identity", [this.#value(node)]));
    const weights = Buffer.concat(this.#data);
    const json = {
      format: "graph-model",
      modelTopology: { node: this.#nodes, versions: {} },
      weightSpecs: this.#specs,
      signature: { outputs: Object.fromEntries(outputs.map((name) => [name, { name }])) },
    };
    return { json, weights: weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.length) };
  }

  #value(node: Node): string {
    return isOp(node, ops.param) ? this.#weight(node.name, node) : this.#values.get(node)!;
  }

  #call(name: string, op: string, input: readonly string[], attr: NodeDef["attr"] = {}): string {
    this.#nodes.push({ name, op, input, attr });
    return name;
  }

  #const(name: string, shape: Shape, dtype: "float32" | "int32", data: Float32Array | Int32Array): string {
    this.#specs.push({ name, shape, dtype });
    this.#data.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return this.#call(name, "Const", [], {
      dtype: { type: dtype === "int32" ? "DT_INT32" : "DT_FLOAT" },
      value: {},
    });
  }

  #weight(name: string, node: Node, shape?: Shape): string {
    if (!isOp(node, ops.param)) throw new Error(`${node.name} is no weight`);
    const value = paramValue(node, this.#weights);
    return this.#const(name, shape ?? value.shape, "float32", Float32Array.from(value.data));
  }

  #emit(node: Node): string {
    const [x] = node.inputs;
    const { name } = node;
    if (isOp(node, ops.input)) {
      const shape = shapeOf([-1, ...node.type.shape.slice(1)]);
      return this.#call(name, "Placeholder", [], { dtype: { type: "DT_FLOAT" }, shape });
    }
    if (isOp(node, ops.conv2d)) return this.#conv(node);
    if (isOp(node, ops.dense)) return this.#dense(node);
    if (isOp(node, ops.add))
      return this.#call(
        name,
        "AddV2",
        node.inputs.map((from) => this.#value(from)),
      );
    if (isOp(node, ops.activation)) return this.#activate(name, this.#value(x), node.attrs);
    if (isOp(node, ops.maxPool)) {
      const { kernel, stride, pads } = node.attrs;
      // Explicit padding is refused for pools. Behind a ReLU zeros are as good as nothing.
      const from = isEmpty(pads) ? this.#value(x) : this.#pad(name, this.#value(x), pads);
      return this.#call(name, "MaxPool", [from], {
        ksize: ints([1, ...kernel, 1]),
        strides: ints([1, stride, stride, 1]),
        padding: text("VALID"),
      });
    }
    if (isOp(node, ops.globalAveragePool)) {
      const axes = this.#const(`${name}/axes`, [2], "int32", Int32Array.of(1, 2));
      return this.#call(name, "Mean", [this.#value(x), axes], { keep_dims: flag(true) });
    }
    throw new Error(`${node.op.name} has no place in this GraphModel`);
  }

  #pad(name: string, from: string, { top, bottom, left, right }: Pads): string {
    const pads = Int32Array.of(0, 0, top, bottom, left, right, 0, 0);
    return this.#call(`${name}/pad`, "Pad", [from, this.#const(`${name}/pads`, [4, 2], "int32", pads)]);
  }

  #activate(name: string, from: string, { fn }: Activation): string {
    const op = fusable[fn] ?? { tanh: "Tanh" }[fn as string];
    if (!op) throw new Error(`${fn} has no place in this GraphModel`);
    return this.#call(name, op, [from]);
  }

  #conv(node: Node<typeof ops.conv2d extends { print(attrs: infer A): string } ? A : never>): string {
    const { name, attrs, inputs } = node;
    const { kernel, stride, dilation, groups, pads, epilogue, channels } = attrs;
    const depthwise = groups > 1;
    if (depthwise && (groups !== channels || epilogue.residual))
      throw new Error("tfjs has no grouped convolution");
    const shape = depthwise ? [...kernel, channels, 1] : [...kernel, inputs[0].type.shape[3], channels];
    const operands = [this.#value(inputs[0]), this.#weight(inputs[1].name, inputs[1], shape)];
    const { top, bottom, left, right } = pads ?? noPads;
    const attr: Record<string, Attr> = {
      strides: ints([1, stride, stride, 1]),
      dilations: ints([1, dilation, dilation, 1]),
      data_format: text("NHWC"),
      padding: text(isEmpty(pads) ? "VALID" : "EXPLICIT"),
      ...(isEmpty(pads) ? {} : { explicit_paddings: ints([0, 0, top, bottom, left, right, 0, 0]) }),
    };
    const { bias, activation } = epilogue;
    if (!bias) {
      const op = depthwise ? "DepthwiseConv2dNative" : "Conv2D";
      if (!activation) return this.#call(name, op, operands, attr);
      return this.#activate(name, this.#call(`${name}/conv`, op, operands, attr), activation);
    }
    const fused = activation && fusable[activation.fn];
    const op = depthwise ? "FusedDepthwiseConv2dNative" : "_FusedConv2D";
    const made = this.#call(
      activation && !fused ? `${name}/conv` : name,
      op,
      [...operands, this.#weight(inputs[2].name, inputs[2])],
      { ...attr, num_args: int(1), fused_ops: texts(["BiasAdd", ...(fused ? [fused] : [])]) },
    );
    return activation && !fused ? this.#activate(name, made, activation) : made;
  }

  #dense(node: Node<typeof ops.dense extends { print(attrs: infer A): string } ? A : never>): string {
    const { name, inputs, attrs } = node;
    const [, height, width, channels] = inputs[0].type.shape;
    const depth = height * width * channels;
    const flat = this.#const(`${name}/shape`, [2], "int32", Int32Array.of(-1, depth));
    const operands = [
      this.#call(`${name}/flat`, "Reshape", [this.#value(inputs[0]), flat]),
      this.#weight(inputs[1].name, inputs[1], [depth, attrs.units]),
    ];
    const { bias, activation } = attrs.epilogue;
    const fused = activation ? fusable[activation.fn] : undefined;
    if (!bias || (activation && !fused)) throw new Error(`${name} has no place in this GraphModel`);
    return this.#call(name, "_FusedMatMul", [...operands, this.#weight(inputs[2].name, inputs[2])], {
      num_args: int(1),
      fused_ops: texts(["BiasAdd", ...(fused ? [fused] : [])]),
    });
  }
}
