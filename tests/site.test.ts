/** The site of docs/: it builds, its links lead somewhere, and it is well to read in a real browser, wide and narrow, light and dark. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { build } from "vitepress";
import { slugOf } from "../docs/.vitepress/links.mts";
import { requireChromium, type StaticServer, serve, startChromium } from "./support/chromium.ts";
import { blocksOf, commandsOf } from "./support/doc-page.ts";
import { examplePath, root } from "./support/nets.ts";

const dist = mkdtempSync(path.join(tmpdir(), "resnetc-site-"));
process.on("exit", () => rmSync(dist, { recursive: true, force: true }));

const filesOf = (ending: string): readonly string[] =>
  readdirSync(dist, { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll(path.sep, "/"))
    .filter((file) => file.endsWith(ending));
const read = (file: string) => readFileSync(path.join(dist, file), "utf8");

test("builds; a dead link would stop it", async () => {
  await build(path.join(root, "docs"), { outDir: dist });
  const pages = filesOf(".html");
  for (const page of ["index", "tour", "language", "editors", "ten-files/index", "diagnostics/index"])
    assert.ok(pages.includes(`${page}.html`), page);
  assert.ok(pages.length > 150, `${pages.length} pages`);
});

test("every link leads to a page of the site, and to a heading that is there", () => {
  const idsOf = new Map(
    filesOf(".html").map((page) => [
      page,
      new Set([...read(page).matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)),
    ]),
  );
  const wrong: string[] = [];
  let checked = 0;
  for (const page of idsOf.keys()) {
    for (const [, href] of read(page).matchAll(/<a [^>]*?href="([^"]*)"/g)) {
      if (/^[a-z]+:/.test(href)) continue;
      const url = new URL(href, `http://site/${page}`);
      const file = decodeURI(url.pathname)
        .slice(1)
        .replace(/(^|\/)$/, "$1index.html");
      const ids = idsOf.get(file);
      const fragment = decodeURIComponent(url.hash.slice(1));
      // Headings only: what a page makes when it runs has no id in its text.
      const isThere = ids ? fragment === "" || ids.has(fragment) : filesOf(path.extname(file)).includes(file);
      if (!isThere) wrong.push(`${page}: ${href}`);
      checked++;
    }
  }
  assert.equal(wrong, []);
  assert.ok(checked > 5000, `${checked} links`);
});

test("the first page shows the example, and headings have GitHub's addresses", () => {
  const page = readFileSync(path.join(root, "docs/index.md"), "utf8");
  const [spec, commands] = blocksOf(page);
  assert.is(spec.text, readFileSync(examplePath("resnet152.resnet"), "utf8"));
  assert.equal(
    commandsOf(commands.text).map(([command, file]) => [command, file]),
    [
      ["draw", "resnet152.resnet"],
      ["build", "resnet152.resnet"],
    ],
  );
  assert.is(slugOf("What are v1 and v1.5?"), "what-are-v1-and-v15");
  // Coloured by the language's own grammar: a keyword has another colour than a comment.
  const html = read("index.html");
  const colour = (word: string) => new RegExp(`<span style="([^"]*)">${word}`).exec(html)?.[1];
  assert.ok(colour("net") && colour("## ResNet-152") && colour("net") !== colour("## ResNet-152"));
});

if (requireChromium()) {
  let server: StaticServer;
  let browser: Browser;
  test("opens", async () => {
    const files = [...filesOf("")].filter((file) => /\.\w+$/.test(file));
    server = await serve(new Map(files.map((file) => [file, () => readFileSync(path.join(dist, file))])));
    browser = await startChromium();
  });
  test.after(async () => {
    await browser?.close();
    await server?.close();
  });

  const open = async (page: string, width: number, colorScheme: "light" | "dark") => {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    const tab = await context.newPage();
    const problems: string[] = [];
    tab.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) problems.push(message.text());
    });
    tab.on("pageerror", ({ message }) => problems.push(message));
    await tab.goto(`${server.origin}/${page}`);
    return { tab, problems, close: () => context.close() };
  };

  const axe = readFileSync(path.join(root, "node_modules/axe-core/axe.min.js"), "utf8");
  /** What axe finds serious, as texts. */
  async function findings(tab: Page): Promise<readonly string[]> {
    await tab.evaluate(axe);
    return tab.evaluate(async () => {
      const { axe } = globalThis as unknown as {
        axe: {
          run(
            options: object,
          ): Promise<{ violations: { impact: string; id: string; nodes: { html: string }[] }[] }>;
        };
      };
      const { violations } = await axe.run({ resultTypes: ["violations"] });
      return violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join("\n")}`);
    });
  }

  for (const page of ["index.html", "tour.html", "ten-files/index.html"]) {
    test(`${page} at 1280 and 390 pixels, light and dark`, async () => {
      for (const scheme of ["light", "dark"] as const) {
        const { tab, problems, close } = await open(page, 1280, scheme);
        // One shade of each colour is enough where there is much to look at.
        const isLong = page.startsWith("ten-files/");
        if (page !== "tour.html" && !(isLong && scheme === "dark"))
          assert.equal(await findings(tab), [], `${page}, ${scheme}`);
        for (const width of [1280, 390]) {
          const where = `${page}, ${width}, ${scheme}`;
          await tab.setViewportSize({ width, height: 900 });
          const { scroll, pictures, dark } = await tab.evaluate(() => ({
            scroll: document.documentElement.scrollWidth - innerWidth,
            pictures: [...document.images].map(({ naturalWidth, clientWidth }) =>
              Math.min(naturalWidth, clientWidth),
            ),
            dark: document.documentElement.classList.contains("dark"),
          }));
          assert.ok(scroll <= 0, `${where}: ${scroll} pixels too wide`);
          assert.ok(pictures.length > 0 && pictures.every((size) => size > 100), `${where}: ${pictures}`);
          assert.is(dark, scheme === "dark", where);
        }
        assert.equal(problems, [], page);
        await close();
      }
    });
  }

  test("no page is wider than a phone", async () => {
    const { tab, close } = await open("404.html", 390, "light");
    // Of the pages that are all of one make, one.
    const same = /^(diagnostics|sources)\/(?!index|shape-mismatch|zoo-timm\.)/;
    const wide: string[] = [];
    for (const page of filesOf(".html").filter((page) => !same.test(page))) {
      await tab.goto(`${server.origin}/${page}`, { waitUntil: "domcontentloaded" });
      const scroll = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (scroll > 0) wide.push(`${page}: ${scroll}`);
    }
    assert.equal(wide, []);
    await close();
  });

  test("the search finds bottlenecks", async () => {
    const { tab, problems, close } = await open("index.html", 1280, "light");
    await tab.click(".VPNavBarSearch button");
    await tab.fill("#localsearch-input", "bottleneck");
    await tab.waitForSelector("#localsearch-list .result");
    const found = await tab.$$eval("#localsearch-list .result", (results) =>
      results.map((result) => (result as HTMLAnchorElement).href),
    );
    assert.ok(
      found.some((href) => href.includes("/ten-files/#why-does-the-bottleneck-save-time")),
      found.join("\n"),
    );
    await tab.click("#localsearch-list .result");
    await tab.waitForFunction(() => location.pathname !== "/index.html");
    assert.equal(problems, []);
    await close();
  });
}

test.run();
