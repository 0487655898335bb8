import { resnetc } from "resnetc/vite";
import { defineConfig } from "vite";

// Pages that are isolated like this get threads. Whoever serves the built page sends the same two headers.
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export default defineConfig({
  plugins: [resnetc()],
  server: { headers },
  preview: { headers },
});
