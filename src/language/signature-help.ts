/** The call that the cursor is in: how it is called, and which argument is being written. */

import * as t from "../parser/tokens.ts";
import { argumentsIn, calleeBefore } from "./call.ts";
import { cursorAt } from "./cursor.ts";
import type { Document } from "./document.ts";
import { scopeAt } from "./scopes.ts";
import { parametersOf, showTaken, signatureOf } from "./signature.ts";

export interface SignatureHelp {
  readonly signature: string;
  /** Markdown. */
  readonly documentation: string;
  /** As they stand in the signature. */
  readonly parameters: readonly string[];
  /** Undefined behind the last one. */
  readonly active: number | undefined;
}

export function signatureHelp(document: Document, offset: number): SignatureHelp | undefined {
  const { module } = document;
  const cursor = cursorAt(document, offset);
  const bracket = cursor.open[cursor.open.length - 1];
  if (!module || bracket?.type !== t.LeftParen) return undefined;
  const callee = calleeBefore(cursor, bracket, scopeAt(module, offset));
  if (!callee) return undefined;
  const { name, filled } = argumentsIn(cursor.tokens.slice(bracket.index + 1));
  const parameters = parametersOf(callee);
  const index = name === undefined ? filled.positional : parameters.findIndex((taken) => taken.name === name);
  // Behind an argument with a name none without one may come: which it will be is open.
  const isOpen = index < 0 || index >= parameters.length || (name === undefined && filled.names.size > 0);
  return {
    signature: signatureOf(callee),
    documentation: "item" in callee ? callee.item.doc : "operation" in callee ? callee.operation.summary : "",
    parameters: callee.kind === "function" ? [] : parameters.map(showTaken),
    active: isOpen ? undefined : index,
  };
}
