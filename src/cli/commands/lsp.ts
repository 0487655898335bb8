/** `resnetc lsp`: the language server for editors, over standard input and output. */
import type { Arguments, Argv } from "yargs";

export const builder = (yargs: Argv) =>
  yargs
    .option("stdio", { type: "boolean", default: true, describe: "talk over standard input and output" })
    // Some clients say so; the server ends with its input in any case.
    .option("clientProcessId", { type: "number", hidden: true })
    .example("$0 lsp --stdio", "what an editor starts; editors/README.md has settings for several");

export async function handler(
  _options: Arguments<Awaited<ReturnType<typeof builder>["argv"]>>,
): Promise<number> {
  const { createConnection, ProposedFeatures } = await import("vscode-languageserver/node");
  const { serve } = await import("../../lsp/server.ts");
  serve(createConnection(ProposedFeatures.all, process.stdin, process.stdout));
  // The connection ends the process: with 0 after `shutdown`, else with 1.
  return new Promise(() => {});
}
