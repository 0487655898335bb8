/**
 * A count that was not expected, beside published networks: which of them has what was found, and by which stages the net
 * differs from the one that was probably meant.
 */
import type { Diagnostic, Note } from "../base/diagnostic.ts";
import type { AnalysedNet } from "../compile.ts";
import { countGraph } from "../ir/stats.ts";
import type { Verdict } from "../lower/expectations.ts";
import { sizeOf } from "./catalogue.ts";
import { type Beside, nearestByStage, withMacs, withParams } from "./compare.ts";

/** The diagnostics, those of failed counts of a whole net with what published networks say to them. */
export function explainExpectations(
  diagnostics: readonly Diagnostic[],
  nets: readonly AnalysedNet[],
): readonly Diagnostic[] {
  return diagnostics.map((diagnostic) => {
    if (diagnostic.code !== "expectation-failed" || diagnostic.severity !== "error") return diagnostic;
    for (const net of nets) {
      const verdict = net.verdicts.find(({ span, holds }) => !holds && span === diagnostic.span);
      if (verdict) return { ...diagnostic, notes: [...diagnostic.notes, ...notesOn(net, verdict)] };
    }
    return diagnostic;
  });
}

function notesOn(net: AnalysedNet, { what, wanted, found }: Verdict): readonly Note[] {
  const [want, have] = [wanted, found].map(readCount);
  if (want === undefined || have === undefined) return [];
  if (what === "params") return [...notesOnParams(net, want, have)];
  if (what === "macs") return [...notesOnMacs(net, want, have)];
  return [];
}

function* notesOnParams(net: AnalysedNet, wanted: number, found: number): Iterable<Note> {
  const { state } = countGraph(net.graph);
  if (wanted === found + state) {
    yield {
      message: `with the ${group(state)} running means and variances it would be that: \`state\` counts them`,
    };
  }
  const twins = withParams(found);
  if (twins.length > 0) yield { message: `${group(found)} is the count of ${list(twins)}` };
  const nearest = nearestByStage(net.graph, wanted);
  if (nearest) yield* notesByStage(net, nearest, twins.includes(nearest.network));
  else {
    const meant = withParams(wanted);
    // Known stages of which none is like one of the net's would be told one by one for nothing.
    const known = meant.some((name) => name.stages !== undefined);
    const why = known ? "none of whose stages is like one of the net" : "whose stages are not known here";
    if (meant.length > 0) yield { message: `${group(wanted)} is the count of ${list(meant)}, ${why}` };
  }
}

/** What differs, each stage at its row; the equal ones in one sentence. */
function* notesByStage(net: AnalysedNet, { network, pairs }: Beside, isTwin: boolean): Iterable<Note> {
  const { name, params } = network;
  const different = pairs.filter(([a, b]) => a?.params !== b?.params);
  const same = pairs.flatMap(([a, b]) => (a && a.params === b?.params ? [`\`${a.name}\``] : []));
  if (different.length === 0) {
    if (!isTwin) yield { message: `every stage has the parameters of ${name}, which has ${group(params)}` };
    return;
  }
  const equal = same.length > 0 ? `; ${sentence(same)} ${same.length === 1 ? "is" : "are"} the same` : "";
  yield { message: `${name} has ${group(params)}${equal}` };
  for (const [a, b] of different) {
    const span = a && net.rows.get(a.name)?.span;
    yield { message: describe(a, b), ...(span ? { span } : {}) };
  }
}

function describe(
  a: { readonly name: string; readonly params: number } | undefined,
  b: { readonly name: string; readonly params: number } | undefined,
): string {
  if (!a) return `\`${b!.name}\` is missing: it has ${group(b!.params)} there`;
  if (!b) return `\`${a.name}\` is more than there is: ${group(a.params)}`;
  const gap = a.params - b.params;
  const named = a.name === b.name ? "" : ` in \`${b.name}\``;
  return `\`${a.name}\` has ${group(a.params)}, there ${group(b.params)}${named} (${gap > 0 ? "+" : "-"}${group(Math.abs(gap))})`;
}

function* notesOnMacs({ graph }: AnalysedNet, wanted: number, found: number): Iterable<Note> {
  const { timmMacs } = countGraph(graph);
  const about = (a: number, b: number) => Math.abs(a - b) <= b / 200;
  if (about(wanted, 2 * found)) yield { message: "that is twice as many: flops count a multiply-add as two" };
  else if (wanted === timmMacs) {
    yield { message: "that is timm's count, with norms and global pools: `resnetc info` shows both" };
  }
  const size = sizeOf(graph);
  const twins = withMacs(found, size);
  if (twins.length > 0)
    yield {
      message: `${group(found)} is what ${list(twins)} take${twins.length === 1 ? "s" : ""} at ${size}`,
    };
  const meant = withMacs(wanted, size);
  if (meant.length > 0)
    yield {
      message: `${group(wanted)} is what ${list(meant)} take${meant.length === 1 ? "s" : ""} at ${size}`,
    };
}

/** `25_557_032`, `11.5G`. */
function readCount(text: string): number | undefined {
  const match = /^([\d_]+(?:\.[\d_]+)?)([KMGT]?)$/.exec(text);
  if (!match) return undefined;
  return Number(match[1].replaceAll("_", "")) * 1000 ** " KMGT".indexOf(match[2] || " ");
}

const group = (value: number): string => value.toLocaleString("en").replaceAll(",", "_");

const list = (networks: readonly { readonly name: string }[]): string => {
  const names = networks.map(({ name }) => name);
  return names.length <= 4 ? sentence(names) : `${names.slice(0, 3).join(", ")} and ${names.length - 3} more`;
};

const sentence = (names: readonly string[]): string =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
