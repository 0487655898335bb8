/** `resnetc run`: a net on pictures (top k with labels) or on arrays (.npy in, .npy out). */
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import type { Arguments, Argv } from "yargs";
import { collect, type Diagnostic, makeDiagnostic } from "../../base/diagnostic.ts";
import { isBytes, readBytes, whyNot } from "../../node/files.ts";
import { UsageError } from "../../node/usage-error.ts";
import { cropKinds } from "../../pictures/views.ts";
import { fromNhwc, toNhwc } from "../../run/array-layout.ts";
import { readNpy, writeNpy } from "../../run/npy.ts";
import { arithmeticOptions } from "../arithmetic-options.ts";
import { classify } from "../classify.ts";
import { labelsOption } from "../labels-option.ts";
import { formatOption, netOptions } from "../net-options.ts";
import { openSubject, RunError, type RunSubject } from "../run-subject.ts";
import { print, printDiagnostics } from "../terminal.ts";
import { weightOptions } from "../weights-options.ts";

export const builder = (yargs: Argv) =>
  labelsOption(arithmeticOptions(formatOption(weightOptions(netOptions(yargs)))))
    .positional("file", {
      type: "string",
      demandOption: true,
      describe: "a .resnet file, FILE#net for one of its nets, or a folder that build wrote",
    })
    .positional("images", {
      type: "string",
      array: true,
      describe:
        "picture files, or folders of them: PNG and JPEG; with the package sharp WebP, AVIF, GIF and TIFF too",
    })
    .option("raw", { type: "string", describe: "a .npy array instead of pictures: float32, NHWC, any batch" })
    .option("out", {
      type: "string",
      describe: "a file for the result: .npy of --raw, of pictures JSON lines, which are gone on with",
    })
    .option("layout", {
      choices: ["nhwc", "nchw"] as const,
      default: "nhwc" as const,
      describe: "the layout of --raw",
    })
    .option("target", {
      choices: ["wasm", "tfjs", "reference"] as const,
      defaultDescription: "wasm",
      describe: "what runs it; a folder runs as it was built",
    })
    .option("threads", {
      type: "string",
      defaultDescription: "auto",
      describe: "wasm: how many, or auto: the processors there are, 8 at most",
    })
    .option("backend", {
      choices: ["wasm", "cpu"] as const,
      defaultDescription: "wasm",
      describe: "tfjs: its backend",
    })
    .option("optimise", {
      alias: "O",
      type: "number",
      choices: [0, 1, 2] as const,
      default: 2 as const,
      describe: "passes before it runs: 0 none, 1 exact, 2 all",
    })
    .option("crops", {
      type: "string",
      choices: cropKinds,
      defaultDescription: "1",
      describe:
        "what is seen of a picture: its middle; corners too (5), mirrored too (10), scores averaged; or the whole picture, the net made for its size",
    })
    .option("scales", {
      type: "string",
      describe: "shorter sides that pictures are made to have, scores averaged: 224,256,384",
    })
    .option("jobs", {
      type: "string",
      defaultDescription: "1",
      describe: "how many pictures are classified side by side, or auto: as many as there are processors",
    })
    .option("top", { type: "number", default: 5, describe: "how many classes to show" })
    .example("$0 run examples/cifar.resnet#resnet20 --weights resnet20.th cat.png", "classify a picture")
    .example("$0 run dist/resnet20 photos", "a built net on a folder of pictures")
    .example(
      "$0 run model.resnet --weights w.pth --crops whole --scales 224,256,384,480,640 cat.png",
      "the paper's multi-scale test",
    )
    .example("$0 run model.resnet --weights w.pth --raw in.npy --out out.npy", "arrays in and out")
    .example(
      "$0 run model.resnet --weights w.pth --target reference --raw in.npy --out out.npy",
      "by the slow reference, in float64",
    );

type RunArguments = Arguments<Awaited<ReturnType<typeof builder>["argv"]>>;

export async function handler(options: RunArguments): Promise<number> {
  const images = options.images ?? [];
  if (options.raw === undefined && images.length === 0)
    throw new UsageError("run wants pictures, or --raw in.npy");
  if (options.raw !== undefined && images.length > 0)
    throw new UsageError("run takes pictures or --raw, not both");
  if (options.raw !== undefined && options.out === undefined)
    throw new UsageError("--raw wants --out out.npy for the result");
  if (!Number.isInteger(options.top) || options.top < 1)
    throw new UsageError(`--top ${options.top} is not a whole number from 1`);
  if (options.raw !== undefined && (options.crops ?? options.scales) !== undefined)
    throw new UsageError("--crops and --scales are of pictures, not of --raw");
  if (options.raw === undefined && options.out?.endsWith(".npy"))
    throw new UsageError("--out out.npy goes with --raw; of pictures it is a file of JSON lines");
  const jobs = readJobs(options);

  const subject = await openSubject(options);
  if (!subject) return 1;
  try {
    if (options.raw === undefined) return await classify(subject, images, jobs, options);
    return await runArray(subject, options.raw, options.out!, options);
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    printDiagnostics([error.diagnostic], options.format);
    return 1;
  }
}

function readJobs({ jobs = "1", raw, threads }: RunArguments): number {
  const count = jobs === "auto" ? availableParallelism() : /^\d+$/.test(jobs) ? Number(jobs) : 0;
  if (count < 1 || count > 256) throw new UsageError(`--jobs ${jobs} is not auto or a number from 1 to 256`);
  if (count > 1 && raw !== undefined) throw new UsageError("--jobs are of pictures, not of --raw");
  if (count > 1 && threads !== undefined) throw new UsageError("with --jobs each net runs on one thread");
  return count;
}

// ---- arrays -------------------------------------------------------------------------------------------

async function runArray(
  subject: RunSubject,
  raw: string,
  out: string,
  options: RunArguments,
): Promise<number> {
  const fail = (...diagnostics: readonly Diagnostic[]) => {
    printDiagnostics(diagnostics, options.format);
    return 1;
  };
  const { inputs, name: net } = subject;
  if (inputs.length !== 1) {
    throw new UsageError(`--raw feeds one input, ${net} has ${inputs.map(({ name }) => name).join(", ")}`);
  }
  const [input] = inputs;
  const bytes = readBytes(raw);
  if (!isBytes(bytes)) return fail(bytes);
  const { diagnostics, report } = collect();
  const array = readNpy(bytes, raw, report);
  if (!array) return fail(...diagnostics);
  const tensor = toNhwc(array, input.shape, options.layout);
  if (typeof tensor === "string") {
    const hint =
      options.layout === "nhwc" ? "--layout nchw takes channels first" : "--layout nhwc takes channels last";
    return fail(makeDiagnostic("bad-array", undefined, { path: raw, why: tensor }, { hint }));
  }

  const started = await subject.start();
  let results: ReturnType<typeof started.run>;
  try {
    results = started.run({ [input.name]: tensor });
  } finally {
    started.dispose();
  }
  const written: { readonly file: string; readonly name: string; readonly shape: readonly number[] }[] = [];
  for (const [name, result] of Object.entries(results)) {
    const file = Object.keys(results).length === 1 ? out : withName(out, name);
    const { shape, data } = fromNhwc(result, options.layout);
    try {
      writeFileSync(file, writeNpy({ shape, data: Float32Array.from(data) }));
      written.push({ file, name, shape });
    } catch (error) {
      return fail(makeDiagnostic("unwritable-output", undefined, { path: file, why: whyNot(error) }));
    }
  }
  if (options.json) print(JSON.stringify({ net, written }));
  else for (const { file, name, shape } of written) print(`${file}  ${name}: ${shape.join("x")}`);
  return 0;
}

/** `out.npy` → `out.neck.p2.npy`: one file a result. */
function withName(file: string, name: string): string {
  const { dir, name: stem, ext } = path.parse(file);
  return path.join(dir, `${stem}.${name}${ext}`);
}
