/** `resnetc types`: x.d.resnet.ts beside x.resnet, as the bundler plugin writes it: for checks without a bundler. */
import type { Arguments, Argv } from "yargs";
import { BuildError, typesOf } from "../../node/build-file.ts";
import { splitTarget } from "../../node/files.ts";
import { typesFileOf, writeTypes } from "../../node/types-file.ts";
import { labelsOption } from "../labels-option.ts";
import { formatOption, netOptions, readSettings } from "../net-options.ts";
import { note, print, printDiagnostics, printJson } from "../terminal.ts";

export const builder = (yargs: Argv) =>
  labelsOption(formatOption(netOptions(yargs)))
    .positional("files", {
      type: "string",
      array: true,
      demandOption: true,
      describe: ".resnet files, FILE#net for another net than the default one",
    })
    .option("target", {
      choices: ["wasm", "tfjs"] as const,
      default: "wasm" as const,
      describe: "whose interface",
    })
    .option("check", {
      type: "boolean",
      default: false,
      describe: "write nothing: exit with 1 if a file would change",
    })
    .example("$0 types src/*.resnet", 'so that tsc knows import { load } from "./x.resnet"')
    .example("$0 types src/*.resnet --check", "in CI");

export async function handler(
  options: Arguments<Awaited<ReturnType<typeof builder>["argv"]>>,
): Promise<number> {
  const { files, format, json, check, target, labels } = options;
  const done: { readonly file: string; readonly changed: boolean }[] = [];
  let failed = false;
  for (const wanted of files) {
    const { file, net } = splitTarget(wanted);
    try {
      const types = await typesOf({ file, net, target, labels, set: readSettings(options) });
      done.push({ file: typesFileOf(file), changed: writeTypes(file, types, check) });
    } catch (error) {
      if (!(error instanceof BuildError)) throw error;
      if (error.diagnostics.length > 0) printDiagnostics(error.diagnostics, format);
      else note(error.message);
      failed = true;
    }
  }
  if (json) printJson({ command: "types", files: done });
  else
    for (const { file, changed } of done)
      print(`${changed ? (check ? "stale  " : "wrote  ") : "as it is  "}${file}`);
  return failed || (check && done.some(({ changed }) => changed)) ? 1 : 0;
}
