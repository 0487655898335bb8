/** dlib's face net from the npm package @vladmandic/face-api, uint8 weights: ten cases against a float64 port. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import { isOp } from "../src/ir/graph.ts";
import { interpret } from "../src/ir/interpret.ts";
import { ops } from "../src/ir/ops/index.ts";
import { elements, type Tensor } from "../src/ir/tensor.ts";
import { decodePicture, prepare } from "../src/run/picture.ts";
import { examplePath, openNet, root } from "./support/nets.ts";
import { bind, onTfjs } from "./support/networks.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

if (requireShared("models/dlib-face/expected-public.json")) {
  const { cases } = JSON.parse(readFileSync(sharedPath("models/dlib-face/expected-public.json"), "utf8"));
  const manifest = `${root}node_modules/@vladmandic/face-api/model/face_recognition_model-weights_manifest.json`;
  const { net, module } = openNet(examplePath("dlib_face.resnet"));
  const weights = bind(net, module, manifest);
  const preprocess = net.graph.nodes.flatMap((node) =>
    isOp(node, ops.input) ? [node.attrs.preprocess!] : [],
  )[0];

  /** The 150x150 picture of a case as RGB bytes. */
  function pictureOf(c: { kind: string; file?: string; k?: number; value?: number }): Uint8Array {
    const side = 150;
    if (c.kind === "const") return new Uint8Array(side * side * 3).fill(c.value!);
    if (c.kind === "synth") {
      return Uint8Array.from({ length: side * side * 3 }, (_, i) => {
        const [h, w, k] = [Math.floor(i / (side * 3)), Math.floor(i / 3) % side, i % 3];
        return ((h * 7 + w * 13 + k * 29 + c.k! * 31) ^ ((h * w) >> 3)) & 255;
      });
    }
    const { report, diagnostics } = collect();
    const file = sharedPath(`models/dlib-face/${c.file}`);
    const picture = decodePicture(readFileSync(file), file, report);
    assert.equal(diagnostics, []);
    const rgb = Uint8Array.from(picture!.rgb);
    if (c.kind !== "hflip") return rgb;
    return rgb.map(
      (_, i) =>
        rgb[(Math.floor(i / (side * 3)) * side + (side - 1 - (Math.floor(i / 3) % side))) * 3 + (i % 3)],
    );
  }

  const pixels = cases.map(pictureOf) as Uint8Array[];
  const shape = [cases.length, 150, 150, 3];
  const data = new Float32Array(elements(shape));
  pixels.forEach((rgb, i) => {
    data.set(prepare({ width: 150, height: 150, rgb }, [1, 150, 150, 3], preprocess), i * 150 * 150 * 3);
  });
  const [output] = net.graph.outputs;

  /** Largest difference over the cases, absolute. */
  function worst(got: Tensor): number {
    return cases.reduce((most: number, c: { descriptor_f64: number[] }, i: number) => {
      return c.descriptor_f64.reduce(
        (m, value, k) => Math.max(m, Math.abs(got.data[i * 128 + k] - value)),
        most,
      );
    }, 0);
  }

  test("tfjs wasm: ten cases within 5e-6", async () => {
    assert.is(cases.length, 10);
    const results = await onTfjs(net, weights, { input: { shape, data } }, "wasm");
    assert.ok(worst(results[output.name]) <= 5e-6, String(worst(results[output.name])));
  });
  test("the interpreter: ten cases within 1e-6", () => {
    const results = interpret(net.graph, { input: { shape, data } }, weights);
    assert.ok(worst(results[output.name]) <= 1e-6, String(worst(results[output.name])));
  });
}
test.run();
