/** What names may stand for, and whether that is what a place asks for. */
import type { ParameterKind } from "../lower/builtin.ts";
import { lookupTop } from "../lower/evaluate.ts";
import { RowError } from "../lower/row-error.ts";
import type { Definition } from "./scopes.ts";
import { kindOf } from "./signature.ts";

/** What a place asks for: `undefined` is anything. */
export type Wanted = ParameterKind | "picture" | "callable" | "condition" | undefined;

/** Whether a name belongs there, as far as the text tells. */
export function suits(definition: Definition, wanted: Wanted): boolean {
  const kind = kindOfName(definition);
  if (wanted === "callable")
    return kind === "path" && definition.kind !== "label" && definition.kind !== "let";
  if (kind === "never") return false;
  if (wanted === undefined || kind === undefined) return true;
  if (wanted === "picture") return kind === "picture" || kind === "size";
  // Of any kind: what is asked of it is whether it is something else.
  if (wanted === "condition" && definition.kind === "parameter") return true;
  const numbers = kind === "int" || kind === "float";
  if (wanted === "size" || wanted === "tuple" || wanted === "pad") return kind === wanted || numbers;
  const counts = wanted === "int" || wanted === "float" || wanted === "bool" || wanted === "condition";
  // A label stands for its sides: `a.height`.
  if (definition.kind === "label" && counts) return true;
  if (wanted === "condition") return numbers || kind === "bool";
  return kind === wanted || (numbers && counts);
}

/** What a name may stand for; undefined where the text does not say. */
function kindOfName(definition: Definition): ParameterKind | "picture" | "never" | undefined {
  switch (definition.kind) {
    case "operation":
      return definition.name === "image" ? "picture" : "path";
    case "block":
    case "net":
    case "label":
      return "path";
    case "function":
    case "index":
      return "float";
    case "parameter":
      return kindOf(definition);
    case "let":
      return definition.owner === definition.row ? kindOfValue(definition) : kindOfLocal(definition);
    default:
      return "never";
  }
}

type Let = Extract<Definition, { kind: "let" }>;

/** In a declaration only the text of a `let` is known, and what that says of kinds. */
const kindOfLocal = ({ row, owner, module }: Let): ParameterKind | undefined =>
  kindOf({ parameter: { ...row, default: row.value, type: undefined }, owner, module });

/** At the top of a file its value is. */
function kindOfValue({ name, module }: Let): ParameterKind | "picture" | undefined {
  try {
    const value = lookupTop(name, module);
    switch (value?.kind) {
      case "image":
      case "image-function":
        return "picture";
      case "number":
        return "float";
      case "bool":
      case "text":
      case "size":
      case "tuple":
        return value.kind;
      default:
        return value && "path";
    }
  } catch (error) {
    if (!(error instanceof RowError)) throw error;
    return undefined;
  }
}
