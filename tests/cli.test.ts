/**
 * The real binary, as users start it: exit codes, what goes to stdout and what to stderr, JSON, and that a build
 * that fails leaves things as they were.
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { folder, resnetc, tiny, tinyFile, write } from "./support/cli.ts";
import { root } from "./support/nets.ts";

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
  assert.match(text, /; fused 151 activations, 50 residual adds$/m);
  assert.match(text, /^wasm: predicted \d+ ms[\s\S]*^ {6}memory \d+ MB: weights \d+/m);
  assert.ok(
    text.split("\n").every((line) => line.length <= 80 || line.includes(out)),
    "80 columns",
  );
  assert.equal(
    readdirSync(out).sort(),
    ["d.ts", "js", "json", "labels.js", "wasm", "weights", "worker.js"].map(
      (ending) => `resnet152.${ending}`,
    ),
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
  assert.is(resnetc(["build", tinyFile, "--target", "wasm,svg", "-o", out]).code, 0);
  assert.equal(readdirSync(out), [
    "tiny.d.ts",
    "tiny.js",
    "tiny.json",
    "tiny.svg",
    "tiny.wasm",
    "tiny.weights",
    "tiny.worker.js",
  ]);
  const pictures = path.join(folder, "pictures");
  const { code, out: text } = resnetc(["build", tinyFile, "--target", "svg", "-o", pictures]);
  assert.is(code, 0);
  assert.equal(readdirSync(pictures), ["tiny.svg"]);
  assert.not.match(text, /weights:|wasm:/);
});

build("targets that make the same file are told apart before anything is written", () => {
  const out = path.join(folder, "both");
  const { code, err } = resnetc(["build", tinyFile, "--target", "wasm,tfjs", "-o", out]);
  assert.is(code, 2);
  assert.match(err, /wasm,tfjs: more than one of them makes tiny\.js/);
  assert.not(existsSync(out));
});

build(
  "an ONNX file of -O0 has the net's weights under its names; Triton's folder has one for the version",
  () => {
    const out = path.join(folder, "onnx");
    const { code, out: text } = resnetc(["build", tinyFile, "--target", "onnx", "-O", "0", "-o", out]);
    assert.is(code, 0);
    assert.match(text, /tiny\.onnx/);
    assert.equal(readdirSync(out).sort(), ["tiny.json", "tiny.onnx"]);
    const read = resnetc(["weights", path.join(out, "tiny.onnx"), tinyFile, "--strict"]);
    assert.is(read.code, 0, read.err);
    assert.match(read.out, /names: as in the net/);
    const served = path.join(folder, "served");
    assert.is(resnetc(["build", tinyFile, "--target", "onnx", "--for", "triton", "-o", served]).code, 0);
    assert.equal(readdirSync(served).sort(), ["1", "config.pbtxt", "tiny.json"]);
    assert.equal(readdirSync(path.join(served, "1")), ["tiny.onnx"]);
  },
);

build("--json is one document on stdout", () => {
  const out = path.join(folder, "json");
  const { code, out: text } = resnetc(["build", tinyFile, "-o", out, "--json"]);
  const result = JSON.parse(text);
  assert.is(code, 0);
  assert.is(result.schema, "resnetc/1");
  assert.is(result.net, "tiny");
  assert.is(result.written.length, 6);
  assert.ok(result.expectations.every((e: { holds: boolean }) => e.holds));
  assert.ok(result.notes.some((line: string) => /^predicted [\d.]+ ms/.test(line)));
  const { plan, bytes } = JSON.parse(readFileSync(path.join(out, "tiny.json"), "utf8"));
  assert.ok(plan.predictedMs > 0);
  assert.is(plan.bytes.stored, bytes);
});

build("--target graph-model writes shards of the size asked for, which can be read back", () => {
  const out = path.join(folder, "graph-model");
  const text = "net wide { input 8x8x32; c: conv(3x3, 32) -> bn; avgpool }\n";
  const wide = write("wide-model.resnet", text);
  const { code, err } = resnetc([
    ...["build", wide, "--target", "graph-model", "-O0", "--shard", "0.02", "-o", out],
  ]);
  assert.is(code, 0, err);
  assert.equal(readdirSync(out).sort(), ["group1-shard1of2.bin", "group1-shard2of2.bin", "model.json"]);
  const model = path.join(out, "model.json");
  const bound = resnetc(["weights", model, wide]);
  assert.is(bound.code, 0, bound.err);
  assert.not.match(bound.err, /warning/);
  assert.match(bound.out, /fits wide: 5 tensors/);
});

build("--exact makes other kernels, --fast-math a second module of them", () => {
  const wide = write("wide.resnet", "net wide { input 32x32x32; conv(3x3, 32); avgpool }\n");
  const modules = [[], ["--exact"], ["--fast-math", "relaxed"]].map((args, i) => {
    const out = path.join(folder, `arithmetic${i}`);
    const { code, err } = resnetc(["build", wide, "-o", out, ...args]);
    assert.is(code, 0, err);
    const names = readdirSync(out).filter((name) => name.endsWith(".wasm"));
    const texts = names.map((name) => [name, readFileSync(path.join(out, name), "latin1")] as const);
    return Object.fromEntries(
      texts.map(([name, text]) => [
        name,
        { winograd: text.includes("winograd"), relaxed: text.includes("relaxed") },
      ]),
    );
  });
  const plain = { winograd: true, relaxed: false };
  assert.equal(modules, [
    { "wide.wasm": plain },
    { "wide.wasm": { winograd: false, relaxed: false } },
    { "wide.wasm": plain, "wide.relaxed.wasm": { winograd: true, relaxed: true } },
  ]);
});

build("a network that WebAssembly has no memory for is a diagnostic", () => {
  const out = path.join(folder, "huge");
  const { code, err } = resnetc(["build", "examples/resnet18.resnet", "--size", "6000", "-o", out]);
  assert.is(code, 1);
  assert.match(err, /network-too-large: the network needs \d\.\d GB of memory/);
  assert.not(existsSync(out));
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
  assert.is(names[0], "wasm-000_lower.txt");
  assert.is(names.at(-1), "wasm-009_fuse-residual.txt");
  assert.match(readFileSync(path.join(dump, names.at(-1)!), "utf8"), /conv2d [^\n]*\bresidual\b/);
});

build("--print-after says when nothing was printed", () => {
  const out = path.join(folder, "silent");
  const print = (...args: string[]) =>
    resnetc(["build", tinyFile, "-o", out, "--print-after", "fuse-residual", ...args]).err;
  assert.match(print(), /^graph tiny/m);
  assert.is(
    print("--target", "tfjs").trim(),
    "--print-after fuse-residual: that pass does not run for tfjs at -O2",
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
  const residual = resnetc(["ir", tinyFile, "--after", "fuse-residual", "--diff"]);
  assert.match(residual.out, /^- {2}%conv2\.0\.add = add/m);
});

check("ir --after plan prints steps, kernels and memory", () => {
  const file = write("planned.resnet", "net planned { input 32x32x32; conv(3x3, 32); avgpool }\n");
  const { code, out, err } = resnetc(["ir", file, "--after", "plan"]);
  assert.is(code, 0, err);
  assert.match(out, /^plan planned: \d+ steps, predicted [\d.]+ ms/);
  assert.match(out, /winograd F\(4,3\)/);
  assert.match(out, /^b0 +input picture/m);
  assert.not.match(resnetc(["ir", file, "--after", "plan", "--exact"]).out, /winograd/);
  const json = JSON.parse(resnetc(["ir", file, "--after", "plan", "--target", "wasm", "--json"]).out);
  assert.is(json.text.trimEnd(), out.trimEnd());
  assert.ok(json.predictedMs > 0 && json.bytes.weights > 0);
  const wrong = resnetc(["ir", file, "--after", "plann"]);
  assert.is(wrong.code, 1);
  assert.match(wrong.err, /did you mean plan\?/);
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

check("fmt takes folders and several paths, and says how many files it met", () => {
  const messy = "net m{input 8x8x3;relu}\n";
  const canonical = "net m { input 8x8x3; relu }\n";
  const names = ["b.resnet", "a/c.resnet", "a/b/d.resnet", "a.resnet"];
  for (const name of names) write(`tree/${name}`, messy);
  // What is hidden, installed, or no text of ours stays as it is.
  const left = [".git/e.resnet", "node_modules/f.resnet", "a/node_modules/g.resnet", "h.txt"];
  for (const name of left) write(`tree/${name}`, messy);
  const tree = path.join(folder, "tree");
  symlinkSync(path.join(tree, "h.txt"), path.join(tree, "i.resnet"));
  const looked = resnetc(["fmt", "--check", "tree"], { cwd: folder });
  assert.is(looked.code, 1);
  assert.is(looked.out, "4 files, 4 would change\n");
  const one = path.join(tree, "a.resnet");
  chmodSync(one, 0o640);
  const { code, out, err } = resnetc(["fmt", "tree/b.resnet", "tree", "./tree/a"], { cwd: folder });
  assert.is(code, 0, err);
  // In order, and each once.
  const met = ["b.resnet", "a/b/d.resnet", "a/c.resnet", "a.resnet"].map((name) => path.join("tree", name));
  assert.is(out, [...met, "4 files, 4 formatted\n"].join("\n"));
  for (const name of names) assert.is(readFileSync(path.join(tree, name), "utf8"), canonical, name);
  for (const name of left) assert.is(readFileSync(path.join(tree, name), "utf8"), messy, name);
  assert.is(statSync(one).mode & 0o777, 0o640);
  const again = resnetc(["fmt", "tree"], { cwd: folder });
  assert.is(again.out, "4 files, 0 formatted\n");

  const link = path.join(folder, "link.resnet");
  const linked = write("linked.resnet", messy);
  symlinkSync(linked, link);
  assert.is(resnetc(["fmt", link]).code, 0);
  assert.ok(lstatSync(link).isSymbolicLink());
  assert.is(readFileSync(linked, "utf8"), canonical);
});

check("fmt --diff prints what would change, and checks stdin too", () => {
  const file = write("fmt/other.resnet", "net m {\n  input 8x8x3\n  conv( 3x3,4 )\n  relu\n}\n");
  const { code, out, err } = resnetc(["fmt", "--diff", file]);
  assert.is(code, 1);
  assert.match(err, /not-formatted/);
  assert.match(
    out,
    "@@ -1,5 +1,5 @@\n net m {\n   input 8x8x3\n-  conv( 3x3,4 )\n+  conv(3x3, 4)\n   relu\n }\n",
  );
  assert.match(readFileSync(file, "utf8"), "conv( 3x3,4 )");
  const piped = resnetc(["fmt", "--check", "-"], { input: "net m{}" });
  assert.is(piped.code, 1);
  assert.is(piped.out, "");
  assert.is(resnetc(["fmt", "--check", "-"], { input: "net m {}\n" }).code, 0);
  const nothing = resnetc(["fmt", "nowhere", file]);
  assert.is(nothing.code, 1);
  assert.match(nothing.err, /nowhere[\s\S]*there is no such file/);
  assert.is(nothing.out, `${file}\n`);
});
check.run();

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
    [["build", tinyFile, "--exact", "--fast-math", "relaxed"], /opposites/],
    [["build", tinyFile, "--fast-math", "quick"], /Choices: "relaxed"/],
    [["build", tinyFile, "--fast-math"], /fast-math/],
    [["build", tinyFile, "--target", "tfjs,svg", "--exact"], /--exact goes with --target wasm/],
    [["build", tinyFile, "--for", "triton"], /--for triton goes with --target onnx/],
    [["build", tinyFile, "--target", "onnx", "--for", "tritn"], /Choices: "triton"/],
    [["build", tinyFile, "--target", "onnx", "--kernels", "own"], /--kernels own goes with --target tfjs/],
    [["build", tinyFile, "--target", "tfjs", "--precision", "f16"], /goes with --target wasm or graph-model/],
    [["build", tinyFile, "--target", "graph-model", "--exact"], /--exact goes with --target wasm/],
    [
      ["build", tinyFile, "--target", "onnx", "--shard", "4"],
      /--shard goes with --target wasm or graph-model/,
    ],
    [
      ["build", tinyFile, "--target", "graph-model", "--shard", "0"],
      /--shard 0 is not a number of megabytes/,
    ],
    [["build", tinyFile, "--target", "graph-model", "--shard", "big"], /shard/],
    [["build", tinyFile, "--out", "a"], /did you mean --output\?/],
    [["check", tinyFile, "--agianst", "x"], /did you mean --against\?/],
    [["weights", tinyFile, "--wirte", "x"], /did you mean --write\?/],
    [["info", tinyFile, "--theads", "2"], /no option --theads\n {2}`resnetc info/],
    [["build", tinyFile, "--exat"], /did you mean --exact\?/],
    [["build", tinyFile, "--print-after", "plan"], /ir FILE --after plan/],
    [["run", tinyFile, "x.png", "--threads", "0"], /--threads 0 is not auto or a number from 1 to 64/],
    [["run", tinyFile, "x.png", "--threads", "two"], /--threads two is not auto/],
    [["run", tinyFile, "x.png", "--threads", "2", "--threads", "3"], /more than once/],
    [["run", tinyFile, "x.png", "--treads", "2"], /did you mean --threads\?/],
    [["run", tinyFile, "x.png", "--target", "tfjs", "--threads", "2"], /--threads goes with --target wasm/],
    [["run", tinyFile, "x.png", "--backend", "cpu"], /--backend goes with --target tfjs/],
    [["run", tinyFile, "x.png", "--target", "reference", "--exact"], /--exact goes with --target wasm/],
    [["run", tinyFile, "x.png", "--target", "webgl"], /Choices: "wasm", "tfjs", "reference"/],
    [["ir", tinyFile, "--diff"], /--after/],
    [["ir", tinyFile, "--after", "plan", "--diff"], /--diff is for graphs/],
    [["ir", tinyFile, "--after", "plan", "--params"], /--params is for graphs/],
    [["ir", tinyFile, "--after", "plan", "--target", "tfjs"], /tfjs makes no plan/],
    [["ir", tinyFile, "--after", "fuse-residual", "--target", "tfjs"], /tfjs does not run fuse-residual/],
    [["ir", tinyFile, "--fast-math", "relaxed"], /--fast-math relaxed goes with --after plan/],
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
usage.run();
