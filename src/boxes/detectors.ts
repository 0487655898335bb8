/**
 * What detectors give, as boxes: RetinaNet (Lin et al. 2017), FCOS (Tian et al. 2019), and the two stages of Faster R-CNN (Ren et
 * al. 2015). Steps, their order and the defaults are those of torchvision's postprocess_detections and filter_proposals.
 *
 * Maps come in pyramids, the finest first. Their channels are grouped by anchors, as torchvision's heads have them:
 * `scores` of a map has anchors x classes channels, `deltas` anchors x 4.
 */
import { type AnchorShapes, anchors } from "./anchors.ts";
import { type BoxWeights, clipBoxes, decodeBoxes, decodeDistances } from "./coding.ts";
import { checkLength, countBoxes, type FeatureMap, type Size } from "./maps.ts";
import { largeBoxes, nms, strongest, take, takeBoxes } from "./select.ts";

/** Boxes in pixels of the network's input, the surest first. */
export interface Proposals {
  /** x1, y1, x2, y2 each. */
  readonly boxes: Float32Array;
  /** Between 0 and 1. */
  readonly scores: Float32Array;
}

/** Things that were found, the surest first. */
export interface Detections extends Proposals {
  /** Numbers of classes. */
  readonly labels: Int32Array;
}

export interface AnchorOptions {
  /** The size of what goes into the network. */
  readonly input: Size;
  /** How much of it, from the left upper corner on, is the picture; all of it unless given. Boxes end there. */
  readonly picture?: Size;
  /** The anchors of each map; those of the published weights unless given. */
  readonly shapes?: readonly AnchorShapes[];
}

interface Selection {
  /** What is less sure is left out. */
  readonly threshold?: number;
  /** Boxes that overlap by more count as the same thing. */
  readonly overlap?: number;
  /** How many boxes there are at most. */
  readonly most?: number;
}

/** For RetinaNet threshold 0.05, overlap 0.5, 300 at most; for FCOS 0.2, 0.6 and 100. */
export interface DetectorOptions extends AnchorOptions, Selection {
  /** How many of a map are looked at, the surest: 1000 unless given. */
  readonly perMap?: number;
}

/** Logits, and deltas of boxes. */
export interface PyramidMaps {
  readonly scores: readonly FeatureMap[];
  readonly deltas: readonly FeatureMap[];
}

/**
 * The boxes that RetinaNet found. Throws a RangeError where maps or shapes do not go together.
 *
 * A box may come out more than once, for different classes.
 */
export function retinanetBoxes(maps: PyramidMaps, options: DetectorOptions): Detections {
  const { input, shapes = retinanetShapes, threshold = 0.05, perMap = 1000 } = options;
  checkMaps(maps.scores, maps.deltas, shapes, 4);
  const around = anchors(maps.scores, input, shapes);
  const found = maps.scores.map(({ data }, level) => {
    const classes = (4 * data.length) / around[level].length;
    // A score is above its threshold where its logit is above that one's.
    const best = strongest(data, perMap, logit(threshold));
    const places = best.map((at) => Math.floor(at / classes));
    return {
      boxes: decodeBoxes(takeBoxes(maps.deltas[level].data, places), takeBoxes(around[level], places)),
      scores: take(data, best).map(sigmoid),
      labels: best.map((at) => at % classes),
    };
  });
  return detections(found, options, { overlap: 0.5, most: 300 });
}

/** FCOS also says how near the middle of a thing each place is; a place has one anchor, and deltas are distances. */
export interface FcosMaps extends PyramidMaps {
  readonly nearness: readonly FeatureMap[];
}

/** The boxes that FCOS found; its scores are the root of score times nearness. Throws as retinanetBoxes does. */
export function fcosBoxes(maps: FcosMaps, options: DetectorOptions): Detections {
  const { input, shapes = fcosShapes, threshold = 0.2, perMap = 1000 } = options;
  checkMaps(maps.scores, maps.deltas, shapes, 4);
  checkMaps(maps.scores, maps.nearness, shapes, 1);
  const around = anchors(maps.scores, input, shapes);
  const found = maps.scores.map(({ data }, level) => {
    const near = maps.nearness[level].data;
    const classes = data.length / near.length;
    const scores = Float32Array.from(data, (value, i) =>
      Math.sqrt(sigmoid(value) * sigmoid(near[Math.floor(i / classes)])),
    );
    const best = strongest(scores, perMap, threshold);
    const places = best.map((at) => Math.floor(at / classes));
    return {
      boxes: decodeDistances(takeBoxes(maps.deltas[level].data, places), takeBoxes(around[level], places)),
      scores: take(scores, best),
      labels: best.map((at) => at % classes),
    };
  });
  return detections(found, options, { overlap: 0.6, most: 100 });
}

function detections(
  found: readonly Detections[],
  { input, picture = input, ...options }: DetectorOptions,
  defaults: { readonly overlap: number; readonly most: number },
): Detections {
  const boxes = clipBoxes(
    found.flatMap((level) => Array.from(level.boxes)),
    picture,
  );
  const scores = found.flatMap((level) => Array.from(level.scores));
  const labels = found.flatMap((level) => Array.from(level.labels));
  const { overlap, most } = { ...defaults, ...options };
  const kept = nms(boxes, scores, overlap, labels).subarray(0, most);
  return {
    boxes: takeBoxes(boxes, kept),
    scores: take(scores, kept),
    labels: kept.map((index) => labels[index]),
  };
}

// ---- Faster R-CNN ---------------------------------------------------------------------------------------

/** Threshold 0, overlap 0.7 and 1000 at most unless given. */
export interface ProposalOptions extends AnchorOptions, Selection {
  /** How many of a map are looked at, the surest: 1000 unless given. */
  readonly perMap?: number;
  /** Boxes with a smaller side are left out: 0.001 pixels unless given. */
  readonly least?: number;
}

/**
 * The first stage's boxes: where something may be. `scores` has one channel an anchor. Throws a RangeError where maps or
 * shapes do not go together.
 */
export function proposals(maps: PyramidMaps, options: ProposalOptions): Proposals {
  const { input, picture = input, shapes = regionShapes, perMap = 1000, threshold = 0 } = options;
  const { overlap = 0.7, most = 1000, least = 1e-3 } = options;
  checkMaps(maps.scores, maps.deltas, shapes, 4);
  const around = anchors(maps.scores, input, shapes);
  const found = maps.scores.map(({ data }, level) => {
    const best = strongest(data, perMap);
    const all = decodeBoxes(takeBoxes(maps.deltas[level].data, best), takeBoxes(around[level], best));
    return { boxes: clipBoxes(all, picture), scores: take(data, best).map(sigmoid) };
  });
  const boxes = Float32Array.from(found.flatMap((level) => Array.from(level.boxes)));
  const scores = found.flatMap((level) => Array.from(level.scores));
  const levels = found.flatMap((level, i) => Array.from(level.scores, () => i));
  const possible = largeBoxes(boxes, least).filter((index) => scores[index] >= threshold);
  const kept = nms(takeBoxes(boxes, possible), take(scores, possible), overlap, take(levels, possible))
    .subarray(0, most)
    .map((index) => possible[index]);
  return { boxes: takeBoxes(boxes, kept), scores: take(scores, kept) };
}

/** Threshold 0.05, overlap 0.5 and 100 at most unless given. */
export interface RegionOptions extends Selection {
  /** The size of the picture, in pixels of the network's input. Boxes end there. */
  readonly picture: Size;
  /** 10, 10, 5, 5 unless given. */
  readonly weights?: BoxWeights;
  /** Boxes with a smaller side are left out: 0.01 pixels unless given. */
  readonly least?: number;
}

/**
 * The second stage's boxes, from what it says of each region (the boxes of `proposals`): `scores`, a logit for each class, and
 * `deltas`, four for each class. Class 0 is the background and does not come out. Throws a RangeError for lengths that do
 * not go together.
 */
export function regionBoxes(
  regions: ArrayLike<number>,
  given: { readonly scores: ArrayLike<number>; readonly deltas: ArrayLike<number> },
  options: RegionOptions,
): Detections {
  const { picture, weights = [10, 10, 5, 5], threshold = 0.05, least = 0.01 } = options;
  const { overlap = 0.5, most = 100 } = options;
  const count = countBoxes(regions);
  const classes = count === 0 ? 1 : given.scores.length / count;
  if (classes % 1 !== 0)
    throw new RangeError(`${given.scores.length} scores are no multiple of ${count} regions.`);
  checkLength("deltas", given.deltas, 4 * given.scores.length);
  const boxes = clipBoxes(decodeBoxes(given.deltas, regions, { weights }), picture);
  const scores = softmax(given.scores, classes);
  const possible = largeBoxes(boxes, least).filter(
    (index) => index % classes > 0 && scores[index] > threshold,
  );
  const kept = nms(
    takeBoxes(boxes, possible),
    take(scores, possible),
    overlap,
    possible.map((index) => index % classes),
  )
    .subarray(0, most)
    .map((index) => possible[index]);
  return {
    boxes: takeBoxes(boxes, kept),
    scores: take(scores, kept),
    labels: kept.map((index) => index % classes),
  };
}

function softmax(logits: ArrayLike<number>, classes: number): Float32Array {
  const scores = new Float32Array(logits.length);
  for (let start = 0; start < scores.length; start += classes) {
    let [most, sum] = [-Infinity, 0];
    for (let i = start; i < start + classes; i++) most = Math.max(most, logits[i]);
    for (let i = start; i < start + classes; i++) sum += Math.exp(logits[i] - most);
    for (let i = start; i < start + classes; i++) scores[i] = Math.exp(logits[i] - most) / sum;
  }
  return scores;
}

// ---- what all have --------------------------------------------------------------------------------------

const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));
const logit = (score: number): number => Math.log(score / (1 - score));

/** Throws unless there are as many maps of each kind, of equal sizes, with channels for the anchors. */
function checkMaps(
  scores: readonly FeatureMap[],
  others: readonly FeatureMap[],
  shapes: readonly AnchorShapes[],
  numbers: number,
): void {
  checkLength("maps of the second kind", others, scores.length);
  checkLength("shapes of anchors (one a map)", shapes, scores.length);
  for (const [i, map] of scores.entries()) {
    const count = shapes[i].sizes.length * shapes[i].ratios.length;
    const other = others[i];
    const fits =
      other.height === map.height &&
      other.width === map.width &&
      other.channels === numbers * count &&
      map.channels % count === 0;
    if (!fits) {
      const [a, b] = [map, other].map(({ height, width, channels }) => `${height}x${width}x${channels}`);
      throw new RangeError(`Maps ${i} are ${a} and ${b}, which does not suit ${count} anchors a place.`);
    }
    for (const { data, height, width, channels } of [map, other])
      checkLength(`values of a map of ${height}x${width}x${channels}`, data, height * width * channels);
  }
}

const ratios = [0.5, 1, 2];

/** Three sizes an octave. */
const retinanetShapes: readonly AnchorShapes[] = [32, 64, 128, 256, 512].map((size) => ({
  sizes: [0, 1, 2].map((third) => Math.floor(size * 2 ** (third / 3))),
  ratios,
}));

const regionShapes: readonly AnchorShapes[] = [32, 64, 128, 256, 512].map((size) => ({
  sizes: [size],
  ratios,
}));

/** As large as a place. */
const fcosShapes: readonly AnchorShapes[] = [8, 16, 32, 64, 128].map((size) => ({
  sizes: [size],
  ratios: [1],
}));
