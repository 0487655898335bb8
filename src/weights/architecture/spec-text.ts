/** Pieces of .resnet text that all written specs share. */
import { invariant } from "../../base/invariant.ts";
import { makeSource } from "../../base/source.ts";
import { format } from "../../parser/format.ts";
import type { Spec } from "./architecture.ts";

/** As `resnetc fmt` writes it. */
export function formatted({ name, text }: Spec): Spec {
  const pretty = format(makeSource(`${name}.resnet`, text)).text;
  invariant(pretty !== undefined, `the spec of ${name} is no text in the language`);
  return { name, text: pretty };
}

/** 25_557_032. */
export const separated = (value: number): string => String(value).replaceAll(/\B(?=(\d{3})+(?!\d))/g, "_");

/** The table of a spec's names, as rows of the text. */
export const namesTable = (name: string, lines: readonly string[]): string[] => [
  "",
  `names ${name}_names {`,
  ...lines,
  "}",
  "",
];

/** What torch calls the vectors of a normalisation. */
export const leaves = (norm: "bn" | "gn" = "bn"): string[] => [
  "scale -> weight",
  "shift -> bias",
  ...(norm === "bn" ? ["mean -> running_mean", "var -> running_var"] : []),
];

/** What Keras calls them, and kernels. */
export const kerasLeaves: readonly string[] = [
  "weight -> kernel",
  "scale -> gamma",
  "shift -> beta",
  "mean -> moving_mean",
  "var -> moving_variance",
];
