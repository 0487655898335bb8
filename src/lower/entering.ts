/** What happens on entering a block or net, before its rows run: its parameters become slots, its `default` rows settings. */
import type { Extra } from "../base/diagnostic.ts";
import { insertBefore } from "../base/fix.ts";
import type { Span } from "../base/source.ts";
import type { Expr } from "../parser/ast.ts";
import { declaredKind, type Slot, unknownParameter } from "./arguments.ts";
import { evaluate, lookupTop } from "./evaluate.ts";
import { expansionLimits } from "./expansion.ts";
import { fail, failSilently } from "./row-error.ts";
import type { Context, Declaration, Frame, Value } from "./values.ts";

/** A block that was handed to itself, or too deep; one that names itself was told before anything was built. */
export function refuseCircle(declaration: Declaration, { stack }: Context, span: Span): void {
  if (!stack.includes(declaration)) {
    if (stack.length >= expansionLimits.blocks)
      fail("nesting-too-deep", span, { what: "blocks and nets", limit: expansionLimits.blocks });
    return;
  }
  const { item, module } = declaration;
  const name = item.name.text;
  if (module.cyclic.has(name)) failSilently();
  const names = stack.slice(stack.indexOf(declaration)).map((outer) => outer.item.name.text);
  const hint =
    item.kind === "net" ? "one of them must stand on its own" : "repeat a block with `x n` instead";
  fail("cyclic-definition", span, { name, path: [...names, name].join(" -> ") }, { hint });
}

/** The parameters of a declaration; their defaults see earlier parameters and the file. */
export function declarationSlots({ item, module }: Declaration, frame: Frame): readonly Slot[] {
  return item.parameters.map((parameter) => {
    const kind = declaredKind(parameter, (name) => frame.variables.get(name) ?? lookupTop(name, module));
    const value = parameter.default;
    const slot: Slot = { name: parameter.name.text, kind };
    if (!value) return slot;
    const fallback = (earlier: ReadonlyMap<string, Value>) =>
      evaluate(value, { ...frame, variables: new Map(earlier) });
    return { ...slot, fallback };
  });
}

/** Arguments of a default have names: those that have none get that of the parameter in their place. */
function explainDefault(expr: Expr, value: Value): Extra {
  const example = "for example `default bn(eps = 1e-3)`";
  if ((value.kind !== "operation" && value.kind !== "block") || expr.kind !== "call")
    return { hint: example };
  const unnamed = expr.args.filter(({ name }) => !name);
  const places = [...value.named].filter(([, given]) =>
    unnamed.some((argument) => argument.value.span === given.span),
  );
  if (places.length === 0) return { hint: example };
  const edits = places.map(([name, given]) => insertBefore(given.span, `${name} = `));
  const hint = `name what is set: \`${places[0][0]} = ...\``;
  return { hint, fixes: [{ title: "name the arguments", edits }] };
}

/** A `default` row: its settings hold for everything built under the frame from here on. */
export function addDefaults(values: readonly Expr[], frame: Frame): void {
  for (const expr of values) {
    const value = evaluate(expr, frame);
    const isNamed = expr.kind === "call" && expr.args.every(({ name }) => name !== undefined);
    if ((value.kind !== "operation" && value.kind !== "block") || !isNamed || value.named.size === 0) {
      fail("bad-default", expr.span, {}, explainDefault(expr, value));
    }
    const parameters =
      value.kind === "operation"
        ? value.operation.parameters
        : value.declaration.item.parameters.map((parameter) => ({ name: parameter.name.text }));
    const callee = value.kind === "operation" ? value.operation.name : value.declaration.item.name.text;
    for (const [key, { span }] of value.named) {
      if (!parameters.some((parameter) => parameter.name === key))
        unknownParameter(callee, key, parameters, span);
    }
    frame.context = { ...frame.context, defaults: [value, ...frame.context.defaults] };
  }
}
