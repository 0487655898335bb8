/**
 * Every back end that a page can have, verified against the float64 reference: our wasm on one thread and on several,
 * tfjs on wasm, cpu, webgl and webgpu.
 */
import type { Browser, Page } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { tfjs } from "../src/codegen/tfjs/target.ts";
import { wasm } from "../src/codegen/wasm/target.ts";
import { type AnalysedNet, emit } from "../src/compile.ts";
import { interpret, type WeightSource } from "../src/ir/interpret.ts";
import type { Tensor } from "../src/ir/tensor.ts";
import {
  addArtifacts,
  backendsPageFiles,
  openBackendsPage,
  plainInputs,
  type RunRequest,
  runOnPage,
} from "./support/backends-page.ts";
import { randomWeights } from "./support/case-graph.ts";
import {
  isolating,
  requireChromium,
  requireWebGpu,
  type StaticServer,
  serve,
  startChromium,
} from "./support/chromium.ts";
import { assertClose } from "./support/close-to.ts";
import { netOf } from "./support/compiled.ts";
import { randomTensor } from "./support/random.ts";
import { requireShared } from "./support/shared.ts";
import { tolerances } from "./support/tfjs-page.ts";
import { cifarLogits, cifarNet } from "./support/trained-nets.ts";

interface Subject {
  readonly name: string;
  readonly net: AnalysedNet;
  readonly weights: WeightSource;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly expected: Readonly<Record<string, { readonly data: ArrayLike<number> }>>;
}

/** What residual networks are made of, in few layers. */
const texts: Readonly<Record<string, string>> = {
  residual: `use basic, bottleneck from std
net residual {
  input 17x17x3
  conv1: conv(3x3, 8) -> bn -> relu
  pool1: maxpool(3x3) /2
  conv2: basic(8)
  conv3: basic(12) /2
  conv4: bottleneck(4) x 2 /2
  pool5: avgpool
  fc: dense(10) -> softmax
}`,
  grouped: `use bottleneck, inverted, se, preact_basic, pad from std
net grouped {
  input 12x12x4
  conv1: conv(3x3, 16, groups = 4) -> bn -> swish
  conv2: bottleneck(8, 16, groups = 4, attend = se(4))
  conv3: inverted(12, expand = 2, kernel = 5x5, attend = se(4)) /2
  conv4: preact_basic(16, shortcut = pad) /2
  norm: gn(4) -> hswish
  head: avgpool -> dense(7)
}`,
  sizes: `use aspp, eca from std
net sizes {
  input 10x14x3
  conv1: conv(3x3, 8) /2 -> bn -> relu6
  down: blurpool
  side: avgpool(3x3) /2
  wide: resize(5x7) -> aspp(4, rate = 2)
  near: resize(10x14, "nearest") -> conv(1x1, 6) -> eca -> mish
  look: conv(3x3, 5) -> softmax(places = true)
}`,
};

function subjectOf(name: string): Subject {
  const net = netOf(texts[name]);
  const weights = randomWeights(net.graph);
  const [{ shape }] = net.graph.nodes.filter((node) => node.op.name === "input").map(({ type }) => type);
  const inputs = { input: randomTensor(3, [2, ...shape.slice(1)], -1, 1) };
  return { name, net, weights, inputs, expected: interpret(net.graph, inputs, weights) };
}

/** The trained ResNet-20, whose logits PyTorch has computed; absent where ../shared is. */
function trained(): Subject[] {
  if (!requireShared(cifarLogits)) return [];
  const { net, weights, input, logits } = cifarNet("resnet20");
  return [{ name: "resnet20", net, weights, inputs: { input }, expected: { logits } }];
}

const subjects = [...Object.keys(texts).map(subjectOf), ...trained()];
const files = backendsPageFiles();
files.set("isolated.html", files.get("index.html")!);
for (const { name, net, weights } of subjects) {
  for (const target of [wasm, tfjs]) {
    const { artifacts, diagnostics } = emit(net, { target, weights, weightsFrom: "test" });
    assert.equal(diagnostics, []);
    addArtifacts(files, `${name}-${target.name}`, artifacts);
  }
}

let server: StaticServer;
let browser: Browser;
let plain: Page;
let isolated: Page;

async function verify(
  page: Page,
  { name, net, inputs, expected }: Subject,
  target: "wasm" | "tfjs",
  options: RunRequest["options"],
  tolerance: number,
) {
  const url = `/${name}-${target}/${net.graph.name}.js`;
  const run = await runOnPage(page, { url, options, inputs: plainInputs(inputs) });
  assert.equal(Object.keys(run.outputs), Object.keys(expected));
  for (const [output, value] of Object.entries(expected))
    assertClose({ data: run.outputs[output] }, { data: value.data }, tolerance, `${name}, ${output}`);
  assert.is(run.leak, 0, `${name}: tensors are left`);
  const card = JSON.parse(String(files.get(`${name}-${target}/${net.graph.name}.json`)!())) as {
    steps: string[];
  };
  assert.is(run.times?.length, card.steps.length, `${name}: a time for each step`);
  assert.ok(run.times!.every((ms) => ms >= 0 && ms < 60_000));
  return run;
}

if (requireChromium()) {
  test.before(async () => {
    server = await serve(files, (path) => (path === "isolated.html" ? isolating : {}));
    browser = await startChromium();
    plain = await openBackendsPage(browser, server);
    isolated = await openBackendsPage(browser, server, "isolated.html");
  });
  test.after(async () => {
    await browser?.close();
    await server?.close();
  });

  test("wasm: one thread where the page is not isolated, and the reason", async () => {
    for (const subject of subjects) {
      const { info } = await verify(plain, subject, "wasm", { threads: 2 }, tolerances.wasm);
      assert.equal(info.threads, { used: 1, why: "the page is not cross-origin isolated" });
    }
  });

  test("wasm: several threads under cross-origin isolation", async () => {
    for (const subject of subjects) {
      for (const threads of [1, 2, 3]) {
        const { info } = await verify(isolated, subject, "wasm", { threads }, tolerances.wasm);
        assert.equal(info.threads, { used: threads, why: "as asked for" });
      }
    }
  });

  for (const backend of ["wasm", "cpu", "webgl", "webgpu"] as const) {
    test(`tfjs on ${backend}`, async () => {
      if (backend === "webgpu" && !(await requireWebGpu(browser, `${server.origin}/index.html`))) return;
      for (const subject of subjects) {
        const { info } = await verify(plain, subject, "tfjs", { backend }, tolerances[backend]);
        assert.is(info.backend, backend);
        assert.is(info.why, "as asked for");
      }
    });
  }

  test("tfjs on wasm under cross-origin isolation", async () => {
    for (const subject of subjects)
      await verify(isolated, subject, "tfjs", { backend: "wasm" }, tolerances.wasm);
  });
}

test.run();
