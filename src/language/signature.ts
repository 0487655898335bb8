/** How what can be called is called: its parameters with kinds and defaults, as lists and in one line. */
import { declaredKind } from "../lower/arguments.ts";
import type { BuiltinParameter, ParameterKind } from "../lower/builtin.ts";
import { functions } from "../lower/builtins.ts";
import { lookupTop } from "../lower/evaluate.ts";
import { RowError } from "../lower/row-error.ts";
import type { Value } from "../lower/values.ts";
import type { BlockItem, NetItem, Parameter } from "../parser/ast.ts";
import { labelSets } from "../std/labels.generated.ts";
import { type Callee, type Definition, lineageOf, lookup, scopeOf, type Written } from "./scopes.ts";

/** A parameter as callers see it. */
export interface Taken {
  readonly name: string;
  /** Undefined where its default says nothing about it. */
  readonly kind: ParameterKind | undefined;
  /** As the language writes it; undefined where it must be given. */
  readonly default: string | undefined;
  readonly isOptional: boolean;
}

/** The parameters of what is called, in the order in which arguments without a name fill them. */
export function parametersOf(callee: Callee["definition"]): readonly Taken[] {
  if (callee.kind === "function")
    return [{ name: "x", kind: "float", default: undefined, isOptional: false }];
  if (callee.kind === "operation") {
    return callee.operation.parameters.map(takenSetting);
  }
  let taken: readonly Taken[] = [];
  for (const { owner, module } of lineageOf(callee.item, callee.module).toReversed()) {
    if (owner.kind === "let") continue;
    const settled = settledBy(owner, taken);
    const own = owner.parameters.map((parameter) => {
      const { text: name, span } = parameter.name;
      return takenBy({ kind: "parameter", parameter, owner, name, span, module });
    });
    const hidden = new Set([...settled, ...own.map(({ name }) => name)]);
    taken = [...own, ...taken.filter(({ name }) => !hidden.has(name))];
  }
  return taken;
}

/** What a derived net gives of the parameters of the one below: those cannot be set from outside. */
function settledBy(owner: BlockItem | NetItem, below: readonly Taken[]): readonly string[] {
  const base = owner.kind === "net" ? owner.base : undefined;
  const free = below.map(({ name }) => name);
  return base?.kind === "call" ? base.args.flatMap(({ name }) => name?.text ?? free.shift() ?? []) : [];
}

/** A parameter of an operation as its callers see it. */
export function takenSetting({ name, kind, default: value, optional = false }: BuiltinParameter): Taken {
  return { name, kind, default: value && showValue(value), isOptional: optional };
}

/** A parameter of a block or net as its callers see it. */
export function takenBy(definition: Extract<Written, { kind: "parameter" }>): Taken {
  const { parameter } = definition;
  const { default: value } = parameter;
  const text = value?.span.source.text.slice(value.span.start, value.span.end);
  return {
    name: parameter.name.text,
    kind: kindOf(definition),
    default: text?.replace(/\s+/g, " "),
    isOptional: false,
  };
}

/** What may stand for a parameter; undefined where anything may, or where its kind is misspelt. */
export function kindOf({
  parameter,
  owner,
  module,
}: {
  readonly parameter: Parameter;
} & Pick<Extract<Written, { kind: "parameter" }>, "owner" | "module">): ParameterKind | undefined {
  const { default: value } = parameter;
  // An earlier parameter as the default: the same kind.
  const same =
    !parameter.type && value?.kind === "name" ? lookup(value.name, scopeOf(owner, module)) : undefined;
  if (same?.kind === "parameter" && same.parameter !== parameter && same.span.start < parameter.span.start)
    return kindOf(same);
  try {
    return declaredKind(parameter, (name) => lookupTop(name, module));
  } catch (error) {
    if (!(error instanceof RowError)) throw error;
    return undefined;
  }
}

/** "bottleneck(width: int, out: int = 4 * width)". */
export function signatureOf(callee: Callee["definition"]): string {
  if (callee.kind === "function")
    return `${callee.name}(${(functions.get(callee.name)?.length ?? 1) > 1 ? "a, b, ..." : "x"})`;
  const parameters = parametersOf(callee).map(showTaken).join(", ");
  return parameters ? `${callee.name}(${parameters})` : callee.name;
}

export function showTaken({ name, kind, default: value, isOptional }: Taken): string {
  const typed = kind ? `${name}: ${kind}` : name;
  return value === undefined ? `${typed}${isOptional ? "?" : ""}` : `${typed} = ${value}`;
}

function showValue(value: Value): string {
  switch (value.kind) {
    case "number":
    case "bool":
      return String(value.value);
    case "text":
      return JSON.stringify(value.value);
    default:
      return "";
  }
}

/** The texts that a parameter may be. */
export function textsOf(callee: Definition, parameter: string): readonly string[] {
  if (callee.kind !== "operation") return [];
  if (parameter === "pad") return ["same", "tf"];
  if (callee.name === "image" && parameter === "order") return ["rgb", "bgr"];
  return callee.name === "image" && parameter === "labels" ? Object.keys(labelSets) : [];
}
