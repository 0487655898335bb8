/** `resnetc bench`: who takes part, that results agree, and what is shown. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { drawBars } from "../src/draw/bars.ts";
import type { Bench } from "../src/run/bench.ts";
import { folder, oneLine, resnetc, tinyFile } from "./support/cli.ts";
import { xmlProblem } from "./support/picture-checks.ts";

const threads = Math.min(8, availableParallelism());
const ours = ["wasm, 1 thread", ...(threads > 1 ? [`wasm, ${threads} threads`] : [])];

test("ours, tfjs and ONNX Runtime Web in one process: times, and results that agree", () => {
  const chart = path.join(folder, "chart.svg");
  const args = ["bench", tinyFile, "--against", "tfjs,ort", "--seconds", "0.5", "--json", "--chart", chart];
  const { code, out, err } = resnetc(args);
  assert.is(code, 0, err);
  const { results, missing, rounds } = JSON.parse(out) as Bench;
  assert.equal(
    results.map(({ name }) => name),
    [...ours, "tfjs, wasm", "onnxruntime-web, 1 thread"],
  );
  assert.equal(missing, []);
  assert.ok(rounds >= 3);
  for (const { name, ms, firstMs, loadMs, difference } of results) {
    assert.ok(ms > 0 && firstMs > 0 && loadMs > 0, name);
    assert.ok(difference < 1e-5, `${name}: ${difference}`);
  }
  // Any number of threads gives the same bits, other runtimes round in another order.
  assert.is(results[ours.length - 1].difference, 0);
  assert.ok(results.at(-1)!.difference > 0 && results.at(-2)!.difference > 0);
  const text = readFileSync(chart, "utf8");
  assert.is(xmlProblem(text), undefined);
  assert.match(text, ">tfjs, wasm</text>");
});

test("a table of 80 columns; what is wrong with options is told", () => {
  const { code, out } = resnetc(["bench", tinyFile, "--against", "none", "--seconds", "0.1"]);
  assert.is(code, 0);
  assert.match(out, /^wasm, 1 thread .* 1\.00 *$/m);
  assert.ok(out.split("\n").every((line) => line.length <= 80));
  assert.match(
    oneLine(resnetc(["bench", tinyFile, "--against", "jax"]).err),
    "--against takes tfjs, ort or none, not jax",
  );
  assert.match(
    oneLine(resnetc(["bench", tinyFile, "--seconds", "-1"]).err),
    "--seconds -1 is not a number up to 600",
  );
});

test("bars are as long as their numbers say", () => {
  const bars = [1, 4, 2].map((value, i) => ({
    name: `<${i}>`,
    value,
    words: `${value} ms`,
    isOurs: i === 0,
  }));
  const text = drawBars("t & u", "facts", bars);
  assert.is(xmlProblem(text), undefined);
  const lengths = [...text.matchAll(/<rect class="(?:ours|theirs)"[^>]* width="([\d.]+)"/g)].map(
    ([, length]) => Number(length),
  );
  assert.equal(lengths, [75, 300, 150]);
});

test.run();
