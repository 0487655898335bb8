/** `--precision`: what fewer bits change in the results of this very network, measured before it is written. */
import { percent } from "../base/show-number.ts";
import type { Artifact } from "../codegen/target.ts";
import { wasm } from "../codegen/wasm/target.ts";
import { type AnalysedNet, cardOf, type EmitOptions, emit } from "../compile.ts";
import { madeUpInputs, storedEffect } from "../run/stored-effect.ts";

/** What measuring may take, by the planner's prediction; and how many pictures are enough. */
const [mostMs, mostPictures] = [1200, 8];

type Emission = Pick<EmitOptions, "weights" | "weightsFrom" | "level" | "arithmetic">;

/** A line about the wasm target's results, or none: nothing was asked for, or measuring would take long. */
export async function storedNote(
  net: AnalysedNet,
  artifacts: readonly Artifact[],
  emission: Emission,
): Promise<string | undefined> {
  const precision = emission.arithmetic?.precision ?? "f32";
  const pictures =
    precision === "f32" ? 0 : Math.min(mostPictures, Math.floor(mostMs / (2 * predictedMs(artifacts))));
  if (pictures < 2) return undefined;
  const plain = emit(net, {
    ...emission,
    target: wasm,
    arithmetic: { ...emission.arithmetic, precision: "f32" },
  }).artifacts;
  try {
    const inputs = madeUpInputs(cardOf(net, emission.weightsFrom), pictures);
    const { largest, sameTop } = await storedEffect({ plain, stored: artifacts, inputs });
    const top = sameTop === undefined ? "" : `, the largest the same one on ${sameTop}`;
    return `${precision}: results off by at most ${percent(largest)} of their range${top}, of ${pictures} made-up pictures`;
  } catch (error) {
    return `${precision}: results not compared: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** From the card that the target wrote. */
function predictedMs(artifacts: readonly Artifact[]): number {
  const card = artifacts.find(({ path }) => path.endsWith(".json"))?.contents;
  const { plan } = JSON.parse(typeof card === "string" ? card : "{}") as { plan?: { predictedMs?: number } };
  return plan?.predictedMs ?? Number.POSITIVE_INFINITY;
}
