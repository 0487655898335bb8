/**
 * Maps of a network's output and sizes of pictures, as the functions of this folder take them. A map is what the
 * network gives for one picture: rows from top to bottom, places from left to right, channels innermost.
 */

/** In pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** Of one picture: `data` has height x width x channels numbers, channels innermost. */
export interface FeatureMap extends Size {
  readonly channels: number;
  readonly data: ArrayLike<number>;
}

/** What a network's card says of an output: its name, and its shape, which ends in height, width and channels. */
export interface Output {
  readonly name: string;
  readonly shape: readonly number[];
}

/**
 * The results of a built network as maps: `featureMaps(net.run(...), net.info.outputs)`. Of a batch, those of the picture
 * numbered `picture`. The data are views, not copies. Throws a RangeError for a result that is missing or too short.
 */
export function featureMaps(
  results: Readonly<Record<string, Float32Array>>,
  outputs: readonly Output[],
  picture = 0,
): Record<string, FeatureMap> {
  const maps = outputs.map(({ name, shape }) => {
    const [height, width, channels] = shape.slice(-3);
    const size = height * width * channels;
    const data = results[name]?.subarray(picture * size, (picture + 1) * size);
    if (data?.length !== size) {
      const found = results[name] === undefined ? "there is none" : `it has ${results[name].length}`;
      throw new RangeError(
        `Of "${name}" picture ${picture} needs ${(picture + 1) * size} values in all; ${found}.`,
      );
    }
    return [name, { height, width, channels, data }] as const;
  });
  return Object.fromEntries(maps);
}

/** Throws a RangeError unless an array is as long as it must be. */
export function checkLength(what: string, array: ArrayLike<unknown>, length: number): void {
  if (array.length !== length)
    throw new RangeError(`There must be ${length} ${what}, there are ${array.length}.`);
}

/** How many boxes are in an array: four numbers each. Throws a RangeError if some are left over. */
export function countBoxes(boxes: ArrayLike<number>): number {
  if (boxes.length % 4 !== 0)
    throw new RangeError(`A box has four numbers, and ${boxes.length} are no multiple of that.`);
  return boxes.length / 4;
}
