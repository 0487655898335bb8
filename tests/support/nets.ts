/** Nets of .resnet files, for tests. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { renderDiagnostic } from "../../src/base/render-diagnostic.ts";
import { makeSource, type Source } from "../../src/base/source.ts";
import { type AnalysedNet, type AnalyseOptions, analyse } from "../../src/compile.ts";
import type { Module, ReadModule } from "../../src/lower/modules.ts";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const examplePath = (name: string): string => path.join(root, "examples", name);

export const readModule: ReadModule = (request, from) => {
  const file = path.join(
    path.dirname(from.name),
    request.endsWith(".resnet") ? request : `${request}.resnet`,
  );
  try {
    return makeSource(file, readFileSync(file, "utf8"));
  } catch {
    return { why: `there is no file ${file}` };
  }
};

export const fileSource = (file: string): Source => makeSource(file, readFileSync(file, "utf8"));

export interface OpenedNet {
  readonly net: AnalysedNet;
  readonly module: Module;
}

/** One net of a file; throws with the rendered diagnostics when it does not compile. */
export function openNet(file: string, options: AnalyseOptions = {}): OpenedNet {
  const { nets, module, diagnostics, fine } = analyse(fileSource(file), { read: readModule, ...options });
  if (!fine || !module || nets.length !== 1)
    throw new Error(diagnostics.map((d) => renderDiagnostic(d)).join("\n"));
  return { net: nets[0], module };
}
