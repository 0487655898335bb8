/** The playground, built and served as plain files under a strict policy, used in Chromium as people use it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { build } from "vite";
import { requireChromium, type StaticServer, serve, startChromium } from "./support/chromium.ts";
import { root } from "./support/nets.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

/** What playground/README.md says that a server may send: no eval, nothing from elsewhere. */
const policy = [
  "default-src 'none'; script-src 'self' blob: 'wasm-unsafe-eval'; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:; connect-src 'self' blob: data:; media-src blob:; base-uri 'none'; form-action 'none'",
].join("; ");
const axe = readFileSync(path.join(root, "node_modules/axe-core/axe.min.js"), "utf8");
const tabNames = ["picture", "table", "passes", "code", "run", "compare"];

if (requireChromium()) {
  const folder = mkdtempSync(path.join(tmpdir(), "resnetc-playground-"));
  let server: StaticServer;
  let browser: Browser;
  /** What pages complained of. */
  const complaints: string[] = [];

  test.before(async () => {
    await build({
      configFile: path.join(root, "playground/vite.config.ts"),
      build: { outDir: folder, emptyOutDir: true },
      logLevel: "error",
    });
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name));
    // Below the root of the server: nothing in the build may think that it is there.
    const served = files.map(
      (file) => [`some/where/${path.relative(folder, file)}`, () => readFileSync(file)] as const,
    );
    server = await serve(new Map(served), () => ({ "content-security-policy": policy }));
    browser = await startChromium();
  });
  test.after(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = async (options: BrowserContextOptions & { readonly hash?: string } = {}): Promise<Page> => {
    const { hash = "", ...how } = options;
    const usual = { viewport: { width: 1280, height: 800 }, serviceWorkers: "block" } as const;
    const context = await browser.newContext({ ...usual, ...how });
    const page = await context.newPage();
    page.on("pageerror", ({ message }) => complaints.push(message));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    await page.goto(`${server.origin}/some/where/index.html${hash}`);
    await page.waitForSelector("#picture svg");
    return page;
  };
  const close = async (page: Page): Promise<void> => {
    await page.context().close();
    assert.equal(complaints.splice(0), []);
  };
  const textOf = (page: Page, selector = "#editor"): Promise<string> =>
    page.$$eval(`${selector} .cm-line`, (lines) => lines.map(({ textContent }) => textContent).join("\n"));
  /** The picture's words, once there is one of another title or with these words. */
  const pictureWith = (page: Page, words: string) =>
    page.waitForSelector(`#picture svg:has-text("${words}")`, { timeout: 10_000 });
  const endOfRow = async (page: Page, row: string) => {
    await page.click(`#editor .cm-line:has-text("${row}")`);
    await page.keyboard.press("End");
  };
  const fromGallery = async (page: Page, words: string) => {
    await page.click("#open-gallery");
    await page.waitForSelector("#gallery li");
    await page.fill("#gallery input", words);
    await page.keyboard.press("Enter");
    await page.waitForSelector("#gallery", { state: "hidden" });
  };

  test("a text is typed, the picture follows; mistakes come with fixes, names with help", async () => {
    const page = await open();
    await pictureWith(page, "resnet50");
    await endOfRow(page, "conv2:");
    await page.keyboard.press("Backspace");
    await page.keyboard.type("5");
    await pictureWith(page, "5 blocks");
    // What the text expects of ResNet-50 holds no more; the net as it is now is offered.
    const fix = page.locator("#problems .fix", { hasText: "expect params" });
    assert.match(await page.innerText("#problems"), /1 error|[234] errors/);
    const wanted = (await fix.textContent())?.replace("expect params ", "") ?? "";
    await fix.click();
    await page.waitForFunction(
      (number) => document.querySelector("#editor")?.textContent?.includes(`expect params ${number}`),
      wanted,
    );
    // The same in the editor: a name that is nearly one.
    await endOfRow(page, "conv3:");
    await page.keyboard.press("Enter");
    await page.keyboard.type("more: botleneck(128)", { delay: 5 });
    await page.keyboard.press("Escape");
    await page.waitForSelector(".cm-lintRange-error");
    const misspelt = page.locator("#problems li", { hasText: "botleneck" });
    await misspelt.locator("button", { hasText: "bottleneck" }).waitFor();
    await page.keyboard.press("Control+.");
    await pictureWith(page, "more");
    assert.match(await textOf(page), /more: bottleneck\(128\)/);

    await page.locator("#editor .cm-line", { hasText: "more:" }).click();
    await page.keyboard.press("End");
    await page.keyboard.type(" -> max", { delay: 20 });
    await page.waitForSelector(".cm-tooltip-autocomplete li:has-text('maxpool')");
    // A key that comes too soon after the list is not taken for its choice.
    await page.waitForTimeout(150);
    await page.keyboard.press("Enter");
    assert.match(await textOf(page), /more: bottleneck\(128\) -> maxpool/);

    await page.locator("#editor .cm-line", { hasText: "conv5:" }).getByText("bottleneck").hover();
    await page.waitForSelector(".cm-tooltip-hover:has-text('block bottleneck')");
    await close(page);
  });

  test("typing waits for no compiler, and the newest text is compiled", async () => {
    const page = await open();
    await fromGallery(page, "resnet18");
    await pictureWith(page, "resnet18");
    // A compiler that does not answer for a while.
    await page.evaluate(`
      globalThis.checked = [];
      globalThis.held = [];
      globalThis.send = Worker.prototype.postMessage;
      Worker.prototype.postMessage = function (...given) {
        if (given[0].kind === "check") checked.push(given[0].ask.text);
        held.push(() => send.apply(this, given));
      };
    `);
    await endOfRow(page, "pool5:");
    for (const word of [" -> relu", " -> sigmoid", " -> tanh"]) {
      await page.keyboard.type(word);
      await page.waitForTimeout(120);
    }
    assert.match(await textOf(page), /pool5: avgpool -> relu -> sigmoid -> tanh/);
    assert.not.match(await page.innerText("#picture"), /relu -> |sigmoid/);
    await page.evaluate("Worker.prototype.postMessage = send; held.forEach((one) => one()); undefined");
    await pictureWith(page, "tanh");
    const checked = (await page.evaluate("checked")) as string[];
    // The first, which was under way; those in between are of no use to anyone.
    assert.is(checked.length, 1);
    assert.not.match(checked[0], /tanh/);
    await close(page);
  });

  test("a compiler that a text keeps busy is replaced", async () => {
    const page = await open();
    await page.evaluate(`
      const { postMessage } = Worker.prototype;
      let isLost = false;
      Worker.prototype.postMessage = function (...given) {
        if (given[0].kind === "check" && !isLost) isLost = true;
        else postMessage.apply(this, given);
      };
    `);
    await endOfRow(page, "pool5:");
    await page.keyboard.type(" -> relu");
    await page.waitForTimeout(150);
    await page.keyboard.type(" -> tanh");
    await pictureWith(page, "tanh");
    await close(page);
  });

  test("a link has the text in it", async () => {
    const page = await open();
    await endOfRow(page, "conv5:");
    await page.keyboard.type(" # π, \u{1F600}");
    await page.waitForFunction(() =>
      document.querySelector("#problems")?.textContent?.includes("No problems"),
    );
    await page.click("#copy-link");
    await page.waitForSelector("#said:has-text('The link is')");
    const { hash } = new URL(page.url());
    const text = await textOf(page);
    assert.match(text, /π, \u{1F600}/u);
    assert.ok(hash.length < text.length, `${hash.length} characters for ${text.length}`);
    const other = await open({ hash });
    assert.is(await textOf(other), text);
    await close(other);
    const damaged = await open({ hash: "#spec=abc" });
    assert.match(await damaged.innerText("#said"), /damaged/);
    assert.match(await textOf(damaged), /net resnet50/);
    await close(damaged);
    await close(page);
  });

  test("the gallery, the table, the passes, plan and code, another text", async () => {
    const page = await open();
    await fromGallery(page, "timm:resnet26d");
    await pictureWith(page, "resnet26d");
    // All of it, to be changed: nothing is used from elsewhere.
    assert.match(await textOf(page), /^net resnet26d/m);
    assert.not.match(await textOf(page), /from "/);
    assert.match(await page.innerText("#problems"), /No problems/);
    await fromGallery(page, "resnet18");
    await pictureWith(page, "resnet18");
    await page.click("#tab-table");
    await page.waitForSelector("#table:has-text('11,689,512')");
    assert.is(await page.locator("#table .holds").count(), 4);
    assert.is(await page.locator("#table .fails").count(), 0);

    await page.click("#tab-passes");
    await page.waitForSelector("#passes h2:has-text('0. lower')");
    await page.focus("#pass");
    for (let i = 0; i < 6; i++) await page.keyboard.press("ArrowRight");
    await page.waitForSelector("#passes svg:has-text('after fold-batch-norm')");
    assert.match(await page.innerText("#passes p"), /69 operations before, 49 after; \d+ lines gone/);
    assert.match(await page.innerText("#passes pre"), /^- .*batchNorm/m);

    await page.click("#tab-code");
    await page.waitForSelector("#code pre:has-text('plan resnet18')");
    await page.selectOption("#code select", "pytorch");
    await page.waitForSelector("#code pre:has-text('class ResNet18')");

    await page.click("#tab-compare");
    await page.waitForSelector("#compare h2:has-text('Nothing differs')");
    await page.click("#compare .cm-line:has-text('conv3:')");
    await page.keyboard.press("End");
    await page.keyboard.type(" -> relu");
    await page.click("#compare .cm-line:has-text('conv4:')");
    await page.keyboard.press("Home");
    for (let i = 0; i < "conv4: basic(256".length; i++) await page.keyboard.press("ArrowRight");
    for (let i = 0; i < 3; i++) await page.keyboard.press("Backspace");
    await page.keyboard.type("192");
    await page.waitForSelector("#compare td:has-text('14x14x192')");
    const shown = await page.innerText("#compare table");
    assert.match(shown, /conv4\s+output\s+14x14x256\s+14x14x192/);
    assert.match(shown, /in all\s+parameters\s+11,689,512\s+[\d,]+\s+-[\d.]+ M/);
    assert.not.match(shown, /conv2/);
    assert.match(await page.innerText("#compare ul"), /conv4: 14x14x256 → 14x14x192/);
    await close(page);
  });

  test("no tab is wider than a phone, and axe finds nothing serious, light or dark", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await open({ colorScheme, viewport: { width: 390, height: 844 } });
      // A mistake, so that what is said of it is looked at too.
      await endOfRow(page, "fc:");
      await page.keyboard.type(" -> relo");
      await page.waitForSelector("#problems .error");
      await page.evaluate(axe);
      for (const name of tabNames) {
        await page.click(`#tab-${name}`);
        await page.waitForTimeout(150);
        assert.is(await page.evaluate(() => document.documentElement.scrollWidth), 390, name);
        // All of the page with the first, then what is new.
        const within = name === "picture" ? "html" : `#${name}`;
        assert.equal(await seriousOf(page, colorScheme, within), [], `${name}, ${colorScheme}`);
      }
      await page.click("#open-gallery");
      await page.waitForSelector("#gallery li");
      assert.is(await page.evaluate(() => document.documentElement.scrollWidth), 390, "gallery");
      assert.equal(await seriousOf(page, colorScheme, "#gallery"), [], `gallery, ${colorScheme}`);
      await close(page);
    }
  });

  test("everything is reached by keyboard", async () => {
    const page = await open();
    const focused = () =>
      page.evaluate(() => {
        const { activeElement: at } = document;
        return at?.id || at?.getAttribute("aria-label") || at?.textContent?.trim() || at?.tagName || "";
      });
    const seen: string[] = [];
    for (let i = 0; i < 40 && !seen.some((name) => name.startsWith("conv2")); i++) {
      await page.keyboard.press("Tab");
      seen.push(await focused());
    }
    for (const place of ["net", "open-gallery", "copy-link", "Network, as text", "tab-picture", "picture"])
      assert.ok(seen.includes(place), `${place} in ${seen.join(", ")}`);
    // A stage unfolds, and keeps the focus.
    await page.keyboard.press("Enter");
    await page.waitForSelector('#picture [data-stage="conv2"][aria-expanded="true"]');
    assert.match(await focused(), /^conv2/);
    await page.focus("#tab-picture");
    for (const name of ["table", "passes", "code", "run"]) {
      await page.keyboard.press("ArrowRight");
      assert.is(await focused(), `tab-${name}`);
      assert.ok(await page.isVisible(`#${name}`));
    }
    const within: string[] = [];
    for (let i = 0; i < 9; i++) {
      await page.keyboard.press("Tab");
      within.push(await focused());
    }
    for (const place of ["checkpoint-file", "photo-file", "Camera", "Run", "Measure its layers"])
      assert.ok(within.includes(place), `${place} in ${within.join(", ")}`);
    // Escape closes the gallery, and the focus goes back.
    await page.focus("#open-gallery");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#gallery li");
    await page.keyboard.press("Escape");
    assert.is(await focused(), "open-gallery");
    await close(page);
  });

  test("without a network it is all there, and isolated", async () => {
    const page = await open({ serviceWorkers: "allow" });
    await page.evaluate(async () => {
      await navigator.serviceWorker.ready;
      while (!navigator.serviceWorker.controller) await new Promise((resolve) => setTimeout(resolve, 20));
    });
    await page.context().setOffline(true);
    await page.reload();
    await page.waitForSelector("#picture svg");
    assert.ok(await page.evaluate(() => crossOriginIsolated));
    await fromGallery(page, "cifar");
    await page.waitForSelector("#net option[value=resnet20]", { state: "attached" });
    await page.selectOption("#net", "resnet20");
    await page.click("#tab-run");
    await page.waitForFunction(() => document.title.startsWith("resnet20 "));
    await page.getByRole("button", { name: "Run", exact: true }).click();
    const ours = page.locator(".card", { hasText: "others are compared" });
    await ours.waitFor();
    assert.match(await ours.innerText(), /\d threads|one thread: /);
    await page.locator("section[aria-label='tfjs wasm'] .guesses").waitFor();
    assert.match(await page.innerText("#run"), /The weights are random: the answers mean nothing/);
    await close(page);
  });

  test("the camera gives one frame; nets that do not classify run too", async () => {
    const page = await open();
    await fromGallery(page, "fpn");
    await pictureWith(page, "p5");
    await page.click("#tab-run");
    await page.uncheck("#compare-tfjs");
    // What a reader does who does not let the page have it.
    await page.getByRole("button", { name: "Camera" }).click();
    await page.waitForSelector("#run .wrong:has-text('There is no picture of the camera')");
    await page.evaluate(`
      const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
      const draw = () => {
        canvas.getContext("2d").fillRect(0, 0, 320, 240);
        requestAnimationFrame(draw);
      };
      draw();
      globalThis.stream = canvas.captureStream();
      navigator.mediaDevices.getUserMedia = async () => stream;
    `);
    await page.getByRole("button", { name: "Camera" }).click();
    await page.getByRole("button", { name: "Take this" }).click();
    await page.waitForSelector("section[aria-label='wasm'] li:has-text('p5')");
    assert.match(await page.innerText("section[aria-label='wasm']"), /p5 7x7x256, from \S+ to \S+/);
    assert.is(await page.evaluate("stream.active"), false);
    await close(page);
  });

  if (requireShared("models/cifar/resnet20-12fca82f.th")) {
    /** Files as they come from a desktop. */
    const drop = async (page: Page, file: string, type: string) => {
      const base64 = readFileSync(sharedPath(file)).toString("base64");
      const given = { base64, name: path.basename(file), type };
      const transfer = await page.evaluateHandle((one) => {
        const bytes = Uint8Array.from(atob(one.base64), (character) => character.charCodeAt(0));
        const data = new DataTransfer();
        data.items.add(new File([bytes], one.name, { type: one.type }));
        return data;
      }, given);
      await page.dispatchEvent("body", "drop", { dataTransfer: transfer });
    };

    test("a checkpoint and a photo are dropped: every back end sees a cat, layers are measured", async () => {
      const page = await open();
      await drop(page, "models/cifar/resnet20-12fca82f.th", "");
      await page.waitForSelector("#run .what:has-text('ResNet-20 for CIFAR')");
      assert.match(await page.innerText("#run"), /does not fit resnet50, which runs with random weights/);
      await page.getByRole("button", { name: "Write its spec into the editor" }).click();
      await page.waitForSelector("#run .fine:has-text('It fits')");
      assert.match(await page.innerText("#problems"), /No problems/);

      await drop(page, "models/photos/chelsea_32.png", "image/png");
      const first = (name: string) => page.locator(`section[aria-label='${name}'] .guesses li`).first();
      for (const name of ["wasm", "tfjs wasm"]) {
        await first(name).waitFor();
        assert.match(await first(name).innerText(), /^cat\s+(9\d\.\d|100\.0) %$/);
        assert.is(await page.locator(`section[aria-label='${name}'] .guesses li`).count(), 5);
        assert.match(await page.innerText(`section[aria-label='${name}'] .ms`), /^[\d.]+ ms median of 5$/);
      }
      const apart = /largest difference (\S+)/.exec(await page.innerText("section[aria-label='tfjs wasm']"));
      assert.ok(Number(apart?.[1]) < 1e-3, apart?.[0]);
      await page.waitForSelector("#run [role=status]:has-text('Done.')", { timeout: 20_000 });
      assert.not.match(await page.innerText("#run"), /weights are random/);
      // Those of graphics processors run, or say why they do not.
      for (const name of ["tfjs webgl", "tfjs webgpu"]) {
        const said = await page.innerText(`section[aria-label='${name}']`);
        assert.match(said, /cat\s+(9\d\.\d|100\.0) %|not start|WebGPU/);
      }

      await page.getByRole("button", { name: "Measure its layers" }).click();
      await page.waitForSelector(".flame");
      const widths = await page.$$eval(".flame-row", (rows) =>
        rows.map((row) =>
          [...row.children].reduce(
            (sum, bar) => sum + Number.parseFloat((bar as HTMLElement).style.width),
            0,
          ),
        ),
      );
      assert.ok(widths.length >= 4 && widths.every((sum) => Math.abs(sum - 100) < 0.5), widths.join());
      assert.match(
        (await page.getAttribute(".flame-row:nth-child(2) .flame-bar", "title")) ?? "",
        /^conv1: \S+ ms, /,
      );
      await page.evaluate(axe);
      assert.equal(await seriousOf(page, "light", "#run"), []);
      await page.getByRole("button", { name: "Colour the picture by these times" }).click();
      await page.waitForSelector("#picture svg .legend:has-text(' ms')");
      await close(page);
    });

    test("files that are none are told of in sentences", async () => {
      const page = await open();
      await drop(page, "models/photos/china.jpg", "application/octet-stream");
      await page.waitForSelector("#run .wrong:has-text('china.jpg cannot be read here')");
      const hdf5 = Buffer.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0]);
      await page.setInputFiles("#checkpoint-file", { name: "old.h5", mimeType: "", buffer: hdf5 });
      await page.waitForSelector("#run .wrong:has-text('old.h5 cannot be read here')");
      assert.match(await page.innerText("#run"), /an HDF5 file \(Keras\), which this page does not read/);
      await close(page);
    });
  }

  test.run();
}

interface Found {
  readonly violations: readonly {
    readonly id: string;
    readonly impact?: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
  }[];
}

/** What axe calls serious or critical; in the dark only colours are others. */
async function seriousOf(page: Page, scheme: "light" | "dark", within: string): Promise<readonly string[]> {
  const rules = scheme === "light" ? "{}" : '{ runOnly: ["color-contrast"] }';
  const { violations } = (await page.evaluate(`axe.run("${within}", ${rules})`)) as Found;
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)} ${nodes[0].failureSummary ?? ""}`);
}
