/**
 * The messages of onnx.proto that a model is made of, as chunks of bytes.
 *
 *     ModelProto  1 ir_version, 2 producer_name, 3 producer_version, 6 doc_string, 7 graph, 8 opset_import, 14 metadata_props
 *     GraphProto  1 node, 2 name, 5 initializer, 10 doc_string, 11 input, 12 output, 13 value_info
 *     NodeProto   1 input, 2 output, 3 name, 4 op_type, 5 attribute
 */
import type { OnnxAttributes } from "../../ir/emitters.ts";
import { elements, type Shape } from "../../ir/tensor.ts";
import { bytes, type Chunks, float, type Hole, int, message, text } from "./protobuf.ts";

const MODEL = { irVersion: 1, producer: 2, version: 3, doc: 6, graph: 7, opset: 8, metadata: 14 } as const;
const OPSET = { domain: 1, version: 2 } as const;
const GRAPH = { node: 1, name: 2, initializer: 5, doc: 10, input: 11, output: 12, value: 13 } as const;
const NODE = { input: 1, output: 2, name: 3, op: 4, attribute: 5 } as const;
const ATTRIBUTE = { name: 1, float: 2, int: 3, text: 4, ints: 8, type: 20 } as const;
const TENSOR = { dims: 1, type: 2, name: 8, data: 9 } as const;
const VALUE = { name: 1, type: 2 } as const;
const SIDE = { value: 1, name: 2 } as const;
const ENTRY = { key: 1, value: 2 } as const;
const attributeType = { float: 1, int: 2, text: 3, ints: 7 } as const;
const elementType = { float: 1, int64: 7 } as const;

/** ONNX Runtime knows it since 1.12, of 2022. */
export const opset = 17;
/** Of the ONNX release that brought the opset. */
const irVersion = 8;

/** The symbolic size of every map's first side. */
export const batchName = "N";

export interface ModelHead {
  readonly producer: readonly [name: string, version: string];
  readonly doc: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export const modelProto = ({ producer, doc, metadata }: ModelHead, graph: Chunks): Chunks => [
  ...int(MODEL.irVersion, irVersion),
  ...text(MODEL.producer, producer[0]),
  ...text(MODEL.version, producer[1]),
  ...text(MODEL.doc, doc),
  ...message(MODEL.graph, graph),
  ...message(MODEL.opset, text(OPSET.domain, ""), int(OPSET.version, opset)),
  ...Object.entries(metadata).flatMap(([key, value]) =>
    message(MODEL.metadata, text(ENTRY.key, key), text(ENTRY.value, value)),
  ),
];

export const graphHead = (name: string, doc: string): Chunks => [
  ...text(GRAPH.name, name),
  ...text(GRAPH.doc, doc),
];

export interface NodeProto {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: OnnxAttributes;
}

export const nodeProto = ({ name, op, inputs, output, attributes }: NodeProto): Chunks =>
  message(
    GRAPH.node,
    ...inputs.map((input) => text(NODE.input, input)),
    text(NODE.output, output),
    text(NODE.name, name),
    text(NODE.op, op),
    ...Object.entries(attributes).map(([key, value]) => attributeProto(key, value)),
  );

function attributeProto(name: string, value: OnnxAttributes[string]): Chunks {
  const of = (type: keyof typeof attributeType, ...parts: Chunks[]) =>
    message(NODE.attribute, text(ATTRIBUTE.name, name), ...parts, int(ATTRIBUTE.type, attributeType[type]));
  if (typeof value === "number") return of("int", int(ATTRIBUTE.int, value));
  if (typeof value === "string") return of("text", text(ATTRIBUTE.text, value));
  if ("float" in value) return of("float", float(ATTRIBUTE.float, value.float));
  return of("ints", ...value.map((one) => int(ATTRIBUTE.ints, one)));
}

const tensorProto = (name: string, shape: Shape, type: number, data: Uint8Array | Hole): Chunks =>
  message(
    GRAPH.initializer,
    ...shape.map((side) => int(TENSOR.dims, side)),
    int(TENSOR.type, type),
    text(TENSOR.name, name),
    bytes(TENSOR.data, data),
  );

/** A float32 tensor whose values are made when the file is written. */
export const floatTensor = (name: string, shape: Shape, values: () => ArrayLike<number>): Chunks =>
  tensorProto(name, shape, elementType.float, {
    length: 4 * elements(shape),
    fill: (place: Uint8Array) => writeFloats(place, values()),
  });

export function int64Tensor(name: string, values: readonly number[]): Chunks {
  const data = new Uint8Array(8 * values.length);
  const view = new DataView(data.buffer);
  for (const [i, value] of values.entries()) view.setBigInt64(8 * i, BigInt(value), true);
  return tensorProto(name, [values.length], elementType.int64, data);
}

const hostIsLittleEndian = new Uint8Array(Float32Array.of(1).buffer)[3] === 0x3f;

/** The place starts anywhere in the file, so the numbers are made beside it and copied as bytes. */
function writeFloats(place: Uint8Array, values: ArrayLike<number>): void {
  const floats = values instanceof Float32Array ? values : new Float32Array(values);
  const stored = new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
  place.set(stored);
  if (hostIsLittleEndian) return;
  for (let at = 0; at < place.length; at += 4) place.subarray(at, at + 4).reverse();
}

/** A map's name and type; `shape` is NHWC as the graph has it. */
export function mapProto(role: "input" | "output" | "value", name: string, shape: Shape, doc = ""): Chunks {
  const sides = toNchw(shape).map((side, i) =>
    message(1, i === 0 ? text(SIDE.name, batchName) : int(SIDE.value, side)),
  );
  const type = message(1, int(1, elementType.float), message(2, ...sides));
  const told = doc === "" ? [] : text(3, doc);
  return message(GRAPH[role], text(VALUE.name, name), message(VALUE.type, type), told);
}

export const toNchw = ([n, h, w, c]: Shape): Shape => [n, c, h, w];
