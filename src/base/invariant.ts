/**
 * The line between a user's mistake and ours. A user's mistake is a Diagnostic; what can only be a bug of
 * this compiler is an InternalError, which adapters catch, print as such and leave with exit code 70.
 */
export class InternalError extends Error {
  override readonly name = "InternalError";
}

export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InternalError(message);
}
