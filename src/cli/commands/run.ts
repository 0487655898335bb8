/** `resnetc run`: a net on pictures (top k with labels) or on arrays (.npy in, .npy out). */
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Arguments, Argv } from "yargs";
import { collect, type Diagnostic, makeDiagnostic } from "../../base/diagnostic.ts";
import type { Preprocess } from "../../ir/ops/input.ts";
import { fromNhwc, toNhwc } from "../../run/array-layout.ts";
import { readNpy, writeNpy } from "../../run/npy.ts";
import { decodePicture, prepare } from "../../run/picture.ts";
import { labelSets } from "../../std/labels.generated.ts";
import { arithmeticOptions } from "../arithmetic-options.ts";
import { isBytes, readBytes, whyNot } from "../files.ts";
import { formatOption, netOptions, UsageError } from "../net-options.ts";
import { openSubject, RunError, type Running, type RunSubject } from "../run-subject.ts";
import { paintFor, print, printDiagnostics } from "../terminal.ts";
import { weightOptions } from "../weights-options.ts";

export const builder = (yargs: Argv) =>
  arithmeticOptions(formatOption(weightOptions(netOptions(yargs))))
    .positional("file", {
      type: "string",
      demandOption: true,
      describe: "a .resnet file, FILE#net for one of its nets, or a folder that build wrote",
    })
    .positional("images", { type: "string", array: true, describe: "PNG or JPEG files, or folders of them" })
    .option("raw", { type: "string", describe: "a .npy array instead of pictures: float32, NHWC, any batch" })
    .option("out", { type: "string", describe: "write the result as .npy (with --raw)" })
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
    .option("top", { type: "number", default: 5, describe: "how many classes to show" })
    .example("$0 run examples/cifar.resnet#resnet20 --weights resnet20.th cat.png", "classify a picture")
    .example("$0 run dist/resnet20 photos", "a built net on a folder of pictures")
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
  if (options.raw === undefined && options.out !== undefined) throw new UsageError("--out goes with --raw");
  if (!Number.isInteger(options.top) || options.top < 1)
    throw new UsageError(`--top ${options.top} is not a whole number from 1`);

  const subject = await openSubject(options);
  if (!subject) return 1;
  try {
    if (options.raw === undefined) return await classify(subject, images, options);
    return await runArray(subject, options.raw, options.out!, options);
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    printDiagnostics([error.diagnostic], options.format);
    return 1;
  }
}

async function running<T>(subject: RunSubject, use: (running: Running) => T): Promise<T> {
  const started = await subject.start();
  try {
    return use(started);
  } finally {
    started.dispose();
  }
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

  const results = await running(subject, ({ run }) => run({ [input.name]: tensor }));
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

// ---- pictures -----------------------------------------------------------------------------------------

const plain = (channels: number): Preprocess => ({
  mean: new Array<number>(channels).fill(0),
  std: new Array<number>(channels).fill(1),
  range: 1,
  order: "rgb",
  resize: 0,
  labels: "",
});

async function classify(
  subject: RunSubject,
  images: readonly string[],
  options: RunArguments,
): Promise<number> {
  const { inputs, outputs, name: net } = subject;
  const [input] = inputs;
  const [, height, width, classes] = outputs[0].shape;
  if (inputs.length !== 1) throw new UsageError(`${net} has ${inputs.length} inputs: pictures feed one`);
  const channels = input.shape[3];
  if (channels !== 3 && channels !== 1) {
    throw new UsageError(
      `the input of ${net} has ${channels} channels, a picture 3 or 1: use --raw and --out`,
    );
  }
  if (outputs.length !== 1 || height !== 1 || width !== 1) {
    const names = outputs.map(({ name }) => name).join(", ");
    throw new UsageError(`${net} gives ${names}, not classes: use --raw and --out`);
  }
  const preprocess = input.preprocess ?? plain(channels);
  const labels = labelSets[preprocess.labels];
  return running(subject, ({ run }) => {
    let failed = false;
    for (const file of images.flatMap(picturesUnder)) {
      const { diagnostics, report } = collect();
      const bytes = readBytes(file);
      const picture = isBytes(bytes) ? decodePicture(bytes, file, report) : undefined;
      if (!picture) {
        printDiagnostics(isBytes(bytes) ? diagnostics : [bytes], options.format);
        failed = true;
        continue;
      }
      const data = prepare(picture, input.shape, preprocess);
      const result = run({ [input.name]: { shape: [1, ...input.shape.slice(1)], data } })[outputs[0].name]
        .data;
      const scores = outputs[0].probabilities ? Array.from(result) : softmax(result);
      const top = scores
        .map((score, index) => ({
          score,
          index,
          label: labels?.length === classes ? labels[index] : undefined,
        }))
        .sort((a, b) => b.score - a.score || a.index - b.index)
        .slice(0, options.top);
      if (options.json) print(JSON.stringify({ image: file, net, top }));
      else showTop(file, top);
    }
    return failed ? 1 : 0;
  });
}

/** A folder's pictures in order of name; anything else as it is. */
function picturesUnder(name: string): string[] {
  if (!existsSync(name) || !statSync(name).isDirectory()) return [name];
  const found = readdirSync(name).filter((file) => /\.(png|jpe?g)$/i.test(file));
  return found.sort().map((file) => path.join(name, file));
}

function softmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const largest = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = values.map((value) => Math.exp(value - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((value) => value / sum);
}

function showTop(
  file: string,
  top: readonly { readonly score: number; readonly index: number; readonly label: string | undefined }[],
): void {
  print(paintFor(process.stdout)("bold", file));
  for (const { score, index, label } of top)
    print(`  ${(100 * score).toFixed(2).padStart(6)} %  ${label ?? `class ${index}`}`);
}
