/** `resnetc diff`: what differs between two nets, in words, counts and a picture. */
import { writeFileSync } from "node:fs";
import type { Arguments, Argv } from "yargs";
import { makeDiagnostic } from "../../base/diagnostic.ts";
import { headingOf } from "../../codegen/svg/target.ts";
import { type AnalysedNet, cardOf } from "../../compile.ts";
import { diffNets, type NetDiff, signed } from "../../diff/diff-nets.ts";
import type { StageOutline } from "../../diff/outline.ts";
import { drawPicture } from "../../draw/picture.ts";
import { sideBySide } from "../../draw/side-by-side.ts";
import { stepsOf } from "../../draw/steps.ts";
import { whyNot } from "../../node/files.ts";
import { formatOption, openNet } from "../net-options.ts";
import { paintFor, print, printDiagnostics, printJson, table, wrapped } from "../terminal.ts";

export const builder = (yargs: Argv) =>
  formatOption(yargs)
    .positional("before", {
      type: "string",
      demandOption: true,
      describe: "a .resnet file, FILE#net for one of its nets",
    })
    .positional("after", {
      type: "string",
      demandOption: true,
      describe: "another, or the same with another net",
    })
    .option("picture", { type: "string", describe: "an .svg of both, side by side" })
    .option("exit-code", { type: "boolean", default: false, describe: "exit with 1 where they differ" })
    .example("$0 diff examples/resnet50.resnet examples/resnet152.resnet", "what 102 more layers are")
    .example("$0 diff zoo/papers.resnet#resnet50 examples/resnet50.resnet", "v1 against v1.5")
    .example("$0 diff mine.resnet examples/resnet50.resnet --picture both.svg", "with a picture");

type DiffArguments = Arguments<Awaited<ReturnType<typeof builder>["argv"]>>;

export async function handler(options: DiffArguments): Promise<number> {
  const { format, picture } = options;
  const before = (await openNet(options.before, { format }))?.net;
  const after = before && (await openNet(options.after, { format }))?.net;
  if (!before || !after) return 1;
  const found = diffNets(before, after);
  if (picture !== undefined) {
    try {
      writeFileSync(picture, sideBySide([before, after].map(drawOne)));
    } catch (error) {
      const problem = makeDiagnostic("unwritable-output", undefined, { path: picture, why: whyNot(error) });
      printDiagnostics([problem], format);
      return 1;
    }
  }
  const differ = found.words.length > 0;
  if (options.json) printJson({ command: "diff", before: before.name, after: after.name, differ, ...found });
  else show([before.name, after.name], found, picture);
  return differ && options["exit-code"] ? 1 : 0;
}

const drawOne = (net: AnalysedNet): string => drawPicture(stepsOf(net.graph), headingOf(cardOf(net, "")));

function show(
  names: readonly [string, string],
  { words, stages, totals }: NetDiff,
  picture: string | undefined,
): void {
  const paint = paintFor(process.stdout);
  print(`${paint("bold", `${names[0]} → ${names[1]}`)}\n`);
  if (words.length === 0) print("no difference: the same operations on the same shapes\n");
  for (const line of words) print(wrapped(line));
  if (words.length > 0) print("");
  const blocks = (stage: StageOutline | undefined) => (stage ? String(stage.blocks.length) : "");
  const change = (a: number, b: number) => (a === b ? "" : signed(b - a));
  const row = (name: string, count: string, a: Costs | undefined, b: Costs | undefined) => [
    name,
    count,
    (b ?? { params: 0 }).params.toLocaleString("en"),
    change(a?.params ?? 0, b?.params ?? 0),
    (b ?? { macs: 0 }).macs.toLocaleString("en"),
    change(a?.macs ?? 0, b?.macs ?? 0),
  ];
  const rows = stages.map(({ before: a, after: b }) => {
    const [x, y] = [blocks(a), blocks(b)];
    const counts = x === y ? x : `${x || "0"} → ${y || "0"}`;
    return row((b ?? a)!.name, counts === "1" ? "" : counts, a, b);
  });
  print(
    table(
      [
        { title: "stage", align: "left" },
        { title: "blocks", align: "right" },
        { title: "params", align: "right" },
        { title: "", align: "right" },
        { title: "MACs", align: "right" },
        { title: "", align: "right" },
      ],
      [...rows, row("total", "", totals.before, totals.after)],
      paint,
    ),
  );
  if (picture !== undefined) print(`\nwrote ${picture}`);
}

interface Costs {
  readonly params: number;
  readonly macs: number;
}
