/** x.d.resnet.ts beside x.resnet: what TypeScript reads for `import { load } from "./x.resnet"`, with allowArbitraryExtensions. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

export const typesFileOf = (file: string): string => file.replace(/\.resnet$/, ".d.resnet.ts");

/** Whether it was another one: a file that stays as it is wakes nobody who watches it. `dry` only says so. */
export function writeTypes(file: string, types: string, dry = false): boolean {
  const target = typesFileOf(file);
  const text = typesFileText(file, types);
  if (readText(target) === text) return false;
  if (!dry) writeFileSync(target, text);
  return true;
}

export const typesFileText = (file: string, types: string): string =>
  `// Written by resnetc from ${path.basename(file)}: changes are lost.\n${types}`;

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
