/** How weights are stored: as they are, or in fewer bits, which the module expands at load. */
import { invariant } from "../../../base/invariant.ts";
import { percent } from "../../../base/show-number.ts";
import { decodeElements } from "../../../weights/elements.ts";
import type { Precision } from "../../target.ts";
import { expandBytesKernel, expandHalfKernel } from "../kernels/expand.ts";
import type { Kernel } from "../kernels/kernel.ts";

export { type Precision, precisions } from "../../target.ts";

/** Panels of rows of `width` channels. */
export interface Rows {
  readonly width: number;
  readonly panelFloats: number;
}

/** Bytes of a stored panel. */
export function storedPanelBytes(precision: Precision, { width, panelFloats }: Rows): number {
  if (precision === "f32") return 4 * panelFloats;
  return precision === "f16" ? 2 * panelFloats : panelFloats + 8 * width;
}

/** Makes float32 of stored panels; `extra` is the rows of a panel. */
export function expandKernel(precision: "f16" | "u8", { width }: Rows, panels: number): Kernel {
  return precision === "f16" ? expandHalfKernel(width, panels) : expandBytesKernel(width, panels);
}

/** Writes whole panels of values to `file` at `at`. */
export function storePanels(
  file: Uint8Array,
  at: number,
  values: Float32Array,
  precision: Precision,
  rows: Rows,
): void {
  if (precision === "f32") new Float32Array(file.buffer, file.byteOffset + at, values.length).set(values);
  else if (precision === "f16")
    storeHalves(new Uint16Array(file.buffer, file.byteOffset + at, values.length), values);
  else storeBytes(file, at, values, rows);
}

const largestHalf = 65504;

function storeHalves(to: Uint16Array, values: Float32Array): void {
  for (let i = 0; i < values.length; i++) to[i] = halfOf(values[i]);
}

const float = new Float32Array(1);
const bitsOfFloat = new Uint32Array(float.buffer);

/** The nearest half, ties to even; the largest one for what is beyond it. */
export function halfOf(value: number): number {
  const magnitude = Math.min(Math.abs(value), largestHalf);
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  // Below 2^-14 halves are multiples of 2^-24.
  if (magnitude < 2 ** -14) return sign | roundToEven(magnitude * 2 ** 24);
  float[0] = magnitude;
  const bits = bitsOfFloat[0];
  // Round the lower 13 bits away; a carry goes into the exponent, as it should.
  const rounded = bits + 0xfff + ((bits >>> 13) & 1);
  return sign | Math.min((rounded >>> 13) - (112 << 10), 0x7bff);
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor + (floor % 2);
}

function storeBytes(file: Uint8Array, at: number, values: Float32Array, { width, panelFloats }: Rows): void {
  invariant(at % 4 === 0, "heads of panels are floats");
  const panels = values.length / panelFloats;
  for (let panel = 0; panel < panels; panel++) {
    const start = at + panel * (panelFloats + 8 * width);
    const head = new Float32Array(file.buffer, file.byteOffset + start, 2 * width);
    const from = panel * panelFloats;
    for (let channel = 0; channel < width; channel++) {
      let low = Number.POSITIVE_INFINITY;
      let high = Number.NEGATIVE_INFINITY;
      for (let i = from + channel; i < from + panelFloats; i += width) {
        low = Math.min(low, values[i]);
        high = Math.max(high, values[i]);
      }
      const step = (high - low) / 255;
      head[channel] = low;
      head[width + channel] = step;
      for (let i = channel; i < panelFloats; i += width)
        file[start + 8 * width + i] = step === 0 ? 0 : Math.round((values[from + i] - low) / step);
    }
  }
}

/** What storing in fewer bits has changed: sums of squares. */
export interface StoredError {
  values: number;
  differences: number;
}

/** The root mean square of the differences, relative to that of the values. */
export const relativeError = ({ values, differences }: StoredError): number =>
  values === 0 ? 0 : Math.sqrt(differences / values);

/** For people. */
export const storedNote = (precision: Precision, error: StoredError): string =>
  `${precision}: weights off by ${percent(relativeError(error))} of their size (root mean square)`;

/** Adds what became of the values that `storePanels` has written to `file` at `at`. */
export function addStoredError(
  error: StoredError,
  file: Uint8Array,
  at: number,
  values: Float32Array,
  precision: "f16" | "u8",
  rows: Rows,
): void {
  const bytes = (values.length / rows.panelFloats) * storedPanelBytes(precision, rows);
  const stored = file.subarray(at, at + bytes);
  const found =
    precision === "f16" ? decodeElements(stored, "f16") : decodeBytes(stored, values.length, rows);
  for (let i = 0; i < values.length; i++) {
    error.values += values[i] ** 2;
    error.differences += (values[i] - found[i]) ** 2;
  }
}

function decodeBytes(stored: Uint8Array, count: number, { width, panelFloats }: Rows): Float32Array {
  const values = new Float32Array(count);
  for (let from = 0, at = 0; from < count; from += panelFloats, at += panelFloats + 8 * width) {
    const head = new Float32Array(stored.buffer, stored.byteOffset + at, 2 * width);
    for (let i = 0; i < panelFloats; i++) {
      const channel = i % width;
      values[from + i] = head[channel] + head[width + channel] * stored[at + 8 * width + i];
    }
  }
  return values;
}
