/** `resnetc fmt`: canonical format, in place. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import type { Arguments, Argv } from "yargs";
import { type Diagnostic, makeDiagnostic } from "../../base/diagnostic.ts";
import { lineDiff } from "../../base/line-diff.ts";
import { isSource, readSource, whyNot } from "../../node/files.ts";
import { stdin } from "../../node/stdin.ts";
import { format } from "../../parser/format.ts";
import { writeWhole } from "../fix-file.ts";
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
    .option("diff", {
      type: "boolean",
      default: false,
      describe: "as --check, and print what would change",
    })
    .option("format", {
      choices: ["pretty", "gnu", "json"] as const,
      default: "pretty" as const,
      describe: "how diagnostics are shown",
    })
    .example("$0 fmt model.resnet", "format a file in place")
    .example("$0 fmt --check examples", "a whole folder, as CI does");

export function handler(options: Arguments<Awaited<ReturnType<typeof builder>["argv"]>>): number {
  const { diff } = options;
  const check = options.check || diff;
  const problems: Diagnostic[] = [];
  const files = new Set(options.files.flatMap((name) => filesUnder(name, problems)));
  let others = 0;
  for (const file of files) {
    const found = formatFile(file, { check, diff });
    if (Array.isArray(found)) problems.push(...found);
    else if (found === "changed") others++;
  }
  if (problems.length > 0) printDiagnostics(problems, options.format);
  if (options.format === "pretty" && files.size > 1 && !files.has(stdin)) {
    const messy = problems.filter(({ code }) => code === "not-formatted").length;
    const wrong = problems.filter(({ code, severity }) => severity === "error" && code !== "not-formatted");
    const done = check ? `${messy} would change` : `${others} formatted`;
    print(`${files.size} files, ${done}${wrong.length > 0 ? `, ${wrong.length} with errors` : ""}`);
  }
  return problems.some(({ severity }) => severity === "error") ? 1 : 0;
}

/** A file, or every .resnet file under a folder, sorted: without what is hidden, installed or only linked there. */
function filesUnder(name: string, problems: Diagnostic[]): string[] {
  if (name === stdin) return [name];
  try {
    return statSync(name).isDirectory() ? sourcesIn(name) : [path.normalize(name)];
  } catch (error) {
    problems.push(makeDiagnostic("unreadable-file", undefined, { path: name, why: whyNot(error) }));
    return [];
  }
}

function sourcesIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const inner = path.join(folder, entry.name);
    if (entry.isDirectory())
      return entry.name.startsWith(".") || entry.name === "node_modules" ? [] : sourcesIn(inner);
    return entry.isFile() && entry.name.endsWith(".resnet") ? [inner] : [];
  });
}

function formatFile(
  file: string,
  { check, diff }: { readonly check: boolean; readonly diff: boolean },
): "changed" | "same" | Diagnostic[] {
  const source = readSource(file);
  if (!isSource(source)) return [source];
  const { text, diagnostics } = format(source);
  if (text === undefined) return [...diagnostics];
  if (file === stdin && !check) {
    print(text.trimEnd());
    return "same";
  }
  // The bytes decide: a file with CRLF or a byte-order mark reads like its canonical form and is not.
  const isSame = file === stdin ? source.text === text : Buffer.from(text).equals(readFileSync(file));
  if (isSame) return "same";
  if (!check) {
    const problem = writeWhole(file, text);
    if (problem) return [problem];
    print(file);
    return "changed";
  }
  // Nothing to show where only the ends of lines differ.
  if (diff && source.text !== text) print(lineDiff(source.text, text, file, `${file}, formatted`).trimEnd());
  const hint = file === stdin ? "`resnetc fmt -` prints it" : `\`resnetc fmt ${file}\` mends it`;
  return [makeDiagnostic("not-formatted", undefined, { path: file }, { hint })];
}
