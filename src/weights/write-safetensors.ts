/**
 * Writes safetensors (layout in safetensors.ts): float32, tensors in the order given, the data at a multiple
 * of 8 as the format asks. The same tensors give the same bytes.
 */
import { invariant } from "../base/invariant.ts";
import { elements, type Shape } from "../ir/tensor.ts";

export interface NamedValues {
  readonly name: string;
  readonly shape: Shape;
  /** Stored as float32, whatever they are. */
  readonly data: Float32Array | Float64Array;
}

export function writeSafetensors(tensors: Iterable<NamedValues>): Uint8Array {
  const items = [...tensors];
  const header = new Map<string, unknown>();
  let size = 0;
  for (const { name, shape, data } of items) {
    invariant(elements(shape) === data.length, `${name} has ${data.length} values for [${shape.join(", ")}]`);
    invariant(!header.has(name) && name !== "__metadata__", `two tensors are called ${name}`);
    header.set(name, { dtype: "F32", shape, data_offsets: [size, size + 4 * data.length] });
    size += 4 * data.length;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  // Spaces behind the JSON align the data.
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + length + size);
  new DataView(bytes.buffer).setUint32(0, length, true);
  bytes.fill(0x20, 8, 8 + length);
  bytes.set(json, 8);
  let at = 8 + length;
  for (const { data } of items) {
    new Float32Array(bytes.buffer, at, data.length).set(data);
    at += 4 * data.length;
  }
  return bytes;
}
