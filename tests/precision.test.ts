/**
 * Weights in fewer bits: what they change in trained nets, against the limits that docs/precision.md gives, and what `build` says
 * of it.
 */
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  addStoredError,
  relativeError,
  storedPanelBytes,
  storePanels,
} from "../src/codegen/wasm/plan/precision.ts";
import { madeUpPicture } from "../src/run/made-up-pictures.ts";
import { folder, resnetc, tinyFile } from "./support/cli.ts";
import { cifarEffect, faceEffect } from "./support/precision.ts";
import { randomValues } from "./support/random.ts";
import { requireShared, sharedPath } from "./support/shared.ts";
import { cifarLogits, faceDescriptors } from "./support/trained-nets.ts";

test("the error of stored weights is that of what is read back", () => {
  const rows = { width: 8, panelFloats: 8 * 27 };
  const values = randomValues(1, 3 * rows.panelFloats);
  for (const [precision, low, high] of [
    // Halves have 11 bits: between 2^-13 and 2^-12. Bytes cut [-1, 1] into 255 steps: 2 / 255 / sqrt(12) of 1 / sqrt(3).
    ["f16", 2 ** -13, 2 ** -12],
    ["u8", 0.003, 0.0041],
  ] as const) {
    const file = new Uint8Array(3 * storedPanelBytes(precision, rows));
    storePanels(file, 0, values, precision, rows);
    const error = { values: 0, differences: 0 };
    addStoredError(error, file, 0, values, precision, rows);
    assert.ok(
      relativeError(error) > low && relativeError(error) < high,
      `${precision} ${relativeError(error)}`,
    );
    // A byte that is wrong shows.
    file[file.length - 1] ^= 64;
    const wrong = { values: 0, differences: 0 };
    addStoredError(wrong, file, 0, values, precision, rows);
    assert.ok(wrong.differences > error.differences);
  }
  assert.is(relativeError({ values: 0, differences: 0 }), 0);
});

test("made-up pictures are the same each time, differ by seed, and look like pictures", () => {
  const [one, again, other] = [3, 3, 4].map((seed) => Array.from(madeUpPicture(40, 24, seed).data));
  assert.equal(one, again);
  assert.not.equal(one, other);
  const mean = one.reduce((sum, value) => sum + value, 0) / one.length;
  const deviation = Math.sqrt(one.reduce((sum, value) => sum + (value - mean) ** 2, 0) / one.length);
  assert.ok(mean > 60 && mean < 190 && deviation > 20 && deviation < 100, `${mean} ${deviation}`);
  // Neighbours are alike, which they are not in white noise.
  let steps = 0;
  for (let i = 3; i < one.length; i++) steps += (one[i] - one[i - 3]) ** 2;
  assert.ok(Math.sqrt(steps / one.length) < 0.7 * deviation);
});

test("build says what it did to weights; of random weights no more than that", () => {
  const said = (...args: string[]) => {
    const { code, out, err } = resnetc(["build", ...args, "-o", path.join(folder, "bits")]);
    assert.is(code, 0, err);
    return out
      .split("\n")
      .filter((line) => /^\s*([a-z-]+: )?(f16|u8): /.test(line))
      .map((line) => line.trim());
  };
  assert.equal(said(tinyFile), []);
  const [line, ...more] = said(tinyFile, "--precision", "u8");
  assert.match(line, /^u8: weights off by 0\.\d+ % of their size \(root mean square\)$/);
  assert.equal(more, []);
  const [other] = said(tinyFile, "--precision", "f16", "--target", "graph-model");
  assert.match(other, /^graph-model: f16: weights off by 0\.0\d+ % of their size \(root mean square\)$/);
});

if (requireShared(cifarLogits)) {
  const checkpoint = sharedPath("models/cifar/resnet20-12fca82f.th");
  test("build says what it did to the results of a trained net, in the same words each time", () => {
    const build = () =>
      resnetc([
        "build",
        "examples/cifar.resnet#resnet20",
        "--weights",
        checkpoint,
        "--precision",
        "f16",
        "--json",
        "-o",
        path.join(folder, "bits20"),
      ]);
    const { code, out, err } = build();
    assert.is(code, 0, err);
    const { notes } = JSON.parse(out) as { notes: string[] };
    const told = notes.find((note) => note.startsWith("f16: results"))!;
    const match =
      /^f16: results off by at most (0\.\d+) % of their range, the largest the same one on (\d), of 8 made-up pictures$/.exec(
        told,
      );
    assert.ok(match, told);
    assert.ok(Number(match[1]) < 0.2, told);
    assert.equal(JSON.parse(build().out).notes, notes);
  });

  for (const name of ["resnet20", "resnet56"] as const) {
    test(`${name}: logits and classes of photos`, async () => {
      const half = await cifarEffect(name, "f16", 16);
      assert.is(half.pictures, 64);
      assert.ok(half.largest < 0.003 && half.sameTop === 64, JSON.stringify(half));
      const byte = await cifarEffect(name, "u8", 16);
      assert.ok(byte.largest < 0.05 && byte.sameTop! >= 62, JSON.stringify(byte));
      // It is the bytes that are worse, or nothing was measured.
      assert.ok(byte.largest > 4 * half.largest, JSON.stringify([half, byte]));
    });
  }
}

if (requireShared(faceDescriptors)) {
  test("dlib's face net: descriptors, distances, decisions", async () => {
    const half = await faceEffect("f16");
    assert.is(half.pairs, 45);
    assert.ok(half.value < 4e-4 && half.distance < 6e-4, JSON.stringify(half));
    assert.is(half.sameDecision, 45);
    const byte = await faceEffect("u8");
    assert.ok(byte.value < 0.07 && byte.distance < 0.18, JSON.stringify(byte));
    assert.is(byte.sameDecision, 45);
  });
}

test.run();
