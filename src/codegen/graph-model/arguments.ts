/**
 * The arguments of tfjs calls as data. Ops write them as JavaScript, but use little of it: variables, `w["name"]`,
 * numbers, strings, lists and records.
 */
import { InternalError } from "../../base/invariant.ts";

export type Argument =
  | number
  | string
  | boolean
  | null
  | readonly Argument[]
  | TensorArgument
  | { readonly [key: string]: Argument };

/** A tensor: the value of a call, or one that is stored. */
export interface TensorArgument {
  readonly kind: "variable" | "stored";
  readonly name: string;
}

const words =
  /w\[("(?:[^"\\]|\\.)*")\]|"(?:[^"\\]|\\.)*"|-?\d[\d.]*(?:e[+-]?\d+)?|([A-Za-z_$][\w$]*)(\s*:)?/g;

/** `undefined` becomes null. */
export function readArgument(text: string): Argument {
  const json = text.replace(words, (word, stored?: string, name?: string, colon?: string) => {
    if (stored !== undefined) return `{"kind":"stored","name":${stored}}`;
    if (name === undefined || name === "true" || name === "false") return word;
    if (colon) return `"${name}":`;
    return name === "undefined" ? "null" : `{"kind":"variable","name":"${name}"}`;
  });
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new InternalError(`no argument of a tfjs call: ${text}`, { cause });
  }
}

export const isTensor = (value: Argument | undefined): value is TensorArgument =>
  typeof value === "object" && value !== null && "kind" in value && "name" in value;
