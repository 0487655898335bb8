/**
 * The plan of a network for the wasm target: which kernels run in which order, on which memory, with which
 * weights; and what that will cost. A plan is a value with a text form, so that tests and people can compare
 * two of them; image.ts makes the module from it.
 */
import type { Graph, Node } from "../../../ir/graph.ts";
import { countUses } from "../../../ir/graph.ts";
import type { WeightSource } from "../../../ir/interpret.ts";
import { elements } from "../../../ir/tensor.ts";
import { firstAddress, type Image, type Port } from "../image.ts";
import { copyOutKernel } from "../kernels/copy-out.ts";
import { bytes, type Kernel } from "../kernels/kernel.ts";
import type { Step } from "../program.ts";
import { allocate, type Buffer, type Halo, widestHalo } from "./buffers.ts";
import { defaultOptions, type PlanOptions } from "./choose.ts";
import { chunksOf, stagingOf } from "./chunks.ts";
import { isConv, wantedHalo } from "./convolution.ts";
import { planNode } from "./operations.ts";
import { type Draft, isFlat, moveNs, type Place, Planner } from "./planner.ts";
import { floatsOf, type Packed } from "./weights.ts";

export interface Plan {
  readonly name: string;
  readonly steps: readonly PlannedStep[];
  readonly image: Image;
  /** The weights file, piece by piece; chunks of the image are parts of pieces. */
  readonly pieces: readonly Packed[];
  /** What the arena holds when. */
  readonly buffers: readonly Buffer[];
  /** The arena's address. */
  readonly arena: number;
  readonly bytes: PlanBytes;
  /** On one thread of the machine that machine.ts describes. */
  readonly predictedMs: number;
}

export interface PlannedStep extends Step {
  readonly node: Node;
  readonly predictedMs: number;
}

export interface PlanBytes {
  /** The file. */
  readonly stored: number;
  /** The same in memory, with what Winograd convolution wants instead. */
  readonly weights: number;
  readonly arena: number;
  /** Of each thread. */
  readonly scratch: number;
  /** Where stored weights wait to be transformed. */
  readonly staging: number;
}

/** Plans the graph for one picture. Weights are read when `pieces` are made, not here. */
export function planGraph(graph: Graph, weights: WeightSource, options: PlanOptions = defaultOptions): Plan {
  const planner = new Planner(weights, halosOf(graph, options), options);
  const readers = soleReaders(graph);
  for (const node of graph.nodes) planNode(node, planner, readers.get(node));
  const results = graph.outputs.map(({ name, node }) => ({ name, node, place: planOutput(node, planner) }));
  return new Placement(graph, planner, results).plan();
}

/** For each value, the zeros around it that its readers want. */
function halosOf(graph: Graph, options: PlanOptions): ReadonlyMap<Node, Halo> {
  const halos = new Map<Node, Halo>();
  for (const node of graph.nodes) {
    if (!isConv(node)) continue;
    const [source] = node.inputs;
    const wanted = wantedHalo(node, options);
    const found = halos.get(source);
    halos.set(source, found ? widestHalo(found, wanted) : wanted);
  }
  return halos;
}

/** The readers of values that have only one. */
function soleReaders(graph: Graph): ReadonlyMap<Node, Node> {
  const uses = countUses(graph);
  const readers = new Map<Node, Node>();
  for (const node of graph.nodes) {
    for (const from of node.inputs) if (uses.get(from) === 1) readers.set(from, node);
  }
  return readers;
}

/** Where an output's numbers lie without gaps. */
function planOutput(node: Node, planner: Planner): Place {
  const view = planner.view(node);
  const { height, width, channels, pixelStride } = view.layout;
  const isDense = isFlat(view) && pixelStride === channels;
  // Lanes behind the last channel are written too, so the memory must be ours.
  if (isDense || (height * width === 1 && !planner.options.guest)) return view;
  const place = { buffer: planner.buffer(`${node.name} dense`, height * width * channels), offset: 0 };
  planner.step({
    node,
    part: "output",
    kernel: copyOutKernel({ input: view.layout }),
    input: view,
    output: place,
    ns: moveNs(2 * elements(node.type.shape)),
  });
  return place;
}

const roundUp = (size: number, to: number): number => Math.ceil(size / to) * to;

/** Gives addresses to everything that a planner has collected. */
class Placement {
  readonly #graph: Graph;
  readonly #planner: Planner;
  readonly #results: readonly { readonly name: string; readonly node: Node; readonly place: Place }[];
  #end = roundUp(firstAddress, 64);

  constructor(
    graph: Graph,
    planner: Planner,
    results: readonly { readonly name: string; readonly node: Node; readonly place: Place }[],
  ) {
    this.#graph = graph;
    this.#planner = planner;
    this.#results = results;
  }

  plan(): Plan {
    const { steps: drafts, vectors, packed, buffers } = this.#planner;
    const pieces = [...vectors, ...packed];
    const start = this.#end;
    for (const piece of pieces) piece.address = this.#take(bytes(floatsOf(piece)));
    const weights = this.#end - start;

    const parts = stagingOf(pieces);
    const staging = parts.stored + parts.expanded;
    const stagingAt = this.#take(staging);
    const chunks = pieces.flatMap((piece) => chunksOf(piece, stagingAt, parts));

    for (const { place } of this.#results) place.buffer.last = drafts.length;
    const ports = this.#foreignBuffers();
    const arenaAt = this.#end;
    this.#end = allocate(
      buffers.filter((buffer) => !ports.has(buffer)),
      arenaAt,
    );
    const arena = this.#end - arenaAt;
    for (const port of ports) port.address = this.#take(bytes(port.floats));

    const steps = drafts.map((draft) => this.#resolve(draft));
    const scratch = Math.max(
      16,
      ...[
        ...drafts.map(({ kernel }) => kernel),
        ...packed.flatMap(({ prepare }) => prepare?.kernel ?? []),
      ].map((kernel: Kernel) => kernel.scratchBytes ?? 0),
    );
    const image: Image = {
      run: steps,
      chunks,
      inputs: this.#inputs(),
      outputs: this.#results.map(({ name, node, place }) => this.#port(name, node, place)),
      fixedBytes: this.#end,
      scratchBytes: roundUp(scratch, 64),
    };
    return {
      name: this.#graph.name,
      steps,
      image,
      pieces,
      buffers,
      arena: arenaAt,
      bytes: {
        stored: chunks.reduce((sum, { bytes }) => sum + bytes, 0),
        weights,
        arena,
        scratch: image.scratchBytes,
        staging,
      },
      predictedMs: drafts.reduce((sum, { ns }) => sum + ns, 0) / 1e6,
    };
  }

  /** Buffers that are another program's maps: they get addresses of their own, for it to replace. */
  #foreignBuffers(): ReadonlySet<Buffer> {
    if (!this.#planner.options.guest) return new Set();
    const inputs = this.#graph.nodes.filter(({ op }) => op.name === "input");
    const places = [
      ...inputs.map((node) => this.#planner.picture(node)),
      ...this.#results.map(({ place }) => place),
    ];
    return new Set(places.map(({ buffer }) => buffer));
  }

  #take(size: number): number {
    const address = this.#end;
    this.#end += roundUp(size, 64);
    return address;
  }

  #resolve({ node, part, kernel, input, output, residual, weights, bias, extra, ns }: Draft): PlannedStep {
    const addressOf = (place: Place | undefined) => (place ? place.buffer.address + bytes(place.offset) : 0);
    return {
      label: part ? `${node.name} ${part}` : node.name,
      node,
      kernel,
      input: addressOf(input),
      output: addressOf(output),
      residual: addressOf(residual),
      weights: weights?.address ?? 0,
      bias: bias?.address ?? 0,
      extra: extra?.address ?? 0,
      predictedMs: ns / 1e6,
    };
  }

  #inputs(): readonly Port[] {
    return this.#graph.nodes
      .filter((node) => node.op.name === "input")
      .map((node) => this.#port(node.name, node, this.#planner.picture(node)));
  }

  #port(name: string, node: Node, { buffer, offset }: Place): Port {
    return { name, shape: node.type.shape.slice(1), address: buffer.address + bytes(offset) };
  }
}
