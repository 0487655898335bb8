/**
 * `resnetc/boxes`: from what a detector gives to boxes in pixels. Pure functions over arrays, without dependencies, for
 * pages, workers and Node. Boxes are corners x1, y1, x2, y2, four numbers each, in pixels of the network's input, x to the
 * right and y down. The rules and defaults are torchvision's.
 */
export { type AnchorShapes, anchors, cellAnchors, gridAnchors } from "./anchors.ts";
export {
  type BoxWeights,
  type CodingOptions,
  clipBoxes,
  decodeBoxes,
  decodeDistances,
  encodeBoxes,
} from "./coding.ts";
export {
  type AnchorOptions,
  type Detections,
  type DetectorOptions,
  type FcosMaps,
  fcosBoxes,
  type ProposalOptions,
  type Proposals,
  type PyramidMaps,
  proposals,
  type RegionOptions,
  regionBoxes,
  retinanetBoxes,
} from "./detectors.ts";
export { type FeatureMap, featureMaps, type Output, type Size } from "./maps.ts";
export { pyramidLevels, type RegionPlaces, regionMaps } from "./regions.ts";
export { largeBoxes, nms, overlap, strongest } from "./select.ts";
