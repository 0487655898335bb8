/** The abstract syntax tree: `kind` and `span` everywhere, and nothing that is not in the text. */
import type { Span } from "../base/source.ts";

export interface Ident {
  readonly span: Span;
  readonly text: string;
}

// ---- expressions: numbers and paths share one grammar; kinds are known when they are evaluated --------

export type Operator =
  | "->"
  | "|"
  | "or"
  | "and"
  | "=="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "+"
  | "-"
  | "*"
  | "/"
  | "%"
  | "x"
  | "as"
  | "@";

export type Expr =
  | NumberExpr
  | SizeExpr
  | TextExpr
  | BoolExpr
  | NoneExpr
  | InExpr
  | NameExpr
  | TupleExpr
  | GroupExpr
  | ChoiceExpr
  | CallExpr
  | MemberExpr
  | UnaryExpr
  | BinaryExpr
  | ErrorExpr;

export interface NumberExpr {
  readonly kind: "number";
  readonly span: Span;
  readonly value: number;
  readonly text: string;
  /** Half a unit of the last written digit where a suffix K, M, G or T says "about": 11.5G has 0.05e9. */
  readonly slack: number;
}
export interface SizeExpr {
  readonly kind: "size";
  readonly span: Span;
  readonly sides: readonly number[];
}
export interface TextExpr {
  readonly kind: "text";
  readonly span: Span;
  readonly value: string;
}
export interface BoolExpr {
  readonly kind: "bool";
  readonly span: Span;
  readonly value: boolean;
}
export interface NoneExpr {
  readonly kind: "none";
  readonly span: Span;
}
export interface InExpr {
  readonly kind: "in";
  readonly span: Span;
}
export interface NameExpr {
  readonly kind: "name";
  readonly span: Span;
  readonly name: string;
}
export interface TupleExpr {
  readonly kind: "tuple";
  readonly span: Span;
  readonly items: readonly Expr[];
}
/** `[ rows ]`: rows grouped into a path. */
export interface GroupExpr {
  readonly kind: "group";
  readonly span: Span;
  readonly rows: readonly Row[];
}
export interface ChoiceExpr {
  readonly kind: "choice";
  readonly span: Span;
  readonly condition: Expr;
  readonly consequent: GroupExpr;
  readonly alternate: GroupExpr | ChoiceExpr | undefined;
}
export interface Argument {
  readonly span: Span;
  readonly name: Ident | undefined;
  readonly value: Expr;
}
export interface CallExpr {
  readonly kind: "call";
  readonly span: Span;
  readonly callee: Expr;
  readonly args: readonly Argument[];
}
export interface MemberExpr {
  readonly kind: "member";
  readonly span: Span;
  readonly object: Expr;
  readonly member: Ident;
}
export interface UnaryExpr {
  readonly kind: "unary";
  readonly span: Span;
  readonly operator: "-" | "not";
  readonly operand: Expr;
}
export interface BinaryExpr {
  readonly kind: "binary";
  readonly span: Span;
  readonly operator: Operator;
  readonly operatorSpan: Span;
  readonly left: Expr;
  readonly right: Expr;
}
/** Stands where the text could not be read; a syntax error was reported there. */
export interface ErrorExpr {
  readonly kind: "error";
  readonly span: Span;
}

// ---- rows -------------------------------------------------------------------------------------------

export type Row = LetRow | InputRow | OutputRow | DefaultRow | ExpectRow | StepRow;

/** `conv4.35`, `output`: a tensor or a count, by name. */
export interface Reference {
  readonly span: Span;
  readonly parts: readonly string[];
}
export interface LetRow {
  readonly kind: "let";
  readonly span: Span;
  readonly name: Ident;
  readonly value: Expr;
  readonly doc: string;
}
export interface InputRow {
  readonly kind: "input";
  readonly span: Span;
  readonly label: Ident | undefined;
  readonly value: Expr;
}
export interface OutputRow {
  readonly kind: "output";
  readonly span: Span;
  readonly references: readonly Reference[];
}
export interface DefaultRow {
  readonly kind: "default";
  readonly span: Span;
  readonly values: readonly Expr[];
}
export interface ExpectRow {
  readonly kind: "expect";
  readonly span: Span;
  readonly reference: Reference;
  readonly comparison: "->" | "==" | "!=" | "<" | "<=" | ">" | ">=";
  readonly value: Expr;
}
export interface StepRow {
  readonly kind: "step";
  readonly span: Span;
  readonly label: Ident | undefined;
  readonly value: Expr;
}

// ---- declarations -----------------------------------------------------------------------------------

export type Item = UseItem | LetRow | BlockItem | NetItem | NamesItem;

export interface UseItem {
  readonly kind: "use";
  readonly span: Span;
  readonly names: readonly Ident[];
  /** `std`, or the text of a path. */
  readonly module: Ident;
  readonly isPath: boolean;
}
export interface Parameter {
  readonly span: Span;
  readonly name: Ident;
  readonly type: Ident | undefined;
  readonly default: Expr | undefined;
}
export interface BlockItem {
  readonly kind: "block";
  readonly span: Span;
  readonly name: Ident;
  readonly parameters: readonly Parameter[];
  readonly rows: readonly Row[];
  readonly doc: string;
}
export interface NetItem {
  readonly kind: "net";
  readonly span: Span;
  readonly name: Ident;
  readonly parameters: readonly Parameter[];
  /** `net a = b(n = 18)`: another net with settings. */
  readonly base: Expr | undefined;
  readonly rows: readonly Row[];
  readonly doc: string;
}
export interface NamePattern {
  readonly span: Span;
  readonly text: string;
  /** A plain name renames the last part; a text matches the whole name. */
  readonly whole: boolean;
}
export interface NamesItem {
  readonly kind: "names";
  readonly span: Span;
  readonly name: Ident;
  readonly lines: readonly { readonly from: NamePattern; readonly to: NamePattern }[];
  readonly doc: string;
}
export interface File {
  readonly kind: "file";
  readonly span: Span;
  readonly edition: number;
  readonly items: readonly Item[];
}
