/** From a net's outputs to answers: probabilities, the best first. */

export interface Guess {
  /** A probability. */
  readonly score: number;
  /** Of the class. */
  readonly index: number;
  readonly label?: string | undefined;
}

/** exp(x - largest) / sum, in float64. */
export function softmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const largest = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = values.map((value) => Math.exp(value - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((value) => value / sum);
}

/** The `top` classes, by probability; equal ones in their order. Labels where there is one for each class. */
export function best(scores: readonly number[], top: number, labels?: readonly string[]): Guess[] {
  const names = labels?.length === scores.length ? labels : undefined;
  return scores
    .map((score, index) => (names ? { score, index, label: names[index] } : { score, index }))
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .slice(0, top);
}
