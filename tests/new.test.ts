/** `resnetc new` and `resnetc types`: starters that check, and a page that works as it is written. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import type { AddressInfo } from "node:net";
import path from "node:path";
import type { Browser } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createServer, type ViteDevServer } from "vite";
import { makeSource } from "../src/base/source.ts";
import { specFrom } from "../src/cli/starters.ts";
import { analyse } from "../src/compile.ts";
import { isOp } from "../src/ir/graph.ts";
import { param } from "../src/ir/ops/param.ts";
import { oneFile } from "../src/published/one-file.ts";
import { zooNames, zooNet, zooPlace } from "../src/published/zoo.ts";
import { requireChromium, startChromium } from "./support/chromium.ts";
import { folder, oneLine, resnetc, tinyFile } from "./support/cli.ts";
import { root } from "./support/nets.ts";
import { png } from "./support/png.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

const at = (...names: string[]) => path.join(folder, ...names);
const text = (...names: string[]) => readFileSync(at(...names), "utf8");

// ---- new NAME ------------------------------------------------------------------------------------

test("a file of a net: an example, a net of a file of several, a published one", () => {
  for (const [name, from, ...expected] of [
    ["mine", "resnet50", "net mine(size = 224x224x3, classes = 1000)", "expect params 25_557_032"],
    [
      "small",
      "resnet20",
      "## As resnet20 of examples/cifar.resnet.",
      "net small = cifar { expect params 269_722 }",
    ],
    ["deep", "timm:resnet50d", "use avg_project, bottleneck, deep_stem", "expect params 25_576_264"],
    ["flat", "torchvision:vgg16", "names vgg16_names"],
  ]) {
    const { code, out, err } = resnetc(["new", name, "--from", from], { cwd: folder });
    assert.is(code, 0, err);
    assert.match(out, `wrote ${name}.resnet, from ${from}`);
    for (const words of expected) assert.match(text(`${name}.resnet`), words);
  }
  const files = ["mine", "small", "deep", "flat"].map((name) => at(`${name}.resnet`));
  assert.is(resnetc(["check", ...files]).code, 0);
  assert.is(resnetc(["fmt", "--check", ...files]).code, 0);
  // Under another name it counts as before: the whole point of a starter.
  const net = JSON.parse(resnetc(["info", at("deep.resnet"), "--json"]).out);
  assert.is(net.net, "deep");
  assert.is(net.params, 25_576_264);
});

test("every twentieth net of the zoo is a file of its own with the same counts", () => {
  const names = zooNames().filter((_, i) => i % 20 === 0);
  assert.ok(names.length > 20);
  for (const name of names) {
    const { module, net } = zooPlace(name)!;
    const before = zooNet(name)!;
    const weights = before.graph.nodes.filter((node) => isOp(node, param)).map((node) => node.name);
    const written = oneFile(module, net, { name: "mine", doc: "Mine.", weights });
    const { nets, diagnostics } = analyse(makeSource("mine.resnet", written));
    assert.equal(diagnostics, [], name);
    const after = nets[0].graph.nodes.filter((node) => isOp(node, param)).map((node) => node.name);
    assert.equal(after, weights, name);
  }
});

test("what is there stays, and what is wrong is told", () => {
  for (const [args, words] of [
    [["new", "mine"], "mine.resnet is there already: choose another name, or remove it"],
    [["new", "a", "--from", "resnet51"], "there is no such net; did you mean"],
    [["new", "Cats", "--app", "vite"], "Cats is no name of a package"],
    [["new", "a", "--app", "vite", "--from", "deeplabv3_resnet50"], "which this one does not"],
    [["new", ".", "--app", "vite"], ". is there already, and not empty"],
  ] as const) {
    const { code, err } = resnetc(args, { cwd: folder });
    assert.is(code, 2, args.join(" "));
    assert.match(oneLine(err), words);
  }
  assert.not(existsSync(at("a")));
  assert.not(existsSync(at("a.resnet")));
  assert.throws(() => specFrom("resnet18", "my-net"), /my-net is no name of a net: letters, digits and _/);
  assert.throws(
    () => specFrom("timm:resnet18", "basics"),
    /basics is taken by something that timm:resnet18 is/,
  );
});

// ---- types ---------------------------------------------------------------------------------------

/** The messages of the real compiler about a program beside tiny.resnet. */
function typeCheck(program: string, options: object = {}): string[] {
  const project = at("typed");
  mkdirSync(project, { recursive: true });
  if (!existsSync(path.join(project, "node_modules"))) {
    mkdirSync(path.join(project, "node_modules"));
    symlinkSync(root, path.join(project, "node_modules/resnetc"));
    for (const name of ["vite", "@types", "@tensorflow"])
      symlinkSync(path.join(root, "node_modules", name), path.join(project, "node_modules", name));
  }
  copyFileSync(tinyFile, path.join(project, "tiny.resnet"));
  writeFileSync(path.join(project, "main.ts"), program);
  const compilerOptions = {
    ...{ module: "esnext", moduleResolution: "bundler", target: "es2022", lib: ["es2023", "dom"], types: [] },
    ...{ strict: true, noEmit: true, allowArbitraryExtensions: true, ...options },
  };
  writeFileSync(path.join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["main.ts"] }));
  const tsc = path.join(root, "node_modules/typescript/bin/tsc");
  const { stdout } = spawnSync(process.execPath, [tsc, "-p", project, "--pretty", "false"], {
    encoding: "utf8",
  });
  return stdout.split(/\n(?! )/).filter((message) => message.includes("error"));
}

test("types: right programs compile, and misspelt names do not", () => {
  const program = (body: string) => `import { load } from "./tiny.resnet";
    const net = await load({ threads: 2 });
    ${body}\nexport {};\n`;
  const right = "const { logits } = net.run({ input: new Float32Array(192) }); logits.at(0)?.toFixed(2);";
  mkdirSync(at("typed"), { recursive: true });
  copyFileSync(tinyFile, at("typed/tiny.resnet"));
  const declared = at("typed/tiny.d.resnet.ts");
  assert.is(resnetc(["types", at("typed/tiny.resnet"), "--check"]).code, 1, "it is missing");
  assert.not(existsSync(declared));
  assert.match(resnetc(["types", at("typed/tiny.resnet")]).out, /^wrote {2}.*tiny\.d\.resnet\.ts/);
  assert.is(resnetc(["types", at("typed/tiny.resnet"), "--check"]).code, 0);
  assert.equal(typeCheck(program(right)), []);
  assert.match(
    typeCheck(program(right.replace("logits }", "logit }")))[0],
    /Property 'logit' does not exist/,
  );
  assert.match(
    typeCheck(program(right.replace("input:", "image:")))[0],
    /'image' does not exist in type 'Inputs/,
  );
  assert.match(typeCheck(program("await load({ thread: 2 });"))[0], /'thread' does not exist|No overload/);
  const failed = resnetc(["types", at("typed/none.resnet")]);
  assert.is(failed.code, 1);
  assert.match(failed.err, /there is no such file/);
});

test("resnetc/client: loose types where a file has none, and of queries", () => {
  const program = `import { load } from "./other.resnet";
    import { load as loadInline } from "./tiny.resnet?inline";
    const net = await load({ threads: 2 });
    const results: Float32Array = net.run({ anything: new Float32Array(1) }).whatever;
    const guesses = await (await loadInline({ worker: true })).classify("a.png", { top: 5 });
    export const label: string | undefined = guesses[0].label ?? results.at(0)?.toFixed(1);\n`;
  assert.equal(typeCheck(program, { types: ["resnetc/client"] }), []);
  const wrong = program.replace("net.run(", "net.walk(");
  assert.match(typeCheck(wrong, { types: ["resnetc/client"] })[0], /'walk' does not exist/);
});

test("the entry points have their types", () => {
  const program = ["vite", "rollup", "rolldown", "webpack", "rspack", "esbuild"]
    .map((name) => `import { resnetc as ${name} } from "resnetc/${name}";`)
    .join("\n");
  const uses = `
    import { load } from "resnetc/run";
    const net = await load("x.resnet", { weights: "x.pth", precision: "f16", threads: 1 });
    export const plugins = [vite({ models: { "x.resnet": { inline: true } } }), rollup(), rolldown(), webpack(), rspack(), esbuild(), net.info];\n`;
  const options = { module: "nodenext", moduleResolution: "nodenext", skipLibCheck: true, types: ["node"] };
  writeFileSync(at("typed/package.json"), '{ "type": "module" }');
  assert.equal(typeCheck(program + uses, options), []);
  assert.match(typeCheck(program + uses.replace("precision", "precison"), options)[0], /precison/);
});

// ---- the page ------------------------------------------------------------------------------------

const checkpoint = "models/cifar/resnet20-12fca82f.th";
const cat = "models/photos/chelsea_32.png";

/** As after \`npm install\`: the package is this one, built. */
function install(app: string): void {
  mkdirSync(path.join(app, "node_modules"));
  symlinkSync(root, path.join(app, "node_modules/resnetc"));
  for (const name of ["vite", "typescript"])
    symlinkSync(path.join(root, "node_modules", name), path.join(app, "node_modules", name));
}

test("new --app vite writes a project whose types and network check", () => {
  const { code, out, err } = resnetc(["new", "cats", "--app", "vite", "--from", "resnet20"], { cwd: folder });
  assert.is(code, 0, err);
  assert.match(out, "wrote cats: a page around src/resnet20.resnet, with random weights");
  assert.equal(readdirSync(at("cats")).sort(), [
    ...[".gitignore", "README.md", "index.html", "package.json", "src", "tsconfig.json", "vite.config.ts"],
  ]);
  assert.equal(
    readdirSync(at("cats"), { recursive: true, withFileTypes: true }).filter(
      (entry) =>
        entry.isFile() && /__[A-Z]+__/.test(readFileSync(path.join(entry.parentPath, entry.name), "utf8")),
    ),
    [],
  );
  const { devDependencies, name } = JSON.parse(text("cats/package.json"));
  assert.is(name, "cats");
  const own = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  assert.is(devDependencies.resnetc, `^${own.version}`);
  assert.is(devDependencies.vite, `^${own.devDependencies.vite}`);
  assert.is(devDependencies.typescript, `^${own.devDependencies.typescript}`);
  install(at("cats"));
  assert.is(resnetc(["check", at("cats/src/resnet20.resnet")]).code, 0);
  assert.is(resnetc(["types", at("cats/src/resnet20.resnet"), "--check"]).code, 0);
  const tsc = path.join(root, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", at("cats")], { stdio: "inherit" });
});

if (requireChromium()) {
  let vite: ViteDevServer | undefined;
  let browser: Browser | undefined;
  test.after(async () => {
    await browser?.close();
    await vite?.close();
  });

  test("the page says what is on a picture, and that nothing is trained", async () => {
    vite = await createServer({
      root: at("cats"),
      configFile: at("cats/vite.config.ts"),
      logLevel: "silent",
      server: { host: "127.0.0.1", port: 0 },
    });
    await vite.listen();
    browser = await startChromium();
    const page = await browser.newPage({ viewport: { width: 390, height: 844 }, colorScheme: "dark" });
    const problems: string[] = [];
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    page.on("pageerror", (error) => problems.push(error.message));
    const origin = `http://127.0.0.1:${(vite.httpServer!.address() as AddressInfo).port}`;
    const others: string[] = [];
    page.on(
      "request",
      (request) =>
        !/^(blob|data):/.test(request.url()) &&
        !request.url().startsWith(origin) &&
        others.push(request.url()),
    );
    await page.goto(`${origin}/`);
    const notice = page.locator("#untrained");
    await notice.waitFor({ state: "visible" });
    assert.match(
      await page.locator("#facts").innerText(),
      /^resnet20: 0\.3 million parameters, weights: He init/,
    );
    assert.is(await page.evaluate("crossOriginIsolated"), true);
    // By the keyboard: the field is the first thing there is, and has a name.
    await page.keyboard.press("Tab");
    assert.is(
      await page.evaluate("document.activeElement.labels[0].innerText.split('\\n')[0].trim()"),
      "Choose a picture",
    );
    const trained = requireShared(checkpoint) && requireShared(cat);
    const photo = trained ? sharedPath(cat) : at("photo.png");
    if (!trained) writeFileSync(photo, png({ width: 1, height: 1, colour: 2 }, [[200, 100, 50]]));
    await page.locator("#file").setInputFiles(photo);
    await page.locator("#guesses li").nth(4).waitFor();
    assert.is(await page.locator("#guesses li").count(), 5);
    assert.match(await page.getByRole("status").innerText(), /^\w+, [\d.,]+\s?%\. That took \d+ ms\.$/);
    const overflow = "document.documentElement.scrollWidth > document.documentElement.clientWidth";
    assert.is(await page.evaluate(overflow), false, "nothing is wider than a phone");
    if (trained) {
      // A checkpoint beside the text, and the page is another one by itself.
      copyFileSync(sharedPath(checkpoint), at("cats/src/resnet20.th"));
      await page.waitForFunction(
        "document.getElementById('facts').textContent.endsWith('weights: resnet20.th')",
      );
      assert.is(await notice.isVisible(), false);
      await page.locator("#file").setInputFiles(photo);
      await page.locator("#guesses li").nth(4).waitFor();
      assert.match(await page.locator("#guesses li").first().innerText(), /^cat\s+100/);
    }
    assert.equal(problems, []);
    assert.equal(others, [], "nothing comes from elsewhere");
  });
}

test.run();
