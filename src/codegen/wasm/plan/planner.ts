/**
 * The drafting board of a plan: steps in order, the buffers they touch, the weights they read. Operations are
 * planned in operations.ts and convolution.ts, which call this; plan.ts puts numbers to the result.
 */
import { invariant } from "../../../base/invariant.ts";
import type { Node } from "../../../ir/graph.ts";
import { isOp } from "../../../ir/graph.ts";
import { paramValue, type WeightSource } from "../../../ir/interpret.ts";
import { input } from "../../../ir/ops/input.ts";
import { param } from "../../../ir/ops/param.ts";
import { elements } from "../../../ir/tensor.ts";
import { copyInKernel } from "../kernels/copy-in.ts";
import { dense, type Kernel, lanes } from "../kernels/kernel.ts";
import type { PointwiseOperation } from "../kernels/pointwise.ts";
import { type Buffer, type Halo, hasHalo, makeBuffer, makeMap, noHalo, type View } from "./buffers.ts";
import type { PlanOptions } from "./choose.ts";
import { moveNsPerFloat, stepNs } from "./machine.ts";
import { type Packed, padVector } from "./weights.ts";

/** A place in a buffer, in floats from its start. */
export interface Place {
  readonly buffer: Buffer;
  readonly offset: number;
}

/** A step before addresses are known. */
export interface Draft {
  readonly node: Node;
  /** The part of the node, such as "transform". */
  readonly part?: string | undefined;
  readonly kernel: Kernel;
  readonly input: Place;
  readonly output: Place;
  readonly residual?: Place | undefined;
  readonly weights?: Packed | undefined;
  readonly bias?: Packed | undefined;
  readonly extra?: Packed | undefined;
  /** Predicted, on one thread. */
  readonly ns: number;
}

/** Elementwise operations that the next one may still join. */
export interface Chain {
  readonly source: View;
  readonly operations: readonly PointwiseOperation[];
  readonly second?: View | undefined;
  readonly weights?: Packed | undefined;
  readonly bias?: Packed | undefined;
  readonly extra?: Packed | undefined;
}

export class Planner {
  readonly options: PlanOptions;
  readonly steps: Draft[] = [];
  readonly buffers: Buffer[] = [];
  /** Convolution kernels and dense layers, in the order of use. */
  readonly packed: Packed[] = [];
  /** Per-channel vectors: small, together in one piece. */
  readonly vectors: Packed[] = [];
  readonly pending = new Map<Node, Chain>();
  readonly #weights: WeightSource;
  readonly #halos: ReadonlyMap<Node, Halo>;
  readonly #views = new Map<Node, View>();
  readonly #pieces = new Map<string, Packed>();
  readonly #pictures = new Map<Node, Place>();

  constructor(weights: WeightSource, halos: ReadonlyMap<Node, Halo>, options: PlanOptions) {
    this.options = options;
    this.#weights = weights;
    this.#halos = halos;
  }

  // ---- maps -------------------------------------------------------------------------------------

  /** The map of a value that has been planned; an input is laid out at its first reader. */
  view(node: Node): View {
    const found = this.#views.get(node);
    if (found) return found;
    invariant(isOp(node, input), `${node.name} is read before it is planned`);
    return this.#layOut(node);
  }

  /** Where the caller's picture lies, dense. */
  picture(node: Node): Place {
    const place = this.#pictures.get(node);
    invariant(place, `${node.name} is no input`);
    return place;
  }

  addPicture(node: Node): void {
    const buffer = this.buffer(`${node.name} picture`, elements(node.type.shape.slice(1)));
    // Written before the first step.
    buffer.first = -1;
    buffer.last = -1;
    this.#pictures.set(node, { buffer, offset: 0 });
  }

  /** A new map for the value of a node, with the zeros around it that its readers want. */
  map(node: Node, pixelStride?: number): View {
    const [, height, width, channels] = node.type.shape;
    const view = makeMap(node.name, [height, width, channels], this.#haloOf(node), pixelStride);
    this.buffers.push(view.buffer);
    this.#views.set(node, view);
    return view;
  }

  /** The value of a node is a part of a map that there is. */
  alias(node: Node, view: View): void {
    this.#views.set(node, view);
  }

  wantsNoHalo(node: Node): boolean {
    return !hasHalo(this.#haloOf(node));
  }

  #haloOf(node: Node): Halo {
    return this.#halos.get(node) ?? noHalo;
  }

  /** A buffer for something that is no value of the graph. */
  buffer(label: string, floats: number): Buffer {
    const buffer = makeBuffer(label, floats);
    this.buffers.push(buffer);
    return buffer;
  }

  /** A map that is no value of the graph. */
  privateMap(
    label: string,
    shape: readonly [height: number, width: number, channels: number],
    halo: Halo,
    pixelStride: number,
  ): View {
    const view = makeMap(label, shape, halo, pixelStride);
    this.buffers.push(view.buffer);
    return view;
  }

  #layOut(node: Node): View {
    const picture = this.picture(node);
    const [, height, width, channels] = node.type.shape;
    if (channels === lanes(channels) && !hasHalo(this.#haloOf(node))) {
      const view = { ...picture, layout: dense({ height, width, channels }) };
      this.#views.set(node, view);
      return view;
    }
    const view = this.map(node);
    this.copyIn(node, picture, view, this.#haloOf(node));
    return view;
  }

  /** A step that lays out a picture; what surrounds it there is zero from the start, unless others use the memory. */
  copyIn(node: Node, picture: Place, view: View, halo: Halo): void {
    const { layout } = view;
    const framed = this.options.guest && hasHalo(halo);
    this.step({
      node,
      part: "lay out",
      kernel: copyInKernel({ output: layout, frame: framed ? halo : undefined }),
      input: picture,
      output: framed ? { buffer: view.buffer, offset: 0 } : view,
      ns: moveNs(2 * layout.height * layout.width * layout.pixelStride),
    });
  }

  // ---- weights ----------------------------------------------------------------------------------

  /** The values of a weight. */
  values(node: Node): Float32Array | Float64Array {
    invariant(isOp(node, param), `${node.name} is no weight`);
    return paramValue(node, this.#weights).data;
  }

  /** A per-channel vector, filled up with zeros; all zeros without a node. */
  vector(label: string, floats: number, node: Node | undefined): Packed {
    return this.vectorOf(node?.name ?? `${label} zeros`, floats, () => (node ? this.values(node) : []));
  }

  vectorOf(label: string, floats: number, values: () => ArrayLike<number>): Packed {
    const make = () => padVector(values(), floats);
    // Small, and every result depends on them: never in fewer bits.
    const precision = "f32" as const;
    const packed = { label, stored: floats, panels: 1, width: floats, precision, make, address: -1 };
    this.vectors.push(packed);
    return packed;
  }

  /** Layers that share a weight and want it in the same form share the piece. */
  pack(packed: Omit<Packed, "address" | "precision">): Packed {
    const { label, form, stored, panels, width, prepare } = packed;
    const key = [label, form, stored, panels, width, prepare?.kernel.name].join(" ");
    const found = this.#pieces.get(key);
    if (found) return found;
    const placed = { ...packed, precision: this.options.precision ?? "f32", address: -1 };
    this.packed.push(placed);
    this.#pieces.set(key, placed);
    return placed;
  }

  // ---- steps ------------------------------------------------------------------------------------

  step(draft: Draft): void {
    const number = this.steps.push(draft) - 1;
    for (const place of [draft.input, draft.output, draft.residual]) {
      if (!place) continue;
      place.buffer.first = Math.min(place.buffer.first, number);
      place.buffer.last = Math.max(place.buffer.last, number);
    }
  }
}

export const moveNs = (floats: number): number => floats * moveNsPerFloat + stepNs;

/** The place of a map's pixel (-rows, -columns), in its halo. */
export function placeBefore({ buffer, offset, layout }: View, rows: number, columns: number): Place {
  return { buffer, offset: offset - rows * layout.rowStride - columns * layout.pixelStride };
}

/** No gaps between rows or pixels but for lanes beyond the channels. */
export const isFlat = ({ layout }: View): boolean =>
  layout.rowStride === layout.width * layout.pixelStride || layout.height === 1;
