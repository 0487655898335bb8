/** The parts of NAME.d.ts that runnable targets share: inputs and outputs by name, and what `info` is. */
import { type CodeWriter, propertyKey } from "../code-writer.ts";
import type { PictureUse } from "./picture-methods.ts";

/** A map that goes in or out. */
export interface Port {
  readonly name: string;
  /** Without the batch. */
  readonly shape: readonly number[];
}

export function writePorts(name: string, ports: readonly Port[], text: CodeWriter): void {
  text.block(`export interface ${name}<T = Float32Array> {`, () => {
    for (const { name, shape } of ports) {
      text.doc(`[batch, ${shape.join(", ")}]`);
      text.line(`readonly ${propertyKey(name)}: T;`);
    }
  });
}

/** The interface Info: the card, and fields of the target's own. */
export const infoText = (
  andMore: string,
  ...fields: readonly string[]
): string => `/** What NAME.json says about the network, ${andMore}. */
export interface Info {
  readonly name: string;
  readonly summary: string;
  readonly inputs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly preprocess?: {
      readonly mean: readonly number[];
      readonly std: readonly number[];
      readonly range: number;
      readonly order: "rgb" | "bgr";
      readonly resize: number;
      readonly filter?: "bicubic";
      readonly labels: string;
    };
  }[];
  readonly outputs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    /** The result of a softmax; logits otherwise. */
    readonly probabilities?: true;
  }[];
  readonly params: number;
  readonly state: number;
  readonly macs: number;
  readonly depth: number;
  readonly weights: string;
  readonly compiler: string;
  ${fields.join("\n  ")}
}`;

/** The types of what people hand in as a picture, and of what is said of it. */
export function pictureTypes({ classifies, labels }: PictureUse): string {
  const label =
    labels.length > 0 ? [...new Set(labels)].map((name) => JSON.stringify(name)).join(" | ") : "never";
  const guess = labels.length > 0 ? "\n  readonly label: Label;" : "";
  const classes = `
/** The names of the classes. */
export type Label = ${label};

export interface Guess {${guess}
  /** The class: a place in the output. */
  readonly index: number;
  /** Its probability. */
  readonly score: number;
}

export interface ClassifyOptions {
  /** How many classes; 5 unless given. */
  readonly top?: number;
  /** Gives up before the network runs. */
  readonly signal?: AbortSignal;
}
`;
  return `
/** Pixels of 3 or 4 bytes: red, green, blue and alpha, which is dropped; row by row from the top. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/**
 * A picture. In a page: an img, canvas, video, ImageBitmap, ImageData, VideoFrame, Blob or File, or an address. In Node: a path
 * or URL, the bytes of a file, or an object of the package sharp; files are read with sharp or resnetc, whichever is installed.
 */
export type Picture = ${kinds.join(" | ")} | Pixels | string | URL | ArrayBuffer | ArrayBufferView | SharpPicture;

/** A global type, in programs that have it. */
type Global<Name extends string> = typeof globalThis extends Record<Name, { prototype: infer T }> ? T : never;

/** An object of the package sharp. */
export interface SharpPicture {
  removeAlpha(): unknown;
  toColourspace(name: "srgb"): unknown;
}
${classifies ? classes : ""}`;
}

const kinds = [
  "HTMLImageElement",
  "HTMLCanvasElement",
  "HTMLVideoElement",
  "OffscreenCanvas",
  "ImageBitmap",
  "ImageData",
  "VideoFrame",
  "Blob",
].map((name) => `Global<"${name}">`);

/** The methods of a network for pictures, as lines of its interface. */
export const pictureMethodTypes = ({ classifies }: PictureUse): string => `
  /** The picture as \`run\` takes it: resized, cut and normalised as the card says. */
  prepare(image: Picture): Promise<Float32Array>;${classifies ? classifyTypes : ""}`;

const classifyTypes = `
  /** What is on the picture, the most probable first. */
  classify(image: Picture, options?: ClassifyOptions): Promise<Guess[]>;
  /** The names of all classes. */
  labels(): Promise<readonly Label[]>;`;
