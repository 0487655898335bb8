/** Builds the playground: `npm run dev`, `npm run build:playground`. What comes out works in any folder of any server. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const home = fileURLToPath(new URL(".", import.meta.url));

/** Writes service-worker.js beside what was built, with the list of it. */
function offline(): Plugin {
  return {
    name: "playground-offline",
    apply: "build",
    writeBundle({ dir = "" }) {
      const files = readdirSync(dir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name !== "service-worker.js")
        .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, "/"))
        .sort();
      const worker = readFileSync(path.join(home, "service-worker.js"), "utf8");
      const hash = createHash("sha256").update(worker);
      for (const file of files) hash.update(file).update(readFileSync(path.join(dir, file)));
      const version = JSON.stringify(hash.digest("hex").slice(0, 16));
      const text = `const files = ${JSON.stringify(files)};\nconst version = ${version};\n${worker}`;
      writeFileSync(path.join(dir, "service-worker.js"), text);
    },
  };
}

/**
 * The threads of tfjs run the text of one of its functions, which asks for a name of the module around it: there it is not
 * declared, as the function expects, but minifiers believe that it is.
 */
function tfjsThreads(): Plugin {
  return {
    name: "playground-tfjs-threads",
    transform(code, id) {
      if (!id.endsWith("tfjs-backend-wasm-threaded-simd.js")) return undefined;
      const alone = code
        .replaceAll(/typeof _scriptDir\s*!==?\s*["']undefined["']\s*&&\s*_scriptDir/g, "false")
        .replaceAll(/\|\|\s*_scriptDir\b/g, "");
      return { code: alone, map: null };
    },
  };
}

const isolation = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

const tfjs = (name: string): string => `@tensorflow/tfjs-${name}`;

// biome-ignore lint/style/noDefaultExport: Vite wants it so
export default defineConfig({
  root: home,
  base: "./",
  plugins: [offline()],
  // Isolated pages have threads, and clocks that are less coarse.
  server: { fs: { allow: [".."] }, headers: isolation },
  preview: { headers: isolation },
  // Found late, in workers, they would have the page loaded anew.
  optimizeDeps: {
    include: [
      "chevrotain",
      "fflate",
      ...["core", "backend-wasm", "backend-webgl", "backend-webgpu"].map(tfjs),
    ],
  },
  worker: { format: "es", plugins: () => [tfjsThreads()] },
  // tfjs is large, and comes only when it is asked for.
  build: { target: "es2022", outDir: "dist", emptyOutDir: true, chunkSizeWarningLimit: 4000 },
});
