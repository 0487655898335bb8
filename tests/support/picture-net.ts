/** A built net that takes pictures, and pictures of every kind for it, with what it has to make of them. */
import sharp from "sharp";
import { targets } from "../../src/codegen/targets.ts";
import { emit } from "../../src/compile.ts";
import type { Preprocess } from "../../src/ir/ops/input.ts";
import { prepare } from "../../src/pictures/prepare.ts";
import type { Pixels } from "../../src/pictures/resize.ts";
import { decodeAlone } from "../../src/run/picture.ts";
import { heWeights } from "../../src/weights/initialise.ts";
import { netOf } from "./compiled.ts";
import { png } from "./png.ts";

export const classes = ["cat", "dog", "axolotl", 'a "quoted" thing', "heron"];

/** Takes 12x10 from pictures whose shorter side is 16. */
export const text = `
net seen {
  input image(12x10x3, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.25), resize=16)
  conv(3x3, 8) -> relu
  conv(3x3, 8) /2 -> relu
  avgpool
  fc: dense(5)
}
`;

export interface BuildOptions {
  readonly target?: "wasm" | "tfjs";
  readonly labels?: readonly string[];
  readonly source?: string;
}

/** The files of the net, as `resnetc build` writes them. */
export function buildSeen({ target = "wasm", labels = classes, source = text }: BuildOptions = {}) {
  const net = netOf(source);
  const [input] = net.graph.nodes;
  const { artifacts, diagnostics } = emit(net, {
    target: targets.find(({ name }) => name === target)!,
    weights: heWeights(net.graph, 3),
    weightsFrom: "a test",
    labels,
  });
  if (diagnostics.length > 0) throw new Error(diagnostics[0].message);
  return { net, artifacts, preprocess: (input.attrs as { preprocess?: Preprocess }).preprocess! };
}

export type Seen = ReturnType<typeof buildSeen>;

/** What the net is to eat of pixels. */
export const eaten = (pixels: Pixels, { net, preprocess }: Seen): Float32Array =>
  prepare(pixels, net.graph.nodes[0].type.shape, preprocess);

export interface PictureFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const noise = (i: number, c: number): number => (i * 37 + ((i * i) >> 3) * (c + 5) + c * 91) & 255;

/** Whole files: what PNG can be, with transparent pixels too. */
export function pngFiles(): readonly PictureFile[] {
  const [width, height] = [23, 19];
  const row = (y: number, make: (i: number) => readonly number[]) =>
    Array.from({ length: width }, (_, x) => make(y * width + x)).flat();
  const rows = (make: (i: number) => readonly number[]) =>
    Array.from({ length: height }, (_, y) => row(y, make));
  const rgb = (i: number) => [noise(i, 0), noise(i, 1), noise(i, 2)];
  const size = { width, height };
  const palette = Array.from({ length: 256 }, (_, i) => rgb(i * 3)).flat();
  return [
    { name: "rgb.png", bytes: png({ ...size, colour: 2 }, rows(rgb)) },
    {
      name: "rgba.png",
      bytes: png(
        { ...size, colour: 6 },
        rows((i) => [...rgb(i), (i * 13) & 255]),
      ),
    },
    {
      name: "clear.png",
      bytes: png(
        { ...size, colour: 6 },
        rows((i) => [...rgb(i), 0]),
      ),
    },
    {
      name: "grey.png",
      bytes: png(
        { ...size, colour: 0 },
        rows((i) => [noise(i, 0)]),
      ),
    },
    {
      name: "palette.png",
      bytes: png(
        { ...size, colour: 3 },
        rows((i) => [i & 255]),
        { PLTE: palette },
      ),
    },
    // A gamma and a profile that say other than sRGB: they change nothing.
    { name: "gamma.png", bytes: png({ ...size, colour: 2 }, rows(rgb), { gAMA: [0, 1, 134, 160] }) },
  ];
}

/** A JPEG of a gradient, taken with the camera held in a way. */
export async function jpegFile(orientation = 1): Promise<PictureFile> {
  const data = Uint8Array.from({ length: 40 * 30 * 3 }, (_, i) => {
    const [x, y] = [Math.trunc(i / 3) % 40, Math.trunc(i / 120)];
    return [(250 * x) / 40, (200 * y) / 30, 40 + 3 * x][i % 3];
  });
  const raw = { width: 40, height: 30, channels: 3 as const };
  const made = sharp(data, { raw })
    .withMetadata({ orientation })
    .jpeg({ quality: 95, chromaSubsampling: "4:4:4" });
  return { name: `turned${orientation}.jpg`, bytes: Uint8Array.from(await made.toBuffer()) };
}

export function pixelsOf({ bytes, name }: PictureFile): Pixels {
  const found = decodeAlone(bytes);
  if (typeof found === "string") throw new Error(`${name}: ${found}`);
  return found;
}
