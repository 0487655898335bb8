/** The files of zoo/, as those who use one another see them. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { makeSource } from "../../src/base/source.ts";
import type { ReadModule } from "../../src/lower/modules.ts";
import { root } from "./nets.ts";

export const zoo = (file: string) =>
  makeSource(`${file}.resnet`, readFileSync(path.join(root, "zoo", `${file}.resnet`), "utf8"));

export const readZoo: ReadModule = (file) => zoo(file.slice(2));
