/**
 * The weights file in chunks: what goes straight to its place, and what waits in the staging buffer to be expanded
 * to float32, or transformed for Winograd convolution, or both.
 */
import type { WeightChunk } from "../image.ts";
import type { Kernel } from "../kernels/kernel.ts";
import type { Step } from "../program.ts";
import {
  addStoredError,
  expandKernel,
  type StoredError,
  storedPanelBytes,
  storePanels,
} from "./precision.ts";
import type { Packed } from "./weights.ts";

/** Float32 panels that are staged at a time, unless one panel is larger. */
const stagingBytes = 4 * 1024 * 1024;

const roundUp = (size: number, to: number): number => Math.ceil(size / to) * to;

/** Neighbouring panels of a piece that make a chunk. */
interface Range {
  readonly panel: number;
  readonly count: number;
  /** In the file; a multiple of 16. */
  readonly bytes: number;
}

const rowsOf = ({ stored, panels, width }: Packed) => ({ width, panelFloats: stored / panels });

const isStaged = ({ precision, prepare }: Packed): boolean => precision !== "f32" || prepare !== undefined;

function rangesOf(piece: Packed): readonly Range[] {
  const { panels, precision } = piece;
  const rows = rowsOf(piece);
  const atOnce = isStaged(piece)
    ? Math.min(panels, Math.max(1, Math.floor(stagingBytes / (4 * rows.panelFloats))))
    : panels;
  const ranges: Range[] = [];
  for (let panel = 0; panel < panels; panel += atOnce) {
    const count = Math.min(atOnce, panels - panel);
    ranges.push({ panel, count, bytes: roundUp(count * storedPanelBytes(precision, rows), 16) });
  }
  return ranges;
}

/** The staging buffer: panels as stored, then the same as float32 where they are transformed yet. */
export interface Staging {
  readonly stored: number;
  readonly expanded: number;
}

export function stagingOf(pieces: readonly Packed[]): Staging {
  let stored = 0;
  let expanded = 0;
  for (const piece of pieces.filter(isStaged)) {
    const [{ bytes, count }] = rangesOf(piece);
    stored = Math.max(stored, roundUp(bytes, 64));
    if (piece.precision !== "f32" && piece.prepare)
      expanded = Math.max(expanded, 4 * count * rowsOf(piece).panelFloats);
  }
  return { stored, expanded };
}

/** `stagingAt` is where the staging buffer is, `staging` its parts. */
export function chunksOf(piece: Packed, stagingAt: number, staging: Staging): readonly WeightChunk[] {
  const { label, address, precision, prepare } = piece;
  if (!isStaged(piece)) return rangesOf(piece).map(({ bytes }) => ({ bytes, address, prepare: [] }));
  const rows = rowsOf(piece);
  const step = (what: string, kernel: Kernel, input: number, output: number, extra: number): Step => ({
    label: `${label} ${what}`,
    kernel,
    input,
    output,
    weights: 0,
    bias: 0,
    residual: 0,
    extra,
  });
  return rangesOf(piece).map(({ panel, count, bytes }) => {
    const steps: Step[] = [];
    let at = stagingAt;
    if (precision !== "f32") {
      at = prepare ? stagingAt + staging.stored : address + 4 * panel * rows.panelFloats;
      const kernel = expandKernel(precision, rows, count);
      steps.push(step("expand", kernel, stagingAt, at, rows.panelFloats / rows.width));
    }
    if (prepare) {
      const to = address + 4 * panel * prepare.preparedOfPanel;
      steps.push(step("transform", { ...prepare.kernel, units: count }, at, to, prepare.extra));
    }
    return { bytes, address: stagingAt, prepare: steps };
  });
}

/** Bytes of a piece in the file. */
export const storedBytes = (piece: Packed): number =>
  rangesOf(piece).reduce((sum, { bytes }) => sum + bytes, 0);

/**
 * The bytes of the weights file: every piece evaluated once, straight into its place. `error` is told what fewer bits
 * have changed.
 */
export function weightFile(
  pieces: readonly Packed[],
  onProgress?: (done: number, total: number) => void,
  error?: StoredError,
): Uint8Array {
  const file = new Uint8Array(pieces.reduce((sum, piece) => sum + storedBytes(piece), 0));
  let at = 0;
  for (const piece of pieces) {
    const values = piece.make();
    const rows = rowsOf(piece);
    for (const { panel, count, bytes } of rangesOf(piece)) {
      const part = values.subarray(panel * rows.panelFloats, (panel + count) * rows.panelFloats);
      storePanels(file, at, part, piece.precision, rows);
      if (error && piece.precision !== "f32") addStoredError(error, file, at, part, piece.precision, rows);
      at += bytes;
    }
    onProgress?.(at, file.length);
  }
  return file;
}
