/** The elementwise functions, used as an op of their own and inside epilogues. */

export interface Activation {
  readonly fn: ActivationName;
  /** The slope for negative values, for `leaky` only. */
  readonly slope?: number;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** erf by its Maclaurin series near 0 and the continued fraction of erfc beyond: full double precision. */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = a;
    let sum = a;
    for (let n = 1; n < 80; n++) {
      term *= -(a * a) / n;
      sum += term / (2 * n + 1);
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let k = 60; k > 0; k--) fraction = k / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}

/** Name to function; the doc is what `resnetc ops` says. */
export const activations = {
  relu: (x: number) => Math.max(x, 0),
  relu6: (x: number) => clamp(x, 0, 6),
  leaky: (x: number, slope: number) => (x < 0 ? slope * x : x),
  elu: (x: number) => (x < 0 ? Math.expm1(x) : x),
  sigmoid,
  tanh: (x: number) => Math.tanh(x),
  /** x sigmoid(x), also called SiLU. */
  swish: (x: number) => x * sigmoid(x),
  /** x relu6(x + 3) / 6 (Howard et al. 2019, section 5.2). */
  hswish: (x: number) => (x * clamp(x + 3, 0, 6)) / 6,
  hsigmoid: (x: number) => clamp(x + 3, 0, 6) / 6,
  /** x Phi(x) with the exact error function, as torch's default. */
  gelu: (x: number) => (x * (1 + erf(x / Math.SQRT2))) / 2,
  mish: (x: number) => x * Math.tanh(softplus(x)),
} as const;

export type ActivationName = keyof typeof activations;

export const applyActivation = ({ fn, slope = 0 }: Activation, x: number): number =>
  activations[fn](x, slope);

export const printActivation = ({ fn, slope }: Activation): string =>
  slope === undefined ? fn : `${fn}(${slope})`;
