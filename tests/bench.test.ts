/** The benchmark's own arithmetic and its ONNX writer; what it measures needs no test, contestants must agree there. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { floors } from "../bench/floors.ts";
import { markdownTable } from "../bench/markdown.ts";
import { peakOfMaps } from "../bench/nets.ts";
import { hwioToOihw, nhwcToNchw, onnxModel } from "../bench/onnx.ts";
import { float, int, join, message, text } from "../bench/protobuf.ts";
import { difference, median, ratio, summarise } from "../bench/statistics.ts";
import { verdictOn } from "../bench/verdict.ts";
import { makeSource } from "../src/base/source.ts";
import { analyse } from "../src/compile.ts";
import { runPasses, standardPasses } from "../src/passes/pipeline.ts";
import { heWeights } from "../src/weights/initialise.ts";
import { messageOf } from "./support/message-of.ts";

const graphOf = (rows: string) =>
  analyse(makeSource("small.resnet", `net small {\n${rows}\n}`)).nets[0].graph;

test("medians and ratios", async () => {
  assert.is(median([3, 1, 2]), 2);
  assert.is(median([4, 1, 2, 3]), 2.5);
  assert.match(await messageOf(() => median([])), "no median");
  assert.equal(ratio(summarise([6, 8, 10]), summarise([2, 4, 9])), { min: 3, median: 2 });
});

test("a difference is a part of the largest value, and NaN is never near", () => {
  assert.is(difference([1, -4], [1, -3]), 0.25);
  assert.ok(Number.isNaN(difference([1, 2, 3], [1, Number.NaN, 3])));
  assert.ok(Number.isNaN(difference([1, 2], [1])));
});

test("verdicts take the best value and know what is near", () => {
  const least = { sense: "at least", floor: 2, aim: 3 } as const;
  assert.is(verdictOn([1.5, 3], least), "aim");
  assert.is(verdictOn([2], least), "pass");
  assert.is(verdictOn([1.95], least), "near");
  assert.is(verdictOn([1.9], least), "miss");
  const most = { sense: "at most", floor: 2 } as const;
  assert.is(verdictOn([2.5, 1.9], most), "pass");
  assert.is(verdictOn([2.05], most), "near");
  assert.is(verdictOn([2.1], most), "miss");
  assert.is(verdictOn([Number.NaN], most), "miss");
});

test("every floor has a title of its own and an aim beyond it", () => {
  assert.is(new Set(floors.map(({ title }) => title)).size, floors.length);
  for (const { title, sense, floor, aim = floor } of floors)
    assert.ok(sense === "at least" ? aim >= floor : aim <= floor, title);
});

test("tables are lined up", () => {
  assert.is(
    markdownTable(["a", "long"], [["wide", "b"]]),
    "| a    | long |\n| ---- | ---- |\n| wide | b    |",
  );
});

test("the lockfile of the peers has no addresses", () => {
  const lock = readFileSync(new URL("../bench/package-lock.json", import.meta.url), "utf8");
  assert.not.match(lock, '"resolved"');
});

test("maps die behind their last reader", () => {
  // The most is where the sum is made: both of its terms and itself.
  const graph = graphOf("input 8x8x4; a: conv(3x3, 16); b: conv(3x3, 16); a + b");
  assert.is(peakOfMaps(runPasses(graph, standardPasses)), 4 * 3 * 1024);
});

test("layouts are turned", () => {
  assert.equal([...nhwcToNchw(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), [1, 2, 2])], [1, 3, 2, 4, 5, 7, 6, 8]);
  const { shape, data } = hwioToOihw({ shape: [1, 2, 1, 2], data: Float32Array.of(1, 2, 3, 4) });
  assert.equal(shape, [2, 1, 1, 2]);
  assert.equal([...data], [1, 3, 2, 4]);
});

test("the wire format", () => {
  // The examples of protobuf's documentation, and a negative number.
  assert.equal([...join(int(1, 150))], [0x08, 0x96, 0x01]);
  assert.equal([...join(text(2, "testing"))], [0x12, 7, ...Buffer.from("testing")]);
  assert.equal([...join(message(3, int(1, 150)))], [0x1a, 3, 0x08, 0x96, 0x01]);
  assert.equal([...join(int(1, -1))], [0x08, ...Array(9).fill(0xff), 0x01]);
  assert.equal([...join(float(2, 1))], [0x15, 0, 0, 0x80, 0x3f]);
});

type Field = readonly [number: number, value: number | Uint8Array];

/** The fields of a message: numbers and bytes. */
function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let unit = 1; ; unit *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    if ((key & 7) === 0) {
      fields.push([key >> 3, varint()]);
      continue;
    }
    const length = (key & 7) === 5 ? 4 : varint();
    at += length;
    fields.push([key >> 3, bytes.subarray(at - length, at)]);
  }
  return fields;
}

const parts = (bytes: Uint8Array, wanted: number): Uint8Array[] =>
  fieldsOf(bytes).flatMap(([number, value]) => (number === wanted ? [value as Uint8Array] : []));
const texts = (bytes: Uint8Array, wanted: number): string[] =>
  parts(bytes, wanted).map((value) => Buffer.from(value).toString());
const numbers = (bytes: Uint8Array, wanted: number): number[] =>
  fieldsOf(bytes).flatMap(([number, value]) => (number === wanted ? [value as number] : []));

test("a network becomes ONNX's nodes, in ONNX's layouts", () => {
  const source = graphOf(`input 8x8x4
    stem: conv(3x3, 16, groups = 2) -> bn -> relu6
    body: conv(1x1, 16) -> bn
    body + stem -> relu
    maxpool(2x2) /2 -> avgpool
    fc: dense(10)`);
  const model = onnxModel(runPasses(source, standardPasses), heWeights(source, 1));
  const [graph] = parts(model, 7);
  const nodes = parts(graph, 1);
  assert.equal(
    nodes.flatMap((node) => texts(node, 4)),
    ["Conv", "Clip", "Conv", "Add", "Relu", "MaxPool", "GlobalAveragePool", "Flatten", "Gemm", "Reshape"],
  );
  const attributes = Object.fromEntries(
    parts(nodes[0], 5).map((one) => [texts(one, 1)[0], [...numbers(one, 3), ...numbers(one, 8)]]),
  );
  assert.equal(attributes, {
    kernel_shape: [3, 3],
    strides: [1, 1],
    pads: [1, 1, 1, 1],
    group: [2],
    dilations: [1, 1],
  });
  const [, kernel] = texts(nodes[0], 1);
  const stored = parts(graph, 5).find((one) => texts(one, 8)[0] === kernel)!;
  assert.equal(numbers(stored, 1), [16, 2, 3, 3]);
  assert.is(parts(stored, 9)[0].length, 4 * 16 * 2 * 3 * 3);
});

test("an operation that the writer does not know is named", async () => {
  const graph = graphOf("input 8x8x4; upsample(2)");
  const why = await messageOf(() => onnxModel(graph, heWeights(graph, 1)));
  assert.is(why, "The ONNX writer of the benchmark does not know the operation resize.");
});

test.run();
