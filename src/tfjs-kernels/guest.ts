/** Our kernels on one instance of tfjs' wasm backend: the programs made so far, and what they know of its tensors. */
import type { PlanOptions } from "../codegen/wasm/plan/choose.ts";
import { elements } from "../ir/tensor.ts";
import { type Call, isFloat, type Want } from "./calls.ts";
import type { Host } from "./host.ts";
import { filterKeyOf, keyOf, type WeightName } from "./layer.ts";
import { Modules } from "./modules.ts";
import { type Loss, PackedWeights } from "./packed-weights.ts";
import { type Piece, Program, packedBytes } from "./program.ts";
import type { DataId, TensorInfo } from "./tfjs.ts";

/** What calls of one key get. */
interface Answer extends Want {
  readonly program: Program;
  readonly loss: Loss;
}

/** Far more than any network has. Where shapes change all the time, it starts again from none. */
const mostAnswers = 1000;

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export class Guest {
  readonly host: Host;
  readonly #modules: Modules;
  readonly #options: PlanOptions;
  readonly #weights: PackedWeights;
  readonly #answers = new Map<string, Answer | string>();
  readonly #programs = new Map<string, Program>();
  readonly #disposeData: (dataId: DataId, force?: boolean) => boolean;

  constructor(host: Host, options: PlanOptions) {
    this.host = host;
    this.#modules = new Modules(host);
    this.#options = options;
    this.#weights = new PackedWeights(host);
    const { backend } = host;
    const dispose = backend.disposeData;
    this.#disposeData = (dataId, force) => {
      const isGone = dispose.call(backend, dataId, force);
      if (isGone) this.#weights.forget(dataId);
      return isGone;
    };
    backend.disposeData = this.#disposeData;
  }

  /** The result of a call, or why it is tfjs' business. */
  run(call: Call): TensorInfo | string {
    const answer = this.#answers.get(call.key) ?? this.#decide(call);
    if (typeof answer === "string") return answer;
    const { program, pictures, shape, loss } = answer;
    if (!this.#weights.isWorthIt(call.filter.dataId, loss)) return "a filter that may be used only once";
    const { host } = this;
    let input: number;
    let pieces: number[];
    try {
      input = host.addressOf(call.x.dataId);
      pieces = program.pieces.map((piece) => this.#addressOf(piece, program, call));
      program.reserve();
    } catch (error) {
      return reasonOf(error);
    }
    const output = host.backend.makeOutput(shape, "float32");
    let to = host.addressOf(output.dataId);
    for (let picture = 0; picture < pictures; picture++) {
      program.run(input, to, pieces);
      input += program.inputBytes;
      to += program.outputBytes;
    }
    return output;
  }

  /** Frees all that it has of tfjs' memory. */
  leave(): void {
    const { backend } = this.host;
    this.#weights.free();
    this.host.free();
    // The backend's own is on its prototype. Another wrapper around ours keeps calling it, which does no harm.
    if (backend.disposeData === this.#disposeData) delete (backend as { disposeData?: unknown }).disposeData;
  }

  #decide(call: Call): Answer | string {
    if (this.#answers.size >= mostAnswers) {
      this.#answers.clear();
      this.#programs.clear();
    }
    const answer = this.#answer(call);
    this.#answers.set(call.key, answer);
    return answer;
  }

  #answer(call: Call): Answer | string {
    if (!isFloat(call)) return "numbers other than float32";
    const want = call.want();
    if (typeof want === "string") return want;
    if (elements(want.shape) === 0) return "nothing to do";
    const key = keyOf(want.layer);
    try {
      const program = this.#programs.get(key) ?? new Program(want.layer, this.#options, this.#modules);
      this.#programs.set(key, program);
      return { ...want, program, loss: { dead: 0 } };
    } catch (error) {
      return reasonOf(error);
    }
  }

  #addressOf(piece: Piece, program: Program, call: Call): number {
    const { host } = this;
    const tensors: Readonly<Record<WeightName, TensorInfo | undefined>> = {
      filter: call.filter,
      bias: call.bias,
      slopes: call.slopes,
    };
    const tensor = tensors[piece.label as WeightName];
    if (!tensor) return host.zeros(piece.stored);
    const { dataId, shape } = tensor;
    const count = elements(shape);
    const from = host.addressOf(dataId);
    // A vector that fills its lanes is read where it lies.
    if (tensor !== call.filter && piece.stored === count) return from;
    const form =
      piece.label === "filter"
        ? `${filterKeyOf(program.layer)} ${piece.prepare?.kernel.name}`
        : `${piece.stored}`;
    return this.#weights.get(dataId, form, packedBytes(piece), (address) =>
      program.pack(piece, host.floats(from, count), address),
    );
  }
}
