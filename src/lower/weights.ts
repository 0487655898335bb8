/** The weights of an expansion: made under the names of their steps, or those of another row (`step @ row`). */
import type { Span } from "../base/source.ts";
import type { GraphBuilder } from "../ir/build.ts";
import type { Node } from "../ir/graph.ts";
import { type ParamAttrs, param } from "../ir/ops/param.ts";
import { type Shape, sameShape } from "../ir/tensor.ts";
import { joinName } from "./naming.ts";
import { fail } from "./row-error.ts";

/** Weights wanted under `from` are those there are under `to`, the scope of the row `label`. */
export interface Sharing {
  readonly from: string;
  readonly to: string;
  readonly label: string;
}

export class Weights {
  readonly #builder: GraphBuilder;
  readonly #made = new Map<string, Node<ParamAttrs>>();
  #sharing: Sharing | undefined;

  /** The builder throws what its shape rules object to. */
  constructor(builder: GraphBuilder) {
    this.#builder = builder;
  }

  /** Runs a row that takes the weights of another. */
  share<T>(sharing: Sharing, run: () => T): T {
    const outer = this.#sharing;
    this.#sharing = sharing;
    try {
      return run();
    } finally {
      this.#sharing = outer;
    }
  }

  /** The weight `STEP.role`. */
  get(step: string, attrs: ParamAttrs, span: Span): Node<ParamAttrs> {
    const name = joinName(step, attrs.role);
    const sharing = this.#sharing;
    if (sharing && (name === sharing.from || name.startsWith(`${sharing.from}.`))) {
      return this.#shared(sharing, name.slice(sharing.from.length + 1), attrs.shape, span);
    }
    const made = this.#builder.add(param, name, [], attrs, span);
    if (!made) throw new Error("a builder gives a node or throws");
    this.#made.set(name, made);
    return made;
  }

  #shared({ to, label }: Sharing, rest: string, shape: Shape, span: Span): Node<ParamAttrs> {
    const shared = this.#made.get(joinName(to, rest));
    if (!shared) {
      const hint = "both rows must be built of the same steps";
      fail("bad-sharing", span, { why: `\`${label}\` has no weight \`${rest}\` to share` }, { hint });
    }
    if (!sameShape(shared.type.shape, shape)) {
      const [theirs, wanted] = [shared.type.shape, shape].map((sides) => sides.join("x"));
      const why = `\`${rest}\` of \`${label}\` is ${theirs}, this row needs ${wanted}`;
      const notes = shared.span ? [{ message: "the weight is made here", span: shared.span }] : [];
      const hint = "both rows need the same kernels, and as many channels that come in";
      fail("bad-sharing", span, { why }, { notes, hint });
    }
    return shared;
  }
}
