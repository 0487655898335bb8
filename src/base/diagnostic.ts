/**
 * What the user is told, as values. Phases receive a Report and never print; adapters render.
 */
import { type MessageParams, messages, type Severity } from "./messages.ts";
import type { Span } from "./source.ts";

export type Code = keyof typeof messages;

export interface Note {
  readonly message: string;
  readonly span?: Span;
}

export interface Edit {
  readonly span: Span;
  readonly text: string;
}

/** One way to mend a text: what it does, as an order, and the edits that do it. */
export interface Fix {
  readonly title: string;
  readonly edits: readonly Edit[];
}

export interface Diagnostic {
  readonly code: Code;
  readonly severity: Severity;
  readonly message: string;
  /** Absent for what has no place in a text: an unreadable file, a checkpoint that does not fit. */
  readonly span?: Span;
  readonly notes: readonly Note[];
  readonly hint?: string;
  /** Ways to mend it. One alone is certain, and `check --fix` takes it; of several a reader has to choose. */
  readonly fixes?: readonly Fix[];
}

export interface Extra {
  readonly notes?: readonly Note[] | undefined;
  /** What to do about it, in one sentence without a full stop. */
  readonly hint?: string | undefined;
  readonly fixes?: readonly Fix[] | undefined;
  /** Overrides the severity of the catalogue, as `expect` under `--set` does. */
  readonly severity?: Severity;
}

export type Report = <C extends Code>(
  code: C,
  span: Span | undefined,
  params: MessageParams<C>,
  extra?: Extra,
) => void;

/** What a shape rule returns instead of a type: it knows no spans, the builder adds them. */
export type Problem = {
  [C in Code]: { readonly code: C; readonly params: MessageParams<C>; readonly hint?: string };
}[Code];

export function isProblem(value: object): value is Problem {
  return "code" in value && "params" in value;
}

export interface Collector {
  readonly diagnostics: Diagnostic[];
  readonly report: Report;
  /** True once an error (not a warning) was reported. */
  failed(): boolean;
}

export function makeDiagnostic<C extends Code>(
  code: C,
  span: Span | undefined,
  params: MessageParams<C>,
  extra: Extra = {},
): Diagnostic {
  const entry = messages[code];
  const text = entry.text as (params: MessageParams<C>) => string;
  const usual = entry.hint as ((params: MessageParams<C>) => string) | undefined;
  const hint = extra.hint ?? usual?.(params);
  return {
    code,
    severity: extra.severity ?? entry.severity,
    message: shorten(text(params)),
    ...(span ? { span } : {}),
    notes: extra.notes ?? [],
    ...(hint ? { hint } : {}),
    ...(extra.fixes?.length ? { fixes: extra.fixes } : {}),
  };
}

/** Names come from the text and may be of any length: a sentence shows the start of them. */
const shorten = (message: string): string =>
  message.replace(/`([^`]{60})[^`]{20,}`/g, (_all, start: string) => `\`${start}\u2026\``);

export function collect(): Collector {
  const diagnostics: Diagnostic[] = [];
  return {
    diagnostics,
    report: (code, span, params, extra) => {
      diagnostics.push(makeDiagnostic(code, span, params, extra));
    },
    failed: () => diagnostics.some((d) => d.severity === "error"),
  };
}
