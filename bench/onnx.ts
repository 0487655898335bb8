/**
 * An ONNX file of an optimised graph, so that onnxruntime-web runs the same network with the same weights: NHWC
 * becomes NCHW, HWIO kernels OIHW, epilogues nodes of their own. It knows the operations of the nets that are
 * measured and refuses the others. Opset 14.
 */
import type { Activation, ActivationName } from "../src/ir/activation.ts";
import type { Epilogue } from "../src/ir/epilogue.ts";
import { type Graph, isOp, type Node } from "../src/ir/graph.ts";
import { paramValue, type WeightSource } from "../src/ir/interpret.ts";
import type { AveragePoolAttrs } from "../src/ir/ops/average-pool.ts";
import type { Conv2dAttrs } from "../src/ir/ops/conv2d.ts";
import type { DenseAttrs } from "../src/ir/ops/dense.ts";
import { ops } from "../src/ir/ops/index.ts";
import type { MaxPoolAttrs } from "../src/ir/ops/max-pool.ts";
import { elements, type Pads, type Shape, type Tensor } from "../src/ir/tensor.ts";
import { bytes, type Chunks, float, int, join, message, text } from "./protobuf.ts";

// Numbers of fields and types in onnx.proto.
const MODEL = { irVersion: 1, producer: 2, graph: 7, opset: 8 } as const;
const OPSET = { domain: 1, version: 2 } as const;
const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12 } as const;
const NODE = { input: 1, output: 2, name: 3, op: 4, attribute: 5 } as const;
const ATTRIBUTE = { name: 1, float: 2, int: 3, ints: 8, type: 20 } as const;
const TENSOR = { dims: 1, type: 2, name: 8, data: 9 } as const;
const VALUE = { name: 1, type: 2 } as const;
const attributeType = { float: 1, int: 2, ints: 7 } as const;
const elementType = { float: 1, int64: 7 } as const;

/** `{ group: 32 }`, `{ pads: [1, 1, 1, 1] }`; a fraction is told from a whole number by `{ float }`. */
type Attributes = Readonly<Record<string, number | readonly number[] | { readonly float: number }>>;

export function onnxModel(graph: Graph, weights: WeightSource): Uint8Array {
  const writer = new OnnxWriter(weights);
  for (const node of graph.nodes) writer.add(node);
  return join([
    ...int(MODEL.irVersion, 7),
    ...text(MODEL.producer, "resnetc benchmark"),
    ...message(MODEL.opset, text(OPSET.domain, ""), int(OPSET.version, 14)),
    ...message(MODEL.graph, text(GRAPH.name, graph.name), writer.body, ...outputsOf(graph, writer)),
  ]);
}

const outputsOf = (graph: Graph, writer: OnnxWriter): Chunks[] =>
  graph.outputs.map(({ node }) => message(GRAPH.output, ...mapType(writer.value(node), node.type.shape)));

function mapType(name: string, shape: Shape): Chunks[] {
  const dims = toNchw(shape).map((side) => message(1, int(1, side)));
  const tensorType = message(1, int(1, elementType.float), message(2, ...dims));
  return [text(VALUE.name, name), message(VALUE.type, tensorType)];
}

const toNchw = ([n, h, w, c]: Shape): Shape => [n, c, h, w];

class OnnxWriter {
  readonly #weights: WeightSource;
  readonly #chunks: Chunks[number][] = [];
  readonly #values = new Map<Node, string>();
  #made = 0;

  constructor(weights: WeightSource) {
    this.#weights = weights;
  }

  /** The fields of the graph so far. */
  get body(): Chunks {
    return this.#chunks;
  }

  add(node: Node): void {
    if (isOp(node, ops.param)) return;
    if (isOp(node, ops.input)) this.#input(node);
    else this.#values.set(node, emitNode(node, this));
  }

  /** The name of a node's value in the file. */
  value(node: Node): string {
    return this.#values.get(node)!;
  }

  call(op: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const output = this.#name();
    const parts = [
      ...inputs.map((input) => text(NODE.input, input)),
      text(NODE.output, output),
      text(NODE.name, output),
      text(NODE.op, op),
      ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
    ];
    this.#chunks.push(...message(GRAPH.node, ...parts));
    return output;
  }

  /** A weight as the file has it. */
  weight(node: Node, change: (value: Tensor) => Tensor = (value) => value): string {
    if (!isOp(node, ops.param)) throw new Error(`The ONNX writer wants ${node.name} to be a weight.`);
    const { shape, data } = change(paramValue(node, this.#weights));
    const values = Float32Array.from(data);
    return this.#initializer(shape, elementType.float, new Uint8Array(values.buffer));
  }

  floats(...values: readonly number[]): string {
    const shape = values.length === 1 ? [] : [values.length];
    return this.#initializer(shape, elementType.float, new Uint8Array(Float32Array.from(values).buffer));
  }

  ints(...values: readonly number[]): string {
    const data = BigInt64Array.from(values, BigInt);
    return this.#initializer([values.length], elementType.int64, new Uint8Array(data.buffer));
  }

  #input(node: Node): void {
    this.#values.set(node, node.name);
    this.#chunks.push(...message(GRAPH.input, ...mapType(node.name, node.type.shape)));
  }

  #initializer(shape: Shape, type: number, data: Uint8Array): string {
    const name = this.#name();
    const dims = shape.map((side) => int(TENSOR.dims, side));
    const parts = [...dims, int(TENSOR.type, type), text(TENSOR.name, name), bytes(TENSOR.data, data)];
    this.#chunks.push(...message(GRAPH.initializer, ...parts));
    return name;
  }

  #name(): string {
    return `v${this.#made++}`;
  }
}

function attribute(name: string, value: Attributes[string]): Chunks {
  const head = text(ATTRIBUTE.name, name);
  const type = (kind: keyof typeof attributeType) => int(ATTRIBUTE.type, attributeType[kind]);
  const parts =
    typeof value === "number"
      ? [int(ATTRIBUTE.int, value), type("int")]
      : "float" in value
        ? [float(ATTRIBUTE.float, value.float), type("float")]
        : [...value.map((one) => int(ATTRIBUTE.ints, one)), type("ints")];
  return message(NODE.attribute, head, ...parts);
}

// ---- operations ------------------------------------------------------------------------------------

/** Writes a node and gives the name of its value. */
function emitNode(node: Node, out: OnnxWriter): string {
  const values = () => node.inputs.map((input) => out.value(input));
  if (isOp(node, ops.conv2d)) return conv2d(node, out);
  if (isOp(node, ops.dense)) return dense(node, out);
  if (isOp(node, ops.maxPool)) return out.call("MaxPool", values(), windowOf(node.attrs, node.attrs.pads));
  if (isOp(node, ops.averagePool)) return averagePool(node, out);
  if (isOp(node, ops.globalAveragePool)) return out.call("GlobalAveragePool", values());
  if (isOp(node, ops.add)) return out.call("Add", values());
  if (isOp(node, ops.mul)) return out.call("Mul", values());
  if (isOp(node, ops.concat)) return out.call("Concat", values(), { axis: 1 });
  if (isOp(node, ops.softmax)) return out.call("Softmax", values(), { axis: 1 });
  if (isOp(node, ops.activation)) return activation(node.attrs, out.value(node.inputs[0]), out);
  throw new Error(`The ONNX writer of the benchmark does not know the operation ${node.op.name}.`);
}

function conv2d(node: Node<Conv2dAttrs>, out: OnnxWriter): string {
  const [x, kernel, ...rest] = node.inputs;
  const { groups, dilation, epilogue } = node.attrs;
  const inputs = [out.value(x), out.weight(kernel, hwioToOihw)];
  if (epilogue.bias) inputs.push(out.weight(rest[0]));
  const attributes = {
    ...windowOf(node.attrs, node.attrs.pads),
    group: groups,
    dilations: [dilation, dilation],
  };
  return behind(out.call("Conv", inputs, attributes), epilogue, rest, out);
}

/** A matrix product over the flattened map, as PyTorch exports it; the result is a 1x1 map again. */
function dense(node: Node<DenseAttrs>, out: OnnxWriter): string {
  const [x, kernel, ...rest] = node.inputs;
  const { units, epilogue } = node.attrs;
  const matrix = out.weight(kernel, (value) => {
    const { data } = hwioToOihw(value);
    return { shape: [units, data.length / units], data };
  });
  const inputs = [out.call("Flatten", [out.value(x)], { axis: 1 }), matrix];
  if (epilogue.bias) inputs.push(out.weight(rest[0]));
  const product = out.call("Gemm", inputs, { transB: 1 });
  const map = out.call("Reshape", [product, out.ints(...toNchw(node.type.shape))]);
  return behind(map, epilogue, rest, out);
}

function averagePool(node: Node<AveragePoolAttrs>, out: OnnxWriter): string {
  const { pads, overhang, countPads } = node.attrs;
  const padded = Object.values(pads).some((pad) => pad > 0);
  if (countPads && padded && (overhang.bottom > 0 || overhang.right > 0)) {
    throw new Error(`The ONNX writer of the benchmark cannot say which pads of ${node.name} count.`);
  }
  const around = { ...pads, bottom: pads.bottom + overhang.bottom, right: pads.right + overhang.right };
  const counts = { count_include_pad: Number(countPads && padded) };
  return out.call("AveragePool", [out.value(node.inputs[0])], { ...windowOf(node.attrs, around), ...counts });
}

const windowOf = (
  { kernel, stride }: Pick<MaxPoolAttrs, "kernel" | "stride">,
  { top, left, bottom, right }: Pads,
): Attributes => ({ kernel_shape: kernel, strides: [stride, stride], pads: [top, left, bottom, right] });

/** What an epilogue does behind the bias: the residual, the activation. */
function behind(value: string, epilogue: Epilogue, operands: readonly Node[], out: OnnxWriter): string {
  const { bias, residual } = epilogue;
  const sum = residual ? out.call("Add", [value, out.value(operands[bias ? 1 : 0])]) : value;
  return epilogue.activation ? activation(epilogue.activation, sum, out) : sum;
}

const plainActivations: Partial<Record<ActivationName, string>> = {
  relu: "Relu",
  sigmoid: "Sigmoid",
  tanh: "Tanh",
  elu: "Elu",
  hswish: "HardSwish",
};

function activation({ fn, slope = 0 }: Activation, value: string, out: OnnxWriter): string {
  const plain = plainActivations[fn];
  if (plain) return out.call(plain, [value]);
  if (fn === "relu6") return out.call("Clip", [value, out.floats(0), out.floats(6)]);
  if (fn === "leaky") return out.call("LeakyRelu", [value], { alpha: { float: slope } });
  if (fn === "swish") return out.call("Mul", [value, out.call("Sigmoid", [value])]);
  throw new Error(`The ONNX writer of the benchmark does not know the activation ${fn}.`);
}

// ---- layouts ---------------------------------------------------------------------------------------

/** [height, width, in, out] → [out, in, height, width]. */
export function hwioToOihw({ shape: [h, w, c, o], data }: Tensor): Tensor {
  const shape = [o, c, h, w];
  const turned = new Float32Array(elements(shape));
  const places = h * w;
  for (let place = 0, from = 0; place < places; place++) {
    for (let k = 0; k < c; k++) {
      for (let unit = 0; unit < o; unit++) turned[(unit * c + k) * places + place] = data[from++];
    }
  }
  return { shape, data: turned };
}

/** Pictures of [height, width, channels] one after the other → [channels, height, width]. */
export function nhwcToNchw(values: Float32Array, [h, w, c]: Shape): Float32Array {
  const turned = new Float32Array(values.length);
  const places = h * w;
  for (let i = 0; i < values.length; i++) {
    const picture = Math.floor(i / (places * c));
    const place = Math.floor(i / c) % places;
    turned[(picture * c + (i % c)) * places + place] = values[i];
  }
  return turned;
}
