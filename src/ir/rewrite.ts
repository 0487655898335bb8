/**
 * rewrite: the only way a pass changes a graph. It walks the nodes in order with their inputs already
 * rewritten, asks the rule for a replacement, and keeps what is still reachable.
 *
 *     run: (graph) => rewrite(graph, (node, edit) => {
 *       if (!isOp(node, relu)) return undefined;         // undefined keeps the node
 *       return edit.node(conv, { attrs: … });            // the node that takes its place
 *     })
 *
 * Nodes that no output needs are dropped before the rule sees them, so a dead reader stops nothing.
 * `edit.uses` counts readers in the graph as it was before the pass, so "only I read it" stays true while
 * the pass runs: a rule may only ever take readers away from the nodes that it fuses. A rule that answers with
 * a node that is there already (a no-op's operand) hands the no-op's readers on to it.
 */
import { isProblem } from "../base/diagnostic.ts";
import { invariant } from "../base/invariant.ts";
import { countUses, type Graph, type Node } from "./graph.ts";
import type { Op } from "./op.ts";
import { type ParamAttrs, type ParamRole, param } from "./ops/param.ts";
import type { Shape, Tensor } from "./tensor.ts";

export interface Edit {
  /** How many nodes and outputs read this node. */
  uses(node: Node): number;
  /** A new node in the place of the current one; it keeps the given name and span, its type is inferred. */
  node<A>(op: Op<A>, like: Pick<Node, "name" | "span">, inputs: readonly Node[], attrs: A): Node<A>;
  /** A weight that follows from others at build; the name is made unique in the graph. */
  computed(
    name: string,
    role: ParamRole,
    shape: Shape,
    from: readonly Node[],
    compute: (inputs: readonly Tensor[]) => Float64Array,
  ): Node<ParamAttrs>;
}

export type Rule = (node: Node, edit: Edit) => Node | undefined;

export function rewrite(whole: Graph, rule: Rule): Graph {
  const inputs = whole.nodes.filter((node) => node.op.name === "input");
  const graph = reachable(whole.name, whole.outputs, inputs);
  const uses = new Map(countUses(graph));
  const names = uniqueNames(graph);
  const now = new Map<Node, Node>();
  const edit: Edit = {
    uses: (node) => uses.get(node) ?? 0,
    node(op, { name, span }, inputs, attrs) {
      const type = op.infer(
        inputs.map((from) => from.type),
        attrs,
      );
      invariant(!isProblem(type), `a pass built ${name}, which does not type`);
      return { name, op, inputs, attrs, type, span };
    },
    computed: (name, role, shape, from, compute) => ({
      name: names(name),
      op: param,
      inputs: from,
      attrs: { role, shape, compute },
      type: { dtype: "f32", shape },
    }),
  };
  for (const node of graph.nodes) {
    const operands = node.inputs.map((from) => now.get(from)!);
    const moved = operands.every((from, i) => from === node.inputs[i]) ? node : { ...node, inputs: operands };
    uses.set(moved, uses.get(node) ?? 0);
    const next = rule(moved, edit) ?? moved;
    if (next !== moved) {
      const own = operands.filter((from) => from === next).length;
      uses.set(next, (uses.get(next) ?? own) - own + (uses.get(node) ?? 0));
    }
    now.set(node, next);
  }
  return reachable(
    graph.name,
    graph.outputs.map(({ name, node }) => ({ name, node: now.get(node)! })),
    inputs.map((node) => now.get(node)!),
  );
}

/** Names that no node has: the wanted one, or with `_2`, `_3`, … behind it. */
function uniqueNames(graph: Graph): (wanted: string) => string {
  const taken = new Set(graph.nodes.map(({ name }) => name));
  return (wanted) => {
    let name = wanted;
    for (let i = 2; taken.has(name); i++) name = `${wanted}_${i}`;
    taken.add(name);
    return name;
  };
}

/**
 * The graph of what the outputs need, in depth-first order from the inputs of each node: params stand right
 * before their first reader. `keep` names nodes that stay whether used or not (a net's inputs). Iterative:
 * networks are thousands of nodes deep.
 */
export function reachable(name: string, outputs: Graph["outputs"], keep: readonly Node[] = []): Graph {
  const nodes: Node[] = [];
  const done = new Set<Node>();
  for (const root of [...keep, ...outputs.map(({ node }) => node)]) {
    const stack: { node: Node; next: number }[] = [{ node: root, next: 0 }];
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      if (done.has(top.node)) {
        stack.pop();
      } else if (top.next < top.node.inputs.length) {
        stack.push({ node: top.node.inputs[top.next++], next: 0 });
      } else {
        done.add(top.node);
        nodes.push(top.node);
        stack.pop();
      }
    }
  }
  return { name, nodes, outputs };
}
