/** Checkpoints that are cut or changed: whatever is in them, a result or one diagnostic, never an accident. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { writeSafetensors } from "../src/weights/write-safetensors.ts";
import { openBytes } from "./support/checkpoints.ts";
import * as p from "./support/pickle-assembler.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const fixture = (name: string): Uint8Array => readFileSync(here(`fixtures/checkpoints/${name}`));

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** Opens and reads everything; whatever happens must be a result or one diagnostic, and soon. */
function survives(bytes: Uint8Array, files: Readonly<Record<string, Uint8Array>> = {}): boolean {
  const { checkpoint, diagnostics } = openBytes({ "damaged.pt": bytes, ...files });
  if (!checkpoint) assert.is(diagnostics.length, 1);
  for (const tensor of checkpoint?.tensors.values() ?? []) tensor.read();
  return checkpoint !== undefined;
}

const whole: Readonly<Record<string, Uint8Array>> = {
  "a zip": fixture("zip.pt"),
  "a legacy file": fixture("legacy.pt"),
  "a training checkpoint": fixture("training.pt"),
  safetensors: writeSafetensors([
    { name: "conv1.weight", shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
    { name: "conv1.bias", shape: [2], data: Float32Array.of(7, 8) },
  ]),
};

for (const [name, bytes] of Object.entries(whole)) {
  test(`${name} cut at any byte is refused, never an accident`, () => {
    assert.ok(survives(bytes));
    for (let length = 0; length < bytes.length; length++) {
      assert.not(survives(bytes.subarray(0, length)), `${length} of ${bytes.length} bytes were accepted`);
    }
  });

  test(`${name} with bytes changed never throws`, () => {
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
    const property = fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
      const damaged = Uint8Array.from(bytes);
      for (const [at, value] of changes) damaged[at] = value;
      survives(damaged);
    });
    fc.assert(property, { numRuns: 3000 });
  });
}

test("pickles of random instructions never throw", () => {
  const opcode = fc.constantFrom(
    ...[
      ...Buffer.from(
        "(.012NFGIJKLMSTUVXYZBCRabcdefghijklmnopqrstu]})t\x80\x81\x85\x86\x87\x88\x8f\x90\x91\x92\x93\x94",
        "latin1",
      ),
    ],
  );
  const body = fc.array(fc.oneof({ weight: 3, arbitrary: opcode }, fc.nat(255)), { maxLength: 40 });
  fc.assert(
    fc.property(body, (codes) => void survives(p.torchZip(p.pickle(2, codes), {}))),
    { numRuns: 5000 },
  );
});

test("manifests with bytes changed never throw", () => {
  const manifest = json([
    {
      paths: ["a.bin"],
      weights: [
        { name: "a", shape: [2, 2], dtype: "float32", quantization: { dtype: "uint8", scale: 0.5, min: -1 } },
      ],
    },
  ]);
  const files = { "a.bin": Uint8Array.of(1, 2, 3, 4) };
  assert.ok(survives(manifest, files));
  const property = fc.property(fc.nat(manifest.length - 1), fc.nat(255), (at, value) => {
    const damaged = Uint8Array.from(manifest);
    damaged[at] = value;
    survives(damaged, files);
  });
  fc.assert(property, { numRuns: 3000 });
});

test.run();
