/** `resnetc run`: a net on pictures (top k with labels) or on arrays (.npy in, .npy out). */
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Arguments, Argv } from "yargs";
import { collect, type Diagnostic, makeDiagnostic } from "../../base/diagnostic.ts";
import { tfjs } from "../../codegen/tfjs/target.ts";
import { type AnalysedNet, emit } from "../../compile.ts";
import { isOp } from "../../ir/graph.ts";
import { interpret } from "../../ir/interpret.ts";
import { ops } from "../../ir/ops/index.ts";
import type { Preprocess } from "../../ir/ops/input.ts";
import { elements, type Shape, type Tensor } from "../../ir/tensor.ts";
import { readNpy, writeNpy } from "../../run/npy.ts";
import { decodePicture, prepare } from "../../run/picture.ts";
import { type NodeBackend, runTfjs } from "../../run/tfjs.ts";
import { labelSets } from "../../std/labels.generated.ts";
import { isBytes, readBytes, whyNot } from "../files.ts";
import { formatOption, netOptions, openNet, UsageError } from "../net-options.ts";
import { note, paintFor, print, printDiagnostics, progress } from "../terminal.ts";
import { type FoundWeights, findWeights, weightOptions } from "../weights-options.ts";

export const builder = (yargs: Argv) =>
  formatOption(weightOptions(netOptions(yargs)))
    .positional("file", {
      type: "string",
      demandOption: true,
      describe: "a .resnet file, FILE#net for one of its nets",
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
      choices: ["tfjs", "reference"] as const,
      default: "tfjs" as const,
      describe: "what runs it",
    })
    .option("backend", {
      choices: ["wasm", "cpu"] as const,
      default: "wasm" as const,
      describe: "the backend of tfjs",
    })
    .option("optimise", {
      alias: "O",
      type: "number",
      choices: [0, 1, 2] as const,
      default: 2 as const,
      describe: "passes before tfjs: 0 none, 1 exact, 2 all",
    })
    .option("top", { type: "number", default: 5, describe: "how many classes to show" })
    .example("$0 run examples/cifar.resnet#resnet20 --weights resnet20.th cat.png", "classify a picture")
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

  const opened = openNet(options.file, options);
  if (!opened) return 1;
  const { net, module } = opened;
  const found = findWeights(net, module, options);
  if (found.diagnostics.length > 0) printDiagnostics(found.diagnostics, options.format);
  if (!found.weights) return 1;
  if (options.weights === undefined)
    note("no --weights: the net has random weights, its answers mean nothing");
  for (const line of found.weights.notes) if (!options.json) note(line);
  try {
    if (options.raw === undefined) return await classify(net, found.weights, images, options);
    return await runArray(net, found.weights, options.raw, options.out!, options);
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    printDiagnostics([error.diagnostic], options.format);
    return 1;
  }
}

// ---- running ------------------------------------------------------------------------------------------

type Run = (inputs: Readonly<Record<string, Tensor>>) => Promise<Readonly<Record<string, Tensor>>>;

/** A backend of tfjs that does not start or fails in its own code: told, not blamed on us. */
class BackendError extends Error {
  readonly diagnostic: Diagnostic;

  constructor(backend: NodeBackend, why: string) {
    super(why);
    const hint =
      backend === "wasm" ? "--backend cpu runs anywhere, slowly" : "--target reference needs no backend";
    this.diagnostic = makeDiagnostic("backend-missing", undefined, { backend, why }, { hint });
  }
}

/** The net on the chosen target; emitted once, run often. */
function runner(net: AnalysedNet, weights: FoundWeights, options: RunArguments): Run | Diagnostic {
  if (options.target === "reference") {
    const total = net.graph.nodes.length;
    return async (inputs) => {
      let done = 0;
      return interpret(net.graph, inputs, weights.source, {
        onValue: () => progress("running the reference", ++done / total),
      });
    };
  }
  const onProgress = (done: number, total: number) => progress("packing weights", done / total);
  const { artifacts, diagnostics } = emit(net, {
    target: tfjs,
    weights: weights.source,
    weightsFrom: weights.from,
    level: options.optimise,
    onProgress,
  });
  const error = diagnostics.find(({ severity }) => severity === "error");
  if (error) return error;
  const backend: NodeBackend = options.backend;
  return async (inputs) => {
    progress(`running tfjs ${backend}`);
    try {
      return await runTfjs({ artifacts, inputs, backend });
    } catch (error) {
      throw new BackendError(backend, error instanceof Error ? error.message : String(error));
    }
  };
}

interface InputOfNet {
  readonly name: string;
  readonly shape: Shape;
  readonly preprocess: Preprocess | undefined;
}

function inputsOf(net: AnalysedNet): readonly InputOfNet[] {
  const inputs = net.graph.nodes.filter((node) => isOp(node, ops.input));
  return inputs.map(({ name, type, attrs }) => ({ name, shape: type.shape, preprocess: attrs.preprocess }));
}

// ---- arrays -------------------------------------------------------------------------------------------

async function runArray(
  net: AnalysedNet,
  weights: FoundWeights,
  raw: string,
  out: string,
  options: RunArguments,
): Promise<number> {
  const fail = (diagnostic: Diagnostic) => {
    printDiagnostics([diagnostic], options.format);
    return 1;
  };
  const inputs = inputsOf(net);
  if (inputs.length !== 1)
    throw new UsageError(
      `--raw feeds one input, ${net.name} has ${inputs.map(({ name }) => name).join(", ")}`,
    );
  const [input] = inputs;
  const bytes = readBytes(raw);
  if (!isBytes(bytes)) return fail(bytes);
  const { diagnostics, report } = collect();
  const array = readNpy(bytes, raw, report);
  if (!array) {
    printDiagnostics(diagnostics, options.format);
    return 1;
  }
  const tensor = toNhwc(array, input.shape, options.layout);
  if (typeof tensor === "string")
    return fail(
      makeDiagnostic(
        "bad-array",
        undefined,
        { path: raw, why: tensor },
        { hint: "--layout nchw takes channels first" },
      ),
    );

  const run = runner(net, weights, options);
  if (typeof run !== "function") return fail(run);
  const results = await run({ [input.name]: tensor });
  const outputs = Object.entries(results);
  const written: string[] = [];
  for (const [name, { shape, data }] of outputs) {
    const file = outputs.length === 1 ? out : withName(out, name);
    const whole = options.layout === "nchw" ? toNchw({ shape, data }) : { shape, data };
    const squeezed = shape[1] === 1 && shape[2] === 1 ? [shape[0], shape[3]] : whole.shape;
    try {
      writeFileSync(file, writeNpy({ shape: squeezed, data: Float32Array.from(whole.data) }));
      written.push(`${file}  ${name}: ${squeezed.join("x")}`);
    } catch (error) {
      return fail(makeDiagnostic("unwritable-output", undefined, { path: file, why: whyNot(error) }));
    }
  }
  if (options.json)
    print(
      JSON.stringify({
        net: net.name,
        target: options.target,
        written: outputs.map(([name, { shape }]) => ({ name, shape })),
      }),
    );
  else for (const line of written) print(line);
  return 0;
}

/** `out.npy` → `out.neck.p2.npy`: one file a result. */
function withName(file: string, name: string): string {
  const { dir, name: stem, ext } = path.parse(file);
  return path.join(dir, `${stem}.${name}${ext}`);
}

/** The array as an NHWC batch of the net's pictures, or why it is none. */
function toNhwc({ shape, data }: Tensor, wanted: Shape, layout: "nhwc" | "nchw"): Tensor | string {
  const [, h, w, c] = wanted;
  const one = layout === "nchw" ? [c, h, w] : [h, w, c];
  const batched = shape.length === 3 ? [1, ...shape] : shape;
  if (batched.length !== 4 || batched.slice(1).some((side, i) => side !== one[i])) {
    return `it is ${shape.join("x")}, the net takes Nx${one.join("x")}`;
  }
  if (batched[0] === 0) return "its batch is 0";
  if (layout === "nhwc") return { shape: batched, data };
  const n = batched[0];
  const out = new Float32Array(elements(batched));
  for (let b = 0; b < n; b++) {
    for (let k = 0; k < c; k++) {
      for (let place = 0; place < h * w; place++)
        out[(b * h * w + place) * c + k] = data[(b * c + k) * h * w + place];
    }
  }
  return { shape: [n, h, w, c], data: out };
}

function toNchw({ shape: [n, h, w, c], data }: Tensor): Tensor {
  const out = new Float32Array(data.length);
  for (let b = 0; b < n; b++) {
    for (let place = 0; place < h * w; place++) {
      for (let k = 0; k < c; k++) out[(b * c + k) * h * w + place] = data[(b * h * w + place) * c + k];
    }
  }
  return { shape: [n, c, h, w], data: out };
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
  net: AnalysedNet,
  weights: FoundWeights,
  images: readonly string[],
  options: RunArguments,
): Promise<number> {
  const inputs = inputsOf(net);
  const [output] = net.graph.outputs;
  if (inputs.length !== 1) throw new UsageError(`${net.name} has ${inputs.length} inputs: pictures feed one`);
  const [, height, width, classes] = output.node.type.shape;
  if (net.graph.outputs.length !== 1 || height !== 1 || width !== 1) {
    throw new UsageError(
      `${net.name} gives ${net.graph.outputs.map(({ name }) => name).join(", ")}, not classes: use --raw and --out`,
    );
  }
  const [input] = inputs;
  const preprocess = input.preprocess ?? plain(input.shape[3]);
  const labels = labelSets[preprocess.labels];
  const run = runner(net, weights, options);
  if (typeof run !== "function") {
    printDiagnostics([run], options.format);
    return 1;
  }
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
    const results = await run({ [input.name]: { shape: [1, ...input.shape.slice(1)], data } });
    const scores = isOp(output.node, ops.softmax)
      ? [...results[output.name].data]
      : softmax(results[output.name].data);
    const top = scores
      .map((score, index) => ({
        score,
        index,
        label: labels?.length === classes ? labels[index] : undefined,
      }))
      .sort((a, b) => b.score - a.score || a.index - b.index)
      .slice(0, options.top);
    if (options.json) print(JSON.stringify({ image: file, net: net.name, top }));
    else showTop(file, top);
  }
  return failed ? 1 : 0;
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
