/** `resnetc fmt`: canonical format, in place. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import type { Arguments, Argv } from "yargs";
import { type Diagnostic, makeDiagnostic } from "../../base/diagnostic.ts";
import { format } from "../../parser/format.ts";
import { isSource, readSource, whyNot } from "../files.ts";
import { writeWhole } from "../fix-file.ts";
import { stdin } from "../stdin.ts";
import { print, printDiagnostics } from "../terminal.ts";

export const builder = (yargs: Argv) =>
  yargs
    .positional("files", {
      type: "string",
      array: true,
      demandOption: true,
      describe: "files or folders; - reads stdin and prints",
    })
    .option("check", {
      type: "boolean",
      default: false,
      describe: "change nothing, fail if something would change",
    })
    .option("format", {
      choices: ["pretty", "gnu", "json"] as const,
      default: "pretty" as const,
      describe: "how diagnostics are shown",
    })
    .example("$0 fmt model.resnet", "format a file in place")
    .example("$0 fmt --check examples", "a whole folder, as CI does");

export function handler(options: Arguments<Awaited<ReturnType<typeof builder>["argv"]>>): number {
  const problems: Diagnostic[] = [];
  for (const file of options.files.flatMap((name) => filesUnder(name, problems))) {
    const problem = formatFile(file, options.check);
    problems.push(...problem);
  }
  if (problems.length > 0) printDiagnostics(problems, options.format);
  return problems.some(({ severity }) => severity === "error") ? 1 : 0;
}

function filesUnder(name: string, problems: Diagnostic[]): string[] {
  if (name === stdin) return [name];
  try {
    if (!statSync(name).isDirectory()) return [name];
    const found = readdirSync(name, { recursive: true }) as string[];
    return found
      .filter((file) => file.endsWith(".resnet") && !file.includes("node_modules"))
      .sort()
      .map((file) => path.join(name, file));
  } catch (error) {
    problems.push(makeDiagnostic("unreadable-file", undefined, { path: name, why: whyNot(error) }));
    return [];
  }
}

function formatFile(file: string, check: boolean): readonly Diagnostic[] {
  const source = readSource(file);
  if (!isSource(source)) return [source];
  const { text, diagnostics } = format(source);
  if (text === undefined) return diagnostics;
  if (file === stdin) {
    print(text.trimEnd());
    return [];
  }
  // The bytes decide: a file with CRLF or a byte-order mark reads like its canonical form and is not.
  if (Buffer.from(text).equals(readFileSync(file))) return [];
  if (check)
    return [
      makeDiagnostic(
        "not-formatted",
        undefined,
        { path: file },
        { hint: `\`resnetc fmt ${file}\` mends it` },
      ),
    ];
  const problem = writeWhole(file, text);
  if (problem) return [problem];
  print(file);
  return [];
}
