/**
 * `npm run size`: what the budgets of .size-limit.json are about, made anew under dist/sizes, and whether they are kept. Networks are
 * built as people build them; what pages import of the package is bundled and minified.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { loaders } from "../src/codegen/wasm/loader.generated.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const folder = path.join(root, "dist/sizes");

/** What a page imports that compiles a net and runs it. */
export const compiler =
  'export { analyse, emit, heWeights, makeSource, renderDiagnostic, targets } from "resnetc"';

/** Bundled for pages; nothing of Node may be in it. */
async function bundle(name: string, contents: string, external: string[] = []): Promise<void> {
  await build({
    stdin: { contents, resolveDir: root },
    outfile: path.join(folder, `${name}.js`),
    bundle: true,
    minify: true,
    platform: "browser",
    format: "esm",
    target: "es2022",
    external,
    logLevel: "warning",
  });
}

export async function makeSizes(): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const name of ["resnet18", "resnet50"]) {
    const out = path.join(folder, name);
    execFileSync(process.execPath, ["build/cli/main.js", "build", `examples/${name}.resnet`, "-o", out], {
      cwd: root,
      stdio: "pipe",
    });
    rmSync(path.join(out, `${name}.weights`));
  }
  writeFileSync(path.join(folder, "loader.js"), loaders.arrays);
  // Labels are a file of their own, which comes when they are asked for.
  await bundle("page18", 'export { load } from "./dist/sizes/resnet18/resnet18.js"', [
    "./resnet18.labels.js",
  ]);
  await bundle("labels18", 'export { labels } from "./dist/sizes/resnet18/resnet18.labels.js"');
  await bundle("boxes", 'export * from "resnetc/boxes"');
  await bundle("tfjs-kernels", 'export * from "resnetc/tfjs-kernels"', ["@tensorflow/*"]);
  await bundle("compiler", compiler);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await makeSizes();
  const { status } = spawnSync(process.execPath, ["node_modules/size-limit/bin.js"], {
    cwd: root,
    stdio: "inherit",
  });
  process.exitCode = status ?? 1;
}
