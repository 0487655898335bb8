/** `--exact`, `--fast-math` and `--precision`: what may be done to the bits of results. */
import type { Argv } from "yargs";
import { type Arithmetic, type Precision, precisions } from "../codegen/target.ts";
import { UsageError } from "../node/usage-error.ts";

export interface ArithmeticArguments {
  readonly exact: boolean;
  readonly "fast-math"?: "relaxed" | undefined;
  readonly precision: Precision;
}

export function arithmeticOptions<T>(yargs: Argv<T>) {
  return yargs
    .option("exact", {
      type: "boolean",
      default: false,
      describe: "wasm: no Winograd convolution: sums in the order of the definition",
    })
    .option("fast-math", {
      choices: ["relaxed"] as const,
      describe: "wasm: fused multiply-adds where the engine has them; last bits differ between machines",
    })
    .option("precision", {
      choices: precisions,
      default: "f32" as Precision,
      describe:
        "wasm, graph-model: how weights are stored; f16 and u8 take a half and a quarter of the bytes",
    });
}

/**
 * What was asked for; `place` is the option that must be there for it to mean anything, or undefined if it is, and
 * `precisionPlace` the same for `--precision`.
 */
export function readArithmetic(
  options: ArithmeticArguments,
  place: string | undefined,
  precisionPlace: string | undefined,
): Arithmetic {
  const { exact, "fast-math": fastMath, precision } = options;
  if (exact && fastMath)
    throw new UsageError(`--exact and --fast-math ${fastMath} are opposites: choose one of them`);
  const given = exact ? "--exact" : fastMath && `--fast-math ${fastMath}`;
  if (given && place) throw new UsageError(`${given} goes with ${place}`);
  if (precision !== "f32" && precisionPlace)
    throw new UsageError(`--precision ${precision} goes with ${precisionPlace}`);
  return { exact, relaxed: fastMath === "relaxed", precision };
}
