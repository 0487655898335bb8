/**
 * Runs rows on tensors: stages × blocks × repeats become flat nodes (He et al. 2015, table 1). The compiler
 * knows no shortcut rule: option A, B and C are library blocks like any other.
 */
import type { Report } from "../base/diagnostic.ts";
import type { Span } from "../base/source.ts";
import { GraphBuilder } from "../ir/build.ts";
import type { Node } from "../ir/graph.ts";
import { ops } from "../ir/ops/index.ts";
import type { BinaryExpr, Expr, InputRow, NetItem, Row, StepRow } from "../parser/ast.ts";
import { builtinSlots, defaultsFor, fillParameters, readArguments } from "./arguments.ts";
import { addDefaults, declarationSlots, refuseCircle } from "./entering.ts";
import { conditionOf, countOf, evaluate, withStride } from "./evaluate.ts";
import {
  type Expanded,
  type ExpanderOptions,
  expansionLimits,
  isSharing,
  type Manner,
  type Result,
  withScope,
} from "./expansion.ts";
import {
  countFirst,
  explainInput,
  missingInput,
  noStepHints,
  refuseNumbers,
  secondInput,
} from "./explain-rows.ts";
import { joinName, nameSteps, spine, stepWord } from "./naming.ts";
import { enter, leave } from "./nesting.ts";
import { News, recover, unknownTensor } from "./recover.ts";
import { fail, failSilently, RowError } from "./row-error.ts";
import { knownTensor, type OnRow } from "./row-event.ts";
import {
  type BlockValue,
  type ClosureValue,
  type Context,
  type Declaration,
  describeKind,
  type Frame,
  type Given,
  isPath,
  type OperationValue,
  type PathValue,
  type TensorValue,
  tapLabels,
} from "./values.ts";
import { Weights } from "./weights.ts";

export class Expander {
  // A shape rule's complaint unwinds to its row like any other.
  readonly #builder = new GraphBuilder(fail);
  readonly blocks = new Map<string, string>(); // of each scope: the block or net that it is written as
  readonly #report: Report;
  readonly #batch: number;
  readonly #root: Declaration;
  readonly #onRow: OnRow | undefined;
  readonly inputs: Node[] = [];
  readonly #weights = new Weights(this.#builder);
  /** The nets whose base is being expanded. */
  readonly #deriving: Frame[] = [];
  readonly #closureNames = new WeakMap<Expr, ReadonlyMap<Expr, string>>();
  #steps = 0;
  readonly #news: News;
  /** Set when a row of the outermost net failed: there is no graph then. */
  broken = false;

  constructor({ report, batch, root, onRow }: ExpanderOptions) {
    this.#report = report;
    this.#batch = batch;
    this.#root = root;
    this.#news = new News(root.module.source);
    this.#onRow = onRow;
  }

  /** Builds the net itself: its `input` rows make the inputs. */
  expandRoot(settings: ReadonlyMap<string, Given>): Expanded {
    const block: BlockValue = { kind: "block", declaration: this.#root, named: settings };
    return this.#expand(block, undefined, "", this.#root.item.name.span, { defaults: [], stack: [] });
  }

  /** Applies a block or net to a tensor, or builds a net from its own inputs. `name` is the scope of its weights. */
  #expand(
    block: BlockValue,
    input: TensorValue | undefined,
    name: string,
    span: Span,
    context: Context,
  ): Expanded {
    const { declaration } = block;
    const { item, module } = declaration;
    const own = item.name.text;
    if (name && !this.blocks.has(name)) this.blocks.set(name, own);
    refuseCircle(declaration, context, span);
    const frame: Frame = {
      module,
      declaration,
      variables: new Map(),
      labels: new Map(),
      failed: new Set(),
      input,
      context: { defaults: context.defaults, stack: [...context.stack, declaration] },
    };
    const slots = declarationSlots(declaration, frame);
    const base = item.kind === "net" ? item.base : undefined;
    // A derived net's call may also set parameters of the net it is derived from: they stay settable.
    const names = new Set(slots.map((slot) => slot.name));
    const passedOn = base
      ? new Map([...block.named].filter(([key]) => !names.has(key)))
      : new Map<string, Given>();
    const mine = { named: new Map([...block.named].filter(([key]) => !passedOn.has(key))) };
    for (const [key, value] of fillParameters(own, slots, mine, defaultsFor(block, context), span)) {
      frame.variables.set(key, value);
    }
    for (const row of item.rows) if (row.kind === "default") addDefaults(row.values, frame);

    const inherited = base ? this.#expandBase(base, passedOn, frame, input, name) : undefined;
    frame.input ??= inherited?.frame.input;
    for (const [label, value] of inherited?.frame.labels ?? []) frame.labels.set(label, value);
    const expectations = [...(inherited?.expectations ?? [])];
    let outputs = inherited?.outputs;
    for (const row of item.rows) {
      if (row.kind === "expect") expectations.push({ row, frame });
      if (row.kind === "output") outputs = row.references;
    }
    const start = inherited?.result ?? input ?? { kind: "none" };
    const result = this.#rows(item.rows, start, frame, name, declaration.stepNames);
    return { result, frame, expectations, outputs, inherited };
  }

  #expandBase(
    base: Expr,
    passedOn: ReadonlyMap<string, Given>,
    frame: Frame,
    input: TensorValue | undefined,
    name: string,
  ): Expanded {
    const value = evaluate(base, frame);
    if (value.kind !== "block" || value.declaration.item.kind !== "net") {
      const net = frame.declaration?.item.name.text;
      fail("kind-mismatch", base.span, {
        message: `\`${net}\` must be another net with settings, this is ${value.kind === "block" ? "a block" : describeKind(value)}`,
      });
    }
    for (const [key, given] of passedOn) {
      if (!value.named.has(key)) continue;
      const own = frame.declaration?.item.name.text ?? "";
      const hint: string = `\`${own}\` settles it: derive another net from \`${value.declaration.item.name.text}\``;
      fail("unknown-parameter", given.span, { callee: own, name: key }, { hint });
    }
    const named = new Map([...passedOn, ...value.named]);
    this.#deriving.push(frame);
    try {
      return this.#expand({ ...value, named }, input, name, base.span, frame.context);
    } finally {
      this.#deriving.pop();
    }
  }

  // ---- rows -----------------------------------------------------------------------------------------

  #rows(
    rows: readonly Row[],
    input: Result,
    frame: Frame,
    scope: string,
    stepNames: ReadonlyMap<Expr, string>,
  ): Result {
    // Rows of the net being built recover one by one; inside blocks an error leaves to the row that used them.
    const isOutermost = this.#isRoot(frame) && rows === frame.declaration?.item.rows;
    let current = input;
    for (const row of rows) {
      if (!isOutermost) {
        current = this.#row(row, current, frame, scope, stepNames);
        continue;
      }
      try {
        current = this.#row(row, current, frame, scope, stepNames);
      } catch (error) {
        if (!(error instanceof RowError)) throw error;
        this.broken = true;
        if (this.#news.isNew(error)) error.reportTo(this.#report);
        // Past these bounds every row would fail.
        if (error.code === "net-too-large" || error.code === "nesting-too-deep") failSilently();
        current = recover(row, frame);
      }
    }
    return current;
  }

  /** Whether a frame belongs to the net being built or to one it is derived from. */
  #isRoot(frame: Frame): boolean {
    const [root, ...rest] = frame.context.stack;
    if (root !== this.#root) return false;
    return rest.every((declaration, i) => {
      const outer = frame.context.stack[i].item as NetItem;
      return outer.base !== undefined && declaration.item.kind === "net";
    });
  }

  #row(row: Row, current: Result, frame: Frame, scope: string, stepNames: ReadonlyMap<Expr, string>): Result {
    switch (row.kind) {
      case "let":
        frame.variables.set(row.name.text, evaluate(row.value, frame));
        return current;
      case "input":
        if (this.#isRoot(frame)) {
          const first = this.#builder.nodes.length;
          const result = this.#addInput(row, current, frame);
          this.#tell(row, { kind: "none" }, result, frame, scope, first);
          return result;
        }
        // A net used inside another takes what comes in.
        if (row.label && frame.input) frame.labels.set(row.label.text, frame.input);
        return current;
      case "expect":
      case "output":
      case "default":
        return current;
      case "step": {
        // A `let` at the top of a file has no input of its own: it takes what comes in where it is used.
        if (!frame.input && frame.declaration) missingInput(row, frame, this.#root);
        const name = row.label ? joinName(scope, row.label.text) : scope;
        const manner = { labelled: row.label !== undefined, stepNames };
        const first = this.#builder.nodes.length;
        const result = isSharing(row.value)
          ? this.#share(row.value, current, frame, name, manner)
          : this.#run(row.value, current, frame, name, manner);
        if (row.label) frame.labels.set(row.label.text, withScope(result, name));
        this.#tell(row, current, result, frame, scope, first);
        return result.kind === "none" ? current : result;
      }
    }
  }

  /** `step @ other`: the step with the weights of the row `other`. */
  #share(expr: BinaryExpr, input: Result, frame: Frame, name: string, manner: Manner): Result {
    if (!manner.labelled) failSilently();
    const lender = evaluate(expr.right, frame);
    if (lender.kind === "tensor" && lender.isUnknown) failSilently();
    if (lender.kind !== "tensor" || lender.scope === undefined) {
      fail("bad-sharing", expr.right.span, { why: "only a labelled row has weights to share" });
    }
    const { text } = expr.right.span.source;
    const label = text.slice(expr.right.span.start, expr.right.span.end);
    return this.#weights.share({ from: name, to: lender.scope, label }, () => {
      const result = this.#run(expr.left, input, frame, name, manner);
      return result.kind === "none" ? result : { ...result, scope: lender.scope };
    });
  }

  /** `first` is the number of nodes that were there before the row. */
  #tell(row: StepRow | InputRow, before: Result, after: Result, frame: Frame, scope: string, first: number) {
    const { declaration } = frame;
    if (!this.#onRow || !declaration) return;
    const nodes = this.#builder.nodes.slice(first);
    const [input, result] = [knownTensor(before)?.node, knownTensor(after)];
    this.#onRow({ net: this.#root, declaration, row, scope, input, result, nodes });
  }

  #addInput(row: InputRow, current: Result, frame: Frame): Result {
    const value = evaluate(row.value, frame);
    const sides = value.kind === "image" || value.kind === "size" ? value.sides : [];
    if (sides.length !== 3) fail("bad-input", row.value.span, {}, explainInput(row.value, value));
    const label = row.label?.text;
    // An input below the first step: that was said of the step.
    if (frame.input?.isUnknown) failSilently();
    if (frame.input && !label) secondInput(row, frame);
    const shape = [this.#batch, ...sides];
    const attrs = value.kind === "image" ? { shape, preprocess: value.preprocess } : { shape };
    const made = this.#made(this.#builder.add(ops.input, label ?? "input", [], attrs, row.span));
    this.inputs.push(made.node);
    if (label) frame.labels.set(label, made);
    if (frame.input) return current;
    frame.input = made;
    // What a derived net hands to this one may speak of its own input, which is the same.
    for (const derived of this.#deriving) derived.input ??= made;
    return made;
  }

  // ---- paths ----------------------------------------------------------------------------------------

  #run(expr: Expr, input: Result, frame: Frame, scope: string, manner: Manner): Result {
    enter(expr.span);
    try {
      return this.#runWithin(expr, input, frame, scope, manner);
    } finally {
      leave();
    }
  }

  #runWithin(expr: Expr, input: Result, frame: Frame, scope: string, manner: Manner): Result {
    if (++this.#steps > expansionLimits.steps) {
      fail("net-too-large", expr.span, { what: "steps", limit: expansionLimits.steps });
    }
    const isJoined = expr.kind === "binary" && ["->", "|", "+", "*"].includes(expr.operator);
    // A path of several steps refuses a stride, wherever it stands.
    if ((isJoined || expr.kind === "group") && manner.stride) {
      const { stride, ...unstrided } = manner;
      withStride({ kind: "closure", expr, frame }, stride.value, stride.span);
      return this.#run(expr, input, frame, scope, unstrided);
    }
    if (expr.kind === "binary") {
      switch (expr.operator) {
        case "->": {
          const left = this.#run(expr.left, input, frame, scope, manner);
          const right = this.#run(expr.right, left.kind === "none" ? input : left, frame, scope, manner);
          return right.kind === "none" ? left : right;
        }
        case "|":
        case "+":
        case "*":
          return this.#join(expr, input, frame, scope, manner);
        case "x":
          return this.#repeat(expr, input, frame, scope, manner);
        case "as":
          return this.#repeatCounting(expr, input, frame, scope, manner);
        case "@":
          // Reported where names are checked: it stands behind a whole row.
          failSilently();
          break;
        case "/": {
          const stride = { value: countOf(expr.right, frame, "a stride"), span: expr.span };
          // Of several strides the last one written holds: it is the outermost.
          return this.#run(expr.left, input, frame, scope, { ...manner, stride: manner.stride ?? stride });
        }
      }
    }
    if (expr.kind === "group") {
      const inner = joinName(scope, manner.copy ?? "");
      return this.#rows(expr.rows, input, frame, inner, manner.stepNames);
    }
    if (expr.kind === "choice") {
      const taken = conditionOf(expr.condition, frame) ? expr.consequent : expr.alternate;
      return taken ? this.#run(taken, input, frame, scope, manner) : input;
    }
    const value = evaluate(expr, frame);
    if (!isPath(value)) {
      const message = `a row is a step, this is ${describeKind(value)}`;
      fail("kind-mismatch", expr.span, { message }, { hint: noStepHints[value.kind] });
    }
    const path = manner.stride ? withStride(value, manner.stride.value, manner.stride.span) : value;
    const own = manner.stepNames.get(expr) ?? stepWord(expr);
    return this.#apply(path, input, joinName(scope, own + (manner.copy ?? "")), expr.span, frame.context);
  }

  /** `+`, `|`, `*`: both sides get the current tensor. A chain of `|` is one concatenation. */
  #join(expr: BinaryExpr, input: Result, frame: Frame, scope: string, manner: Manner): Result {
    refuseNumbers(expr);
    const sides: Result[] = [];
    let rest: Expr = expr;
    const chain: Expr[] = [];
    while (
      rest.kind === "binary" &&
      rest.operator === expr.operator &&
      (expr.operator === "|" || rest === expr)
    ) {
      chain.unshift(rest.right);
      rest = rest.left;
    }
    for (const side of [rest, ...chain]) sides.push(this.#run(side, input, frame, scope, manner));
    const tensors = sides.filter((side) => side.kind === "tensor");
    if (tensors.length < 2) return tensors[0] ?? { kind: "none" };
    if (tensors.some(({ isUnknown }) => isUnknown)) return unknownTensor;
    const op = expr.operator === "|" ? ops.concat : expr.operator === "+" ? ops.add : ops.mul;
    const nodes = tensors.map((tensor) => tensor.node);
    const name = joinName(scope, (manner.copy ?? "") + (manner.copy ? "." : "") + op.name);
    return this.#made(this.#builder.add(op, name, nodes, null, expr.operatorSpan));
  }

  /** `p x n as i`: the copies know their number. */
  #repeatCounting(
    { left, right }: BinaryExpr,
    input: Result,
    frame: Frame,
    scope: string,
    manner: Manner,
  ): Result {
    if (left.kind !== "binary" || left.operator !== "x" || right.kind !== "name") failSilently();
    const { name, span } = right;
    if (frame.variables.has(name)) {
      const hint = "a repetition inside another counts with a name of its own";
      fail("duplicate-name", span, { name, where: "the number of a copy" }, { hint });
    }
    return this.#repeat(left, input, frame, scope, manner, name);
  }

  #repeat(
    expr: BinaryExpr,
    input: Result,
    frame: Frame,
    scope: string,
    manner: Manner,
    index?: string,
  ): Result {
    if (expr.left.kind === "number" && expr.right.kind !== "number") countFirst(expr);
    const count = countOf(expr.right, frame, "a count");
    if (expr.left.kind === "group" && !manner.labelled) {
      const hint = "its copies are named after it: `name: [ ... ] x 3`";
      fail("unlabelled-repetition", expr.span, {}, { hint });
    }
    const copies: TensorValue[] = [];
    const step = spine(expr.left);
    const word = manner.stepNames.get(step) ?? stepWord(step);
    let current = input;
    const { stride, ...rest } = manner;
    for (let i = 0; i < count; i++) {
      // The stride of a stage is that of its first copy.
      const own = i === 0 && stride ? { stride } : {};
      const copy = `${manner.copy ?? ""}.${i}`;
      const variables = new Map(frame.variables);
      if (index !== undefined) variables.set(index, { kind: "number", value: i });
      const inner = index === undefined ? frame : { ...frame, variables };
      const result = this.#run(expr.left, current, inner, scope, { ...rest, ...own, copy });
      if (result.kind === "none" || result.isUnknown) return result;
      copies.push({ ...result, scope: joinName(scope, word + copy) });
      current = result;
    }
    const last = copies[copies.length - 1];
    return { kind: "tensor", node: last.node, parts: { labels: last.parts?.labels ?? new Map(), copies } };
  }

  #apply(path: PathValue, input: Result, name: string, span: Span, context: Context): Result {
    if (path.kind === "none" || path.kind === "tensor") return path;
    if (input.kind === "none") return input;
    switch (path.kind) {
      case "closure":
        return this.#applyClosure(path, input, name, context);
      case "operation":
        return this.#applyOperation(path, input, name, span, context);
      case "block": {
        try {
          const { result, frame, outputs } = this.#expand(path, input, name, span, context);
          if (result.kind === "none" || result.isUnknown) return result;
          const labels = new Map<string, TensorValue>();
          for (const [label, value] of frame.labels) if (value.kind === "tensor") labels.set(label, value);
          const copies = result.parts?.copies ?? [];
          const first = outputs?.[0] && tapLabels(labels, outputs[0].parts);
          return { kind: "tensor", node: (first ?? result).node, parts: { labels, copies } };
        } catch (error) {
          if (!(error instanceof RowError)) throw error;
          const { item, module } = path.declaration;
          const home = this.#root.module.source;
          // What follows from a syntax error in another file is no news.
          if (module.source !== home && error.isIn(module.source, module.brokenFrom)) failSilently();
          error.leave(item.name.text, span, home);
          throw error;
        }
      }
    }
  }

  #applyClosure({ expr, frame }: ClosureValue, input: TensorValue, name: string, context: Context): Result {
    let stepNames = this.#closureNames.get(expr);
    if (!stepNames) {
      const rows: readonly Row[] =
        expr.kind === "group"
          ? expr.rows
          : [{ kind: "step", span: expr.span, label: undefined, value: expr }];
      stepNames = nameSteps(rows);
      this.#closureNames.set(expr, stepNames);
    }
    return this.#run(expr, input, { ...frame, context }, name, { stepNames });
  }

  #applyOperation(
    path: OperationValue,
    input: TensorValue,
    name: string,
    span: Span,
    context: Context,
  ): Result {
    const { operation } = path;
    const slots = builtinSlots(operation.parameters);
    const filled = fillParameters(operation.name, slots, path, defaultsFor(path, context), span);
    if (input.isUnknown) return input;
    const node = operation.build({
      builder: this.#builder,
      x: input.node,
      name,
      span,
      weight: (role, shape, frozen) =>
        this.#weights.get(name, { role, shape, ...(frozen && { frozen }) }, span),
      ...readArguments(operation.name, filled, span),
    });
    return this.#made(node);
  }

  #made(node: Node | undefined): TensorValue {
    // The builder threw its problem as a RowError, so there is a node.
    if (!node) throw new Error("a builder gives a node or throws");
    if (this.#builder.nodes.length > expansionLimits.nodes) {
      fail("net-too-large", node.span, { what: "operations", limit: expansionLimits.nodes });
    }
    return { kind: "tensor", node };
  }
}
