/** `resnetc check`: everything but emission, for every net of every file. */
import type { Arguments, Argv } from "yargs";
import type { Diagnostic } from "../../base/diagnostic.ts";
import { splitTarget } from "../../node/files.ts";
import { stdin } from "../../node/stdin.ts";
import { UsageError } from "../../node/usage-error.ts";
import { type AppliedFix, fixText, readRaw, showDiff, writeWhole } from "../fix-file.ts";
import { analyseSource, analyseTarget, formatOption, type NetArguments, netOptions } from "../net-options.ts";
import { netToJson } from "../report.ts";
import {
  type DiagnosticFormat,
  diagnosticToJson,
  note,
  paintFor,
  print,
  printDiagnostics,
  printJson,
  progress,
} from "../terminal.ts";

export const builder = (yargs: Argv) =>
  formatOption(netOptions(yargs))
    .positional("files", {
      type: "string",
      array: true,
      demandOption: true,
      describe: ".resnet files, FILE#net for one net",
    })
    .option("against", {
      type: "string",
      describe:
        "a published network to compare with, by stage where they are known: torchvision:resnet50, timm:resnet50d, keras:ResNet50",
    })
    .option("fix", {
      type: "boolean",
      default: false,
      describe:
        "mend what is certain, and say what is left; a file in which more would be wrong stays as it is",
    })
    .option("dry-run", {
      type: "boolean",
      default: false,
      describe: "with --fix: show what would change, and write nothing",
    })
    .example("$0 check examples/*.resnet", "every net of every file")
    .example("$0 check model.resnet --format gnu", "one line a problem, for editors")
    .example("$0 check model.resnet#small --size 96", "another picture size")
    .example("$0 check model.resnet --fix --dry-run", "what --fix would change")
    .example("$0 check model.resnet --against torchvision:resnet50", "where it differs from that");

export async function handler(
  options: Arguments<Awaited<ReturnType<typeof builder>["argv"]>>,
): Promise<number> {
  const { files, format, json } = options;
  if (options["dry-run"] && !options.fix) throw new UsageError("--dry-run needs --fix");
  if (options.fix && files.includes(stdin)) throw new UsageError("--fix needs files that it can write");
  // Loaded for those who ask: it brings all of recognition.
  const against = options.against === undefined ? undefined : await import("../against.ts");
  const unknown = against?.unknownPublished(options.against!);
  if (unknown) {
    const diagnostics = [diagnosticToJson(unknown)];
    if (json) printJson({ command: "check", fine: false, files: [], diagnostics });
    else printDiagnostics([unknown], format);
    return 1;
  }
  const all: Diagnostic[] = [];
  const checked: object[] = [];
  let nets = 0;
  let expectations = 0;
  for (const [i, file] of files.entries()) {
    progress("checking", i / files.length);
    const fixed = options.fix ? fixFile(file, options) : undefined;
    const { diagnostics: found, analysis } = await analyseTarget(file, {
      ...options,
      every: options.against === undefined,
    });
    const comparison = against?.compareAll(analysis?.nets ?? [], options.against!);
    const compared = comparison?.diagnostics ?? [];
    const diagnostics = [...(fixed?.problems ?? []), ...found, ...compared];
    all.push(...diagnostics);
    if (!json && format !== "json" && diagnostics.length > 0) printDiagnostics(diagnostics, format);
    if (!json && format === "pretty" && !options.fix) offerFixes(file, diagnostics);
    nets += analysis?.nets.length ?? 0;
    for (const net of analysis?.nets ?? []) expectations += net.verdicts.length;
    const fine = (analysis?.fine ?? false) && compared.length === 0 && (fixed?.problems ?? []).length === 0;
    checked.push({
      file,
      fine,
      ...(fixed ? { fixed: fixed.applied, ...(fixed.diff === undefined ? {} : { diff: fixed.diff }) } : {}),
      diagnostics: diagnostics.map(diagnosticToJson),
      nets: (analysis?.nets ?? []).map((net) => netToJson(net)),
    });
    if (!json && format === "pretty" && fine) {
      const holds = analysis!.nets.reduce((sum, net) => sum + net.verdicts.filter((v) => v.holds).length, 0);
      // Names of files and networks may be long: the comparison has a line of its own.
      const same = comparison ? `\n    ${comparison.measures} of ${options.against}` : "";
      print(
        `${paintFor(process.stdout)("info", "ok")}  ${file}: ${number(analysis!.nets.length, "net")}, ${number(holds, "expectation")}${same}`,
      );
    }
  }
  const errors = all.filter(({ severity }) => severity === "error").length;
  if (json) printJson({ command: "check", fine: errors === 0, files: checked });
  else if (format === "json") printDiagnostics(all, "json");
  else if (format === "pretty" && files.length > 1) {
    print(
      `${number(files.length, "file")}, ${number(nets, "net")}, ${number(expectations, "expectation")}, ${number(errors, "error")}`,
    );
  }
  return errors > 0 ? 1 : 0;
}

function offerFixes(file: string, diagnostics: readonly Diagnostic[]): void {
  const certain = diagnostics.filter(({ fixes }) => fixes?.length === 1).length;
  if (certain > 0 && file !== stdin) note(`\`resnetc check --fix ${file}\` mends ${certain} of these`);
}

interface Fixed {
  readonly applied: readonly AppliedFix[];
  /** What would change, of a dry run. */
  readonly diff: string | undefined;
  readonly problems: readonly Diagnostic[];
}

/** Mends a file and says what was done, or what would be. */
function fixFile(
  target: string,
  {
    "dry-run": dryRun,
    format,
    json,
    ...options
  }: NetArguments & {
    readonly "dry-run": boolean;
    readonly format: DiagnosticFormat;
    readonly json: boolean;
  },
): Fixed {
  const { file, net } = splitTarget(target);
  const raw = readRaw(file);
  // What cannot be read is told by the check.
  if (typeof raw !== "string") return { applied: [], diff: undefined, problems: [] };
  const result = fixText(
    file,
    raw,
    (source) => analyseSource(source, { net, every: true, ...options }).diagnostics,
  );
  const { applied, after, before, wouldBe } = result;
  const isShown = !json && format !== "json";
  if (isShown && wouldBe) {
    note(
      `${file} stays as it is: with its fixes there would be ${number(wouldBe.errors, "error")} instead of ${wouldBe.instead}`,
    );
  }
  if (isShown)
    for (const { line, column, code, title } of applied)
      print(`${dryRun ? "would fix" : "fixed"}  ${file}:${line}:${column} ${code}: ${title}`);
  const diff = dryRun && after !== before ? showDiff(file, result) : undefined;
  if (diff !== undefined && isShown) print(diff);
  const problem = dryRun || after === before ? undefined : writeWhole(file, after);
  return { applied, diff, problems: problem ? [problem] : [] };
}

const number = (n: number, one: string) => `${n.toLocaleString("en")} ${one}${n === 1 ? "" : "s"}`;
