/**
 * Weights of GraphModels that resnetc wrote. Their metadata say which tensors are constants of operations, and which weights were
 * given other names, cut into pieces along the last dimension, had the zeros of a dilation written into them or, where a convolution has groups
 * of few channels, were written for a depthwise one:
 *
 *     [h, w, I, O] in g groups  ->  [h, w, g * I, O / g],  input k of group j at j * I + k
 */
import type { CheckpointTensor } from "./checkpoint.ts";
import type { Floats } from "./elements.ts";
import { isRecord, isSizes } from "./json.ts";
import { countElements } from "./shapes.ts";
import { ensure, quote } from "./unreadable.ts";

/** The tensors as the net has them; all as they are in models that others wrote. */
export function restoreOrigins(
  tensors: ReadonlyMap<string, CheckpointTensor>,
  model: unknown,
): ReadonlyMap<string, CheckpointTensor> {
  const metadata = isRecord(model) ? model.userDefinedMetadata : undefined;
  if (!isRecord(metadata) || !isRecord(metadata.origins) || !Array.isArray(metadata.constants))
    return tensors;
  const restored = new Map(tensors);
  for (const name of metadata.constants) restored.delete(name);
  const found: CheckpointTensor[] = [];
  for (const [name, origin] of Object.entries(metadata.origins)) {
    ensure(isRecord(origin) && isSizes(origin.shape), `its metadata has no shape for ${quote(name)}`);
    ensure(
      Array.isArray(origin.tensors) && origin.tensors.length > 0,
      `its metadata names no tensors for ${quote(name)}`,
    );
    const pieces = origin.tensors.map((piece: unknown) => {
      const tensor = typeof piece === "string" ? restored.get(piece) : undefined;
      ensure(tensor, `its metadata names a tensor for ${quote(name)} that is not there, or there twice`);
      restored.delete(tensor.name);
      return tensor;
    });
    const joined = join(name, origin.shape, pieces);
    if (joined) found.push(joined);
    // What the shapes do not explain stays as it is: binding will tell.
    else for (const piece of pieces) restored.set(piece.name, piece);
  }
  for (const tensor of found) {
    ensure(!restored.has(tensor.name), `its metadata make two tensors called ${quote(tensor.name)}`);
    restored.set(tensor.name, tensor);
  }
  return restored;
}

function join(
  name: string,
  shape: readonly number[],
  stored: readonly CheckpointTensor[],
): CheckpointTensor | undefined {
  const size = countElements(shape, quote(name));
  const pieces = stored.map((piece) => withoutHoles(piece, shape));
  const [first] = pieces;
  if (pieces.reduce((sum, piece) => sum + elementsOf(piece), 0) !== size) return undefined;
  const { dtype } = first;
  if (pieces.length === 1) {
    const groups = depthwiseGroups(shape, first.shape);
    return {
      name,
      shape,
      dtype,
      read: () => (groups > 1 ? grouped(first.read(), shape, groups) : first.read()),
    };
  }
  const rows = shape.slice(0, -1).join();
  const fit = pieces.every((piece) => piece.shape.length > 0 && piece.shape.slice(0, -1).join() === rows);
  if (!fit) return undefined;
  return { name, shape, dtype, read: () => sideBySide(pieces, size) };
}

/** A kernel whose places are `dilation` apart, taken out of one with zeros in between; any other tensor as it is. */
function withoutHoles(tensor: CheckpointTensor, [h, w]: readonly number[]): CheckpointTensor {
  const [height, width, ...rest] = tensor.shape;
  const dilation = h > 1 ? (height - 1) / (h - 1) : (width - 1) / (w - 1);
  const isDilated = rest.length === 2 && Number.isInteger(dilation) && dilation > 1;
  if (!isDilated || height - 1 !== dilation * (h - 1) || width - 1 !== dilation * (w - 1)) return tensor;
  const place = rest[0] * rest[1];
  const read = () => {
    const values = tensor.read();
    const kernel = emptyLike(values, h * w * place);
    for (let i = 0; i < h * w; i++) {
      const from = (Math.floor(i / w) * dilation * width + (i % w) * dilation) * place;
      kernel.set(values.subarray(from, from + place), i * place);
    }
    return kernel;
  };
  return { ...tensor, shape: [h, w, ...rest], read };
}

const elementsOf = ({ shape }: CheckpointTensor): number =>
  shape.reduce((product, side) => product * side, 1);

/** 1 where the values are in the same order. */
function depthwiseGroups([h, w, ins, outs]: readonly number[], found: readonly number[]): number {
  if (found.length !== 4 || ins === 1 || found[0] !== h || found[1] !== w) return 1;
  return found[3] > 0 && outs % found[3] === 0 && found[2] === (outs / found[3]) * ins ? outs / found[3] : 1;
}

function grouped(values: Floats, [h, w, ins, outs]: readonly number[], groups: number): Floats {
  const restored = emptyLike(values, values.length);
  const own = outs / groups;
  let from = 0;
  for (let place = 0; place < h * w; place++) {
    for (let group = 0; group < groups; group++) {
      for (let k = 0; k < ins; k++) {
        for (let o = 0; o < own; o++) restored[(place * ins + k) * outs + group * own + o] = values[from++];
      }
    }
  }
  return restored;
}

function sideBySide(pieces: readonly CheckpointTensor[], size: number): Floats {
  const joined = emptyLike(pieces[0].read(), size);
  const width = pieces.reduce((sum, { shape }) => sum + shape[shape.length - 1], 0);
  let before = 0;
  for (const { shape, read } of pieces) {
    const values = read();
    const own = shape[shape.length - 1];
    for (let i = 0; i < values.length; i++)
      joined[Math.floor(i / own) * width + before + (i % own)] = values[i];
    before += own;
  }
  return joined;
}

const emptyLike = (values: Floats, size: number): Floats =>
  values instanceof Float32Array ? new Float32Array(size) : new Float64Array(size);
