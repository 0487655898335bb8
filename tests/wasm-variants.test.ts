/** Kernels that only some engines take: relaxed SIMD in a second module, wider vectors behind a flag of Node's V8. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { wasm } from "../src/codegen/wasm/target.ts";
import { emit } from "../src/compile.ts";
import { startWasm } from "../src/run/wasm.ts";
import { heWeights } from "../src/weights/initialise.ts";
import { examplePath, openNet } from "./support/nets.ts";
import { disassemble } from "./support/wabt.ts";

const { net } = openNet(examplePath("cifar.resnet"), { net: "resnet20" });
const { artifacts } = emit(net, {
  target: wasm,
  weights: heWeights(net.graph, 5),
  weightsFrom: "He initialisation",
  arithmetic: { relaxed: true },
});
const picture = Float32Array.from({ length: 32 * 32 * 3 }, (_, i) => Math.sin(i));
const folder = mkdtempSync(path.join(tmpdir(), "resnetc-variants-"));
for (const { path: name, contents } of artifacts) writeFileSync(path.join(folder, name), contents);
writeFileSync(path.join(folder, "package.json"), '{ "type": "module" }');

interface Loaded {
  readonly info: {
    readonly relaxed: boolean;
    readonly wide: { readonly used: boolean; readonly why: string };
    readonly inputs: readonly { readonly name: string }[];
  };
  run(inputs: Readonly<Record<string, Float32Array>>): Readonly<Record<string, Float32Array>>;
  dispose(): void;
}

async function logitsWith(options: Readonly<Record<string, unknown>>) {
  const file = pathToFileURL(path.join(folder, "resnet20.js")).href;
  const { load } = (await import(file)) as { load(options: object): Promise<Loaded> };
  const loaded = await load({ threads: 1, ...options });
  const [logits] = Object.values(loaded.run({ [loaded.info.inputs[0].name]: picture }));
  loaded.dispose();
  return { logits, info: loaded.info };
}

const contentsOf = (ending: string) =>
  artifacts.find(({ path: name }) => name === `resnet20${ending}`)?.contents as Uint8Array;

test("a build with fused multiply-adds has both modules", () => {
  assert.not.match(disassemble(contentsOf(".wasm")), /relaxed_madd/);
  assert.match(disassemble(contentsOf(".relaxed.wasm")), /f32x4\.relaxed_madd/);
  const plain = emit(net, { target: wasm, weights: heWeights(net.graph, 5), weightsFrom: "" }).artifacts;
  assert.not.ok(plain.some(({ path: name }) => name.endsWith(".relaxed.wasm")));
  assert.equal(plain.find(({ path: name }) => name === "resnet20.wasm")?.contents, contentsOf(".wasm"));
});

test("the loader takes the one that the engine can run", async () => {
  const here = WebAssembly.validate(contentsOf(".relaxed.wasm") as Uint8Array<ArrayBuffer>);
  const best = await logitsWith({});
  const baseline = await logitsWith({ relaxed: false });
  assert.is(best.info.relaxed, here);
  assert.is(baseline.info.relaxed, false);
  const largest = Math.max(...Array.from(baseline.logits, Math.abs));
  best.logits.forEach((value, i) => {
    assert.ok(Math.abs(value - baseline.logits[i]) <= 1e-5 * largest, `${value} and ${baseline.logits[i]}`);
  });
  if (here) assert.not.equal(best.logits, baseline.logits);
});

test("without a disk the same is chosen", async () => {
  const started = await startWasm({ artifacts, threads: 1 });
  const [input] = net.graph.nodes;
  const [{ data }] = Object.values(started.run({ [input.name]: { shape: [1, 32, 32, 3], data: picture } }));
  started.dispose();
  assert.equal(data, (await logitsWith({})).logits);
});

test("wider vectors give the same bits where there are some, and are refused elsewhere", async () => {
  const narrow = await logitsWith({ relaxed: false });
  const wide = await logitsWith({ relaxed: false, wide: true });
  assert.equal(wide.logits, narrow.logits);
  assert.is(narrow.info.wide.used, false);
  if (Number.parseInt(process.versions.v8, 10) >= 13) return;
  assert.equal(wide.info.wide, { used: false, why: "this needs Node 24 or newer" });
});

test("clean up", () => rmSync(folder, { recursive: true }));

test.run();
