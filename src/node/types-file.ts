/** x.d.resnet.ts beside x.resnet: what TypeScript reads for `import { load } from "./x.resnet"`, with allowArbitraryExtensions. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

export const typesFileOf = (file: string): string => file.replace(/\.resnet$/, ".d.resnet.ts");

/** Whether it was another one; a file that stays as it is wakes nobody who watches it. */
export function writeTypes(file: string, types: string): boolean {
  const target = typesFileOf(file);
  const text = `// Written by resnetc from ${path.basename(file)}: changes are lost.\n${types}`;
  if (readText(target) === text) return false;
  writeFileSync(target, text);
  return true;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
