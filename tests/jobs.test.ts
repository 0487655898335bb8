/** `resnetc run` on folders: jobs side by side, results in order, lines that are gone on with, pictures that are none. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inOrder } from "../src/cli/jobs.ts";
import { folder, resnetc, write } from "./support/cli.ts";
import { png } from "./support/png.ts";

test("answers come in the order of the questions, so many being answered at a time", async () => {
  let running = 0;
  let most = 0;
  const ask = async (n: number) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, (n * 7) % 5));
    running--;
    return 2 * n;
  };
  const given: number[] = [];
  for await (const answer of inOrder([...Array(40).keys()], 3, ask)) given.push(answer);
  assert.equal(
    given,
    [...Array(40).keys()].map((n) => 2 * n),
  );
  assert.ok(most > 3 && most <= 12, `${most} at a time`);
});

test("an answer that fails is thrown where it is told, and not before", async () => {
  const ask = async (n: number) => {
    if (n === 2) throw new Error("the third");
    return n;
  };
  const given: number[] = [];
  try {
    for await (const answer of inOrder([0, 1, 2, 3], 2, ask)) given.push(answer);
    assert.unreachable();
  } catch (error) {
    assert.is((error as Error).message, "the third");
  }
  assert.equal(given, [0, 1]);
});

// ---- the command --------------------------------------------------------------------------------------

const spec = write(
  "shades.resnet",
  `net shades {
  input image(12x10x3)
  conv(3x3, 8) /2 -> relu
  avgpool
  dense(4)
}
`,
);
const names = Array.from({ length: 9 }, (_, i) => `p${i}.png`);
const pictures = names.map((name, i) => {
  const rows = Array.from({ length: 16 }, (_, y) =>
    Array.from({ length: 20 * 3 }, (_, x) => ((60 * y + x) * (i + 3) * 31) % 256),
  );
  const file = path.join(folder, name);
  writeFileSync(file, png({ width: 20, height: 16, colour: 2 }, rows));
  return file;
});
const broken = write("p4.png", "no picture");

interface Line {
  readonly image: string;
  readonly top?: readonly { readonly score: number }[];
  readonly error?: { readonly code: string; readonly message: string };
}

const linesOf = (text: string): Line[] =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

test("three jobs give what one gives, in the same order; a picture that is none is a line with an error", () => {
  const one = resnetc(["run", spec, "--json", ...pictures]);
  const three = resnetc(["run", spec, "--json", "--jobs", "3", ...pictures]);
  for (const { code, err } of [one, three]) {
    assert.is(code, 1, err);
    // Said once, and not by each job.
    assert.is(err.split("random weights").length, 2, err);
  }
  assert.is(three.out, one.out);
  const lines = linesOf(one.out);
  assert.equal(
    lines.map(({ image }) => image),
    pictures,
  );
  assert.equal(
    lines.filter(({ error }) => error).map(({ image, error }) => [image, error?.code]),
    [[broken, "bad-image"]],
  );
});

test("lines are gone on with: nothing is done twice, and half a line is written again", () => {
  const out = path.join(folder, "results.jsonl");
  const first = resnetc(["run", spec, "--out", out, "--jobs", "2", ...pictures.slice(0, 6)]);
  assert.is(first.code, 1, first.err);
  assert.match(first.out, "6 pictures, 1 could not be read");
  const whole = readFileSync(out, "utf8");
  writeFileSync(out, whole.slice(0, -30));
  const second = resnetc(["run", spec, "--out", out, "--jobs", "2", ...pictures]);
  assert.is(second.code, 0, second.err);
  assert.match(second.out, "4 pictures, 5 had a line already");
  const lines = linesOf(readFileSync(out, "utf8"));
  assert.equal(
    lines.map(({ image }) => image),
    pictures,
  );
  const third = resnetc(["run", spec, "--out", out, "--json", ...pictures]);
  assert.equal(JSON.parse(third.out), { out, pictures: 0, failed: 0, before: 9 });
  assert.is(readFileSync(out, "utf8").startsWith(whole.slice(0, -30)), true);
});

test("lines go to a device too", () => {
  const { code, out, err } = resnetc(["run", spec, "--out", "/dev/null", pictures[0]]);
  assert.is(code, 0, err);
  assert.match(out, "/dev/null  1 picture");
});

test("what does not go together is told", () => {
  const fails = (pattern: RegExp, code: number, ...args: readonly string[]) => {
    const { code: found, err } = resnetc(["run", spec, ...args]);
    assert.is(found, code, err);
    assert.match(err, pattern);
  };
  fails(/--jobs 0 is not auto or a number from 1 to 256/, 2, "--jobs", "0", pictures[0]);
  fails(/--jobs some is not auto/, 2, "--jobs", "some", pictures[0]);
  fails(/with --jobs each net runs on one thread/, 2, "--jobs", "2", "--threads", "2", pictures[0]);
  fails(/--jobs are of pictures/, 2, "--jobs", "2", "--raw", "x.npy", "--out", "y.npy");
  fails(/--out out.npy goes with --raw/, 2, "--out", "x.npy", pictures[0]);
  fails(/unwritable-output/, 1, "--out", path.join(folder, "nowhere", "x.jsonl"), pictures[0]);
  // What a job would stumble over it says as the command does.
  fails(
    /no parameter `size`/,
    2,
    "--jobs",
    "2",
    "--crops",
    "whole",
    "--scales",
    "20",
    pictures[0],
    pictures[1],
  );
});

test.run();
