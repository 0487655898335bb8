/**
 * What a build's card says of the files beside it: their sizes and SHA-256, in hex and as pages write it (integrity="…").
 * Here and not in the targets, which run in pages too and know no hash of this kind.
 */
import { createHash } from "node:crypto";
import type { Artifact } from "../codegen/target.ts";

/** The artifacts, with the other files in the card. What has no card stays as it is. */
export function withIntegrity(artifacts: readonly Artifact[]): readonly Artifact[] {
  return artifacts.map((artifact) => {
    const { path, contents } = artifact;
    if (typeof contents !== "string" || !isCard(path, artifacts)) return artifact;
    const rows = artifacts
      .filter((other) => other !== artifact)
      .map((file) => `    ${JSON.stringify(hashed(file))}`);
    const end = contents.lastIndexOf("\n}");
    return { path, contents: `${contents.slice(0, end)},\n  "files": [\n${rows.join(",\n")}\n  ]\n}\n` };
  });
}

/** NAME.json beside NAME.js. */
const isCard = (path: string, artifacts: readonly Artifact[]): boolean =>
  path.endsWith(".json") && artifacts.some((other) => other.path === `${path.slice(0, -".json".length)}.js`);

function hashed({ path, contents }: Artifact) {
  const bytes = typeof contents === "string" ? Buffer.from(contents) : contents;
  const hash = createHash("sha256").update(bytes).digest();
  return {
    path,
    bytes: bytes.length,
    sha256: hash.toString("hex"),
    integrity: `sha256-${hash.toString("base64")}`,
  };
}
