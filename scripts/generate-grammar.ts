/**
 * Writes grammar/resnet.ebnf and grammar/railroad.html from the parser itself: `npm run grammar`. A test fails when
 * a file is stale, so neither can drift from what is parsed.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { grammarText } from "./ebnf.ts";
import { railroadPage } from "./railroad.ts";

const at = (file: string): string => fileURLToPath(new URL(`../grammar/${file}`, import.meta.url));

export const railroadPath = at("railroad.html");

/** Path of a generated file → its text. */
export const grammarFiles = (): ReadonlyMap<string, string> =>
  new Map([
    [at("resnet.ebnf"), grammarText()],
    [railroadPath, railroadPage()],
  ]);

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const [file, text] of grammarFiles()) writeFileSync(file, text);
