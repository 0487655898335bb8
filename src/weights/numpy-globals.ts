/**
 * NumPy values in a pickle: scalars such as the accuracy a checkpoint was saved with, and arrays, which some
 * scripts store in place of tensors.
 *
 *     ndarray = _reconstruct(ndarray, (0,), b"b");  BUILD (version, shape, dtype, fortran order, bytes)
 */
import { decodeElements, type ElementType, elementBytes, numpyElements } from "./elements.ts";
import {
  type Budget,
  countOf,
  isKind,
  itemsOf,
  latin1Bytes,
  type PyCallable,
  type PyObject,
  textOf,
  type Value,
} from "./pickle-values.ts";
import { checkRank, countElements } from "./shapes.ts";
import { makeStorage, makeTensor, type TorchStorage } from "./torch-tensor.ts";
import { ensure } from "./unreadable.ts";

interface NumpyType extends PyObject {
  readonly type: "numpy dtype";
  readonly element: ElementType | undefined;
  order: string;
}

export interface NumpyArray extends PyObject {
  readonly type: "numpy array";
  /** The array as a tensor; absent until its state was set, or if its elements are no numbers. */
  tensor?: ReturnType<typeof makeTensor>;
}

export const isArray = (value: Value | undefined): value is NumpyArray =>
  isKind(value, "object") && value.type === "numpy array";

const isType = (value: Value | undefined): value is NumpyType =>
  isKind(value, "object") && value.type === "numpy dtype";

function makeType([code]: readonly Value[]): NumpyType {
  const text = textOf(code, "a NumPy dtype").replace(/^[<|=]/, "");
  return {
    kind: "object",
    type: "numpy dtype",
    element: Object.hasOwn(numpyElements, text) ? numpyElements[text] : undefined,
    order: "<",
    // (version, byte order, …): only the order matters here.
    setState(state) {
      const order = itemsOf(state, "the state of a NumPy dtype")[1];
      if (typeof order === "string") this.order = order;
    },
  };
}

/** What protocol 2 of Python 2 stores as text is bytes in latin-1. */
function bytesOf(value: Value | undefined, budget: Budget): Uint8Array | undefined {
  if (typeof value === "string") return latin1Bytes(value, budget);
  return value instanceof Uint8Array ? value : undefined;
}

function makeScalar([type, value]: readonly Value[], budget: Budget): Value {
  const bytes = bytesOf(value, budget);
  if (!isType(type) || !type.element || type.order === ">" || !bytes) return null;
  return bytes.length === elementBytes[type.element] ? decodeElements(bytes, type.element)[0] : null;
}

function makeArray(_args: readonly Value[], budget: Budget): NumpyArray {
  return {
    kind: "object",
    type: "numpy array",
    setState(state) {
      const [, shape, type, fortran, data] = itemsOf(state, "the state of a NumPy array");
      const bytes = bytesOf(data, budget);
      if (!isType(type) || !type.element || !bytes) return;
      ensure(type.order !== ">", "it has a NumPy array with the highest byte first");
      const list = itemsOf(shape, "the shape of a NumPy array");
      checkRank(list.length, "a NumPy array in it");
      const sides = list.map((side) => countOf(side, "a side of it"));
      countElements(sides, "a NumPy array in it");
      const storage: TorchStorage = makeStorage(
        type.element,
        Math.floor(bytes.length / elementBytes[type.element]),
      );
      storage.bytes = bytes;
      this.tensor = makeTensor(
        storage,
        0,
        { kind: "tuple", items: sides },
        {
          kind: "tuple",
          items: fortran ? firstFastest(sides) : lastFastest(sides),
        },
      );
    },
  };
}

const firstFastest = (sides: readonly number[]): number[] =>
  sides.map((_, i) => sides.slice(0, i).reduce((product, side) => product * side, 1));

const lastFastest = (sides: readonly number[]): number[] =>
  sides.map((_, i) => sides.slice(i + 1).reduce((product, side) => product * side, 1));

/** NumPy 2 moved `numpy.core` to `numpy._core`. */
export const numpyGlobals: Readonly<Record<string, PyCallable["call"]>> = {
  "numpy dtype": makeType,
  "numpy ndarray": makeArray,
  "numpy.core.multiarray scalar": makeScalar,
  "numpy._core.multiarray scalar": makeScalar,
  "numpy.core.multiarray _reconstruct": makeArray,
  "numpy._core.multiarray _reconstruct": makeArray,
};
