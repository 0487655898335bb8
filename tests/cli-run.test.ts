/** `resnetc run` and `resnetc weights`, by the real binary: numbers of all targets, built folders, what does not fit. */
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readNpy, writeNpy } from "../src/run/npy.ts";
import { folder, oneLine, resnetc, tiny, tinyFile, write } from "./support/cli.ts";
import { assertClose } from "./support/close-to.ts";
import { root } from "./support/nets.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

const run = suite("run and weights");

const read = (name: string) =>
  readNpy(readFileSync(path.join(folder, name)), name, () => assert.unreachable())!;
const one = write("one.npy", writeNpy({ shape: [8, 8, 3], data: new Float32Array(192).fill(0.5) }));
const outTo = (name: string) => ["--raw", one, "--out", path.join(folder, name)];

run("arrays in and out: all targets agree, both layouts, any batch", () => {
  const data = Float32Array.from({ length: 2 * 8 * 8 * 3 }, (_, i) => Math.sin(i));
  const nhwc = write("in.npy", writeNpy({ shape: [2, 8, 8, 3], data }));
  const moved = Float32Array.from(data, (_, i) => {
    const [n, k, place] = [Math.floor(i / 192), Math.floor(i / 64) % 3, i % 64];
    return data[(n * 64 + place) * 3 + k];
  });
  const nchw = write("in-nchw.npy", writeNpy({ shape: [2, 3, 8, 8], data: moved }));
  const results = [
    ["--target", "reference", "--raw", nhwc],
    ["--raw", nhwc],
    ["--target", "wasm", "--threads", "1", "--raw", nhwc],
    ["--threads", "2", "-O", "0", "--raw", nhwc],
    ["--threads", "auto", "--exact", "--raw", nhwc],
    ["--layout", "nchw", "--batch", "2", "--raw", nchw],
    ["--target", "tfjs", "--raw", nhwc],
    ["--target", "tfjs", "--backend", "cpu", "-O", "0", "--raw", nhwc],
    ["--target", "tfjs", "--layout", "nchw", "--raw", nchw],
  ].map((args, i) => {
    const { code, err } = resnetc(["run", tinyFile, ...args, "--out", path.join(folder, `out${i}.npy`)]);
    assert.is(code, 0, err);
    assert.match(err, /random weights/);
    assert.not.match(err, /--threads/);
    return read(`out${i}.npy`);
  });
  assert.equal([...results[0].shape], [2, 10]);
  for (const result of results.slice(1)) assertClose(result, results[0], 1e-5);
  // The same bits on any number of threads.
  assert.equal(results[1], results[2]);
});

run("--fast-math runs, or says what this engine lacks", () => {
  const { code, err } = resnetc(["run", tinyFile, "--fast-math", "relaxed", ...outTo("relaxed.npy")]);
  if (code === 0) {
    assert.is(resnetc(["run", tinyFile, ...outTo("plain.npy")]).code, 0);
    assertClose(read("relaxed.npy"), read("plain.npy"), 1e-5);
  } else {
    assert.is(code, 1);
    assert.match(err, /network-failed[\s\S]*this engine has no relaxed SIMD/);
  }
});

run("threads that cannot be had are told to those who asked for them", () => {
  const without = { node: ["--import", "data:text/javascript,delete globalThis.SharedArrayBuffer"] };
  const asked = resnetc(["run", tinyFile, "--threads", "2", ...outTo("asked.npy")], without);
  assert.is(asked.code, 0, asked.err);
  assert.match(asked.err, /^--threads 2: 1 used, there is no shared memory here$/m);
  const auto = resnetc(["run", tinyFile, ...outTo("auto.npy")], without);
  assert.is(auto.code, 0, auto.err);
  assert.not.match(auto.err, /threads/);
  assert.equal(read("asked.npy"), read("auto.npy"));
});

for (const target of ["wasm", "tfjs"]) {
  run(`a folder built for ${target} runs like the file it was built from`, () => {
    const out = path.join(folder, `built-${target}`);
    assert.is(resnetc(["build", tinyFile, "--target", target, "-o", out]).code, 0);
    const { code, err } = resnetc(["run", out, "--target", target, ...outTo("from-folder.npy")]);
    assert.is(code, 0, err);
    // A folder built without a checkpoint says so, as the file does.
    assert.match(err, /random weights/);
    assert.is(resnetc(["run", tinyFile, "--target", target, ...outTo("from-file.npy")]).code, 0);
    assert.equal(read("from-folder.npy"), read("from-file.npy"));
    const [other, option] = target === "wasm" ? ["tfjs", "--backend"] : ["wasm", "--threads"];
    for (const [args, message] of [
      [
        ["--target", other],
        new RegExp(`its target \\(${target}\\), weights, labels, settings and arithmetic stay`),
      ],
      [[option, option === "--backend" ? "cpu" : "2"], new RegExp(`${option} goes with --target ${other}`)],
    ] as const) {
      const wrong = resnetc(["run", out, ...args, ...outTo("x.npy")]);
      assert.is(wrong.code, 2, args.join(" "));
      assert.match(wrong.err, message);
    }
  });
}

run("what a built folder is made of cannot be set, and its card must be one", () => {
  const out = path.join(folder, "built-wasm");
  for (const args of [
    ["--target", "reference"],
    ["--exact"],
    ["--set", "classes=3"],
    ["--size", "16"],
    ["--weights", "x.pth"],
  ]) {
    const { code, err } = resnetc(["run", out, ...args, ...outTo("x.npy")]);
    assert.is(code, 2, args.join(" "));
    assert.match(err, /stay as they are/);
  }
  for (const [text, message] of [
    ["{", /its card is no JSON/],
    ["null", /tiny\.json is no card/],
    ['{"inputs":[{"name":"input"}],"outputs":[]}', /tiny\.json is no card/],
  ] as const) {
    write("built-wasm/tiny.json", text);
    const { code, err } = resnetc(["run", out, ...outTo("x.npy")]);
    assert.is(code, 1);
    assert.match(oneLine(err), message);
  }
  write("built-wasm/tiny.json", '{"inputs":[],"outputs":[]}');
  assert.is(resnetc(["run", out, ...outTo("x.npy")]).code, 2);
});

run("a folder without a net, with two, or built again for another target", () => {
  const none = resnetc(["run", root, ...outTo("x.npy")]);
  assert.is(none.code, 1);
  assert.match(oneLine(none.err), /there is no built net in it/);
  const out = path.join(folder, "again");
  assert.is(resnetc(["build", tinyFile, "-o", out]).code, 0);
  // The kernels of the first build stay, and mislead nobody.
  assert.is(resnetc(["build", tinyFile, "-o", out, "--target", "tfjs"]).code, 0);
  assert.is(resnetc(["run", out, ...outTo("again.npy")]).code, 0);
  for (const ending of ["js", "json", "weights"])
    cpSync(path.join(out, `tiny.${ending}`), path.join(out, `other.${ending}`));
  const two = resnetc(["run", out, ...outTo("x.npy")]);
  assert.is(two.code, 1);
  assert.match(oneLine(two.err), /it has other, tiny|it has tiny, other/);
});

run("weights in several files, which the next build replaces", () => {
  const out = path.join(folder, "parts");
  const build = (...args: string[]) =>
    assert.is(resnetc(["build", tinyFile, "--set", "n=4", "-o", out, ...args]).code, 0);
  const weights = () => readdirSync(out).filter((name) => name.endsWith(".weights"));
  build();
  assert.equal(weights(), ["tiny.weights"]);
  assert.is(resnetc(["run", out, ...outTo("whole.npy")]).code, 0);
  build("--shard", "0.02");
  const parts = weights().filter((name) => name !== "tiny.weights");
  assert.ok(parts.length > 1, weights().join());
  write("parts/mine-00001-of-00002.weights", "somebody else's");
  assert.is(resnetc(["run", out, ...outTo("parts.npy")]).code, 0);
  assert.equal(read("parts.npy"), read("whole.npy"));
  build("--shard", "0.01");
  assert.equal(
    weights().filter((name) => parts.includes(name)),
    [],
  );
  assert.is(resnetc(["run", out, ...outTo("parts.npy")]).code, 0);
  assert.equal(read("parts.npy"), read("whole.npy"));
  const [second] = weights().filter((name) => name.startsWith("tiny-00002"));
  rmSync(path.join(out, second));
  assert.match(
    oneLine(resnetc(["run", out, ...outTo("x.npy")]).err),
    /tiny-00002-of-\d{5}\.weights is missing/,
  );
  build();
  assert.equal(weights(), ["mine-00001-of-00002.weights", "tiny.weights"]);
});

run("damaged files of a built folder are told, each by its sentence", () => {
  const whole = path.join(folder, "whole");
  const other = path.join(folder, "other");
  assert.is(resnetc(["build", tinyFile, "-o", whole]).code, 0);
  assert.is(resnetc(["build", tinyFile, "-o", other, "--set", "classes=11"]).code, 0);
  const bytes = (name: string, from = whole) => new Uint8Array(readFileSync(path.join(from, name)));
  const flipped = bytes("tiny.weights").map((byte, i) => (i === 100 ? byte ^ 1 : byte));
  for (const [name, contents, message] of [
    ["tiny.weights", bytes("tiny.weights").subarray(16), /the weights have \d+ bytes instead of \d+/],
    ["tiny.weights", new TextEncoder().encode("<!doctype html>"), /an HTML page/],
    ["tiny.weights", flipped, /the weights are damaged[\s\S]*checksum/],
    ["tiny.wasm", bytes("tiny.wasm", other), /the kernels[\s\S]*another build/],
    ["tiny.wasm", bytes("tiny.wasm").fill(7), /the kernels cannot be compiled/],
    ["tiny.js", new TextEncoder().encode("export default"), /network-failed/],
  ] as const) {
    mkdirSync(path.join(folder, "damaged"), { recursive: true });
    cpSync(whole, path.join(folder, "damaged"), { recursive: true });
    write(`damaged/${name}`, contents);
    const { code, err } = resnetc(["run", path.join(folder, "damaged"), ...outTo("x.npy")]);
    assert.is(code, 1, `${name}: ${err}`);
    assert.match(err, /network-failed: the network does not run/);
    assert.match(oneLine(err), message);
  }
  rmSync(path.join(folder, "damaged", "tiny.wasm"));
  const { code, err } = resnetc(["run", path.join(folder, "damaged"), ...outTo("x.npy")]);
  assert.is(code, 1);
  assert.match(oneLine(err), /tiny\.wasm is missing/);
});

run("a network that WebAssembly has no memory for does not run", () => {
  const vast = write("vast.resnet", "net vast { input 8x8x3; upsample(1000); upsample(2) }\n");
  const { code, err } = resnetc(["run", vast, ...outTo("x.npy")]);
  assert.is(code, 1);
  assert.match(err, /network-too-large/);
});

run("what does not fit is told, with exit 1", () => {
  const wrong = write("wrong.npy", writeNpy({ shape: [1, 9, 9, 3], data: new Float32Array(243) }));
  const png = write("not.png", "<html>");
  for (const [args, message] of [
    [
      ["run", tinyFile, "--raw", wrong, "--out", path.join(folder, "x.npy")],
      /bad-array[\s\S]*9x9x3[\s\S]*Nx8x8x3/,
    ],
    [["run", tinyFile, "--raw", png, "--out", path.join(folder, "x.npy")], /bad-array/],
    [["run", tinyFile, png], /bad-image/],
    [["run", tinyFile, path.join(folder, "none.png")], /unreadable-file/],
    [["run", tinyFile, folder, "--weights", path.join(folder, "none.pth")], /unreadable-file/],
    [["weights", png], /bad-checkpoint/],
    [["weights", path.join(folder, "none.pth")], /unreadable-file/],
    [["build", `${tinyFile}#huge`], /unknown-net[\s\S]*huge/],
    [["build", tinyFile, "--set", "clases=3"], /unknown-setting[\s\S]*did you mean `classes`/],
    [
      ["build", tinyFile, "--weights", tinyFile, "--names", "torchvison"],
      /unknown-names[\s\S]*did you mean `torchvision`/,
    ],
    [["check", folder], /unreadable-file[\s\S]*folder/],
    [["check", write("binary.resnet", Uint8Array.of(0, 1, 2, 255))], /unreadable-file[\s\S]*no text/],
  ] as const) {
    const { code, err } = resnetc(args);
    assert.is(code, 1, args.join(" "));
    assert.match(err, message);
  }
});

run("a file without permission is a diagnostic", () => {
  const file = write("secret.resnet", tiny);
  chmodSync(file, 0);
  // root reads everything: then there is nothing to see.
  if (process.getuid?.() !== 0) assert.match(resnetc(["check", file]).err, /permission is denied/);
});

if (requireShared("models/cifar/resnet20-12fca82f.th")) {
  const th = sharedPath("models/cifar/resnet20-12fca82f.th");
  run("classifies photos with trained weights", () => {
    const photos = ["astronaut", "chelsea", "coffee"].map((name) =>
      sharedPath(`models/photos/${name}_32.png`),
    );
    const { code, out, err } = resnetc(["run", "examples/cifar.resnet#resnet20", "--weights", th, ...photos]);
    assert.is(code, 0, err);
    assert.match(err, /prefix `module\.` removed/);
    for (const photo of photos) {
      const block = out
        .slice(out.indexOf(photo) + photo.length + 1)
        .split("\n")
        .slice(0, 5);
      for (const line of block)
        assert.match(
          line,
          /^ +\d+\.\d\d % {2}(airplane|automobile|bird|cat|deer|dog|frog|horse|ship|truck)$/,
        );
    }
    const chelsea = out.slice(out.indexOf("chelsea_32.png")).split("\n")[1];
    assert.match(chelsea, /cat|dog|deer|frog/);
    const json = resnetc([
      "run",
      "examples/cifar.resnet#resnet20",
      "--weights",
      th,
      "--json",
      "--top",
      "2",
      photos[0],
    ]).out;
    assert.is(JSON.parse(json).top.length, 2);
  });

  run("weights lists a checkpoint and says what does not fit", () => {
    const list = resnetc(["weights", th]).out;
    assert.match(list, /module\.layer3\.2\.conv2\.weight +64x64x3x3 +f32/);
    assert.is(resnetc(["weights", th, "examples/cifar.resnet#resnet20"]).code, 0);
    const deeper = resnetc(["weights", th, "examples/cifar.resnet#resnet32"]);
    assert.is(deeper.code, 1);
    assert.match(deeper.err, /missing-weight[\s\S]*60 tensors/);
    assert.match(deeper.err, /`conv2` lacks 20 of its 50/);
    const classes = resnetc(["weights", th, "examples/cifar.resnet#resnet20", "--set", "classes=100"]);
    assert.is(classes.code, 1);
    assert.match(classes.err, /weight-shape[\s\S]*module\.linear\.weight[\s\S]*\[10, 64\][\s\S]*\[100, 64\]/);
  });
}
run.run();
