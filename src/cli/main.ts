#!/usr/bin/env node
/**
 * The command line: which commands there are, and what happens when one ends. Each command is loaded when it is
 * called, so that `--version` and errors of usage are quick.
 *
 * Exit codes: 0 fine, 1 errors in the source or a failed check, 2 usage, 70 a bug of ours.
 */
import yargs, { type Argv } from "yargs";
import { hideBin } from "yargs/helpers";
import { nearest } from "../base/suggest.ts";
import { stdin } from "../node/stdin.ts";
import { version } from "../version.generated.ts";

interface Command {
  readonly usage: string;
  readonly summary: string;
  readonly load: () => Promise<unknown>;
}

/** What a command's file exports; yargs types the options within each file. */
interface CommandModule {
  readonly builder: (yargs: Argv) => Argv;
  readonly handler: (options: unknown) => number | Promise<number>;
}

const commands: readonly Command[] = [
  { usage: "build <file>", summary: "compile a net into files", load: () => import("./commands/build.ts") },
  {
    usage: "check <files..>",
    summary: "check nets and their expectations",
    load: () => import("./commands/check.ts"),
  },
  {
    usage: "info <file>",
    summary: "the table: shapes, parameters, MACs",
    load: () => import("./commands/info.ts"),
  },
  {
    usage: "ir <file>",
    summary: "the graph as text after any pass, or the plan",
    load: () => import("./commands/ir.ts"),
  },
  {
    usage: "draw <file>",
    summary: "the picture of a net, SVG or a page",
    load: () => import("./commands/draw.ts"),
  },
  {
    usage: "explain [code]",
    summary: "what a message means",
    load: () => import("./commands/explain.ts"),
  },
  { usage: "fmt <files..>", summary: "canonical format", load: () => import("./commands/fmt.ts") },
  {
    usage: "run <file> [images..]",
    summary: "classify pictures, or run arrays",
    load: () => import("./commands/run.ts"),
  },
  {
    usage: "weights <checkpoint> [file]",
    summary: "what is in a checkpoint, and whether it fits a net",
    load: () => import("./commands/weights.ts"),
  },
  {
    usage: "bench <file>",
    summary: "times beside other runtimes",
    load: () => import("./commands/bench.ts"),
  },
  {
    usage: "diff <before> <after>",
    summary: "what differs between two nets",
    load: () => import("./commands/diff.ts"),
  },
  {
    usage: "profile <file>",
    summary: "where the time goes, layer by layer",
    load: () => import("./commands/profile.ts"),
  },
  {
    usage: "types <files..>",
    summary: "types for imports of .resnet files",
    load: () => import("./commands/types.ts"),
  },
  {
    usage: "new <name>",
    summary: "a starter file, or a page that classifies pictures",
    load: () => import("./commands/new.ts"),
  },
  {
    usage: "serve [folder]",
    summary: "a folder as pages with threads",
    load: () => import("./commands/serve.ts"),
  },
  { usage: "lsp", summary: "the language server, for editors", load: () => import("./commands/lsp.ts") },
];

async function main(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const words = argv.map((word) => (word === "-" ? stdin : word));
  let usageProblem: string | undefined;
  let optionNames: readonly string[] = [];
  const parser = yargs(words)
    .scriptName("resnetc")
    .usage("$0 <command>\n\nCompiles .resnet files: networks of stages, blocks and shortcuts.")
    .version(version)
    .help()
    .alias("help", "h")
    .strict()
    .demandCommand(1, "Say what to do: one of the commands below.")
    .parserConfiguration({ "greedy-arrays": false })
    .wrap(Math.min(80, process.stdout.columns || 80))
    .exitProcess(false)
    .example("$0 build examples/resnet152.resnet", "compile a net")
    .example("$0 check examples/*.resnet", "check many")
    .example("$0 run examples/resnet50.resnet --weights r50.pth cat.jpg", "classify a picture")
    .epilogue("Exit codes: 0 fine, 1 errors or a failed check, 2 usage, 70 a bug of resnetc.")
    .fail((message, error) => {
      if (error) throw error;
      usageProblem ??= message;
    });
  for (const { usage, summary, load } of commands) {
    parser.command(
      usage,
      summary,
      async (y) => {
        const built = ((await load()) as CommandModule).builder(y);
        optionNames = namesOf(built);
        return built;
      },
      async (options) => {
        usageProblem ??= givenTwice(options);
        if (usageProblem === undefined) exitCode = await ((await load()) as CommandModule).handler(options);
      },
    );
  }
  await parser.parseAsync();
  if (usageProblem !== undefined) {
    process.stderr.write(`resnetc: ${explainUsage(usageProblem, argv, optionNames)}\n`);
    return 2;
  }
  return exitCode;
}

/** Options that take one value: yargs makes a list of it when it is given again, and NaN of what is no number. */
function givenTwice(options: Readonly<Record<string, unknown>>): string | undefined {
  for (const [name, value] of Object.entries(options)) {
    if (["_", "set", "weights", "files", "images"].includes(name)) continue;
    if (Array.isArray(value)) return `--${name} is given more than once`;
    if (Number.isNaN(value)) return `--${name} takes a number`;
  }
  return undefined;
}

/** The options of the command that was called, without those of one letter. */
function namesOf(command: Argv): readonly string[] {
  // What yargs' own completion reads; its types leave it out.
  const { key } = (command as unknown as { getOptions(): { key: object } }).getOptions();
  return Object.keys(key).filter((name) => name.length > 1);
}

/** yargs' sentence, with what was probably meant and where help is. */
function explainUsage(problem: string, argv: readonly string[], optionNames: readonly string[]): string {
  const command = commands.find(({ usage }) => usage.split(" ")[0] === argv[0])?.usage.split(" ")[0];
  const unknown = /^Unknown arguments?: (.*)$/.exec(problem)?.[1].split(", ")[0];
  const help = `\`resnetc ${command ? `${command} ` : ""}--help\` lists what there is`;
  if (unknown === undefined) return `${problem}\n  ${help}`;
  if (!command) {
    const near = nearest(
      unknown,
      commands.map(({ usage }) => usage.split(" ")[0]),
    );
    return `there is no command ${unknown}\n  ${near ? `did you mean ${near}? ` : ""}${help}`;
  }
  const dash = unknown.length > 1 ? "--" : "-";
  const isOption = argv.some((word) => word === dash + unknown || word.startsWith(`${dash}${unknown}=`));
  if (!isOption) return `${command} has no place for ${unknown}\n  ${help}`;
  const near = optionNames.find((name) => name.startsWith(unknown)) ?? nearest(unknown, optionNames);
  return `${command} has no option ${dash}${unknown}\n  ${near ? `did you mean --${near}? ` : ""}${help}`;
}

try {
  process.exitCode = await main(hideBin(process.argv));
} catch (error) {
  const { UsageError } = await import("../node/usage-error.ts");
  if (error instanceof UsageError) {
    process.stderr.write(`resnetc: ${error.message}\n`);
    process.exitCode = 2;
  } else {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const command = `resnetc ${hideBin(process.argv).join(" ")}`;
    process.stderr.write(
      `This is a bug in resnetc ${version}. Please report it with this command:\n  ${command}\n${text}\n`,
    );
    process.exitCode = 70;
  }
}
