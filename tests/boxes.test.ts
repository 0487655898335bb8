/**
 * resnetc/boxes against torchvision's own code (scripts/upstream-boxes.py), on numbers that follow from names; and what holds
 * of any boxes.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type AnchorShapes,
  anchors,
  cellAnchors,
  clipBoxes,
  type Detections,
  decodeBoxes,
  decodeDistances,
  encodeBoxes,
  type FeatureMap,
  fcosBoxes,
  featureMaps,
  gridAnchors,
  largeBoxes,
  nms,
  overlap,
  type Proposals,
  proposals,
  pyramidLevels,
  regionBoxes,
  regionMaps,
  retinanetBoxes,
  strongest,
} from "../src/boxes/index.ts";
import { compileSources } from "./support/compiled-sources.ts";
import { filler } from "./support/filler.ts";
import { root } from "./support/nets.ts";

const wanted = JSON.parse(readFileSync(path.join(root, "tests/fixtures/upstream-boxes.json"), "utf8"));

const input = { height: 96, width: 128 };
const part = { height: 90, width: 100 };
const sizes = [
  [12, 16],
  [6, 8],
  [3, 4],
  [2, 2],
  [1, 1],
];

const values = (name: string, count: number, scale: number): Float64Array =>
  Float64Array.from(filler.tensor(`${name}.bias`, [count], 1), (value) => value * scale);

const mapsOf = (name: string, channels: number, scale: number, of = sizes): FeatureMap[] =>
  of.map(([height, width], i) => ({
    ...{ height, width, channels },
    data: values(`${name}.${i}`, height * width * channels, scale),
  }));

/** Within what float32 leaves of pixels and of scores. */
function assertNear(found: ArrayLike<number>, numbers: readonly number[], tolerance: number): void {
  assert.is(found.length, numbers.length);
  for (const [i, value] of numbers.entries())
    assert.ok(Math.abs(found[i] - value) <= tolerance, `${i}: ${found[i]} for ${value}`);
}

function assertFound(found: Proposals | Detections, { boxes, scores, labels }: typeof wanted): void {
  assertNear(found.scores, scores, 1e-6);
  assertNear(found.boxes, boxes, 1e-4);
  if (labels) assert.equal(Array.from((found as Detections).labels), labels);
}

const upstream = suite("torchvision's");

upstream("anchors, with its rounding", () => {
  const maps = sizes.map(([height, width]) => ({ height, width }));
  for (const { shapes, cells, counts, last, sums } of wanted.anchors) {
    assert.equal(
      shapes.map((each: AnchorShapes) => Array.from(cellAnchors(each))),
      cells,
    );
    const all = anchors(maps, input, shapes);
    assert.equal(
      all.map(({ length }) => length / 4),
      counts,
    );
    assert.equal(
      all.map((boxes) => Array.from(boxes.slice(-4))),
      last,
    );
    const sumsOf = (boxes: Float32Array) =>
      [0, 1, 2, 3].map((k) => boxes.reduce((sum, value, i) => sum + (i % 4 === k ? value : 0), 0));
    assert.equal(all.map(sumsOf), sums);
  }
});

upstream("coding of boxes", () => {
  const { boxes, deltas, plain, weighted, encoded, distances } = wanted.coding;
  const weights = [10, 10, 5, 5] as const;
  assertNear(decodeBoxes(deltas, boxes), plain, 2e-3);
  assertNear(decodeBoxes(deltas, boxes, { weights }), weighted, 1e-3);
  const firsts = (all: number[]) => all.filter((_, i) => i % 8 < 4);
  assertNear(encodeBoxes(firsts(weighted), boxes, { weights }), encoded, 1e-5);
  assertNear(decodeDistances(firsts(deltas), boxes), distances, 1e-4);
});

upstream("detections of RetinaNet", () => {
  const maps = {
    scores: mapsOf("retinanet.scores", 36, 40),
    deltas: mapsOf("retinanet.deltas", 36, 10),
  };
  assertFound(retinanetBoxes(maps, { input }), wanted.retinanet);
  const few = { picture: part, threshold: 0.6, overlap: 0.3, most: 40, perMap: 100 };
  assertFound(retinanetBoxes(maps, { input, ...few }), wanted.retinanetFew);
});

upstream("detections of FCOS", () => {
  const positive = (map: FeatureMap) => ({ ...map, data: Array.from(map.data, Math.abs) });
  const maps = {
    scores: mapsOf("fcos.scores", 4, 40),
    deltas: mapsOf("fcos.deltas", 4, 20).map(positive),
    nearness: mapsOf("fcos.nearness", 1, 40),
  };
  assertFound(fcosBoxes(maps, { input }), wanted.fcos);
  const few = { picture: part, threshold: 0.6, overlap: 0.3, most: 40, perMap: 100 };
  assertFound(fcosBoxes(maps, { input, ...few }), wanted.fcosFew);
});

upstream("proposals of Faster R-CNN", () => {
  const maps = {
    scores: mapsOf("proposals.scores", 3, 40),
    deltas: mapsOf("proposals.deltas", 12, 20),
  };
  assertFound(proposals(maps, { input }), wanted.proposals);
  const few = { picture: part, threshold: 0.6, overlap: 0.5, most: 30, perMap: 50 };
  assertFound(proposals(maps, { input, ...few }), wanted.proposalsFew);
});

upstream("second stage of Faster R-CNN", () => {
  const u = values("regions", 120, 10).map(Math.abs);
  const regions = Array.from({ length: 30 }, (_, i) => {
    const [a, b, c, d] = u.subarray(4 * i, 4 * i + 4);
    const [x, y] = [a * input.width * 0.8, b * input.height * 0.8];
    return [x, y, x + c * (input.width - x), y + d * (input.height - y)];
  }).flat();
  const given = { scores: values("second.scores", 120, 40), deltas: values("second.deltas", 480, 20) };
  assertFound(regionBoxes(regions, given, { picture: input }), wanted.second);
  const few = { picture: part, threshold: 0.4, overlap: 0.2, most: 12 };
  assertFound(regionBoxes(regions, given, few), wanted.secondFew);
});

upstream("regions cut out of a pyramid", () => {
  const maps = mapsOf("regions.maps", 2, 10, [
    [64, 64],
    [32, 32],
    [16, 16],
  ]);
  const size = { height: 512, width: 512 };
  const { boxes, maps: cut } = wanted.regions;
  assertNear(regionMaps(maps, boxes, { input: size, side: 3 }), cut, 1e-6);
  assert.equal([...new Set(pyramidLevels(maps, boxes, size))].sort(), [0, 1, 2]);
});

upstream.run();

// ---- what holds of any boxes ----------------------------------------------------------------------------

const box = fc
  .tuple(
    ...[0, 0].map(() => fc.integer({ min: 0, max: 100 })),
    ...[0, 0].map(() => fc.integer({ min: 1, max: 80 })),
  )
  .map(([x, y, width, height]) => [x, y, x + width, y + height]);

const scored = fc
  .array(fc.tuple(box, fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 2 })), { maxLength: 30 })
  .map((list) => ({
    boxes: list.flatMap(([corners]) => corners),
    scores: list.map(([, score]) => score / 20),
    groups: list.map(([, , group]) => group),
  }));

const picked = (values: readonly number[], indices: Int32Array) => Array.from(indices, (i) => values[i]);
const pickedBoxes = (boxes: readonly number[], indices: Int32Array) =>
  Array.from(indices).flatMap((i) => boxes.slice(4 * i, 4 * i + 4));

const any = suite("any boxes");

any("what nms keeps does not overlap, what it drops is overlapped by something surer", () => {
  const property = fc.property(
    scored,
    fc.integer({ min: 1, max: 9 }),
    ({ boxes, scores, groups }, tenths) => {
      const threshold = tenths / 10;
      const kept = nms(boxes, scores, threshold, groups);
      const isKept = new Set(kept);
      const hides = (i: number, k: number) =>
        groups[i] === groups[k] && overlap(boxes, i, boxes, k) > threshold;
      for (const [at, i] of kept.entries()) {
        assert.ok(at === 0 || scores[kept[at - 1]] >= scores[i]);
        assert.not.ok(kept.some((k) => k !== i && hides(k, i)));
      }
      for (const i of scores.keys())
        if (!isKept.has(i)) assert.ok(kept.some((k) => scores[k] >= scores[i] && hides(k, i)));
    },
  );
  fc.assert(property, { numRuns: 500 });
});

any("nms of what it kept keeps all", () => {
  const property = fc.property(scored, ({ boxes, scores, groups }) => {
    const kept = nms(boxes, scores, 0.4, groups);
    const again = nms(pickedBoxes(boxes, kept), picked(scores, kept), 0.4, picked(groups, kept));
    assert.equal(Array.from(again), Array.from(kept.keys()));
  });
  fc.assert(property, { numRuns: 300 });
});

any("groups are as if each were alone", () => {
  const property = fc.property(scored, ({ boxes, scores, groups }) => {
    const together = Array.from(nms(boxes, scores, 0.4, groups)).sort((a, b) => a - b);
    const alone = [0, 1, 2].flatMap((group) => {
      const own = Int32Array.from([...groups.keys()].filter((i) => groups[i] === group));
      return picked([...own], nms(pickedBoxes(boxes, own), picked(scores, own), 0.4));
    });
    assert.equal(
      together,
      alone.sort((a, b) => a - b),
    );
  });
  fc.assert(property, { numRuns: 300 });
});

any("decoding undoes encoding", () => {
  const property = fc.property(fc.array(fc.tuple(box, box), { maxLength: 8 }), (pairs) => {
    const [from, to] = [pairs.flatMap(([a]) => a), pairs.flatMap(([, b]) => b)];
    const weights = [10, 10, 5, 5] as const;
    // No side grows by more than the clamp: 80 by 1 is more than 1000 by 16.
    const clamp = Math.log(100);
    assertNear(decodeBoxes(encodeBoxes(to, from, { weights }), from, { weights, clamp }), to, 1e-2);
  });
  fc.assert(property, { numRuns: 300 });
});

any("the strongest are the first of all sorted", () => {
  const scores = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 60 });
  const many = fc
    .tuple(scores, fc.integer({ min: 1, max: 60 }))
    .map(([list, n]) => Array(n).fill(list).flat());
  const property = fc.property(many, fc.nat(40), fc.integer({ min: -1, max: 9 }), (list, most, threshold) => {
    const sorted = [...list.keys()]
      .filter((i) => list[i] > threshold)
      .sort((a, b) => list[b] - list[a] || a - b);
    assert.equal(Array.from(strongest(list, most, threshold)), sorted.slice(0, most));
  });
  fc.assert(property, { numRuns: 300 });
});

any("clipped boxes are in the picture, and the same when clipped again", () => {
  const property = fc.property(fc.array(box), ([...list]) => {
    const clipped = clipBoxes(
      list.flat().map((value) => 2 * value - 100),
      part,
    );
    assert.ok(clipped.every((value, i) => value >= 0 && value <= (i % 2 ? part.height : part.width)));
    assert.equal(clipBoxes(clipped, part), clipped);
  });
  fc.assert(property);
});

any("none, and scores that are no numbers", () => {
  assert.equal(Array.from(nms([], [], 0.5)), []);
  assert.equal(Array.from(nms([0, 0, 1, 1, 0, 0, 1, 1], [Number.NaN, 1], 0.5)), [1]);
  // Without area there is nothing to overlap.
  assert.equal(Array.from(nms([1, 1, 1, 1, 1, 1, 1, 1], [1, 1], 0.5)), [0, 1]);
  assert.equal(Array.from(largeBoxes([0, 0, 2, 1, 0, 0, 1, 2], 2)), []);
  assert.equal(decodeBoxes([], []).length, 0);
  assert.equal(regionBoxes([], { scores: [], deltas: [] }, { picture: part }).boxes.length, 0);
});

any("deltas are clamped before exp", () => {
  const [x1, , x2] = decodeBoxes([0, 0, 1000, 0], [0, 0, 16, 16]);
  assert.is(x2 - x1, 1000);
});

any("mistakes have sentences", () => {
  const map = { height: 1, width: 1, channels: 3, data: [0, 0, 0] };
  const throws = (act: () => unknown, message: RegExp) => assert.throws(act, message);
  throws(() => nms([0, 0, 1], [1], 0.5), /A box has four numbers, and 3 are no multiple/);
  throws(() => nms([0, 0, 1, 1], [], 0.5), /There must be 1 scores \(one a box\), there are 0/);
  throws(() => decodeBoxes([0, 0, 0, 0], [0, 0, 1, 1, 0, 0, 1, 1]), /4 deltas are no multiple of 2 boxes/);
  throws(
    () => proposals({ scores: [map], deltas: [map] }, { input }),
    /There must be 1 shapes of anchors \(one a map\), there are 5/,
  );
  const shapes = [{ sizes: [8], ratios: [1, 2, 3] }];
  throws(
    () => proposals({ scores: [map], deltas: [map] }, { input, shapes }),
    /Maps 0 are 1x1x3 and 1x1x3, which does not suit 3 anchors a place/,
  );
  throws(() => regionMaps([], [], { input }), /There must be a map at least/);
  throws(
    () => featureMaps({ a: new Float32Array(3) }, [{ name: "a", shape: [1, 1, 2, 2] }]),
    /Of "a" picture 0 needs 4 values in all; it has 3/,
  );
});

any("results become maps, picture by picture", () => {
  const { a } = featureMaps({ a: Float32Array.of(1, 2, 3, 4) }, [{ name: "a", shape: [1, 2, 1] }], 1);
  assert.equal(a, { height: 1, width: 2, channels: 1, data: Float32Array.of(3, 4) });
  assert.equal(
    Array.from(gridAnchors([-1, -1, 1, 1], a, { height: 8, width: 4 })),
    [-1, -1, 1, 1, 3, -1, 5, 1],
  );
});

any("the package exports it, and it stands alone", async () => {
  const { exports } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  assert.equal(exports["./boxes"], {
    types: "./build/boxes/index.d.ts",
    default: "./build/boxes/index.js",
  });
  const compiled = compileSources("boxes/index.ts");
  const alone = await import(pathToFileURL(path.join(compiled.folder, "boxes/index.js")).href);
  assert.equal(Array.from(alone.nms([0, 0, 2, 2, 0, 0, 2, 2], [0.5, 0.6], 0.5)), [1]);
  compiled.remove();
});

any.run();
