/** `resnetc explain`: what a message means, from its page in docs/diagnostics. */
import { readFileSync } from "node:fs";
import type { Arguments, Argv } from "yargs";
import { messageGroups, messages } from "../../base/messages.ts";
import { type Paint, wrap } from "../../base/render-diagnostic.ts";
import { allNearest, didYouMean } from "../../base/suggest.ts";
import { packageFile } from "../../node/package-files.ts";
import { UsageError } from "../../node/usage-error.ts";
import { paintFor, print, printJson } from "../terminal.ts";

type Code = keyof typeof messages;

export const builder = (yargs: Argv) =>
  yargs
    .positional("code", {
      type: "string",
      describe: "what stands behind `error`, such as shape-mismatch; without it all are listed",
    })
    .option("json", { type: "boolean", default: false, describe: "results as JSON on stdout" })
    .example("$0 explain shape-mismatch", "what it means, a wrong text and the right one")
    .example("$0 explain", "all codes in groups");

export function handler(options: Arguments<Awaited<ReturnType<typeof builder>["argv"]>>): number {
  const code = options.code === undefined ? undefined : readCode(options.code);
  if (options.json) {
    const codes = code === undefined ? (Object.keys(messages) as Code[]) : [code];
    printJson({ command: "explain", messages: codes.map(describe) });
  } else if (code === undefined) list();
  else print(showPage(readPage(code), paintFor(process.stdout)));
  return 0;
}

/** The code in what was copied from a terminal: "error shape-mismatch:", "[shape-mismatch]". */
function readCode(text: string): Code {
  const word =
    text
      .toLowerCase()
      .match(/[a-z]+(?:[-_][a-z]+)*(?=[\]:]?\s*$)/)?.[0]
      .replaceAll("_", "-") ?? text;
  if (Object.hasOwn(messages, word)) return word as Code;
  const hint =
    didYouMean(allNearest(word, Object.keys(messages)), "") ?? "`resnetc explain` lists what there is";
  throw new UsageError(`there is no message called ${text}\n  ${hint}`);
}

/** Pages come with the package, beside build. */
const readPage = (code: Code): string => readFileSync(packageFile(`docs/diagnostics/${code}.md`), "utf8");

const groupOf = (code: Code): string =>
  Object.entries(messageGroups).find(([, group]) => Object.hasOwn(group, code))![0];

const describe = (code: Code) => ({
  code,
  group: groupOf(code),
  severity: messages[code].severity,
  markdown: readPage(code),
});

function list(): void {
  const paint = paintFor(process.stdout);
  const widest = Math.max(...Object.keys(messages).map((code) => code.length));
  for (const [title, group] of Object.entries(messageGroups)) {
    print(paint("bold", title));
    for (const code of Object.keys(group) as Code[]) {
      const [first] = wrap(summaryOf(readPage(code)), widest + 5, 0);
      print(`  ${paint("code", code.padEnd(widest))}  ${first}${first.endsWith(".") ? "" : "…"}`);
    }
    print("");
  }
  print("`resnetc explain CODE` says more of one");
}

/** The first sentence of a page. */
export const summaryOf = (page: string): string => /^# .*\n\n(.*?[.!?])(?:\s|$)/.exec(page)?.[1] ?? "";

/** Markdown for a terminal: headings in bold, texts indented, sentences wrapped. */
export function showPage(page: string, paint: Paint): string {
  let isCode = false;
  const lines = page
    .trimEnd()
    .split("\n")
    .flatMap((line) => {
      if (line.startsWith("```")) {
        isCode = !isCode;
        return [];
      }
      if (isCode) return [line && `    ${line}`];
      const heading = /^#+ (.*)$/.exec(line)?.[1];
      return heading === undefined ? wrap(line, 0, 0) : [paint("bold", heading)];
    });
  return lines.join("\n");
}
