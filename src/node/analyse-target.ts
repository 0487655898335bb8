/** From `FILE[#net]` to analysed nets: for the command line, bundlers and programs. */
import type { Diagnostic } from "../base/diagnostic.ts";
import { makeSource, type Source } from "../base/source.ts";
import { type Analysis, analyse } from "../compile.ts";
import type { ReadModule } from "../lower/modules.ts";
import { isSource, readModule, readSource, splitTarget } from "./files.ts";
import { UsageError } from "./usage-error.ts";

export interface AnalyseTargetOptions {
  /** Every net of the file, instead of its default one. */
  readonly every?: boolean | undefined;
  /** Parameters of the net, as texts in the language. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  readonly batch?: number | undefined;
  /** Finds the files that it uses. */
  readonly read?: ReadModule | undefined;
}

export interface AnalyseFileOptions extends AnalyseTargetOptions {
  /** Its default net, or every one, without a name. */
  readonly net?: string | undefined;
  /** What the file says, where it is not there yet. */
  readonly text?: string | undefined;
}

export interface AnalysedTarget {
  readonly diagnostics: readonly Diagnostic[];
  /** Undefined where the file cannot be read. */
  readonly analysis: Analysis | undefined;
}

export async function analyseTarget(
  target: string,
  options: AnalyseTargetOptions = {},
): Promise<AnalysedTarget> {
  const { file, net } = splitTarget(target);
  return analyseFile(file, { ...options, net });
}

export async function analyseFile(file: string, options: AnalyseFileOptions): Promise<AnalysedTarget> {
  const source = options.text === undefined ? readSource(file) : makeSource(file, options.text);
  if (!isSource(source)) return { diagnostics: [source], analysis: undefined };
  const analysis = analyseSource(source, options);
  return { diagnostics: await explained(analysis), analysis };
}

/** Counts that fail are told beside published networks; their catalogue is loaded for that alone. */
async function explained({ diagnostics, nets }: Analysis): Promise<readonly Diagnostic[]> {
  if (!diagnostics.some(({ code }) => code === "expectation-failed")) return diagnostics;
  const { explainExpectations } = await import("../published/explain-expectation.ts");
  return explainExpectations(diagnostics, nets);
}

/** One net of a source; without a name its default net, or every one. */
export function analyseSource(
  source: Source,
  { net, every = false, settings = {}, batch = 1, read = readModule }: AnalyseFileOptions,
): Analysis {
  if (!Number.isInteger(batch) || batch < 1)
    throw new UsageError(`--batch ${batch} is not a whole number from 1`);
  return analyse(source, { net: net ?? (every ? "*" : undefined), read, settings, batch });
}

/** "288", "256x192" or "256x192x3" → the parameter `size`; undefined for what is none. */
export function readSize(size: string | number): string | undefined {
  const text = String(size);
  const sides = /^\d+$/.test(text) ? `${text}x${text}x3` : /^\d+x\d+$/.test(text) ? `${text}x3` : text;
  return /^\d+x\d+x\d+$/.test(sides) ? sides : undefined;
}
