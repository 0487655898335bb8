/** `resnetc draw`: files, options and what is wrong with them; the page in Chromium: unfolding, colours, keys, paper. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { makeSource } from "../src/base/source.ts";
import { headingOf } from "../src/codegen/svg/target.ts";
import { analyse, cardOf } from "../src/compile.ts";
import { drawPicture } from "../src/draw/picture.ts";
import { stepsOf } from "../src/draw/steps.ts";
import { requireChromium, type StaticServer, serve, startChromium } from "./support/chromium.ts";
import { folder, oneLine, resnetc, tinyFile } from "./support/cli.ts";
import { cpuMs } from "./support/cpu-time.ts";
import { root } from "./support/nets.ts";
import { xmlProblem } from "./support/picture-checks.ts";

const resnet152 = path.join(root, "examples/resnet152.resnet");
const at = (name: string) => path.join(folder, name);
const draw = (...args: string[]) => resnetc(["draw", ...args], { cwd: folder });

test("makes NET.svg, the file one names, or standard output; the same each time", () => {
  const { code, out } = draw(resnet152);
  assert.is(code, 0);
  assert.match(out, /^resnet152\.svg {2}2\d\.\d KB\n$/);
  const text = readFileSync(at("resnet152.svg"), "utf8");
  assert.is(xmlProblem(text), undefined);
  assert.is(`${draw(resnet152, "-o", "-").out}`, text);
  const all = draw(resnet152, "-o", "poster.svg", "--unfold", "all", "--theme", "dark", "--json");
  const [{ path: file, bytes }] = JSON.parse(all.out).written;
  assert.is(file, "poster.svg");
  assert.ok(bytes > 3 * text.length);
  const one = draw(resnet152, "-o", "-", "--unfold", "conv3").out;
  assert.match(one, "×35");
  assert.not.match(one, "×7");
});

test("--colour ms measures, --after shows what passes made, --diff both", () => {
  const { out } = draw(tinyFile, "-o", "-", "--colour", "ms");
  assert.match(out, /[\d.]+ ms<\/title>/);
  assert.match(out, /class="h6"/);
  const after = draw(tinyFile, "-o", "-", "--after", "fuse-residual").out;
  assert.match(after, "tiny, after fuse-residual");
  assert.match(after, "bias + relu");
  const both = draw(tinyFile, "-o", "-", "--after", "fuse-residual", "--diff").out;
  assert.is(xmlProblem(both), undefined);
  assert.match(both, /bn relu[\s\S]*bias \+ relu/);
});

test("what cannot be drawn is told", () => {
  const told = (...args: string[]) => {
    const { code, err } = draw(...args);
    return `${code} ${oneLine(err)}`;
  };
  assert.match(
    told(resnet152, "--unfold", "conv9"),
    "2 resnetc: --unfold conv9: there is no such stage; there are conv1,",
  );
  assert.match(told(resnet152, "--diff"), "2 resnetc: --diff needs --after PASS");
  assert.match(
    told(resnet152, "--after", "fuse-residul"),
    /^1 error unknown-pass.*did you mean fuse-residual/,
  );
  assert.match(
    told(resnet152, "--after", "fold-bias", "--diff", "-o", "a.html"),
    "2 resnetc: --diff makes an .svg",
  );
  assert.match(told(resnet152, "-o", "none/a.svg"), /^1 error unwritable-output/);
  assert.match(told(resnet152, "-o", "a.pdf"), "2 resnetc: draw writes .svg and .html, not a.pdf");
  assert.match(told(resnet152, "--colour", "heat"), /^2 /);
  assert.not(existsSync(at("a.html")));
});

test("ResNet-152 takes less than 50 ms", () => {
  const { nets } = analyse(makeSource("resnet152.resnet", readFileSync(resnet152, "utf8")));
  const times = Array.from({ length: 9 }, () => {
    const start = cpuMs();
    drawPicture(stepsOf(nets[0].graph), headingOf(cardOf(nets[0], "")));
    return cpuMs() - start;
  }).sort((a, b) => a - b);
  assert.ok(times[4] < 50, `${times[4].toFixed(1)} ms`);
});

if (requireChromium()) {
  let browser: Browser;
  let server: StaticServer;

  test.before(async () => {
    assert.is(draw(resnet152, "-o", "152.html").code, 0);
    browser = await startChromium();
    server = await serve(
      new Map([
        ["152.html", () => readFileSync(at("152.html"))],
        ["favicon.ico", () => Buffer.alloc(0)],
      ]),
    );
  });
  test.after(async () => {
    await browser?.close();
    await server?.close();
  });

  async function inPage(
    work: (page: Page) => Promise<void>,
    size = { width: 1280, height: 900 },
  ): Promise<void> {
    const page = await browser.newPage({ viewport: size });
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    page.on(
      "request",
      (request) => /152.html|favicon.ico$/.test(request.url()) || problems.push(request.url()),
    );
    await page.goto(`${server.origin}/152.html`);
    await work(page);
    assert.equal(problems, []);
    await page.close();
  }

  const boxes = (page: Page) => page.locator("main .box").count();

  test("a stage unfolds by a click and by keys, stays where it is, and folds again", () =>
    inPage(async (page) => {
      const folded = await boxes(page);
      const band = page.locator('.heads[data-stage="conv4"]');
      await band.scrollIntoViewIfNeeded();
      const before = await band.boundingBox();
      await band.locator(".stage").click();
      // Four steps a block, and 34 more blocks.
      assert.is(await boxes(page), folded + 4 * 34);
      assert.is(await band.getAttribute("aria-expanded"), "true");
      const after = await band.boundingBox();
      assert.ok(Math.abs(after!.y - before!.y) < 2, `${before!.y} ${after!.y}`);
      await page.keyboard.press("Enter");
      assert.is(await boxes(page), folded);
      await page.getByRole("button", { name: "Show every block" }).click();
      assert.is(await boxes(page), folded + 4 * (34 + 1 + 6 + 1));
      assert.is(
        await page.getByRole("button", { name: /^conv3.*8 blocks/ }).getAttribute("aria-expanded"),
        "true",
      );
    }));

  test("colours, what a box is, and the same as a table", () =>
    inPage(async (page) => {
      await page.getByLabel("Colour by").selectOption("macs");
      assert.ok((await page.locator("main .h6").count()) > 1);
      assert.is(await page.locator("main .m2").count(), 0);
      await page.locator("main .box", { hasText: "conv 7x7" }).click();
      assert.match(
        (await page.locator("output").textContent())!,
        /^conv1\.conv[\s\S]*9\.54 k parameters\n118 M multiply-adds$/,
      );
      assert.not((await page.getByLabel("Colour by").textContent())!.includes("milliseconds"));
      await page.getByText("As a table").click();
      const row = page.getByRole("row", { name: /^conv4/ });
      assert.match((await row.textContent())!, "conv414x14x102440,613,8888,015,314,944");
    }));

  test("axe finds nothing serious", () =>
    inPage(async (page) => {
      const require = createRequire(import.meta.url);
      await page.addScriptTag({ path: require.resolve("axe-core/axe.min.js") });
      const found = (await page.evaluate("axe.run()")) as { violations: { id: string; impact: string }[] };
      const serious = found.violations.filter(({ impact }) => /serious|critical/.test(impact));
      assert.equal(
        serious.map(({ id }) => id),
        [],
      );
    }));

  test("fits 390 pixels, and prints on one page", () =>
    inPage(
      async (page) => {
        const width = await page.evaluate("document.documentElement.scrollWidth");
        assert.is(width, 390);
        const size = await page.evaluate(
          "parseFloat(getComputedStyle(document.querySelector('.box text')).fontSize) * document.querySelector('svg').getBoundingClientRect().width / document.querySelector('svg').viewBox.baseVal.width",
        );
        assert.ok(Number(size) >= 7, `letters of ${size} px`);
        const pdf = await page.pdf({ format: "A4" });
        assert.is(pdf.toString("latin1").match(/\/Type \/Page\b/g)!.length, 1);
      },
      { width: 390, height: 844 },
    ));
}

test.run();
