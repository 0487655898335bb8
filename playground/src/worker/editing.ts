/** What the editor shows while one writes: the features of src/language. */
import { complete as completeIn } from "../../../src/language/complete.ts";
import { format as formatIn } from "../../../src/language/format.ts";
import { hover as hoverIn } from "../../../src/language/hover.ts";
import type { Change, CompletionAnswer, HoverAnswer, Questions, Spec } from "../protocol.ts";
import { toChange } from "./check.ts";
import { documentOf, files } from "./documents.ts";

export function hover({ text, offset }: Questions["hover"]["ask"]): HoverAnswer | undefined {
  const found = hoverIn(documentOf(text), offset);
  return found && { from: found.span.start, to: found.span.end, markdown: found.markdown };
}

export function complete({ text, offset }: Questions["complete"]["ask"]): readonly CompletionAnswer[] {
  return completeIn(documentOf(text), offset, files).map(
    ({ label, kind, insert, span, detail, documentation, edits = [], rank }) => ({
      ...{ label, kind, insert, detail, documentation, rank },
      ...{ from: span.start, to: span.end, changes: edits.map(toChange) },
    }),
  );
}

export const format = ({ text }: Spec): readonly Change[] => formatIn(documentOf(text)).map(toChange);
