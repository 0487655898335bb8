/** `resnetc check`: everything but emission, for every net of every file. */
import type { Arguments, Argv } from "yargs";
import type { Diagnostic } from "../../base/diagnostic.ts";
import { analyseTarget, formatOption, netOptions } from "../net-options.ts";
import { netToJson } from "../report.ts";
import { diagnosticToJson, paintFor, print, printDiagnostics, printJson, progress } from "../terminal.ts";

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
      describe: "a published network to compare with, stage by stage: torchvision:resnet50, timm:resnet50d",
    })
    .example("$0 check examples/*.resnet", "every net of every file")
    .example("$0 check model.resnet --format gnu", "one line a problem, for editors")
    .example("$0 check model.resnet#small --size 96", "another picture size")
    .example("$0 check model.resnet --against torchvision:resnet50", "where it differs from that");

export async function handler(
  options: Arguments<Awaited<ReturnType<typeof builder>["argv"]>>,
): Promise<number> {
  const { files, format, json } = options;
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
    const { diagnostics: found, analysis } = analyseTarget(file, {
      ...options,
      every: options.against === undefined,
    });
    const compared = against?.compareAll(analysis?.nets ?? [], options.against!) ?? [];
    const diagnostics = [...found, ...compared];
    all.push(...diagnostics);
    if (!json && format !== "json" && diagnostics.length > 0) printDiagnostics(diagnostics, format);
    nets += analysis?.nets.length ?? 0;
    for (const net of analysis?.nets ?? []) expectations += net.verdicts.length;
    const fine = (analysis?.fine ?? false) && compared.length === 0;
    checked.push({
      file,
      fine,
      diagnostics: diagnostics.map(diagnosticToJson),
      nets: (analysis?.nets ?? []).map((net) => netToJson(net)),
    });
    if (!json && format === "pretty" && fine) {
      const holds = analysis!.nets.reduce((sum, net) => sum + net.verdicts.filter((v) => v.holds).length, 0);
      const same =
        options.against === undefined ? "" : `, params, multiply-adds and shapes of ${options.against}`;
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

const number = (n: number, one: string) => `${n.toLocaleString("en")} ${one}${n === 1 ? "" : "s"}`;
