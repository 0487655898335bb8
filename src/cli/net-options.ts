/** What every command that compiles a net shares: its options, and the way from them to an analysed net. */
import type { Argv } from "yargs";
import type { Diagnostic } from "../base/diagnostic.ts";
import type { Source } from "../base/source.ts";
import type { AnalysedNet, Analysis } from "../compile.ts";
import type { Module } from "../lower/modules.ts";
import * as analyse from "../node/analyse-target.ts";
import { type AnalysedTarget, type AnalyseTargetOptions, readSize } from "../node/analyse-target.ts";
import { UsageError } from "../node/usage-error.ts";
import { type DiagnosticFormat, printDiagnostics } from "./terminal.ts";

export interface NetArguments {
  readonly set?: readonly string[] | undefined;
  readonly size?: string | undefined;
  readonly batch?: number | undefined;
}

export function netOptions<T>(yargs: Argv<T>) {
  return yargs
    .option("set", {
      type: "string",
      array: true,
      nargs: 1,
      describe: "set a parameter of the net: --set classes=10 --set shortcut=none",
    })
    .option("size", { type: "string", describe: "the picture's side: 288 is short for --set size=288x288x3" })
    .option("batch", { type: "number", describe: "pictures a run", default: 1 });
}

export function formatOption<T>(yargs: Argv<T>) {
  return yargs
    .option("format", {
      choices: ["pretty", "gnu", "json"] as const,
      default: "pretty" as const,
      describe: "how diagnostics are shown",
    })
    .option("json", { type: "boolean", default: false, describe: "results as JSON on stdout" });
}

/** `--set a=1` texts and `--size` → settings; a problem is a usage error. */
export function readSettings({ set = [], size }: NetArguments): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const text of set) {
    const equals = text.indexOf("=");
    const name = text.slice(0, equals).trim();
    if (equals < 1 || !/^[A-Za-z_]\w*$/.test(name)) {
      usage(`--set ${text}`, "name=value, such as --set classes=10");
    }
    settings[name] = text.slice(equals + 1);
  }
  if (size !== undefined) {
    settings.size = readSize(size) ?? usage(`--size ${size}`, "a side such as 288, or 256x192, or 256x192x3");
  }
  return settings;
}

function usage(given: string, wanted: string): never {
  throw new UsageError(`${given} is not ${wanted}`);
}

export interface OpenedNet {
  readonly net: AnalysedNet;
  readonly module: Module;
  /** Warnings, shown already. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads and analyses the one net of `FILE[#net]`; undefined after its errors were shown. */
export async function openNet(
  target: string,
  options: NetArguments & { readonly format: DiagnosticFormat },
): Promise<OpenedNet | undefined> {
  const { diagnostics, analysis } = await analyseTarget(target, options);
  if (diagnostics.length > 0) printDiagnostics(diagnostics, options.format);
  const net = analysis?.nets[0];
  return analysis?.fine && net && analysis.module ? { net, module: analysis.module, diagnostics } : undefined;
}

export const analyseTarget = (
  target: string,
  options: NetArguments & { readonly every?: boolean },
): Promise<AnalysedTarget> => analyse.analyseTarget(target, optionsOf(options));

/** One net of a source; without a name its default net, or every one. */
export const analyseSource = (
  source: Source,
  options: NetArguments & { readonly net?: string | undefined; readonly every?: boolean },
): Analysis => analyse.analyseSource(source, { net: options.net, ...optionsOf(options) });

const optionsOf = (options: NetArguments & { readonly every?: boolean }): AnalyseTargetOptions => ({
  every: options.every,
  settings: readSettings(options),
  batch: options.batch,
});
