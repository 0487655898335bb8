/** Checkpoints in several safetensors files: the index and its files must agree in both directions. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { writeSafetensors } from "../src/weights/write-safetensors.ts";
import { openBytes, valuesOf } from "./support/checkpoints.ts";

type Files = Readonly<Record<string, Uint8Array>>;

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const shard = (...names: string[]): Uint8Array =>
  writeSafetensors(
    names.map((name) => ({ name, shape: [2], data: Float32Array.of(name.length, name.charCodeAt(0)) })),
  );

const one = "model-00001-of-00002.safetensors";
const two = "model-00002-of-00002.safetensors";
const map = { "conv1.weight": one, "bn.bias": one, fc: two };
const whole: Files = {
  "net/model.safetensors.index.json": json({ metadata: { total_size: 24 }, weight_map: map }),
  [`net/${one}`]: shard("conv1.weight", "bn.bias"),
  [`net/${two}`]: shard("fc"),
};

/** The message that the whole gives with other files in places. */
function refusal(changes: Readonly<Record<string, Uint8Array | undefined>>): string {
  const files = Object.entries({ ...whole, ...changes }).filter(
    (entry): entry is [string, Uint8Array] => !!entry[1],
  );
  const { checkpoint, diagnostics } = openBytes(Object.fromEntries(files));
  assert.is(checkpoint, undefined);
  assert.is(diagnostics.length, 1);
  return diagnostics[0].message;
}

const withMap = (weight_map: unknown): Record<string, Uint8Array> => ({
  "net/model.safetensors.index.json": json({ weight_map }),
});

test("every tensor comes from the file that the map says", () => {
  const { checkpoint, diagnostics } = openBytes(whole);
  assert.equal(diagnostics, []);
  assert.is(checkpoint!.format, "safetensors");
  assert.is(checkpoint!.layout, "torch");
  assert.equal(checkpoint!.notes, ["joined from 2 files"]);
  assert.equal([...checkpoint!.tensors.keys()], ["conv1.weight", "bn.bias", "fc"]);
  for (const name of Object.keys(map)) {
    assert.equal(checkpoint!.tensors.get(name)!.shape, [2]);
    assert.equal(valuesOf(checkpoint!, name), [name.length, name.charCodeAt(0)]);
  }
});

test("a map and files that disagree are refused", () => {
  const missing = refusal({ [`net/${two}`]: undefined });
  assert.match(missing, `its file ${two} cannot be read: no such file`);
  assert.match(
    refusal({ [`net/${two}`]: shard("other") }),
    `its index says that \`fc\` is in ${two}, but it is not`,
  );
  assert.match(
    refusal({ [`net/${two}`]: shard("fc", "more") }),
    `${two} has \`more\`, which its index does not name`,
  );
  assert.match(
    refusal({ [`net/${two}`]: shard("fc", "bn.bias") }),
    `${two} has \`bn.bias\`, by its index it is in ${one}`,
  );
  assert.match(refusal({ [`net/${two}`]: whole[`net/${two}`].subarray(0, -1) }), `in its file ${two}: `);
  assert.match(
    refusal({ [`net/${two}`]: new TextEncoder().encode("<html>") }),
    `its file ${two} is no safetensors file: it is a web page`,
  );
});

test("an index names files beside it and nothing else", () => {
  for (const path of ["../a.safetensors", "/etc/passwd", "C:\\a", "x/../../a", "https://a.b/c", "a\0", ""]) {
    assert.match(refusal(withMap({ fc: path })), /its index names a file outside its folder/);
  }
  const texts = [null, 3, { toString: 1, valueOf: 1 }, [two]];
  for (const path of texts) assert.match(refusal(withMap({ fc: path })), /by something that is no text/);
  assert.match(refusal(withMap({})), /its index names no tensors/);
  assert.match(refusal(withMap([])), /no tfjs weight manifest and no index/);
});

test("changed and cut files give a checkpoint or one diagnostic", () => {
  const paths = Object.keys(whole);
  const change = fc.tuple(fc.nat(2), fc.nat(), fc.nat(255), fc.boolean());
  const property = fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
    const files: Record<string, Uint8Array> = { ...whole };
    for (const [file, place, value, isCut] of changes) {
      const path = paths[file];
      const at = place % Math.max(1, files[path].length);
      const damaged = Uint8Array.from(isCut ? files[path].subarray(0, at) : files[path]);
      if (!isCut) damaged[at] = value;
      files[path] = damaged;
    }
    const { checkpoint, diagnostics } = openBytes(files);
    assert.is(diagnostics.length, checkpoint ? 0 : 1);
    for (const tensor of checkpoint?.tensors.values() ?? []) tensor.read();
  });
  fc.assert(property, { numRuns: 2000 });
});

test.run();
