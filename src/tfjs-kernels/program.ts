/**
 * A layer ready to run in tfjs' memory: its plan, and a module with the kernels of its steps, which are called from
 * here. The plan's addresses fall into regions, the input, the output, the arena and the weights, which get new
 * addresses at every call.
 */
import { invariant } from "../base/invariant.ts";
import type { PlanOptions } from "../codegen/wasm/plan/choose.ts";
import { type Plan, planGraph } from "../codegen/wasm/plan/plan.ts";
import { floatsOf, type Packed } from "../codegen/wasm/plan/weights.ts";
import type { Step } from "../codegen/wasm/program.ts";
import { elements } from "../ir/tensor.ts";
import type { Host } from "./host.ts";
import { graphOf, type Layer } from "./layer.ts";
import type { KernelFunction, Modules } from "./modules.ts";

/** Where a weight comes from: its label is a WeightName, or it is all zeros. */
export type Piece = Packed;

interface Region {
  readonly start: number;
  readonly end: number;
}

/** An address as the number of a region, and the bytes from its start. */
interface Operand {
  readonly region: number;
  readonly offset: number;
}

interface LocatedStep {
  readonly run: KernelFunction;
  readonly units: number;
  /** In the order of the arguments. */
  readonly operands: readonly Operand[];
}

/** In front of the pieces. */
const regions = { nothing: 0, input: 1, output: 2, arena: 3, pieces: 4 } as const;

/** Engines take their optimised code when a function is called: the first runs are cut into several calls. */
const firstRuns = 2;
const piecesOfFirstRuns = 16;

/** Stored weights that are transformed wait in a block of about this size. */
const stagingBytes = 128 * 1024;

const roundUp = (size: number): number => Math.ceil(size / 64) * 64;

export class Program {
  readonly layer: Layer;
  readonly pieces: readonly Piece[];
  readonly inputBytes: number;
  readonly outputBytes: number;
  readonly #host: Host;
  readonly #modules: Modules;
  readonly #steps: readonly LocatedStep[];
  readonly #workspaceBytes: number;
  readonly #scratchBytes: number;
  /** What pieces read while they are made. */
  readonly #values = new Map<string, Float32Array>();
  readonly #bases: number[];
  #runs = 0;

  constructor(layer: Layer, options: PlanOptions, modules: Modules) {
    const graph = graphOf(layer);
    const weights = {
      get: (name: string) => {
        const values = this.#values.get(name);
        invariant(values, `no values for ${name}`);
        return values;
      },
    };
    const plan = planGraph(graph, weights, { ...options, guest: true });
    this.layer = layer;
    this.pieces = plan.pieces;
    this.inputBytes = 4 * elements(layer.input);
    this.outputBytes = 4 * elements(layer.output);
    this.#host = modules.host;
    this.#modules = modules;
    this.#scratchBytes = roundUp(plan.image.scratchBytes);
    this.#workspaceBytes = this.#scratchBytes + plan.bytes.arena;
    const places = regionsOf(plan, this);
    const kernels = modules.make(plan.steps.map(({ kernel }) => kernel));
    this.#steps = plan.steps.map((step) => locate(step, kernels, places));
    this.#bases = places.map(() => 0);
  }

  /** Takes the memory that a run needs; throws when there is none. */
  reserve(): void {
    this.#host.workspace(this.#workspaceBytes);
  }

  /** One picture. `pieces` are the addresses of what `pack` has made, in the order of this.pieces. */
  run(input: number, output: number, pieces: readonly number[]): void {
    const scratch = this.#host.workspace(this.#workspaceBytes);
    const bases = this.#bases;
    bases[regions.input] = input;
    bases[regions.output] = output;
    bases[regions.arena] = scratch + this.#scratchBytes;
    for (let i = 0; i < pieces.length; i++) bases[regions.pieces + i] = pieces[i];
    const cuts = this.#runs++ < firstRuns ? piecesOfFirstRuns : 1;
    for (const { run, units, operands } of this.#steps) {
      const [a, b, c, d, e, f] = operands;
      const stride = Math.ceil(units / cuts);
      for (let from = 0; from < units; from += stride) {
        run(
          bases[a.region] + a.offset,
          bases[b.region] + b.offset,
          bases[c.region] + c.offset,
          bases[d.region] + d.offset,
          bases[e.region] + e.offset,
          bases[f.region] + f.offset,
          from,
          Math.min(units, from + stride),
          scratch,
        );
      }
    }
  }

  /** Makes what steps read of a weight, at an address with room for `packedBytes`. */
  pack(piece: Piece, values: Float32Array, address: number): void {
    this.#values.set(piece.label, values);
    try {
      const stored = piece.make();
      if (piece.prepare) this.#prepare(piece.prepare, piece.panels, stored, address);
      else this.#host.floats(address, stored.length).set(stored);
    } finally {
      this.#values.clear();
    }
  }

  /** Some panels at a time. */
  #prepare(
    { kernel, extra, preparedOfPanel }: NonNullable<Piece["prepare"]>,
    panels: number,
    stored: Float32Array,
    address: number,
  ): void {
    const host = this.#host;
    const storedOfPanel = stored.length / panels;
    const atOnce = Math.max(1, Math.min(panels, Math.floor(stagingBytes / (4 * storedOfPanel))));
    const staging = host.allocate(4 * storedOfPanel * atOnce);
    const scratch = host.workspace(this.#workspaceBytes);
    const run = this.#modules.share(kernel);
    for (let panel = 0; panel < panels; panel += atOnce) {
      const count = Math.min(atOnce, panels - panel);
      const part = stored.subarray(panel * storedOfPanel, (panel + count) * storedOfPanel);
      host.floats(staging.address, part.length).set(part);
      const to = address + 4 * panel * preparedOfPanel;
      run(staging.address, 0, to, 0, 0, extra, 0, count, scratch);
    }
    staging.free();
  }
}

export const packedBytes = (piece: Piece): number => 4 * floatsOf(piece);

function regionsOf(plan: Plan, { inputBytes, outputBytes }: Program): readonly Region[] {
  const { image, pieces } = plan;
  const [input] = image.inputs;
  const [output] = image.outputs;
  const at = (start: number, size: number): Region => ({ start, end: start + size });
  return [
    at(0, 1),
    at(input.address, inputBytes),
    at(output.address, outputBytes),
    at(plan.arena, plan.bytes.arena),
    ...pieces.map((piece) => at(piece.address, packedBytes(piece))),
  ];
}

function locate(
  step: Step,
  kernels: Readonly<Record<string, KernelFunction>>,
  places: readonly Region[],
): LocatedStep {
  const { kernel, input, weights, output, bias, residual, extra } = step;
  const operands = [input, weights, output, bias, residual, extra].map((address) => {
    const region = places.findIndex(({ start, end }) => address >= start && address < end);
    invariant(region >= 0, `${step.label} reads nobody's memory`);
    return { region, offset: address - places[region].start };
  });
  return { run: kernels[kernel.name], units: kernel.units, operands };
}
