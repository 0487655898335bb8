/**
 * Memory of activations. Every value gets a buffer that lives from the step that writes it to the last that reads
 * it; buffers whose lives do not meet share addresses. A buffer with a halo shares only with buffers of the same
 * geometry: producers write inside the frame, so the zeros that memory starts with stay for ever.
 */
import { invariant } from "../../../base/invariant.ts";
import { bytes, lanes, type MapLayout } from "../kernels/kernel.ts";

/** Zero pixels around a map. */
export interface Halo {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

export const noHalo: Halo = { top: 0, bottom: 0, left: 0, right: 0 };

export const widestHalo = (a: Halo, b: Halo): Halo => ({
  top: Math.max(a.top, b.top),
  bottom: Math.max(a.bottom, b.bottom),
  left: Math.max(a.left, b.left),
  right: Math.max(a.right, b.right),
});

export const hasHalo = ({ top, bottom, left, right }: Halo): boolean => top + bottom + left + right > 0;

export interface Buffer {
  /** The value it holds, for people. */
  readonly label: string;
  readonly floats: number;
  /** What must be equal for the zeros of two buffers to lie at the same places; absent without halo. */
  readonly geometry?: string | undefined;
  /** The first and last step that touch it. */
  first: number;
  last: number;
  /** In bytes, once allocated. */
  address: number;
}

/** A map in a buffer. */
export interface View {
  readonly buffer: Buffer;
  /** Floats from the buffer's start to pixel (0, 0). */
  readonly offset: number;
  readonly layout: MapLayout;
}

export function makeBuffer(label: string, floats: number, geometry?: string): Buffer {
  return { label, floats, geometry, first: Number.POSITIVE_INFINITY, last: -1, address: -1 };
}

/** A buffer for a map with zeros around it. */
export function makeMap(
  label: string,
  [height, width, channels]: readonly [number, number, number],
  halo: Halo,
  pixelStride = lanes(channels),
): View {
  const rows = halo.top + height + halo.bottom;
  const columns = halo.left + width + halo.right;
  const geometry = [
    height,
    width,
    channels,
    pixelStride,
    halo.top,
    halo.bottom,
    halo.left,
    halo.right,
  ].join();
  const layout = { height, width, channels, pixelStride, rowStride: columns * pixelStride };
  return {
    buffer: makeBuffer(label, rows * columns * pixelStride, hasHalo(halo) ? geometry : undefined),
    offset: (halo.top * columns + halo.left) * pixelStride,
    layout,
  };
}

/** Buffers start at cache lines, with a little room behind: register tiles may read past the end. */
const alignment = 64;
const slack = 256;

const roundUp = (size: number): number => Math.ceil(size / alignment) * alignment;

/** Gives every buffer an address from `start` on; returns the end. */
export function allocate(buffers: readonly Buffer[], start: number): number {
  const end = allocateFlat(
    buffers.filter(({ geometry }) => geometry === undefined),
    roundUp(start),
  );
  return allocateFramed(
    buffers.filter(({ geometry }) => geometry !== undefined),
    end,
  );
}

const meet = (a: Buffer, b: Buffer): boolean => a.first <= b.last && b.first <= a.last;

const sizeOf = ({ floats }: Buffer): number => roundUp(bytes(floats) + slack);

/** Largest first, each at the lowest address that no buffer of its time holds. */
function allocateFlat(buffers: readonly Buffer[], start: number): number {
  const placed: Buffer[] = [];
  let end = start;
  for (const buffer of [...buffers].sort((a, b) => b.floats - a.floats || a.first - b.first)) {
    const others = placed.filter((other) => meet(other, buffer)).sort((a, b) => a.address - b.address);
    let address = start;
    for (const other of others) {
      if (address + sizeOf(buffer) <= other.address) break;
      address = Math.max(address, other.address + sizeOf(other));
    }
    buffer.address = address;
    placed.push(buffer);
    end = Math.max(end, address + sizeOf(buffer));
  }
  return end;
}

/** In the order of time, each in a place that another of its geometry has left, or a new one. */
function allocateFramed(buffers: readonly Buffer[], start: number): number {
  const places = new Map<string, { readonly address: number; last: number }[]>();
  let end = start;
  for (const buffer of [...buffers].sort((a, b) => a.first - b.first)) {
    invariant(buffer.geometry !== undefined, `${buffer.label} has no frame`);
    const own = places.get(buffer.geometry) ?? [];
    places.set(buffer.geometry, own);
    let place = own.find(({ last }) => last < buffer.first);
    if (place) place.last = buffer.last;
    else {
      place = { address: end, last: buffer.last };
      own.push(place);
      end += sizeOf(buffer);
    }
    buffer.address = place.address;
  }
  return end;
}
