/** `resnetc profile`: every layer is there, times add up, and what is written can be opened. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { adviceOn } from "../src/run/advice.ts";
import type { Layer, Profile } from "../src/run/profile.ts";
import { traceOf } from "../src/run/trace.ts";
import { folder, oneLine, resnetc, tinyFile } from "./support/cli.ts";
import { root } from "./support/nets.ts";
import { xmlProblem } from "./support/picture-checks.ts";

const resnet18 = path.join(root, "examples/resnet18.resnet");
const at = (name: string) => path.join(folder, name);

test("layers in order with their multiply-adds, whose times add up to the whole", () => {
  const files = ["--trace", at("trace.json"), "--picture", at("times.svg")];
  const { code, out, err } = resnetc(["profile", resnet18, "--seconds", "1", "--json", ...files]);
  assert.is(code, 0, err);
  const found = JSON.parse(out) as Profile & { written: { path: string }[]; advice: string[] };
  assert.is(found.layers.length, 23);
  assert.is(found.layers[0].name, "conv1.conv");
  assert.is(
    found.layers.reduce((sum, { macs }) => sum + macs, 0),
    1_814_073_344,
  );
  assert.ok(found.rounds >= 3);
  assert.ok(found.advice.length > 0);

  const { traceEvents } = JSON.parse(readFileSync(at("trace.json"), "utf8"));
  const layers = (traceEvents as { cat?: string; ts: number; dur: number; name: string }[]).filter(
    ({ cat }) => cat === "layer",
  );
  assert.equal(
    layers.map(({ name }) => name),
    found.layers.map(({ name }) => name),
  );
  for (const [i, { ts, dur }] of layers.slice(1).entries())
    assert.ok(Math.abs(layers[i].ts + layers[i].dur - ts) < 0.01 && dur > 0, "a layer behind the other");
  const picture = readFileSync(at("times.svg"), "utf8");
  assert.is(xmlProblem(picture), undefined);
  assert.ok((picture.match(/[\d.]+ ms<\/title>/g) ?? []).length >= 20);
});

test("times of layers add up to the whole", () => {
  // 5 % on a quiet machine. On a busy one others take the processor during whole runs, and not during the best of short layers.
  const ratios: number[] = [];
  for (let attempt = 0; attempt < 5 && !ratios.some((ratio) => Math.abs(ratio - 1) < 0.05); attempt++) {
    const { layers, ms } = JSON.parse(
      resnetc(["profile", tinyFile, "--seconds", "2", "--json"]).out,
    ) as Profile;
    ratios.push(layers.reduce((sum, layer) => sum + layer.ms, 0) / ms);
  }
  assert.ok(Math.abs(ratios.at(-1)! - 1) < 0.2, ratios.join());
});

test("tfjs too: each call has its time, and its operation", () => {
  for (const backend of ["wasm", "cpu"]) {
    const args = [
      "profile",
      tinyFile,
      "--target",
      "tfjs",
      "--backend",
      backend,
      "--seconds",
      "0.2",
      "--json",
    ];
    const { code, out, err } = resnetc(args);
    assert.is(code, 0, err);
    const { layers, ms, threads } = JSON.parse(out) as Profile;
    assert.is(threads.used, 1);
    assert.ok(layers.some(({ name, macs }) => name === "conv1.conv" && macs === 8 * 8 * 27 * 4));
    assert.ok(
      layers.every(
        (one) => one.ms >= 0 && one.kernels === `tfjs ${backend}` && one.predictedMs === undefined,
      ),
    );
    const sum = layers.reduce((total, one) => total + one.ms, 0);
    assert.ok(sum > 0 && sum < 1.05 * ms, `${sum} of ${ms}`);
  }
  assert.match(
    oneLine(resnetc(["profile", tinyFile, "--backend", "cpu"]).err),
    "--backend goes with --target tfjs",
  );
  assert.match(
    oneLine(resnetc(["profile", tinyFile, "--target", "tfjs", "--threads", "2"]).err),
    "--threads goes with --target wasm",
  );
});

test("a table of 80 columns, the longest first where one asks for some", () => {
  const { code, out } = resnetc(["profile", resnet18, "--seconds", "0.1", "--top", "3", "--threads", "2"]);
  assert.is(code, 0);
  assert.match(out, /^resnet18 {2}2 threads, the least of \d+ rounds$/m);
  assert.match(out, /^… and 20 more layers$/m);
  const shares = [...out.matchAll(/^conv\S+ .*?([\d.]+) % /gm)].map(([, share]) => Number(share));
  assert.ok(shares.length >= 3);
  assert.equal(
    shares.slice(0, 3),
    shares.slice(0, 3).sort((a, b) => b - a),
  );
  assert.ok(
    out.split("\n").every((line) => line.length <= 80),
    "80 columns",
  );
});

test("what is no measurement is told", () => {
  const told = (...args: string[]) => oneLine(resnetc(["profile", tinyFile, ...args]).err);
  assert.match(told("--seconds", "0"), "--seconds 0 is not a number up to 600");
  assert.match(told("--top", "1.5"), "--top 1.5 is not a whole number from 1");
  assert.match(told("--threads", "many"), "--threads many is not auto or a number from 1 to 64");
  assert.match(told("--seconds", "0.01", "--trace", "/none/t.json"), "unwritable-output");
});

const layer = (name: string, more: Partial<Layer>): Layer => ({
  ...{ name, what: "conv 3x3, 64", kernels: "conv", ms: 1, predictedMs: 1, macs: 3e7, bytes: 1e5 },
  ...more,
});

test("advice says what takes long and why", () => {
  const layers = [
    layer("a", { ms: 4, predictedMs: 4, macs: 3e8, kernels: "winograd F(4,3)" }),
    layer("b", { ms: 3, predictedMs: 3, macs: 6e7 }),
    layer("c", { ms: 2, predictedMs: 0.5, macs: 1.5e8 }),
    layer("d", { ms: 1, macs: 2e6, bytes: 8e6, what: "dense 1000" }),
    layer("e", { ms: 1.5, macs: 0, what: "maxPool", kernels: "maxPool", bytes: 3e6 }),
    layer("f", { ms: 0.01, macs: 3e5 }),
  ];
  const profile = { layers, ms: 20, threads: { used: 1, why: "" }, rounds: 9 };
  assert.equal(adviceOn(profile), [
    "a: 35 %, conv 3x3, 64, 75 GMAC/s of 75, the best here",
    "b: 26 %, conv 3x3, 64, 20 GMAC/s of 75, the best here; no Winograd form fits this shape",
    "c: 17 %, conv 3x3, 64, 75 GMAC/s of 75, the best here; 4.0 times what the planner expects",
    "e: 13 %, maxPool, 2.0 GB/s of maps",
    "d: 9 %, dense 1000, 2 GMAC/s of 75, the best here; few multiply-adds a byte: memory decides",
    "1 step without multiply-adds takes 13 % of the time",
    "whole runs take 74 % more than their layers: the machine is busy",
  ]);
  const stages = JSON.parse(traceOf("n", profile)).traceEvents.filter(
    ({ cat }: { cat?: string }) => cat === "stage",
  );
  assert.is(stages.length, 6);
});

test.run();
