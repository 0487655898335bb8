/** The compiler in a page: text in, a network out that the page then runs, with nothing but `import "resnetc"`. */
import { build } from "esbuild";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compiler } from "../scripts/sizes.ts";
import { makeSource } from "../src/base/source.ts";
import { wasm } from "../src/codegen/wasm/target.ts";
import { analyse, emit } from "../src/compile.ts";
import { runWasm } from "../src/run/wasm.ts";
import { heWeights } from "../src/weights/initialise.ts";
import { requireChromium, serve, startChromium } from "./support/chromium.ts";
import { root } from "./support/nets.ts";

const text = `resnet 1
use basic from std

net small(classes = 10) {
  input 16x16x3
  conv1: conv(3x3, 8) -> bn -> relu
  conv2: basic(16) x 2 /2
  avgpool
  fc: dense(classes)
}
`;

/** The page's own script: files become addresses of blobs, as there is no server for them. */
const script = `
import { analyse, emit, heWeights, makeSource, renderDiagnostic, targets } from "./resnetc.js";

window.compile = async (text) => {
  const source = makeSource("page.resnet", text);
  const { nets, diagnostics } = analyse(source);
  if (diagnostics.length > 0) return { diagnostics: diagnostics.map((d) => renderDiagnostic(d)) };
  const [net] = nets;
  const target = targets.find(({ name }) => name === "wasm");
  const { artifacts } = emit(net, { target, weights: heWeights(net.graph, 0), weightsFrom: "He initialisation" });
  const file = (ending) => artifacts.find(({ path }) => path.endsWith(ending)).contents;
  const module = URL.createObjectURL(new Blob([file(".js")], { type: "text/javascript" }));
  const { load } = await import(module);
  const loaded = await load({ threads: 1, wasm: file(".wasm"), weights: file(".weights") });
  const input = Float32Array.from({ length: 16 * 16 * 3 }, (_, i) => Math.sin(i));
  const result = loaded.run({ input });
  loaded.dispose();
  return { result: Array.from(Object.values(result)[0]) };
};
`;

if (requireChromium()) {
  test("a page compiles a net, runs it, and is told of mistakes", async () => {
    const { outputFiles, metafile } = await build({
      stdin: { contents: compiler, resolveDir: root },
      bundle: true,
      platform: "browser",
      format: "esm",
      write: false,
      metafile: true,
      logLevel: "silent",
    });
    // What is left out of the bundle is there neither in a page: nothing may be.
    const outside = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
    assert.equal(outside, []);
    const server = await serve(
      new Map<string, () => string | Uint8Array>([
        ["index.html", () => '<!doctype html><script type="module" src="/page.js"></script>'],
        ["page.js", () => script],
        ["resnetc.js", () => outputFiles[0].contents],
      ]),
      // Compiling makes files, and runs nothing: eval may be forbidden.
      () => ({ "content-security-policy": "script-src 'self' blob: 'wasm-unsafe-eval'" }),
    );
    const browser = await startChromium();
    try {
      const page = await browser.newPage();
      await page.goto(`${server.origin}/index.html`);
      await page.waitForFunction("window.compile");
      const compile = (source: string) => page.evaluate(`compile(${JSON.stringify(source)})`);
      const { result } = (await compile(text)) as { result: number[] };

      const [net] = analyse(makeSource("page.resnet", text)).nets;
      const { artifacts } = emit(net, {
        target: wasm,
        weights: heWeights(net.graph, 0),
        weightsFrom: "He initialisation",
      });
      const data = Float32Array.from({ length: 16 * 16 * 3 }, (_, i) => Math.sin(i));
      const here = await runWasm({
        artifacts,
        threads: 1,
        inputs: { input: { shape: [1, 16, 16, 3], data } },
      });
      assert.is(result.length, 10);
      assert.equal(result, Array.from(Object.values(here)[0].data));

      const { diagnostics } = (await compile(text.replace("basic(16)", "basc(16)"))) as {
        diagnostics: string[];
      };
      assert.match(diagnostics.join("\n"), /basc/);
      assert.match(diagnostics.join("\n"), /did you mean/);
    } finally {
      await browser.close();
      await server.close();
    }
  });
}

test.run();
