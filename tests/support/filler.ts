/** Weights and inputs that follow from names, so that two programs make the same: the rules of scripts/upstream-records.py. */

/** FNV-1a, 32 bits. */
export function fnv1a(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}

/** Numbers in [0, 1) that follow from a name, scaled and moved. Plain loops: there are tens of millions. */
function uniform(name: string, count: number, scale: number, offset: number): Float32Array {
  const seed = fnv1a(name);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let t = (seed + Math.imul(i + 1, 0x9e3779b1)) >>> 0;
    t = Math.imul(t ^ (t >>> 16), 0x85ebca6b) >>> 0;
    t = Math.imul(t ^ (t >>> 13), 0xc2b2ae35) >>> 0;
    values[i] = (((t ^ (t >>> 16)) >>> 0) / 4294967296 + offset) * scale;
  }
  return values;
}

/** A tensor of a state dict, or of Keras', whose kernels have so many inputs a value. */
function tensor(name: string, shape: readonly number[], fanIn: number): Float32Array {
  const count = shape.reduce((a, b) => a * b, 1);
  const of = (scale: number, offset: number) => uniform(name, count, scale, offset);
  const last = name.split(/[./]/).at(-1)!;
  if (shape.length >= 2) return of(2 * Math.sqrt(6 / fanIn), -0.5);
  if (["bias", "beta", "running_mean", "moving_mean"].includes(last)) return of(0.2, -0.5);
  return last === "running_var" || last === "moving_variance" ? of(1, 0.5) : of(0.5, 0.5);
}

/** A picture, NCHW. */
const input = (count: number): Float32Array => uniform("input", count, 4, -0.5);

export const filler = { tensor, input };
