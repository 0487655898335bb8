/** A checkpoint's tensors as recognition looks at them: names without a prefix, kernels without a layout. */
import { elements, type Shape } from "../../ir/tensor.ts";
import type { Layout } from "../checkpoint.ts";

/** A convolution's or dense layer's weight. */
export interface Kernel {
  readonly outputs: number;
  /** Of a group. */
  readonly inputs: number;
  readonly height: number;
  readonly width: number;
}

export class Tensors {
  readonly prefix: string;
  readonly layout: Layout;
  /** Without the prefix; those that have another are left out. */
  readonly names: readonly string[];
  readonly #shapes = new Map<string, Shape>();

  constructor(
    tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>,
    layout: Layout,
    prefix = "",
  ) {
    this.prefix = prefix;
    this.layout = layout;
    for (const [name, { shape }] of tensors)
      if (name.startsWith(prefix)) this.#shapes.set(name.slice(prefix.length), shape);
    this.names = [...this.#shapes.keys()];
  }

  /** Those whose names start with `prefix`, without it. */
  under(prefix: string): Tensors {
    const tensors = [...this.#shapes].map(([name, shape]) => [name, { shape }] as const);
    return new Tensors(new Map(tensors), this.layout, prefix);
  }

  shape(name: string): Shape | undefined {
    return this.#shapes.get(name);
  }

  has(name: string): boolean {
    return this.#shapes.has(name);
  }

  /** The kernel of the layer called `name`: of four sides, or a matrix as one of 1x1. */
  kernel(name: string): Kernel | undefined {
    const shape = this.shape(this.layout === "torch" ? `${name}.weight` : `${name}/kernel`);
    if (shape?.length !== 4 && shape?.length !== 2) return undefined;
    if (this.layout === "torch") {
      const [outputs, inputs, height = 1, width = 1] = shape;
      return { outputs, inputs, height, width };
    }
    const [height, width, inputs, outputs] = shape.length === 2 ? [1, 1, ...shape] : shape;
    return { outputs, inputs, height, width };
  }

  /** The length of the vector called `name`. */
  vector(name: string): number | undefined {
    const shape = this.shape(name);
    return shape?.length === 1 ? shape[0] : undefined;
  }

  hasBias(name: string): boolean {
    return this.has(this.layout === "torch" ? `${name}.bias` : `${name}/bias`);
  }

  /** What kind of normalisation a layer is, if it is one: running statistics tell. */
  norm(name: string): "bn" | "gn" | undefined {
    if (this.layout === "tensorflow") return this.vector(`${name}/gamma`) === undefined ? undefined : "bn";
    if (this.vector(`${name}.weight`) === undefined) return undefined;
    return this.vector(`${name}.running_mean`) === undefined ? "gn" : "bn";
  }

  /** How many of the numbers from `first` on have a kernel. */
  count(nameOf: (number: number) => string, first = 0): number {
    let count = 0;
    while (this.kernel(nameOf(first + count))) count++;
    return count;
  }
}

const statistics =
  /(^|[./])(running_mean|running_var|num_batches_tracked|moving_mean|moving_variance|mean|var)$/;

/** Values that are trained. */
export const countParams = (t: Tensors): number =>
  t.names.reduce((sum, name) => (statistics.test(name) ? sum : sum + elements(t.shape(name)!)), 0);
