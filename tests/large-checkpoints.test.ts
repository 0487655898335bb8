/**
 * Speed and memory on a real size: ResNet-50 as torch.save writes it, 320 tensors, 102 MB. Opening takes no time that
 * depends on the size, reading copies nothing that the file has in its own form, and compiling is the longest part.
 */
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { isOp } from "../src/ir/graph.ts";
import { ops } from "../src/ir/ops/index.ts";
import { elements } from "../src/ir/tensor.ts";
import { tablesOf } from "../src/node/find-weights.ts";
import { translate } from "../src/weights/names.ts";
import { mustOpen } from "./support/checkpoints.ts";
import { folder, resnetc, write } from "./support/cli.ts";
import { fastestMs } from "./support/cpu-time.ts";
import { examplePath, openNet, root } from "./support/nets.ts";
import { type NamedTensor, saveStateDict } from "./support/torch-save.ts";

/** torchvision's resnet50: 25,557,032 parameters, and what its batch norms keep. */
function resnet50(): NamedTensor[] {
  const { net, module } = openNet(examplePath("resnet50.resnet"));
  const names = tablesOf(module).find(({ name }) => name === "torchvision")!;
  const denseKernels = new Set(
    net.graph.nodes.flatMap((node) => (isOp(node, ops.dense) ? [node.inputs[1].name] : [])),
  );
  return net.graph.nodes.flatMap((node): NamedTensor[] => {
    if (!isOp(node, ops.param)) return [];
    const name = translate(names, node.name);
    const sides = node.attrs.shape;
    const [height, width, from, to] = sides;
    const shape = denseKernels.has(node.name) ? [to, height * width * from] : [to, from, height, width];
    const data = smallNumbers(elements(sides), name.endsWith("running_var") ? 1 : 0);
    const tensor = { name, shape: sides.length < 4 ? sides : shape, data };
    const counter = name.replace(/running_var$/, "num_batches_tracked");
    return counter === name ? [tensor] : [tensor, { name: counter, shape: [], data: BigInt64Array.of(7n) }];
  });
}

/** Numbers around `middle`, all of them exact, so that their sum does not depend on the order. */
const smallNumbers = (count: number, middle: number): Float32Array => {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = middle + ((i * 37) % 64) / 1024 - 1 / 32;
  return values;
};

const tensors = resnet50();
const bytes = saveStateDict(tensors);
const file = write("resnet50.pth", bytes);
const sumOf = (values: Iterable<number | bigint>): number => {
  let sum = 0;
  for (const value of values) sum += Number(value);
  return sum;
};

test("the file is what it should be", () => {
  assert.is(tensors.length, 320);
  const values = tensors.reduce((sum, { data }) => sum + data.length, 0);
  assert.is(values, 25_557_032 + 2 * 26_560 + 53);
  assert.ok(bytes.length > 102e6 && bytes.length < 103e6, `${bytes.length} bytes`);
});

test("102 MB open in less than 0.3 s", () => {
  let size = 0;
  const ms = fastestMs(5, () => {
    size = mustOpen(bytes).tensors.size;
  });
  assert.is(size, 320);
  assert.ok(ms < 300, `opening takes ${ms} ms of processor time`);
});

/** A process that reads the file, and does `work` with the bytes; its answer and the most memory it ever had. */
function inProcess(work: string): { readonly answer: unknown; readonly peak: number } {
  const text = `
    import { readFileSync } from "node:fs";
    import { openCheckpoint } from ${JSON.stringify(new URL("../src/weights/checkpoint.ts", import.meta.url))};
    const bytes = readFileSync(${JSON.stringify(file)});
    const open = () => openCheckpoint("a.pth", { read: () => bytes }, (...all) => console.log(...all));
    const answer = (${work})();
    const [, peak] = /^VmHWM:\\s*(\\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"));
    console.log(JSON.stringify({ answer, peak: 1024 * peak }));
  `;
  const args = ["--import", "tsx", "--input-type=module", "--eval", text];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(`${stdout}${stderr}`);
  }
}

if (existsSync("/proc/self/status")) {
  test("opening and reading every tensor takes little beside the file", () => {
    const bare = inProcess("() => bytes.length");
    const summed = inProcess(`() => {
      let sum = 0;
      for (const tensor of open().tensors.values()) for (const value of tensor.read()) sum += value;
      return sum;
    }`);
    assert.is(bare.answer, bytes.length);
    assert.ok(bare.peak > bytes.length, `a process with the file has ${bare.peak} bytes`);
    assert.is(
      summed.answer,
      tensors.reduce((sum, { data }) => sum + sumOf(data), 0),
    );
    const extra = summed.peak - bare.peak;
    // The largest tensor has 9 MB: even a copy of one at a time fits, a copy of the file does not.
    assert.ok(extra < 0.25 * bytes.length, `${extra} bytes more than a process that only reads the file`);
  });
} else console.log("skipped: the memory of opening a checkpoint, since this system has no /proc/self/status");

test("compiling it takes less than 4 s", () => {
  const tell = `import { writeSync } from "node:fs";
    process.on("exit", () => {
      const { user, system } = process.cpuUsage();
      writeSync(2, "processor time: " + Math.round((user + system) / 1000) + " ms\\n");
    });`;
  const node = ["--import", `data:text/javascript,${encodeURIComponent(tell)}`];
  let least = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 3 && least >= 4000; attempt++) {
    const out = path.join(folder, `resnet50-${attempt}`);
    const { code, err } = resnetc(["build", examplePath("resnet50.resnet"), "-o", out, "--weights", file], {
      node,
    });
    assert.is(code, 0, err);
    assert.ok(statSync(path.join(out, "resnet50.weights")).size > 100e6);
    least = Math.min(least, Number(/processor time: (\d+) ms/.exec(err)![1]));
  }
  assert.ok(least < 4000, `compiling takes ${least} ms of processor time`);
});

test.run();
