/** Pieces of .resnet text that all written specs share. */

/** 25_557_032. */
export const separated = (value: number): string => String(value).replaceAll(/\B(?=(\d{3})+(?!\d))/g, "_");

/** What torch calls the vectors of a normalisation. */
export const leaves = (norm: "bn" | "gn" = "bn"): string[] => [
  "scale -> weight",
  "shift -> bias",
  ...(norm === "bn" ? ["mean -> running_mean", "var -> running_var"] : []),
];
