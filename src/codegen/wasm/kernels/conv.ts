/**
 * Convolution as an implicit matrix product: any window, stride, dilation and groups; dense layers too, as a
 * window over the whole map. Input maps carry their zero padding as a halo, so there is no border code, and a
 * row of the window that is contiguous in memory (kernel width x channels) is one run of the inner loop.
 *
 * Weights: [panel][window row][window column][channel in][channel of the panel], consumed in this order. A panel
 * outside, pixels inside: the panel stays in the first cache while the pixels stream from the second.
 */
import type { Activation } from "../../../ir/activation.ts";
import { printActivation } from "../../../ir/activation.ts";
import type { FunctionBuilder, Local } from "../assembler/function.ts";
import { i32, type Value, v128 } from "../assembler/values.ts";
import { epilogue } from "./epilogue.ts";
import {
  type Accumulators,
  type Engine,
  emitInner,
  fetchWeights,
  makeAccumulators,
  splitRows,
} from "./gemm.ts";
import { at, bytes, type Kernel, type MapLayout, printLayout, type StepArguments } from "./kernel.ts";
import type { KernelLibrary } from "./library.ts";

export interface ConvSpec {
  /** The strides are those of the buffer; the map's own extent is not used. */
  readonly input: MapLayout;
  readonly output: MapLayout;
  readonly residual?: MapLayout | undefined;
  readonly kernel: readonly [height: number, width: number];
  readonly stride: number;
  readonly dilation: number;
  readonly groups: number;
  /** Channels in of a group, as the weights have them. */
  readonly depth: number;
  /** Panels of all groups together, and their vectors: 2 is eight channels. */
  readonly panels: number;
  readonly vectors: number;
  readonly activation?: Activation | undefined;
  readonly engine: Engine;
  /** What threads divide: rows of the output, or panels where maps are small and weights large. */
  readonly split: "rows" | "panels";
}

/** Floats of the packed weights. */
export const convWeightFloats = ({ kernel, depth, panels, vectors }: ConvSpec): number =>
  kernel[0] * kernel[1] * depth * panels * vectors * 4;

/** The input block that is read for every panel should stay in the second cache. */
const blockBytes = 256 * 1024;
/** A piece of a panel, 512 x 8 floats, is half of the first cache. */
const chunkDepth = 512;

export function convKernel(spec: ConvSpec): Kernel {
  const { input, output, residual, kernel, stride, dilation, groups, depth, panels, vectors } = spec;
  const { activation, engine, split } = spec;
  const words = [
    `conv ${kernel.join("x")}/${stride} ${printLayout(input)}>${printLayout(output)}`,
    dilation > 1 ? `dilation ${dilation}` : "",
    groups > 1 ? `groups ${groups}` : "",
    `${depth}x${panels}x${vectors * 4}`,
    residual ? `+${printLayout(residual)}` : "",
    activation ? printActivation(activation) : "",
    engine.relaxed ? "relaxed" : "",
    `by ${split}`,
  ];
  return {
    name: words.filter((word) => word !== "").join(" "),
    units: split === "rows" ? output.height : panels,
    scratchBytes: 16,
    emit: (f, args, library) => new ConvEmitter(f, args, library, spec).emit(),
  };
}

/** How the depth of a window is walked: `rows` x `columns` x `chunks` pieces, each a run of contiguous floats. */
function walkOf({ input, output, kernel, dilation, depth, groups }: ConvSpec) {
  const joined = kernel[1] === 1 || (dilation === 1 && groups === 1 && input.pixelStride === depth);
  const columns = joined ? 1 : kernel[1];
  const run = joined ? kernel[1] * depth : depth;
  const rows = kernel[0];
  // A pixel or two would only store and load their sums again and again.
  const isWide = output.height * output.width > 4;
  const isDeep = isWide && (rows * columns === 1 ? run >= 2 * chunkDepth : depth >= 2 * chunkDepth);
  return { rows, columns, run, chunk: isDeep ? chunkOf(run) : 0 };
}

/** The largest divisor of a run up to the chunk depth, if it is not too small to pay. */
function chunkOf(run: number): number {
  for (let parts = Math.ceil(run / chunkDepth); parts <= run / 64; parts++) {
    if (run % parts === 0) return run / parts;
  }
  return run;
}

class ConvEmitter {
  readonly #f: FunctionBuilder;
  readonly #args: StepArguments;
  readonly #library: KernelLibrary;
  readonly #spec: ConvSpec;
  /** Channels of a panel. */
  readonly #width: number;
  readonly #weightsOfPanel: number;
  readonly #walk: ReturnType<typeof walkOf>;

  constructor(f: FunctionBuilder, args: StepArguments, library: KernelLibrary, spec: ConvSpec) {
    this.#f = f;
    this.#args = args;
    this.#library = library;
    this.#spec = spec;
    this.#width = 4 * spec.vectors;
    this.#weightsOfPanel = spec.kernel[0] * spec.kernel[1] * spec.depth * this.#width;
    this.#walk = walkOf(spec);
  }

  emit(): void {
    const { split, panels, output } = this.#spec;
    const { from, to } = this.#args;
    const f = this.#f;
    const allRows = split === "panels";
    const rows = this.#blockRows();
    if (allRows && rows >= output.height) {
      this.#panels(from, to, (panel) => this.#panel(panel, 0, output.height));
      return;
    }
    const start = f.local("i32");
    f.for(start, allRows ? 0 : from, allRows ? output.height : to, rows, () => {
      const end = f.let("i32", i32.min_u(i32.add(start, rows), allRows ? output.height : to));
      this.#panels(allRows ? from : 0, allRows ? to : panels, (panel) => this.#panel(panel, start, end));
    });
  }

  /** Rows of the output whose input is small enough to be read again and again. */
  #blockRows(): number {
    const { output, input, stride, kernel, depth } = this.#spec;
    const { rows, columns, chunk } = this.#walk;
    const isPointwise = rows * columns === 1 && kernel[1] === 1;
    const floats = isPointwise ? output.width * (chunk || depth) : input.rowStride * stride;
    return Math.max(1, Math.min(output.height, Math.floor(blockBytes / bytes(floats))));
  }

  #panels(from: Local<"i32"> | number, to: Local<"i32"> | number, body: (panel: Local<"i32">) => void): void {
    const panel = this.#f.local("i32");
    this.#f.for(panel, from, to, 1, () => body(panel));
  }

  /** One panel over rows [start, end). */
  #panel(panel: Local<"i32">, start: Local<"i32"> | number, end: Local<"i32"> | number): void {
    const f = this.#f;
    const { weights } = this.#args;
    f.scope(() => {
      const input = f.let("i32", this.#inputOfPanel(panel));
      const panelWeights = f.let("i32", at(weights, panel, this.#weightsOfPanel));
      if (this.#walk.chunk)
        this.#chunks(input, panelWeights, (chunk) =>
          this.#rows(panel, start, end, chunk.input, panelWeights, chunk),
        );
      else this.#rows(panel, start, end, input, panelWeights, undefined);
    });
  }

  /** Panels of a group read the channels of their group. */
  #inputOfPanel(panel: Local<"i32">): Value<"i32"> {
    const { groups, panels, depth } = this.#spec;
    if (groups === 1) return this.#args.input;
    return at(this.#args.input, i32.div_u(panel, panels / groups), depth);
  }

  /** The pieces of the depth, one after the other; sums rest in the output in between. */
  #chunks(input: Local<"i32">, panelWeights: Local<"i32">, body: (chunk: Chunk) => void): void {
    const f = this.#f;
    const { rows, columns, run, chunk } = this.#walk;
    const { input: layout, dilation } = this.#spec;
    const parts = run / chunk;
    const total = rows * columns * parts;
    const number = f.let("i32", 0);
    const piece = f.let("i32", input);
    const nest = (count: number, step: number, inner: () => void) => {
      if (count === 1) return inner();
      const counter = f.local("i32");
      f.for(counter, 0, count, 1, () => {
        inner();
        f.increment(piece, bytes(step));
      });
      f.increment(piece, bytes(-count * step));
    };
    nest(rows, dilation * layout.rowStride, () =>
      nest(columns, dilation * layout.pixelStride, () =>
        nest(parts, chunk, () => {
          this.#touch(panelWeights, chunk);
          body({ input: piece, isFirst: i32.eqz(number), isLast: i32.eq(number, total - 1) });
          f.increment(panelWeights, bytes(chunk * this.#width));
          f.increment(number, 1);
        }),
      ),
    );
  }

  /** Fetches the next weights into the first cache: the tiles would wait for each line in turn. */
  #touch(weights: Local<"i32">, depth: number): void {
    const { output } = this.#spec;
    if (output.width * output.height <= 256)
      fetchWeights(this.#f, weights, bytes(depth * this.#width), this.#args.scratch);
  }

  #rows(
    panel: Local<"i32">,
    start: Local<"i32"> | number,
    end: Local<"i32"> | number,
    input: Local<"i32">,
    weights: Local<"i32">,
    chunk: Chunk | undefined,
  ): void {
    const f = this.#f;
    const { input: from, output, residual, stride } = this.#spec;
    const { output: outputAt, residual: residualAt, bias } = this.#args;
    f.scope(() => {
      const row = f.local("i32");
      const offset = f.let("i32", i32.mul(panel, bytes(this.#width)));
      const biasAt = f.let("i32", i32.add(bias, offset));
      f.for(row, start, end, 1, () => {
        f.scope(() => {
          const pixel: Pixel = {
            a: f.let("i32", at(input, row, stride * from.rowStride)),
            b: weights,
            bias: biasAt,
            to: f.let("i32", i32.add(at(outputAt, row, output.rowStride), offset)),
            add: residual && f.let("i32", i32.add(at(residualAt, row, residual.rowStride), offset)),
          };
          for (const { rows, count } of splitRows(output.width)) {
            if (count === 1) this.#tile(rows, pixel, chunk);
            else {
              const counter = f.local("i32");
              f.for(counter, 0, count, 1, () => this.#tile(rows, pixel, chunk));
            }
          }
        });
      });
    });
  }

  /** Some pixels of a row; moves on behind them. */
  #tile(rows: number, pixel: Pixel, chunk: Chunk | undefined): void {
    const f = this.#f;
    const { input, output, residual, stride, vectors, activation } = this.#spec;
    f.scope(() => {
      const sums = makeAccumulators(f, rows, vectors);
      const startWithBias = () => {
        for (const [v, sum] of sums[0].entries()) f.set(sum, v128.load(pixel.bias, 16 * v));
        for (const row of sums.slice(1)) for (const [v, sum] of row.entries()) f.set(sum, sums[0][v]);
      };
      const each = (visit: (sum: Local<"v128">, place: (layout: MapLayout) => number) => void) =>
        sums.forEach((row, m) => {
          row.forEach((sum, v) => {
            visit(sum, (layout) => bytes(m * layout.pixelStride + 4 * v));
          });
        });
      const resume = () => each((sum, place) => f.set(sum, v128.load(pixel.to, place(output))));
      if (chunk) f.if(chunk.isFirst, startWithBias, resume);
      else startWithBias();

      this.#depth(sums, pixel, chunk !== undefined);

      // All results first, then the stores: the engine may then merge neighbours.
      const finish = () =>
        each((sum, place) => {
          const add = residual && v128.load(pixel.add!, place(residual));
          if (add || activation) f.set(sum, epilogue(sum, add, activation, this.#library));
        });
      if (chunk) f.if(chunk.isLast, finish);
      else finish();
      each((sum, place) => f.store(pixel.to, sum, place(output)));

      f.increment(pixel.a, bytes(rows * stride * input.pixelStride));
      f.increment(pixel.to, bytes(rows * output.pixelStride));
      if (residual) f.increment(pixel.add!, bytes(rows * residual.pixelStride));
    });
  }

  /** The products of a window, or of one piece of it. */
  #depth(sums: Accumulators, pixel: Pixel, isPiece: boolean): void {
    const f = this.#f;
    const { input, stride, dilation, engine } = this.#spec;
    const { rows, columns, run, chunk } = this.#walk;
    const rowStep = stride * input.pixelStride;
    const a = f.let("i32", pixel.a);
    const b = f.let("i32", pixel.b);
    if (isPiece) {
      emitInner(f, sums, a, b, { rowStep, depth: chunk, engine });
      return;
    }
    const inner = () => emitInner(f, sums, a, b, { rowStep, depth: run, engine });
    const repeat = (count: number, step: number, body: () => void) => {
      if (count === 1) return body();
      const left = f.let("i32", count);
      f.loop((again) => {
        body();
        f.increment(a, bytes(step));
        f.increment(left, -1);
        f.branchIf(again, left);
      });
    };
    const columnStep = dilation * input.pixelStride;
    const behindColumns = columns === 1 ? run : columns * columnStep;
    repeat(rows, dilation * input.rowStride - behindColumns, () => repeat(columns, columnStep - run, inner));
  }
}

interface Pixel {
  readonly a: Local<"i32">;
  readonly b: Local<"i32">;
  readonly bias: Local<"i32">;
  readonly to: Local<"i32">;
  readonly add: Local<"i32"> | undefined;
}

interface Chunk {
  readonly input: Local<"i32">;
  readonly isFirst: Value<"i32">;
  readonly isLast: Value<"i32">;
}
