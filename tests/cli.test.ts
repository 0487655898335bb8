/**
 * The real binary, as users start it: exit codes, what goes to stdout and what to stderr, JSON, and that a build
 * that fails leaves things as they were.
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readNpy, writeNpy } from "../src/run/npy.ts";
import { assertClose } from "./support/close-to.ts";
import { root } from "./support/nets.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

const binary = path.join(root, "build/cli/main.js");
const folder = mkdtempSync(path.join(tmpdir(), "resnetc-cli-"));

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function resnetc(args: readonly string[], { cwd = root, input }: { cwd?: string; input?: string } = {}): Ran {
  const { RESNETC_CHECK: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [binary, ...args], {
    cwd,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: { ...env, NO_COLOR: "1", FORCE_COLOR: "0" },
    ...(input === undefined ? {} : { input }),
  });
  assert.not.match(stderr, /at .*\.[jt]s:\d+/, "a stack trace");
  return { code: status, out: stdout, err: stderr };
}

function write(name: string, contents: string | Uint8Array): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, contents);
  return file;
}

const tiny = `resnet 1
use basic from std

## A net small enough for a test.
net tiny(classes = 10, n = 1) {
  input 8x8x3
  conv1: conv(3x3, 4) -> bn -> relu
  conv2: basic(4) x n
  conv3: basic(8) x n /2
  pool:  avgpool
  fc:    dense(classes)
  expect fc -> 10
  expect conv3 -> 4x4x8
}
`;
const tinyFile = write("tiny.resnet", tiny);

// ---- build --------------------------------------------------------------------------------------------

const build = suite("build");

build("prints the table, the verdicts and what was written", () => {
  const out = path.join(folder, "out-152");
  const start = performance.now();
  const { code, out: text, err } = resnetc(["build", "examples/resnet152.resnet", "-o", out]);
  const seconds = (performance.now() - start) / 1000;
  assert.is(code, 0, err);
  assert.match(text, /60,192,808/);
  assert.match(text, /11\.514 G/);
  for (const line of [
    "expect params 60_192_808",
    "expect macs 11.5G",
    "expect depth 152",
    "expect conv5 -> 7x7x2048",
  ]) {
    assert.match(text, `ok  ${line}`);
  }
  assert.match(text, /He initialisation, seed 0 \(untrained/);
  assert.ok(
    text.split("\n").every((line) => line.length <= 80 || line.includes(out)),
    "80 columns",
  );
  assert.equal(
    readdirSync(out).sort(),
    ["d.ts", "js", "json", "weights"].map((e) => `resnet152.${e}`).sort(),
  );
  // Five seconds is the promise on a quiet machine; this one may be busy.
  assert.ok(seconds < 60, `${seconds.toFixed(1)} s`);
  rmSync(out, { recursive: true });
});

build("is byte-identical for equal input", () => {
  const digest = (out: string) =>
    readdirSync(out)
      .sort()
      .map((name) => readFileSync(path.join(out, name)).toString("base64"));
  const [a, b, c] = ["a", "b", "c"].map((name) => path.join(folder, `same-${name}`));
  resnetc(["build", tinyFile, "-o", a]);
  resnetc(["build", tinyFile, "-o", b]);
  resnetc(["build", tinyFile, "-o", c, "--seed", "1"]);
  assert.equal(digest(a), digest(b));
  assert.not.equal(digest(a), digest(c));
});

build("makes several targets, pictures without weights", () => {
  const out = path.join(folder, "targets");
  const { code } = resnetc(["build", tinyFile, "--target", "tfjs,svg", "-o", out]);
  assert.is(code, 0);
  assert.ok(existsSync(path.join(out, "tiny.svg")) && existsSync(path.join(out, "tiny.js")));
});

build("--json is one document on stdout", () => {
  const { code, out } = resnetc(["build", tinyFile, "-o", path.join(folder, "json"), "--json"]);
  const result = JSON.parse(out);
  assert.is(code, 0);
  assert.is(result.schema, "resnetc/1");
  assert.is(result.net, "tiny");
  assert.is(result.written.length, 4);
  assert.ok(result.expectations.every((e: { holds: boolean }) => e.holds));
});

build("--dump and --print-after show the passes", () => {
  const dump = path.join(folder, "dump");
  const { code, err } = resnetc([
    "build",
    tinyFile,
    "-o",
    path.join(folder, "d"),
    "--dump",
    dump,
    "--print-after",
    "fold-batch-norm",
  ]);
  assert.is(code, 0);
  assert.match(err, /^graph tiny/m);
  const names = readdirSync(dump);
  assert.ok(
    names.some((name) => name.endsWith("000_lower.txt")) &&
      names.some((name) => name.endsWith("_fuse-activation.txt")),
    names.join(),
  );
});

build("a failed build leaves the previous output as it was", () => {
  const out = path.join(folder, "kept");
  resnetc(["build", tinyFile, "-o", out]);
  write("kept/mine.txt", "not yours");
  const state = () =>
    readdirSync(out)
      .sort()
      .map((name) => [name, statSync(path.join(out, name)).mtimeMs]);
  const before = state();
  const broken = write("broken.resnet", tiny.replace("expect fc -> 10", "expect fc -> 11"));
  for (const args of [
    ["build", broken, "-o", out],
    ["build", tinyFile, "-o", out, "--weights", write("garbage.pth", "garbage")],
    ["build", tinyFile, "-o", out, "--target", "cuda"],
    ["build", path.join(folder, "absent.resnet"), "-o", out],
  ]) {
    assert.is(resnetc(args).code, 1, args.join(" "));
    assert.equal(state(), before);
  }
  assert.is(resnetc(["build", tinyFile, "-o", out]).code, 0);
  assert.is(readFileSync(path.join(out, "mine.txt"), "utf8"), "not yours");
});

build("an output that cannot be written is a diagnostic", () => {
  const file = write("plain-file", "");
  const { code, err } = resnetc(["build", tinyFile, "-o", path.join(file, "out")]);
  assert.is(code, 1);
  assert.match(err, /unwritable-output/);
});
build.run();

// ---- check, info, ir, fmt -------------------------------------------------------------------------------

const check = suite("check, info, ir, fmt");

check("check says of every file whether it is fine", () => {
  const fine = resnetc([
    "check",
    ...readdirSync(path.join(root, "examples")).map((name) => `examples/${name}`),
  ]);
  assert.is(fine.code, 0, fine.err);
  assert.match(fine.out, /0 errors/);
  const bad = resnetc(["check", write("bad.resnet", tiny.replace("basic(8)", "basik(8)"))]);
  assert.is(bad.code, 1);
  assert.match(bad.err, /error unknown-name: nothing here is called `basik`/);
  assert.match(bad.err, /hint: did you mean `basic`\?/);
  assert.is(bad.out, "");
});

check("diagnostics for editors and programs", () => {
  const file = write("bad2.resnet", tiny.replace("basic(8)", "basik(8)"));
  assert.match(
    resnetc(["check", file, "--format", "gnu"]).err,
    /bad2\.resnet:9:10: error: .* \[unknown-name\]/,
  );
  const { out } = resnetc(["check", file, "--format", "json"]);
  const { schema, diagnostics } = JSON.parse(out);
  assert.is(schema, "resnetc/1");
  assert.is(diagnostics[0].code, "unknown-name");
  assert.is(diagnostics[0].line, 9);
});

check("a setting that breaks an expectation warns", () => {
  const { code, err } = resnetc(["check", tinyFile, "--set", "classes=7"]);
  assert.is(code, 0, err);
  assert.match(err, /warning expectation-failed/);
  assert.match(err, /--set classes/);
});

check("info counts in both conventions", () => {
  const { code, out } = resnetc(["info", "examples/resnet50.resnet", "--json"]);
  const { params, state, macs, timmMacs, depth } = JSON.parse(out);
  assert.is(code, 0);
  assert.equal(
    { params, state, macs, timmMacs, depth },
    { params: 25_557_032, state: 53_120, macs: 4_089_184_256, timmMacs: 4_111_512_576, depth: 50 },
  );
  const table = resnetc(["info", "examples/resnet50.resnet", "--depth", "2"]).out;
  assert.match(table, /conv4\.5/);
  assert.ok(
    table.split("\n").every((line) => line.length <= 80),
    "80 columns",
  );
});

check("resnet1202 prints its table in time", () => {
  const start = performance.now();
  const { out } = resnetc(["info", "examples/cifar.resnet#resnet1202"]);
  assert.match(out, /19,421,274/);
  assert.ok(performance.now() - start < 30_000);
});

check("ir at any point, and what a pass changed", () => {
  const before = resnetc(["ir", tinyFile]).out;
  assert.match(before, /%conv1\.bn = batchNorm/);
  const after = resnetc(["ir", tinyFile, "--after", "fold-batch-norm"]).out;
  assert.not.match(after, /batchNorm/);
  const diff = resnetc(["ir", tinyFile, "--after", "fold-batch-norm", "--diff"]).out;
  assert.match(diff, /^- {2}%conv1\.bn = batchNorm/m);
  const wrong = resnetc(["ir", tinyFile, "--after", "fold-batchnorm"]);
  assert.is(wrong.code, 1);
  assert.match(wrong.err, /did you mean fold-batch-norm\?/);
});

check("fmt writes canonical text and --check only looks", () => {
  const file = write("fmt/messy.resnet", tiny.replace("  conv2: basic(4) x n", "  conv2:basic( 4 )×n"));
  const looked = resnetc(["fmt", "--check", path.dirname(file)]);
  assert.is(looked.code, 1);
  assert.match(looked.err, /not-formatted/);
  assert.is(resnetc(["fmt", file]).code, 0);
  assert.is(readFileSync(file, "utf8"), tiny);
  assert.is(resnetc(["fmt", "--check", "examples"]).code, 0);
  assert.is(resnetc(["fmt", "-"], { input: "net m{input 8x8x3;relu}" }).out, "net m { input 8x8x3; relu }\n");
  const broken = write("fmt/broken.resnet", "net m { input ");
  assert.is(resnetc(["fmt", broken]).code, 1);
  assert.is(readFileSync(broken, "utf8"), "net m { input ");
  const crlf = write("fmt/crlf.resnet", tiny.replaceAll("\n", "\r\n"));
  assert.is(resnetc(["fmt", crlf]).code, 0);
  assert.is(readFileSync(crlf, "utf8"), tiny);
});
check.run();

// ---- run and weights ------------------------------------------------------------------------------------

const run = suite("run and weights");

run("arrays in and out: reference and tfjs agree, both layouts, any batch", () => {
  const data = Float32Array.from({ length: 2 * 8 * 8 * 3 }, (_, i) => Math.sin(i));
  const nhwc = write("in.npy", writeNpy({ shape: [2, 8, 8, 3], data }));
  const moved = Float32Array.from(data, (_, i) => {
    const [n, k, place] = [Math.floor(i / 192), Math.floor(i / 64) % 3, i % 64];
    return data[(n * 64 + place) * 3 + k];
  });
  const nchw = write("in-nchw.npy", writeNpy({ shape: [2, 3, 8, 8], data: moved }));
  const results = [
    ["--target", "reference", "--raw", nhwc],
    ["--target", "tfjs", "--raw", nhwc],
    ["--target", "tfjs", "--backend", "cpu", "-O", "0", "--raw", nhwc],
    ["--target", "tfjs", "--layout", "nchw", "--raw", nchw],
  ].map((args, i) => {
    const out = path.join(folder, `out${i}.npy`);
    const { code, err } = resnetc(["run", tinyFile, ...args, "--out", out]);
    assert.is(code, 0, err);
    assert.match(err, /random weights/);
    return readNpy(readFileSync(out), out, () => assert.unreachable())!;
  });
  assert.equal([...results[0].shape], [2, 10]);
  for (const result of results.slice(1)) assertClose(result, results[0], 1e-5);
});

run("a built folder runs like the file it was built from", () => {
  const out = path.join(folder, "built");
  const raw = write("built-in.npy", writeNpy({ shape: [8, 8, 3], data: new Float32Array(192).fill(0.5) }));
  const read = (name: string) =>
    readNpy(readFileSync(path.join(folder, name)), name, () => assert.unreachable())!;
  assert.is(resnetc(["build", tinyFile, "-o", out]).code, 0);
  assert.is(resnetc(["run", out, "--raw", raw, "--out", path.join(folder, "from-folder.npy")]).code, 0);
  assert.is(resnetc(["run", tinyFile, "--raw", raw, "--out", path.join(folder, "from-file.npy")]).code, 0);
  // A folder built without a checkpoint says so, as the file does.
  assert.match(
    resnetc(["run", out, "--raw", raw, "--out", path.join(folder, "from-folder.npy")]).err,
    /random weights/,
  );
  assert.equal(read("from-folder.npy"), read("from-file.npy"));
  assert.is(resnetc(["run", out, "--raw", raw, "--out", "x.npy", "--target", "reference"]).code, 2);
  const empty = resnetc(["run", root, "--raw", raw, "--out", "x.npy"]);
  assert.is(empty.code, 1);
  assert.match(empty.err, /there is no built net in it/);
  write("built/tiny.json", "{");
  assert.match(resnetc(["run", out, "--raw", raw, "--out", "x.npy"]).err, /its card is no JSON/);
  write("built/tiny.json", '{"inputs":[],"outputs":[]}');
  assert.is(resnetc(["run", out, "--raw", raw, "--out", "x.npy"]).code, 2);
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

// ---- usage ----------------------------------------------------------------------------------------------

const usage = suite("usage");

usage("help has examples, and every command its own", () => {
  const help = resnetc(["--help"]);
  assert.is(help.code, 0);
  for (const command of ["build", "check", "info", "ir", "fmt", "run", "weights"]) {
    assert.match(help.out, `resnetc ${command}`);
    const own = resnetc([command, "--help"]);
    assert.is(own.code, 0);
    assert.match(own.out, /Examples:/, command);
    assert.ok(
      own.out.split("\n").every((line) => line.length <= 80),
      `${command} --help in 80 columns`,
    );
  }
});

usage("mistakes of usage exit with 2 and say what was meant", () => {
  for (const [args, message] of [
    [[], /Say what to do/],
    [["biuld", tinyFile], /did you mean build\?/],
    [["build"], /Not enough/],
    [["build", tinyFile, "--wieghts", "x"], /did you mean --weights\?/],
    [["build", tinyFile, "--set", "classes"], /name=value/],
    [["build", tinyFile, "--size", "big"], /a side such as 288/],
    [["build", tinyFile, "--batch", "0"], /whole number/],
    [["build", tinyFile, "-O", "7"], /Choices/],
    [["build", tinyFile, "--seed", "x"], /seed/],
    [["build", tinyFile, "-o", "a", "-o", "b"], /more than once/],
    [["run", tinyFile], /wants pictures/],
    [["run", tinyFile, "--raw", "x.npy"], /--out/],
    [["ir", tinyFile, "--diff"], /--after/],
    [["info", tinyFile, "--depth", "0"], /whole number/],
  ] as const) {
    const { code, err, out } = resnetc(args);
    assert.is(code, 2, `${args.join(" ")}: ${code} ${err}`);
    assert.match(err, message);
    assert.is(out, "");
  }
});

usage("--version is quick to say", () => {
  const { code, out } = resnetc(["--version"]);
  assert.is(code, 0);
  assert.is(out.trim(), JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")).version);
});

usage("the packed package works from another folder", () => {
  const home = path.join(folder, "elsewhere");
  mkdirSync(home, { recursive: true });
  const packed = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", home], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [{ filename, files }] = JSON.parse(packed) as [{ filename: string; files: { path: string }[] }];
  const paths = files.map((file) => file.path);
  for (const needed of [
    "build/cli/main.js",
    "build/index.d.ts",
    "examples/resnet152.resnet",
    "LICENSE",
    "README.md",
  ]) {
    assert.ok(paths.includes(needed), `${needed} is not in the package`);
  }
  assert.equal(
    paths.filter((file) => /^(tests|scripts|src)\//.test(file)),
    [],
  );
  execFileSync("tar", ["xzf", filename], { cwd: home });
  // The package's dependencies, as an install would lay them beside it.
  cpSync(path.join(root, "package.json"), path.join(home, "package.json"));
  execFileSync("ln", ["-s", path.join(root, "node_modules"), path.join(home, "package", "node_modules")]);
  const { status, stdout } = spawnSync(
    process.execPath,
    ["package/build/cli/main.js", "check", "package/examples/resnet50.resnet"],
    { cwd: home, encoding: "utf8" },
  );
  assert.is(status, 0);
  assert.match(stdout, /1 net, 4 expectations/);
});
usage.after(() => rmSync(folder, { recursive: true, force: true }));
usage.run();
