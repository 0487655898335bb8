/** Pictures: decoding of every kind of PNG and of JPEG, resizing as Pillow does it, cropping as torchvision does. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import jpeg from "jpeg-js";
import sharp from "sharp";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import type { Preprocess } from "../src/ir/ops/input.ts";
import { orientationOf } from "../src/pictures/orientation.ts";
import { prepare } from "../src/pictures/prepare.ts";
import { type Pixels, resize } from "../src/pictures/resize.ts";
import { decode, decodeAlone, decodePicture } from "../src/run/picture.ts";
import { netOf, problemsOf } from "./support/compiled.ts";
import { png, pngOf } from "./support/png.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

function pixelsOf(bytes: Uint8Array): number[] {
  const found = decodeAlone(bytes);
  if (typeof found === "string") throw new Error(found);
  return [...found.data];
}

/** The formula of fixtures/pictures/make.py. */
function formula(width: number, height: number): Pixels {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const [x, y, c] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3];
    data[i] = (x * x * 3 + y * 7 + x * y * (c + 1) * 5 + c * 61) % 256;
  }
  return { width, height, data, channels: 3 };
}

const whole = (picture: Pixels, toWidth: number, toHeight: number): Uint8Array =>
  Uint8Array.from(
    resize(picture, toWidth, toHeight, { start: 0, count: toWidth }, { start: 0, count: toHeight }).data,
  );

/** Gives pixels back as they were cut: range 255, mean 0, std 1. */
const plain: Preprocess = {
  mean: [0, 0, 0],
  std: [1, 1, 1],
  range: 255,
  order: "rgb",
  resize: 0,
  labels: "",
};

// ---- decoding -------------------------------------------------------------------------------------

test("PNG: grey, colour, palette, alpha dropped, 1 to 16 bits", () => {
  const size = { width: 2, height: 1 };
  assert.equal(pixelsOf(png({ ...size, colour: 2 }, [[1, 2, 3, 250, 251, 252]])), [1, 2, 3, 250, 251, 252]);
  assert.equal(pixelsOf(png({ ...size, colour: 6 }, [[1, 2, 3, 0, 4, 5, 6, 128]])), [1, 2, 3, 4, 5, 6]);
  assert.equal(pixelsOf(png({ ...size, colour: 0 }, [[7, 200]])), [7, 7, 7, 200, 200, 200]);
  assert.equal(pixelsOf(png({ ...size, colour: 4 }, [[7, 0, 200, 255]])), [7, 7, 7, 200, 200, 200]);
  assert.equal(pixelsOf(png({ ...size, colour: 0, depth: 1 }, [[0b01000000]])), [0, 0, 0, 255, 255, 255]);
  const palette = { PLTE: [10, 20, 30, 40, 50, 60] };
  assert.equal(
    pixelsOf(png({ ...size, colour: 3, depth: 1 }, [[0b10000000]], palette)),
    [40, 50, 60, 10, 20, 30],
  );
  assert.equal(
    pixelsOf(png({ ...size, colour: 0, depth: 16 }, [[255, 255, 0, 0]])),
    [255, 255, 255, 0, 0, 0],
  );
});

test("PNG: a transparent colour keeps its colour, as in Pillow", () => {
  const size = { width: 1, height: 1 };
  assert.equal(pixelsOf(png({ ...size, colour: 2 }, [[9, 8, 7]], { tRNS: [0, 9, 0, 8, 0, 7] })), [9, 8, 7]);
  assert.equal(pixelsOf(png({ ...size, colour: 3 }, [[0]], { PLTE: [9, 8, 7], tRNS: [0] })), [9, 8, 7]);
});

test("PNG: interlaced", () => {
  // Adam7 of 3x2: pass 1 is (0,0), pass 5 nothing, pass 4 (2,0), pass 6 (1,0), pass 7 row 1.
  const rows = [
    [1, 1, 1],
    [3, 3, 3],
    [2, 2, 2],
    [4, 4, 4, 5, 5, 5, 6, 6, 6],
  ];
  const found = pixelsOf(png({ width: 3, height: 2, colour: 2, interlaced: true }, rows));
  assert.equal(found, [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6]);
});

test("JPEG: grey and colour within the loss of the format", () => {
  const data = new Uint8Array(16 * 16 * 4).map((_, i) => [200, 100, 50, 255][i % 4]);
  const { data: bytes } = jpeg.encode({ width: 16, height: 16, data }, 95);
  const picture = decodeAlone(Uint8Array.from(bytes)) as Pixels;
  assert.equal([picture.width, picture.height, picture.data.length], [16, 16, 768]);
  const worst = Math.max(...Array.from(picture.data, (value, i) => Math.abs(value - [200, 100, 50][i % 3])));
  assert.ok(worst <= 3, `${worst}`);
});

test("pictures too large are refused before memory is taken", () => {
  const layout = { width: 50_000, height: 50_000, colour: 2 };
  assert.match(
    decodeAlone(pngOf(layout, deflateSync(new Uint8Array(10)))) as string,
    /more than 100,000,000 pixels/,
  );
  const { data } = jpeg.encode({ width: 8, height: 8, data: new Uint8Array(256) }, 50);
  const bytes = Buffer.from(data);
  const frame = bytes.indexOf(Uint8Array.of(0xff, 0xc0));
  bytes.writeUInt16BE(60_000, frame + 5);
  bytes.writeUInt16BE(60_000, frame + 7);
  assert.match(decodeAlone(bytes) as string, /more than 100,000,000 pixels/);
  // 8 MB of zeros in 8 KB, for a picture of 3 bytes.
  const bomb = pngOf(
    { width: 1, height: 1, colour: 2, interlaced: true },
    deflateSync(new Uint8Array(8_000_000)),
  );
  assert.match(decodeAlone(bomb) as string, /it is damaged/);
});

test("what is no picture is called what it is", () => {
  const text = (value: string) => decodeAlone(Buffer.from(value, "latin1")) as string;
  assert.match(text(""), /it is empty/);
  assert.match(text("<!doctype html><title>404</title>"), /a web page/);
  assert.match(text("GIF89a\x01\x00"), /a GIF picture, which is read with the package sharp/);
  assert.match(text("RIFF\x01\x02\x03\x04WEBPVP8 "), /a WebP picture, which is read with the package sharp/);
  assert.match(text("%PDF-1.4"), /a PDF document/);
  assert.match(text("hello"), /it is text: "hello"/);
});

test("pictures cut at any byte are refused, changed ones never throw", () => {
  const { data } = jpeg.encode(
    { width: 16, height: 9, data: new Uint8Array(16 * 9 * 4).map((_, i) => i * 7) },
    80,
  );
  const files = [
    png(
      { width: 5, height: 4, colour: 2 },
      Array.from({ length: 4 }, (_, y) => Array.from({ length: 15 }, (_, i) => y * 15 + i)),
    ),
    Uint8Array.from(data),
  ];
  for (const file of files) {
    for (let length = 0; length < file.length; length++) {
      assert.type(
        decodeAlone(file.subarray(0, length)),
        "string",
        `${length} of ${file.length} bytes were accepted`,
      );
    }
    const change = fc.tuple(fc.nat(file.length - 1), fc.nat(255));
    const property = fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const damaged = Uint8Array.from(file);
      for (const [at, value] of changes) damaged[at] = value;
      decodeAlone(damaged);
    });
    fc.assert(property, { numRuns: 500 });
  }
});

test("what cannot be read is reported, with its path", async () => {
  const { report, diagnostics } = collect();
  assert.is(await decodePicture(Buffer.from("%PDF-1.4"), "p.png", report), undefined);
  assert.equal(
    diagnostics.map(({ code, message }) => [code, message]),
    [["bad-image", "p.png is no picture that can be read: it is a PDF document"]],
  );
});

// ---- with sharp -----------------------------------------------------------------------------------

/** Colours that JPEG keeps: gradients. */
const gradient = (width: number, height: number) =>
  Buffer.from(
    Uint8Array.from({ length: width * height * 3 }, (_, i) => {
      const [x, y] = [Math.trunc(i / 3) % width, Math.trunc(i / 3 / width)];
      return [(200 * x) / width, (220 * y) / height, 80][i % 3];
    }),
  );

test("JPEG with sharp and without: the same but for the decoder's steps, upright as the camera was held", async () => {
  const raw = { width: 24, height: 16, channels: 3 as const };
  for (let orientation = 1; orientation <= 8; orientation++) {
    const made = sharp(gradient(24, 16), { raw }).withMetadata({ orientation });
    const bytes = Uint8Array.from(await made.jpeg({ quality: 98, chromaSubsampling: "4:4:4" }).toBuffer());
    assert.is(orientationOf(bytes), orientation);
    const [alone, together] = [await decode(bytes, undefined), await decode(bytes)] as Pixels[];
    const size = orientation < 5 ? [24, 16] : [16, 24];
    assert.equal([alone.width, alone.height], size);
    assert.equal([together.width, together.height], size);
    const worst = Math.max(...Array.from(alone.data, (value, i) => Math.abs(value - together.data[i])));
    assert.ok(worst <= 3, `orientation ${orientation}: ${worst}`);
  }
});

test("WebP, GIF, AVIF and TIFF with sharp; grey JPEG too; damaged ones are told", async () => {
  const raw = { width: 24, height: 16, channels: 3 as const };
  const made = () => sharp(gradient(24, 16), { raw });
  const files = [
    await made().webp({ lossless: true }).toBuffer(),
    await made().tiff({ compression: "none" }).toBuffer(),
    await made().gif().toBuffer(),
    await made().avif({ quality: 90 }).toBuffer(),
  ];
  for (const [i, file] of files.entries()) {
    const found = await decode(file);
    if (typeof found === "string") throw new Error(`${i}: ${found}`);
    assert.equal([found.width, found.height, found.channels, found.data.length], [24, 16, 3, 1152]);
    if (i < 2) assert.equal(Buffer.from(found.data), gradient(24, 16));
    assert.match((await decode(file.subarray(0, file.length >> 1))) as string, /it is damaged/);
  }
  const grey = (await decode(await made().toColourspace("b-w").jpeg().toBuffer())) as Pixels;
  assert.equal([grey.channels, grey.data.length], [3, 1152]);
  assert.ok(grey.data.every((value, i) => value === grey.data[i - (i % 3)]));
});

// ---- resizing -------------------------------------------------------------------------------------

interface Golden {
  readonly from: readonly [number, number];
  readonly width: number;
  readonly height: number;
  readonly rgb: string;
  readonly resize: number;
}
const goldens: Readonly<Record<"resize" | "bicubic" | "prepare", readonly Golden[]>> = JSON.parse(
  readFileSync(fileURLToPath(new URL("fixtures/pictures/pillow.json", import.meta.url)), "utf8"),
);

for (const { from, width, height, rgb } of goldens.resize) {
  test(`resize ${from.join("x")} to ${width}x${height}: Pillow's bytes`, () => {
    assert.equal([...whole(formula(...from), width, height)], [...Buffer.from(rgb, "base64")]);
  });
}

for (const { from, width, height, rgb } of goldens.bicubic) {
  test(`resize ${from.join("x")} to ${width}x${height}, bicubic: Pillow's bytes`, () => {
    const all = [
      { start: 0, count: width },
      { start: 0, count: height },
    ] as const;
    assert.equal(
      [...resize(formula(...from), width, height, ...all, "bicubic").data],
      [...Buffer.from(rgb, "base64")],
    );
  });
}

test("image(filter = ...) says how pictures are resized; other words are told", () => {
  const text = (filter: string) => `net n { input image(8x8x3, resize = 9${filter}); conv(3x3, 4) }`;
  const attrs = (filter: string) =>
    (netOf(text(filter)).graph.nodes[0].attrs as { preprocess: Preprocess }).preprocess;
  assert.is(attrs("").filter, undefined);
  assert.is(attrs(', filter = "bilinear"').filter, undefined);
  assert.is(attrs(', filter = "bicubic"').filter, "bicubic");
  assert.equal(problemsOf(text(', filter = "bicubc"')), [
    'out-of-range: `filter` of `image` must be "bilinear" or "bicubic", this is "bicubc"',
  ]);
  const picture = formula(19, 13);
  const how = { ...plain, resize: 9 };
  const found = prepare(picture, [1, 8, 8, 3], { ...how, filter: "bicubic" });
  assert.not.equal(found, prepare(picture, [1, 8, 8, 3], how));
  const columns = { start: 2, count: 8 };
  assert.equal([...found], [...resize(picture, 13, 9, columns, { start: 0, count: 8 }, "bicubic").data]);
});

for (const { from, resize: shorter, width, height, rgb } of goldens.prepare) {
  test(`Resize(${shorter}), CenterCrop(${height}, ${width}) of ${from.join("x")}: torchvision's bytes`, () => {
    const { data } = formula(...from);
    const how = { ...plain, resize: shorter };
    const size = { width: from[0], height: from[1] };
    const found = prepare({ ...size, data, channels: 3 }, [1, height, width, 3], how);
    // Alpha makes no difference.
    const four = Uint8ClampedArray.from({ length: (4 * data.length) / 3 }, (_, i) =>
      i % 4 === 3 ? i % 256 : data[Math.trunc(i / 4) * 3 + (i % 4)],
    );
    assert.equal(prepare({ ...size, data: four, channels: 4 }, [1, height, width, 3], how), found);
    assert.equal([...found], [...Buffer.from(rgb, "base64")]);
  });
}

/** The filter as its formula says, in floating point, both axes at once. */
function slowly({ width, height, data }: Pixels, toWidth: number, toHeight: number): number[] {
  const weights = (i: number, from: number, to: number): number[] => {
    const scale = Math.max(1, from / to);
    const centre = ((i + 0.5) * from) / to - 0.5;
    const raw = Array.from({ length: from }, (_, k) => Math.max(0, 1 - Math.abs(k - centre) / scale));
    const sum = raw.reduce((total, weight) => total + weight, 0);
    return raw.map((weight) => weight / sum);
  };
  const out: number[] = [];
  for (let y = 0; y < toHeight; y++) {
    const rows = weights(y, height, toHeight);
    for (let x = 0; x < toWidth; x++) {
      const columns = weights(x, width, toWidth);
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let j = 0; j < height; j++) {
          for (let i = 0; i < width; i++) sum += rows[j] * columns[i] * data[(j * width + i) * 3 + c];
        }
        out.push(sum);
      }
    }
  }
  return out;
}

test("resizing is the triangle filter, within a step of 255", () => {
  const side = fc.integer({ min: 1, max: 24 });
  const property = fc.property(side, side, side, side, (w, h, tw, th) => {
    const picture = formula(w, h);
    const exact = slowly(picture, tw, th);
    // Half a step in each pass, and the 22 bits of the weights.
    const worst = whole(picture, tw, th).reduce(
      (most, value, i) => Math.max(most, Math.abs(value - exact[i])),
      0,
    );
    assert.ok(worst < 1.0001, `${worst}`);
  });
  fc.assert(property, { numRuns: 150 });
});

test("a part of a resized picture is that part of the whole", () => {
  const picture = formula(41, 29);
  const all = whole(picture, 20, 50);
  const part = resize(picture, 20, 50, { start: 3, count: 9 }, { start: 11, count: 20 }).data;
  for (let y = 0; y < 20; y++) {
    const row = all.subarray(((y + 11) * 20 + 3) * 3, ((y + 11) * 20 + 12) * 3);
    assert.equal([...part.subarray(y * 27, (y + 1) * 27)], [...row]);
  }
});

test("a picture one pixel wide does not take all memory", () => {
  const picture: Pixels = { width: 1, height: 50_000, data: new Uint8Array(150_000).fill(9), channels: 3 };
  const found = prepare(picture, [1, 224, 224, 3], { ...plain, resize: 256 });
  assert.ok(found.every((value) => value === 9));
});

// ---- preparing ------------------------------------------------------------------------------------

test("numbers: range, mean and std in the order of the channels as fed", () => {
  const picture: Pixels = { width: 1, height: 1, data: Uint8Array.of(255, 51, 0), channels: 3 };
  const preprocess = { ...plain, range: 1, mean: [0.5, 0.1, 0], std: [0.5, 2, 1] };
  assert.equal([...prepare(picture, [1, 1, 1, 3], preprocess)], [1, 0.05, 0].map(Math.fround));
  const caffe: Preprocess = { ...plain, order: "bgr", mean: [103.939, 116.779, 123.68] };
  assert.equal(
    [...prepare(picture, [1, 1, 1, 3], caffe)],
    [0 - 103.939, 51 - 116.779, 255 - 123.68].map(Math.fround),
  );
});

test("one channel is Pillow's luma", () => {
  const picture: Pixels = {
    width: 2,
    height: 1,
    data: Uint8Array.of(255, 255, 255, 200, 100, 50),
    channels: 3,
  };
  assert.equal([...prepare(picture, [1, 1, 2, 1], { ...plain, mean: [0], std: [1] })], [255, 124]);
});

test("resize 0: as it is where it fits, else the smallest size that covers the input", () => {
  const { data } = formula(12, 9);
  const same = prepare({ width: 12, height: 9, data, channels: 3 }, [1, 9, 12, 3], plain);
  assert.equal([...same], [...data]);
  const red: Pixels = {
    width: 40,
    height: 20,
    data: new Uint8Array(2400).map((_, i) => (i % 3 ? 0 : 255)),
    channels: 3,
  };
  for (const [h, w] of [
    [8, 8],
    [5, 30],
    [30, 5],
    [64, 64],
  ]) {
    const found = prepare(red, [1, h, w, 3], plain);
    assert.is(found.length, h * w * 3);
    assert.ok(
      found.every((value, i) => value === (i % 3 ? 0 : 255)),
      `${h}x${w} is filled up`,
    );
  }
});

test("a crop larger than the picture has black around it, one more behind where it is odd", () => {
  const picture: Pixels = { width: 2, height: 2, data: new Uint8Array(12).fill(200), channels: 3 };
  const found = prepare(picture, [1, 5, 2, 3], { ...plain, resize: 2 });
  const rows = Array.from({ length: 5 }, (_, y) => found[y * 6]);
  assert.equal(rows, [0, 200, 200, 0, 0]);
});

if (requireShared("models/photos/astronaut.png")) {
  test("a photo and its stored 224x224 version agree", () => {
    const read = (name: string) => decodeAlone(readFileSync(sharedPath(`models/photos/${name}`))) as Pixels;
    const large = prepare(read("astronaut.png"), [1, 224, 224, 3], { ...plain, resize: 224 });
    const small = read("astronaut_224.png").data;
    const mean = large.reduce((sum, value, i) => sum + Math.abs(value - small[i]), 0) / large.length;
    assert.ok(mean < 4, `mean difference ${mean}`);
  });
}

test.run();
