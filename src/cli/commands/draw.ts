/** `resnetc draw`: the picture of a net, as SVG or as a page of one file that folds and colours. */
import { writeFileSync } from "node:fs";
import type { Arguments, Argv } from "yargs";
import { makeDiagnostic } from "../../base/diagnostic.ts";
import { headingOf } from "../../codegen/svg/target.ts";
import { type AnalysedNet, cardOf } from "../../compile.ts";
import { colourings, type Times } from "../../draw/colours.ts";
import { drawPage } from "../../draw/page.ts";
import { drawPicture, type Heading, totalsOf, type View } from "../../draw/picture.ts";
import { sideBySide } from "../../draw/side-by-side.ts";
import { type Step, stepsOf } from "../../draw/steps.ts";
import type { Graph } from "../../ir/graph.ts";
import { whyNot } from "../../node/files.ts";
import { stdin } from "../../node/stdin.ts";
import { UsageError } from "../../node/usage-error.ts";
import { allPasses, runPasses } from "../../passes/pipeline.ts";
import { profileNet } from "../../run/profile.ts";
import { heWeights } from "../../weights/initialise.ts";
import { formatOption, netOptions, openNet } from "../net-options.ts";
import { fileSize, print, printDiagnostics, printJson, progress } from "../terminal.ts";
import { unknownPass } from "./build.ts";

const passes = allPasses.map(({ name }) => name);

export const builder = (yargs: Argv) =>
  formatOption(netOptions(yargs))
    .positional("file", {
      type: "string",
      demandOption: true,
      describe: "a .resnet file, FILE#net for one of its nets",
    })
    .option("output", {
      alias: "o",
      type: "string",
      describe: "an .svg, or an .html that unfolds and colours; - for standard output (default: NET.svg)",
    })
    .option("unfold", {
      type: "string",
      describe:
        "stages whose blocks are all shown, commas between, or all; equal blocks are shown once otherwise",
    })
    .option("colour", {
      alias: "color",
      choices: colourings,
      default: "map" as const,
      describe: "by the size of maps, or by cost; ms is measured here, on one thread of the wasm target",
    })
    .option("theme", {
      choices: ["auto", "light", "dark"] as const,
      default: "auto" as const,
      describe: "auto: as the reader's screen is",
    })
    .option("after", { type: "string", describe: `the graph behind a pass: ${passes.join(", ")}` })
    .option("diff", {
      type: "boolean",
      default: false,
      describe: "with --after: before and after, side by side",
    })
    .example("$0 draw examples/resnet152.resnet", "resnet152.svg, equal blocks once")
    .example("$0 draw examples/resnet152.resnet -o poster.svg --unfold all", "every block")
    .example("$0 draw examples/resnet50.resnet -o resnet50.html", "a page to unfold and colour")
    .example("$0 draw examples/resnet18.resnet --colour ms", "where the time goes, measured")
    .example("$0 draw examples/resnet18.resnet --after fuse-residual --diff", "what passes make of it");

type DrawArguments = Arguments<Awaited<ReturnType<typeof builder>["argv"]>>;

export async function handler(options: DrawArguments): Promise<number> {
  const { after, diff, colour, theme, format } = options;
  if (after !== undefined && !passes.includes(after)) {
    printDiagnostics([unknownPass(after, passes)], format);
    return 1;
  }
  if (diff && after === undefined) throw new UsageError("--diff needs --after PASS");
  const isPage = /\.html?$/i.test(options.output ?? "");
  if (options.output !== undefined && options.output !== stdin && !isPage && !/\.svg$/i.test(options.output))
    throw new UsageError(`draw writes .svg and .html, not ${options.output}`);
  if (diff && isPage) throw new UsageError("--diff makes an .svg");
  const opened = await openNet(options.file, options);
  if (!opened) return 1;
  const { net } = opened;
  const file = options.output ?? `${net.name}.svg`;
  const graph = after === undefined ? net.graph : graphAfter(net.graph, after);
  const steps = stepsOf(graph);
  const view: View = {
    unfold: readUnfold(options.unfold, steps),
    ...{ colour, theme },
    times: colour === "ms" ? await measure(net) : undefined,
  };
  const heading = headingOf(cardOf(net, ""));
  const text = isPage
    ? drawPage(steps, heading, view)
    : diff
      ? drawBoth(net.graph, graph, heading, after!, view)
      : drawPicture(steps, after === undefined ? heading : afterPass(heading, after), view);
  // The main module has put that in the place of "-".
  if (file === stdin) {
    print(text.trimEnd());
    return 0;
  }
  try {
    writeFileSync(file, text);
  } catch (error) {
    printDiagnostics(
      [makeDiagnostic("unwritable-output", undefined, { path: file, why: whyNot(error) })],
      format,
    );
    return 1;
  }
  const bytes = Buffer.byteLength(text);
  if (options.json) printJson({ command: "draw", net: net.name, written: [{ path: file, bytes }] });
  else print(`${file}  ${fileSize(bytes)}`);
  return 0;
}

/** `--unfold`: stages that there are. */
function readUnfold(text: string | undefined, steps: readonly Step[]): View["unfold"] {
  if (text === undefined) return undefined;
  if (text === "all") return "all";
  const stages = [...totalsOf(steps).keys()];
  const wanted = text.split(",").map((name) => name.trim());
  const unknown = wanted.find((name) => !stages.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`--unfold ${unknown}: there is no such stage; there are ${stages.join(", ")}`);
  return new Set(wanted);
}

function graphAfter(graph: Graph, name: string): Graph {
  const end = allPasses.findIndex((pass) => pass.name === name);
  return runPasses(graph, allPasses.slice(0, end + 1));
}

const afterPass = ({ title, facts }: Heading, pass: string): Heading => ({
  title: `${title}, after ${pass}`,
  facts,
});

function drawBoth(before: Graph, after: Graph, heading: Heading, pass: string, view: View): string {
  const pictures = [
    drawPicture(stepsOf(before), heading, view),
    drawPicture(stepsOf(after), afterPass(heading, pass), view),
  ];
  return sideBySide(pictures);
}

/** Milliseconds of each operation; weights are random, which changes nothing. */
async function measure(net: AnalysedNet): Promise<Times> {
  const { layers } = await profileNet({
    net,
    weights: heWeights(net.graph, 0),
    threads: 1,
    patience: 1000,
    onRound: (part) => progress("measuring", part),
  });
  return new Map(layers.map(({ name, ms }) => [name, ms]));
}
