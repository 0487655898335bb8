/** What an expansion takes and gives, and how far it goes. */
import type { Report } from "../base/diagnostic.ts";
import type { Span } from "../base/source.ts";
import type { BinaryExpr, Expr } from "../parser/ast.ts";
import type { OnRow } from "./row-event.ts";
import type { Declaration, Expectation, Frame, NoneValue, OutputReference, TensorValue } from "./values.ts";

/** Bounds on one expansion: past them a text is an accident or an attack; ResNet-1202 takes 12,000 nodes. */
export const expansionLimits = { nodes: 200_000, steps: 500_000, blocks: 100 } as const;

/** What a step gives: a tensor, or nothing where everything in it was `none`. */
export type Result = TensorValue | NoneValue;

/** How a path is run: under which stride and copy number, and what names its steps. */
export interface Manner {
  readonly stride?: { readonly value: number; readonly span: Span };
  /** ".0" of a copy. */
  readonly copy?: string;
  readonly labelled?: boolean;
  readonly stepNames: ReadonlyMap<Expr, string>;
}

export const isSharing = (expr: Expr): expr is BinaryExpr => expr.kind === "binary" && expr.operator === "@";

/** A row that takes the weights of another has the other's scope already. */
export const withScope = (result: Result, scope: string): Result =>
  result.kind === "none" ? result : { ...result, scope: result.scope ?? scope };

/** A block or net that was run, with what it declared on the way. */
export interface Expanded {
  readonly result: Result;
  readonly frame: Frame;
  readonly expectations: readonly Expectation[];
  readonly outputs: readonly OutputReference[] | undefined;
  /** Of the net that it is derived from. */
  readonly inherited: Expanded | undefined;
}
export interface ExpanderOptions {
  readonly report: Report;
  readonly batch: number;
  /** The net the user builds: errors in blocks of other files are blamed on its rows. */
  readonly root: Declaration;
  readonly onRow?: OnRow | undefined;
}
