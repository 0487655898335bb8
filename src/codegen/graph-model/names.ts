/**
 * Names of nodes. TensorFlow takes letters, digits and `_ . / > -`, the first a letter, a digit or a dot
 * (`_VALID_OP_NAME_REGEX` of tensorflow/python/framework/ops.py); ours are kept where they are such names. Elsewhere every other
 * character becomes `_`, a first one that may not be first gets an `x` in front, and a name that is there already a number behind it.
 */
export class NodeNames {
  readonly #taken = new Set<string>();

  give(name: string): string {
    const plain = name.replace(/[^A-Za-z0-9_./>-]/g, "_").replace(/^(?![A-Za-z0-9.])/, "x");
    let unique = plain;
    for (let i = 2; this.#taken.has(unique); i++) unique = `${plain}_${i}`;
    this.#taken.add(unique);
    return unique;
  }
}
