/**
 * ONNX's ModelProto, as much of it as weights need: the graph's nodes and its initialisers.
 *
 *     ModelProto  1 ir_version, 2 producer_name, …, 7 graph, 8 opset_import, …
 *     GraphProto  1 node, 2 name, 5 initializer, 11 input, 12 output, 15 sparse_initializer, …
 *     NodeProto   1 input, 2 output, 3 name, 4 op_type, 5 attribute, 7 domain
 *     Attribute   1 name, 2 f, 3 i, 5 t, 8 ints, …
 */
import type { ReadBeside } from "./beside.ts";
import { type OnnxTensor, readOnnxTensor } from "./onnx-tensor.ts";
import { Message } from "./protobuf.ts";
import { ensure, Unreadable } from "./unreadable.ts";

const MODEL = { irVersion: 1, graph: 7 } as const;
const GRAPH = { node: 1, initializer: 5, sparseInitializer: 15 } as const;
const NODE = { input: 1, output: 2, name: 3, op: 4, attribute: 5, domain: 7 } as const;
const ATTRIBUTE = { name: 1, float: 2, int: 3, tensor: 5, ints: 8 } as const;

/** The attributes that say something of weights; the others are not kept. */
const kept = new Set(["alpha", "beta", "perm", "transA", "transB", "value"]);

/** A network of a thousand layers has a tenth of this. A node of two bytes takes a hundred in memory. */
const most = {
  nodes: 100_000,
  tensors: 100_000,
  inputs: 1_000_000,
  inputsOfNode: 10_000,
  attributes: 1000,
} as const;

/** The longest order of sides, and one more, so that longer ones do not look like one. */
const maxPerm = 65;

export interface OnnxAttribute {
  readonly float: number | undefined;
  readonly int: number | undefined;
  /** Of long lists only the start. */
  readonly ints: readonly number[];
  readonly tensor: OnnxTensor | undefined;
}

export interface OnnxNode {
  readonly op: string;
  /** "" for the standard's own operations. */
  readonly domain: string;
  readonly name: string;
  /** "" where an optional one is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
}

export interface OnnxModel extends OnnxGraph {
  /** The size of the model and of the files beside it that it uses. */
  readonly fileBytes: number;
}

/** ir_version first, as every writer has it: below 32 for a long time to come. */
export const looksLikeOnnx = (bytes: Uint8Array): boolean =>
  bytes[0] === 8 * MODEL.irVersion && bytes[1] < 32;

/** Whether these bytes are a model up to the key of its graph: TensorFlow's files may start in the same way. */
export function isOnnx(bytes: Uint8Array): boolean {
  if (!looksLikeOnnx(bytes)) return false;
  const model = new Message(bytes, "it");
  try {
    while (model.next()) if (model.field === MODEL.graph) return model.wire === 2;
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    // A graph that is cut short is still one, and its reader says where.
    return model.field === MODEL.graph && model.wire === 2;
  }
  return false;
}

/** `beside` gives the same bytes each time that it is asked for a file. */
export function parseOnnx(bytes: Uint8Array, beside: ReadBeside): OnnxModel {
  const files = new Set<Uint8Array | string>();
  const noted = (path: string) => {
    const found = beside(path);
    files.add(found);
    return found;
  };
  const model = new Message(bytes, "the model");
  let graph: OnnxGraph | undefined;
  while (model.next()) {
    if (model.field !== MODEL.graph) continue;
    ensure(!graph, "it has two graphs");
    graph = readGraph(model.message("its graph"), noted);
  }
  ensure(graph, "it is an ONNX model without a graph");
  let fileBytes = bytes.length;
  for (const file of files) fileBytes += file.length;
  return { ...graph, fileBytes };
}

function readGraph(fields: Message, beside: ReadBeside): OnnxGraph {
  const nodes: OnnxNode[] = [];
  const initializers: OnnxTensor[] = [];
  let inputs = 0;
  while (fields.next()) {
    if (fields.field === GRAPH.node) {
      const node = readNode(fields.message("a node of its graph"), beside);
      nodes.push(node);
      inputs += node.inputs.length;
      ensure(nodes.length <= most.nodes, `its graph has more than ${most.nodes} nodes`);
      ensure(inputs <= most.inputs, `its nodes have more than ${most.inputs} inputs`);
    }
    if (fields.field === GRAPH.initializer) {
      const tensor = readOnnxTensor(fields.message("a tensor of its graph"), beside);
      if (!tensor) continue;
      ensure(tensor.name !== "", "a tensor of its graph has no name");
      initializers.push(tensor);
      ensure(initializers.length <= most.tensors, `its graph has more than ${most.tensors} tensors`);
    }
    ensure(fields.field !== GRAPH.sparseInitializer, "it has sparse tensors, which resnetc does not read");
  }
  return { nodes, initializers };
}

function readNode(fields: Message, beside: ReadBeside): OnnxNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, OnnxAttribute>();
  const node = { op: "", domain: "", name: "", inputs, outputs, attributes };
  let count = 0;
  while (fields.next()) {
    if (fields.field === NODE.input) {
      if (inputs.length === most.inputsOfNode)
        throw new Unreadable(`a node of it has more than ${most.inputsOfNode} inputs`);
      inputs.push(fields.text());
    } else if (fields.field === NODE.output) outputs.push(fields.text());
    else if (fields.field === NODE.name) node.name = fields.text();
    else if (fields.field === NODE.op) node.op = fields.text();
    else if (fields.field === NODE.domain) node.domain = fields.text().replace(/^ai\.onnx$/, "");
    else if (fields.field === NODE.attribute) {
      ensure(++count <= most.attributes, `a node of it has more than ${most.attributes} attributes`);
      const [name, value] = readAttribute(fields.message("an attribute of its graph"), beside);
      if (kept.has(name)) attributes.set(name, value);
    }
  }
  return node;
}

function readAttribute(fields: Message, beside: ReadBeside): [string, OnnxAttribute] {
  let name = "";
  let float: number | undefined;
  let int: number | undefined;
  let tensor: OnnxTensor | undefined;
  const ints: number[] = [];
  while (fields.next()) {
    if (fields.field === ATTRIBUTE.name) name = fields.text();
    else if (fields.field === ATTRIBUTE.float) float = fields.float();
    else if (fields.field === ATTRIBUTE.int) int = fields.int();
    else if (fields.field === ATTRIBUTE.ints)
      fields.integers((low, high) => {
        if (ints.length < maxPerm) ints.push((high | 0) * 2 ** 32 + low);
      });
    else if (fields.field === ATTRIBUTE.tensor) {
      tensor = readOnnxTensor(fields.message("a constant of its graph"), beside);
    }
  }
  return [name, { float, int, ints, tensor }];
}
