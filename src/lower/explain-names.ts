/**
 * Why a name means nothing where it stands, and which was meant: a slip of the finger, a missing `use`, a word of another
 * framework, a name of another block.
 */
import type { Extra, Fix } from "../base/diagnostic.ts";
import { useFromStd, write, writeOneOf } from "../base/fix.ts";
import type { Source, Span } from "../base/source.ts";
import { allNearest, didYouMean, listNames } from "../base/suggest.ts";
import { foreignName, foreignParameter, isLibrary, superfluousParameter } from "./foreign-names.ts";
import { type Module, standardLibrary, stdName } from "./modules.ts";
import { labelRows } from "./naming.ts";

/** Names of the language that stand where a name may. */
const languageWords = ["true", "false", "none", "in"] as const;

export interface Unknown extends Extra {
  readonly code: "unknown-name" | "joined-word";
}

/** Why a name is unknown, in a place that sees some locals and the top of its file. */
export function explainUnknown(name: string, span: Span, locals: Iterable<string>, module: Module): Unknown {
  const { source } = module;
  if (/^x\d+$/.test(name)) {
    const apart = `x ${name.slice(1)}`;
    return { code: "joined-word", hint: `repetition has a space: \`${apart}\``, fixes: [write(span, apart)] };
  }
  if (
    /--[ \t]*$/.test(
      source.text
        .slice(Math.max(0, span.start - 40), span.start)
        .split("\n")
        .pop()!,
    )
  )
    return { code: "unknown-name", hint: "comments start with #" };
  const library = isStd(source) ? new Set<string>() : standardLibrary().exports;
  if (library.has(name)) {
    const fix = useFromStd(source, name);
    return { code: "unknown-name", hint: fix.title, fixes: [fix] };
  }
  const near = allNearest(name, [...locals, ...module.scope.keys(), ...languageWords]);
  const foreign = foreignName(name);
  // A word of another framework is rarely a slip, unless it is ours in other letters: `Conv`, `ReLU`.
  if (foreign && near[0]?.toLowerCase() !== name.toLowerCase()) {
    return {
      code: "unknown-name",
      hint: `${foreign.hint}`,
      fixes: writeOneOf(span, foreign.meant ? [foreign.meant] : []),
    };
  }
  if (isLibrary(name)) {
    return {
      code: "unknown-name",
      hint: "operations stand alone, without the name of a library: `conv(3x3, 64)`",
    };
  }
  if (near.length > 0) return { code: "unknown-name", hint: didYouMean(near), fixes: writeOneOf(span, near) };
  const fromStd = allNearest(name, library);
  if (fromStd.length > 0) {
    const fixes = fromStd.map((meant): Fix => {
      const use = useFromStd(source, meant);
      return {
        title: `write \`${meant}\` and ${use.title}`,
        edits: [...write(span, meant).edits, ...use.edits],
      };
    });
    return { code: "unknown-name", hint: didYouMean(fromStd)?.replace("?", ", from std?"), fixes };
  }
  return { code: "unknown-name", ...ofAnother(name, module) };
}

const isStd = (source: Source) => source.name === stdName;

/** A name that another declaration of the file has: what it has is its own. */
function ofAnother(name: string, { file }: Module): Extra {
  for (const item of file.items) {
    if (item.kind !== "block" && item.kind !== "net") continue;
    const parameter = item.parameters.find((one) => one.name.text === name);
    const row = labelRows(item.rows).find((one) => one.name === name)?.row;
    const span = parameter?.span ?? row?.span;
    if (!span) continue;
    const owner = `${item.kind} \`${item.name.text}\``;
    const what = parameter ? "a parameter" : "a row";
    const hint = `what belongs to ${owner} is known there alone: pass it on as an argument`;
    return { hint, notes: [{ message: `${what} of ${owner} is called so`, span }] };
  }
  return { hint: "a name is a parameter, a label, a `let`, an operation, or comes with `use`" };
}

/** Why a call has a parameter that the callee has not; `span` begins with its name. */
export function explainParameter(name: string, known: readonly string[], span: Span): Extra {
  const place: Span = { ...span, end: span.start + name.length };
  const isWritten = span.source.text.slice(place.start, place.end) === name;
  const fixes = (meant: readonly string[]) => (isWritten ? writeOneOf(place, meant) : []);
  const foreign = foreignParameter(name, known);
  if (foreign) return { hint: foreign.hint, fixes: fixes(foreign.meant ? [foreign.meant] : []) };
  const superfluous = superfluousParameter(name);
  if (superfluous) return { hint: superfluous };
  const near = allNearest(name, known);
  if (near.length > 0) return { hint: didYouMean(near), fixes: fixes(near) };
  return { hint: known.length > 0 ? `it takes ${listNames(known)}` : "it takes no arguments" };
}

/** Why a tensor has no part of this name; `labels` and `copies` are those it has. */
export function explainPart(
  wanted: string,
  span: Span,
  parts: { readonly labels: ReadonlyMap<string, unknown>; readonly copies: readonly unknown[] } | undefined,
  { isTensor = false } = {},
): Extra {
  const labels = [...(parts?.labels.keys() ?? [])];
  const near = allNearest(wanted, [...(isTensor ? ["channels", "height", "width"] : []), ...labels]);
  const has = labels.length > 0 ? `it has ${listNames(labels)}` : undefined;
  if (near.length > 0) {
    const others = labels.length > 1 ? ` It has ${listNames(labels)}` : "";
    // The place may be the whole of `conv4.35`: only a name alone is written anew.
    const isAlone = span.source.text.slice(span.start, span.end) === wanted;
    return {
      hint: `${didYouMean(near)}${others}`,
      fixes: isAlone ? writeOneOf(span, near) : [],
    };
  }
  if (has) return { hint: has };
  const copies = parts?.copies.length ?? 0;
  if (copies > 0) return { hint: `it has the copies 0 to ${copies - 1}` };
  return {
    hint: isTensor
      ? "a tensor has `height`, `width` and `channels`, and its labelled rows"
      : "only labelled rows can be tapped",
  };
}
