/** What is wrong with a text, and what its net costs. */
import type { Edit } from "../../../src/base/diagnostic.ts";
import { positionAt } from "../../../src/base/source.ts";
import type { AnalysedNet } from "../../../src/compile.ts";
import { countGraph, depthOf, stagesOf } from "../../../src/ir/stats.ts";
import { codeActions } from "../../../src/language/code-actions.ts";
import type { Document } from "../../../src/language/document.ts";
import type { Change, Checked, Problem, Shown, Spec, StageRow } from "../protocol.ts";
import { documentOf, netOf, netsOf } from "./documents.ts";

export function check(spec: Spec): Checked {
  const document = documentOf(spec.text);
  const problems = problemsOf(document);
  const net = netOf(spec);
  return { problems, nets: netsOf(document), shown: net && show(net) };
}

export const toChange = ({ span: { start, end }, text }: Edit): Change => ({
  from: start,
  to: end,
  insert: text,
});

/** Mistakes of another file are shown at the start. */
function problemsOf(document: Document): readonly Problem[] {
  const { source } = document;
  return document.diagnostics.map((diagnostic): Problem => {
    const { severity, message, hint, notes } = diagnostic;
    const own = diagnostic.span?.source === source ? diagnostic.span : { start: 0, end: 0 };
    const actions = codeActions(document, own.start, own.end).filter(
      (action) => action.diagnostic === diagnostic,
    );
    return {
      ...{ from: own.start, to: own.end, line: positionAt(source, own.start).line },
      ...{ severity, message, hint, notes: notes.map((note) => note.message) },
      fixes: actions.map(({ title, edits }) => ({ title, changes: edits.map(toChange) })),
    };
  });
}

export const rowsOf = ({ graph }: AnalysedNet): readonly StageRow[] =>
  stagesOf(graph).map(({ name, shape, params, macs, field }) => ({
    ...{ name, params, macs },
    shape: shape.join("x"),
    field: field.size,
  }));

function show(net: AnalysedNet): Shown {
  const { params, state, macs } = countGraph(net.graph);
  return {
    ...{ name: net.name, doc: net.doc, params, state, macs, depth: depthOf(net.graph) },
    stages: rowsOf(net),
    verdicts: net.verdicts.map(({ what, wanted, found, holds }) => ({ what, wanted, found, holds })),
  };
}
