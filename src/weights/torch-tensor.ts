/** Tensors and storages as torch's pickles describe them: a storage is a run of elements, a tensor a window on it. */
import {
  decodeElements,
  type ElementType,
  elementBytes,
  type Floats,
  gather,
  isContiguous,
  type Strided,
} from "./elements.ts";
import { countOf, isKind, itemsOf, kindOf, type PyObject, type Value } from "./pickle-values.ts";
import { checkRank, countElements } from "./shapes.ts";
import type { DType } from "./torch-globals.ts";
import { ensure, Unreadable } from "./unreadable.ts";

export interface TorchStorage extends PyObject {
  readonly type: "storage";
  readonly element: ElementType;
  /** How many elements the pickle says it has. */
  readonly count: number;
  /** The bytes, once the container was read to where they stand. */
  bytes: Uint8Array | undefined;
}

export interface TorchTensor extends PyObject, Strided {
  readonly type: "tensor";
  readonly storage: TorchStorage;
  readonly element: ElementType;
}

export const isTensor = (value: Value | undefined): value is TorchTensor =>
  isKind(value, "object") && value.type === "tensor";

export const isStorage = (value: Value | undefined): value is TorchStorage =>
  isKind(value, "object") && value.type === "storage";

export const makeStorage = (element: ElementType, count: number): TorchStorage => ({
  kind: "object",
  type: "storage",
  element,
  count,
  bytes: undefined,
});

/** A window on a storage, checked to lie inside it: afterwards nothing can be read from outside the file. */
export function makeTensor(
  storage: Value | undefined,
  offset: Value | undefined,
  shape: Value | undefined,
  strides: Value | undefined,
  dtype?: Value,
): TorchTensor {
  ensure(isStorage(storage), `a tensor in it stands on ${kindOf(storage)}`);
  const element =
    isKind(dtype, "object") && dtype.type === "dtype" ? (dtype as DType).element : storage.element;
  const sides = itemsOf(shape, "the shape of a tensor");
  const steps = itemsOf(strides, "the strides of a tensor");
  checkRank(sides.length, "a tensor in it");
  ensure(
    sides.length === steps.length,
    `a tensor in it has ${sides.length} sides and ${steps.length} strides`,
  );
  const window: Strided = {
    offset: countOf(offset, "the offset of a tensor"),
    shape: sides.map((side) => countOf(side, "a side of a tensor")),
    strides: steps.map((stride) => countOf(stride, "a stride of a tensor")),
  };
  checkInside(window, Math.floor((storage.count * elementBytes[storage.element]) / elementBytes[element]));
  return { kind: "object", type: "tensor", storage, element, ...window };
}

function checkInside({ shape, strides, offset }: Strided, available: number): void {
  const count = countElements(shape, "a tensor in it");
  if (count === 0) return;
  const last = shape.reduce((at, side, i) => at + (side - 1) * strides[i], offset);
  if (last >= available)
    throw new Unreadable(
      `a tensor of [${shape.join(", ")}] needs ${last + 1} elements, its storage has ${available}`,
    );
  // expand() makes a tensor larger than its storage; a file could ask for any amount of memory that way.
  if (count > available)
    throw new Unreadable(
      `a tensor of [${shape.join(", ")}] repeats a storage of ${available} elements: save it contiguous`,
    );
}

/** The values of a tensor in row-major order. */
export function readTensor({ storage, element, ...window }: TorchTensor): Floats {
  const { bytes } = storage;
  if (!bytes) throw new Unreadable("a tensor in it has no data");
  const width = elementBytes[element];
  if (!isContiguous(window)) return decodeElements(gather(bytes, width, window), element);
  const count = window.shape.reduce((product, side) => product * side, 1);
  const start = window.offset * width;
  return decodeElements(bytes.subarray(start, start + count * width), element);
}
