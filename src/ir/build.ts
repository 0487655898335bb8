/**
 * GraphBuilder: the only way nodes come into being outside passes. It infers each node's type and turns
 * the Problem of a shape rule into a diagnostic with places.
 */
import { isProblem, type Report } from "../base/diagnostic.ts";
import type { Span } from "../base/source.ts";
import type { Graph, Node, Output } from "./graph.ts";
import type { Op } from "./op.ts";
import { type ParamAttrs, param } from "./ops/param.ts";
import { elements, type Shape, showMap } from "./tensor.ts";

/** 2^31 - 1 elements: what a typed array and every target can index. */
export const maxElements = 2 ** 31 - 1;

export class GraphBuilder {
  readonly nodes: Node[] = [];
  readonly #names = new Set<string>();
  /** The last number given to a name that was wanted more than once. */
  readonly #copies = new Map<string, number>();
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  /** Adds a node; undefined when its shape rule objects, which is reported at `span`. */
  add<A>(op: Op<A>, name: string, inputs: readonly Node[], attrs: A, span?: Span): Node<A> | undefined {
    const type = op.infer(
      inputs.map((input) => input.type),
      attrs,
    );
    if (isProblem(type)) {
      const notes = inputs
        .filter((input) => input.op !== (param as unknown) && input.span && input.span !== span)
        .map((input) => ({ message: `${showMap(input.type.shape)} is made here`, span: input.span! }));
      this.#report(type.code, span, type.params as never, { hint: type.hint, notes });
      return undefined;
    }
    if (elements(type.shape) > maxElements) {
      const shape = op === (param as unknown) ? type.shape.join("x") : showMap(type.shape);
      this.#report("tensor-too-large", span, { shape, limit: maxElements });
      return undefined;
    }
    const node: Node<A> = { name: this.#unique(name), op, inputs, attrs, type, span };
    this.nodes.push(node);
    return node;
  }

  /** A weight, loaded under its own name. */
  param(name: string, role: ParamAttrs["role"], shape: Shape, span?: Span): Node<ParamAttrs> | undefined {
    return this.add(param, name, [], { role, shape }, span);
  }

  /** A weight that follows from others. */
  computed(
    name: string,
    from: readonly Node<ParamAttrs>[],
    attrs: ParamAttrs & Required<Pick<ParamAttrs, "compute">>,
    span?: Span,
  ): Node<ParamAttrs> | undefined {
    return this.add(param, name, from, attrs, span);
  }

  graph(name: string, outputs: readonly Output[]): Graph {
    return { name, nodes: this.nodes, outputs };
  }

  #unique(name: string): string {
    let unique = name;
    let copy = this.#copies.get(name) ?? 1;
    while (this.#names.has(unique)) unique = `${name}_${++copy}`;
    if (unique !== name) this.#copies.set(name, copy);
    this.#names.add(unique);
    return unique;
  }
}
