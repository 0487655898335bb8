/** Texts in the language, compiled: short names for what tests ask of a net. */
import { renderDiagnostic } from "../../src/base/render-diagnostic.ts";
import { makeSource } from "../../src/base/source.ts";
import { type AnalysedNet, type AnalyseOptions, type Analysis, analyse } from "../../src/compile.ts";
import { isOp, type Node } from "../../src/ir/graph.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { showMap } from "../../src/ir/tensor.ts";
import type { ReadModule } from "../../src/lower/modules.ts";

export interface TextOptions extends AnalyseOptions {
  /** What the text's file is called. */
  readonly name?: string;
  /** Other files that it can `use`, by name: `{ "b.resnet": "..." }`. */
  readonly files?: Readonly<Record<string, string>>;
}

export function analyseText(
  text: string,
  { name = "model.resnet", files = {}, ...rest }: TextOptions = {},
): Analysis {
  const all: Readonly<Record<string, string>> = { [name]: text, ...files };
  const read: ReadModule = (request) => {
    const file = `${request.replace(/^\.\//, "")}.resnet`;
    return file in all ? makeSource(file, all[file]) : { why: `there is no file ${file}` };
  };
  return analyse(makeSource(name, text), { read, ...rest });
}

/** The one net of a text; throws with the rendered diagnostics where there is any. */
export function netOf(text: string, options: TextOptions = {}): AnalysedNet {
  const { nets, diagnostics } = analyseText(text, options);
  if (diagnostics.length > 0 || nets.length !== 1)
    throw new Error(`${text}\n${diagnostics.map((d) => renderDiagnostic(d)).join("\n")}`);
  return nets[0];
}

/** A net around some rows, on a small input. */
export const around = (rows: string, input = "8x8x3"): string => `net m {\n  input ${input}\n  ${rows}\n}\n`;

/** "code: message" of everything that is reported. */
export const problemsOf = (text: string, options: TextOptions = {}): readonly string[] =>
  analyseText(text, options).diagnostics.map(({ code, message }) => `${code}: ${message}`);

export const codesOf = (text: string, options: TextOptions = {}): readonly string[] =>
  analyseText(text, options).diagnostics.map(({ code }) => code);

/** The weights of a net in order; `also` keeps scale, shift, mean and var, which are left out otherwise. */
export function weightNames({ graph }: AnalysedNet, { also = false } = {}): readonly string[] {
  const names = graph.nodes.filter((node) => isOp(node, ops.param)).map(({ name }) => name);
  return also ? names : names.filter((name) => !/\.(shift|mean|var)$/.test(name));
}

export function nodeOf({ graph }: AnalysedNet, name: string): Node {
  const found = graph.nodes.find((node) => node.name === name);
  if (!found) throw new Error(`no ${name} among ${graph.nodes.map((node) => node.name).join(", ")}`);
  return found;
}

/** "56x56x64": what the first output of a text's net is. */
export const shapeOf = (text: string, options: TextOptions = {}): string =>
  showMap(netOf(text, options).graph.outputs[0].node.type.shape);
