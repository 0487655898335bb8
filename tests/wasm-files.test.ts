/** The files of the wasm target: what they say, how large they are, and how a fresh process gets along with them. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { checksum, hexOf } from "../src/codegen/wasm/checksum.ts";
import { writeNet } from "./support/built-net.ts";
import { makeToy } from "./support/toy-image.ts";
import { contentsOf } from "./support/toy-net.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const toy = makeToy();
const text = (ending: string) => new TextDecoder().decode(contentsOf(toy, ending));

/** What a process prints that runs the script beside the files; it must end by itself. */
function inProcess(script: string, ...flags: readonly string[]): string {
  const { folder, remove } = writeNet(toy);
  try {
    const module = JSON.stringify(pathToFileURL(join(folder, "toy.js")).href);
    const program = `import { load } from ${module};\n${script}`;
    const { status, signal, stdout, stderr } = spawnSync(
      process.execPath,
      [...flags, "--input-type=module", "-e", program],
      { cwd: folder, encoding: "utf8", timeout: 30_000 },
    );
    assert.is(signal, null, "it did not end");
    assert.is(status, 0, stderr);
    return stdout.trim();
  } finally {
    remove();
  }
}

test("the card has the sizes, the steps, the tensors and the checksum", () => {
  const card = JSON.parse(text(".json"));
  assert.is(card.name, "toy");
  assert.is(card.file, "toy.weights");
  assert.is(card.bytes, toy.weights.length);
  const [first, second] = [480, 480 + 960];
  const chunks = [
    toy.weights.subarray(0, first),
    toy.weights.subarray(first, second),
    toy.weights.subarray(second),
  ];
  assert.is(card.checksum, hexOf(checksum(chunks)));
  assert.equal(
    card.steps,
    toy.image.run.map(({ label }) => label),
  );
  assert.equal(card.tensors, [{ name: "all", offset: 0 }]);
});

test("equal input makes equal files", () => {
  assert.equal(
    makeToy().artifacts.map(({ path, contents }) => [path, contents]),
    toy.artifacts.map(({ path, contents }) => [path, contents]),
  );
});

test("the loader is small, and says nothing that only its authors need", () => {
  const start = text(".js").indexOf("export const load");
  assert.ok(start > 0);
  const loader = text(".js").slice(start);
  const size = gzipSync(loader, { level: 9 }).length;
  assert.ok(size < 7900, `${size} bytes`);
  assert.equal(
    loader.split("\n").filter((line) => /^\s*(\/\/|\/\*|\*)/.test(line)),
    [],
  );
});

test("a process that has loaded a network ends by itself, whether it is disposed of or not", () => {
  for (const last of ["", "net.dispose();"]) {
    const printed = inProcess(`
      const net = await load({ threads: 4 });
      const { all } = net.run({ input: new Float32Array(240).fill(1) });
      console.log(net.info.threads.used, all[0]);
      ${last}`);
    assert.is(printed, `4 ${toy.expected(new Float32Array(240).fill(1))[0]}`);
  }
});

test("what was disposed of is freed, though somebody keeps the object", () => {
  const printed = inProcess(
    `const memories = [];
    const { Memory } = WebAssembly;
    WebAssembly.Memory = class extends Memory {
      constructor(descriptor) {
        super(descriptor);
        memories.push(new WeakRef(this), new WeakRef(this.buffer));
      }
    };
    const nets = [await load({ threads: 1 }), await load({ threads: 3 })];
    for (const net of nets) {
      net.run({ input: new Float32Array(240) });
      net.dispose();
    }
    for (let i = 0; i < 20 && memories.some((ref) => ref.deref()); i++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      gc();
    }
    console.log(nets.length, memories.map((ref) => ref.deref() === undefined).join());`,
    "--expose-gc",
  );
  assert.is(printed, "2 true,true,true,true");
});

test("networks live beside each other", () => {
  const printed = inProcess(`
    const nets = await Promise.all([1, 2, 3].map((threads) => load({ threads })));
    const input = new Float32Array(240).map((_, i) => i % 9);
    const sums = nets.map((net) => net.run({ input }).all.join());
    nets[1].dispose();
    sums.push(nets[2].run({ input }).all.join());
    console.log(new Set(sums).size);`);
  assert.is(printed, "1");
});

test("the types fit the module, and keep mistakes out", () => {
  const { folder, remove } = writeNet(toy);
  try {
    const use = (lines: string) => `import { type Info, load, type Outputs } from "./toy.js";
const net = await load({ threads: "auto", weights: new Uint8Array(4), wasm: new URL("file:///x"),
  onProgress: (p) => p.loaded / p.total, signal: AbortSignal.timeout(1) });
${lines}\n`;
    writeFileSync(
      join(folder, "right.ts"),
      use(`const { all }: Outputs = net.run({ input: new Float32Array(240) });
const given = { all, half: new Float32Array(120) };
const info: Info = net.info;
console.log(net.run({ input: all }, given).half, info.macs, info.threads.used, info.threads.why, info.bytes.memory);
const times: number[] = net.profile({ input: all }, 3);
await net.warmUp();
net.dispose();
await load();`),
    );
    writeFileSync(
      join(folder, "wrong.ts"),
      use(`net.run({ picture: new Float32Array(240) });
net.run({ input: new Float64Array(240) });
console.log(net.run({ input: new Float32Array(240) }).scores);
await load({ threads: "many" });
net.run({ input: new Float32Array(240) }, { all: new Float32Array(240) });`),
    );
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const flags = ["--ignoreConfig", "--noEmit", "--strict", "--module", "nodenext", "--target", "es2022"];
    const check = (file: string) =>
      spawnSync(process.execPath, [tsc, ...flags, file], { cwd: folder, encoding: "utf8" });
    assert.is(check("right.ts").stdout, "");
    const complaints = check("wrong.ts")
      .stdout.split("\n")
      .filter((line) => line.startsWith("wrong.ts"));
    assert.equal(
      complaints.map((line) => line.slice("wrong.ts(".length).split(",")[0]),
      ["4", "5", "6", "7", "8"],
    );
  } finally {
    remove();
  }
});

test.run();
