/**
 * Makes docs/pictures/playground-*.png: the playground with a trained net of ../shared and a photo, at the widths of a desk and
 * of a phone.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Page } from "playwright-core";
import { build, preview } from "vite";
import { startChromium } from "../tests/support/chromium.ts";
import { root } from "../tests/support/nets.ts";
import { sharedPath } from "../tests/support/shared.ts";

const configFile = path.join(root, "playground/vite.config.ts");
const outDir = mkdtempSync(path.join(tmpdir(), "resnetc-playground-"));
await build({ configFile, build: { outDir, emptyOutDir: true }, logLevel: "error" });
const server = await preview({ configFile, build: { outDir }, preview: { port: 0 }, logLevel: "error" });
const browser = await startChromium();

async function open(width: number, height: number): Promise<Page> {
  const context = await browser.newContext({ viewport: { width, height }, serviceWorkers: "block" });
  const page = await context.newPage();
  await page.goto(server.resolvedUrls?.local[0] ?? "");
  await page.waitForSelector("#picture svg");
  return page;
}

/** A checkpoint, its spec and a photo. */
async function run(page: Page): Promise<void> {
  await page.click("#tab-run");
  await page.setInputFiles("#checkpoint-file", sharedPath("models/cifar/resnet20-12fca82f.th"));
  await page.getByRole("button", { name: "Write its spec into the editor" }).click();
  await page.waitForSelector("#run .fine:has-text('It fits')");
  await page.setInputFiles("#photo-file", sharedPath("models/photos/chelsea.png"));
  await page.waitForSelector("#run [role=status]:has-text('Done.')", { timeout: 60_000 });
}

try {
  const wide = await open(1280, 800);
  await wide.screenshot({ path: path.join(root, "docs/pictures/playground-1280.png") });
  const phone = await open(390, 844);
  await run(phone);
  await phone.locator(".cards").evaluate((cards) => scrollTo(0, cards.getBoundingClientRect().top - 470));
  await phone.screenshot({ path: path.join(root, "docs/pictures/playground-390.png") });
} finally {
  await browser.close();
  await server.close();
  rmSync(outDir, { recursive: true, force: true });
}
