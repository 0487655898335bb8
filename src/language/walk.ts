/** The tree under a place: which nodes of a file hold an offset, outermost first. */
import type { Argument, Expr, File, Item, Parameter, Row } from "../parser/ast.ts";

type Kinded = File | Item | Row | Expr;
export type Branch = Kinded | Parameter | Argument;

/** Narrows a node; parameters and arguments are of no kind. */
export function isA<K extends Kinded["kind"]>(
  node: Branch | undefined,
  ...kinds: readonly K[]
): node is Extract<Kinded, { readonly kind: K }> {
  return node !== undefined && "kind" in node && (kinds as readonly string[]).includes(node.kind);
}

/** What stands inside a node, in the order of the text. */
function childrenOf(node: Branch): readonly Branch[] {
  if (!("kind" in node)) return "value" in node ? [node.value] : node.default ? [node.default] : [];
  switch (node.kind) {
    case "file":
      return node.items;
    case "block":
      return [...node.parameters, ...node.rows];
    case "net":
      return [...node.parameters, ...(node.base ? [node.base] : []), ...node.rows];
    case "let":
    case "input":
    case "expect":
    case "step":
      return [node.value];
    case "default":
      return node.values;
    case "tuple":
      return node.items;
    case "group":
      return node.rows;
    case "choice":
      return [node.condition, node.consequent, ...(node.alternate ? [node.alternate] : [])];
    case "call":
      return [node.callee, ...node.args];
    case "member":
      return [node.object];
    case "unary":
      return [node.operand];
    case "binary":
      return [node.left, node.right];
    default:
      return [];
  }
}

/** From the file down to the smallest node around an offset; an end counts as inside. */
export function pathTo(file: File, offset: number): readonly Branch[] {
  const path: Branch[] = [file];
  for (let at: Branch | undefined = file; at; ) {
    // Of two neighbours that meet at the offset the second one is meant.
    at = childrenOf(at).findLast(({ span }) => span.start <= offset && offset <= span.end);
    if (at) path.push(at);
  }
  return path;
}
