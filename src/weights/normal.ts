/**
 * Normal random numbers that are the same on every machine: sfc32 (Chris Doty-Humphrey's small fast chaotic
 * generator) and the ziggurat of Marsaglia and Tsang (2000) in the form of Doornik (2005), 128 layers. Of a
 * hundred numbers, about 99 cost one 32-bit draw, a table look-up and a product.
 *
 * What the rest needs of exp and log is written out below: see initialise.ts for why.
 */

/** The state of the generator: four 32-bit words. */
export type Seed = readonly [number, number, number, number];

/** Four words from a seed and a name, well mixed: names that differ in one letter give unrelated streams. */
export function seedOf(seed: number, name: string): Seed {
  const words = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x6a09e667];
  const high = Math.floor(seed / 2 ** 32);
  for (const unit of [seed, high, name.length, ...Array.from(name, (_, i) => name.charCodeAt(i))]) {
    for (let i = 0; i < 4; i++) words[i] = mix((words[i] ^ unit) + Math.imul(words[(i + 1) & 3], 0x85ebca6b));
  }
  return [words[0] | 0, words[1] | 0, words[2] | 0, words[3] | 0];
}

/** The finaliser of MurmurHash3. */
function mix(word: number): number {
  let h = word | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

const layers = 128;
/** What 25 bits with a sign are counted in. */
const unit = 1 / 2 ** 24;
/** Where the lowest layer's tail begins, and the area of each layer: Doornik 2005, table 1. */
const tailStart = 3.442619855899;
const area = 9.91256303526217e-3;

/**
 * `edges[i]` is the right end of layer i, from the widest inwards, `heights[i]` the curve above it, `ratios[i]`
 * how much of the layer lies under the curve for sure.
 */
const tables = ziggurat();

function ziggurat() {
  const edges = new Float64Array(layers + 1);
  const heights = new Float64Array(layers + 1);
  const ratios = new Float64Array(layers);
  heights[1] = curve(tailStart);
  edges[0] = area / heights[1];
  edges[1] = tailStart;
  for (let i = 2; i < layers; i++) {
    edges[i] = Math.sqrt(-2 * log(area / edges[i - 1] + heights[i - 1]));
    heights[i] = curve(edges[i]);
  }
  heights[layers] = 1;
  for (let i = 0; i < layers; i++) ratios[i] = edges[i + 1] / edges[i];
  return { edges, heights, ratios };
}

/** The normal curve, 1 at 0. */
function curve(x: number): number {
  return exp(-0.5 * x * x);
}

/** Fills with normal numbers of mean 0. The generator is written out in the loop: twice as fast as a call. */
export function fillNormal(values: Float32Array, deviation: number, seed: Seed): void {
  const { edges, ratios } = tables;
  const state = Int32Array.from(seed);
  // The first words still show the seed.
  for (let i = 0; i < 12; i++) draw(state);
  let [a, b, c, d] = state;
  for (let i = 0; i < values.length; ) {
    const word = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + word) | 0;
    // The low 7 bits choose the layer, the other 25 the place in it, in -1..1.
    const layer = word & (layers - 1);
    const place = (word >> 7) * unit;
    let x = place * edges[layer];
    if (Math.abs(place) >= ratios[layer]) {
      state[0] = a;
      state[1] = b;
      state[2] = c;
      state[3] = d;
      x = outside(state, layer, place);
      a = state[0];
      b = state[1];
      c = state[2];
      d = state[3];
      if (Number.isNaN(x)) continue;
    }
    values[i++] = x * deviation;
  }
}

/** The next 32 bits. */
function draw(state: Int32Array): number {
  const a = state[0];
  const b = state[1];
  const c = state[2];
  const d = state[3];
  const word = (((a + b) | 0) + d) | 0;
  state[0] = b ^ (b >>> 9);
  state[1] = c + (c << 3);
  state[2] = ((c << 21) | (c >>> 11)) + word;
  state[3] = d + 1;
  return word;
}

/** In 0..1, never 0 and never 1. */
const uniform = (state: Int32Array): number => ((draw(state) >>> 0) + 0.5) * 2 ** -32;

/** A place that is not surely under the curve: in the tail, or a second draw decides; NaN where it is above. */
function outside(state: Int32Array, layer: number, place: number): number {
  if (layer === 0) return place < 0 ? -tail(state) : tail(state);
  const { edges, heights } = tables;
  const x = place * edges[layer];
  const height = heights[layer] + uniform(state) * (heights[layer + 1] - heights[layer]);
  return height < curve(x) ? x : Number.NaN;
}

/** A normal number beyond `tailStart` (Marsaglia 1964). */
function tail(state: Int32Array): number {
  for (;;) {
    const x = -log(uniform(state)) / tailStart;
    const y = -log(uniform(state));
    if (2 * y > x * x) return tailStart + x;
  }
}

/** e^x for |x| < 64: the series on a small part of x, squared up again. Exact to about 1e-14. */
export function exp(x: number): number {
  const part = x / 1024;
  let sum = 1;
  for (let n = 8; n > 0; n--) sum = 1 + (sum * part) / n;
  for (let i = 0; i < 10; i++) sum *= sum;
  return sum;
}

/** ln x for x > 0: x = m 2^n with m near 1, then 2 artanh((m - 1) / (m + 1)). */
export function log(x: number): number {
  let m = x;
  let n = 0;
  for (; m > Math.SQRT2; n++) m /= 2;
  for (; m < Math.SQRT1_2; n--) m *= 2;
  const s = (m - 1) / (m + 1);
  let sum = 0;
  for (let k = 27; k > 0; k -= 2) sum = 1 / k + s * s * sum;
  return n * Math.LN2 + 2 * s * sum;
}
