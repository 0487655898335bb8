/** What is shown of a recognised checkpoint, and its spec as a file. */
import { existsSync, writeFileSync } from "node:fs";
import { collect, type Diagnostic, makeDiagnostic } from "../base/diagnostic.ts";
import { wrap } from "../base/render-diagnostic.ts";
import { makeSource } from "../base/source.ts";
import { analyse } from "../compile.ts";
import { whyNot } from "../node/files.ts";
import { otherGraphs, tablesOf } from "../node/find-weights.ts";
import { type Architecture, isSpec } from "../weights/architecture/index.ts";
import { bindWeights } from "../weights/bind.ts";
import type { Checkpoint } from "../weights/checkpoint.ts";
import { isFloating } from "../weights/elements.ts";

/** "ResNet-50-D, names of timm, f32". */
export function architectureTitle(
  { title, convention, prefix }: Architecture,
  { tensors }: Checkpoint,
): string {
  const types = new Set([...tensors.values()].map(({ dtype }) => dtype).filter(isFloating));
  const behind = prefix ? ` behind \`${prefix}\`` : "";
  return `${title}, names of ${convention}${behind}, ${[...types].join(" and ")}`;
}

/** How to go on: the command that writes the net, or why there is none. */
export function nextStep({ spec }: Architecture, path: string): string {
  return isSpec(spec)
    ? `\`resnetc weights ${path} --write ${spec.name}.resnet\` writes the net that loads it`
    : `there is no net that loads it: the language has no word for ${spec.lacking}`;
}

/** What the shapes say and what they leave open; without the title. */
export function architectureLines({ facts, open, spec }: Architecture): string[] {
  const questions = open.flatMap(({ what, assumed, others, why }) => [
    `  ${what}: ${assumed}`,
    `    or ${others.join(", or ")}; ${why}`,
  ]);
  const check = "to check: `resnetc run` with these weights on pictures, or arrays, whose results are known";
  const lines = [
    ...facts.map((fact) => `  ${fact}`),
    ...(questions.length > 0
      ? [
          "",
          "Shapes leave open, and this was assumed:",
          ...questions,
          ...(isSpec(spec) ? [`  ${check}`] : []),
        ]
      : []),
  ];
  // Continued lines stand two further in.
  return lines.flatMap((line) => {
    const indent = line.length - line.trimStart().length;
    const [first, ...rest] = wrap(line.trimStart(), indent, indent + 2);
    return [" ".repeat(indent) + first, ...rest];
  });
}

export interface WrittenSpec {
  readonly name: string;
  /** What binding the checkpoint to it says: tensors without a place, for instance. */
  readonly problems: readonly Diagnostic[];
}

/** Writes the spec, when the checkpoint fits it; a diagnostic tells why not. */
export function writeSpec(
  file: string,
  architecture: Architecture | undefined,
  checkpoint: Checkpoint,
  path: string,
): WrittenSpec | readonly Diagnostic[] {
  if (!architecture) return [makeDiagnostic("unknown-architecture", undefined, { path })];
  const { spec, title } = architecture;
  if (!isSpec(spec)) return [makeDiagnostic("no-spec", undefined, { path, title, lacking: spec.lacking })];
  if (existsSync(file)) {
    const hint = "choose another name, or remove it first";
    return [
      makeDiagnostic("unwritable-output", undefined, { path: file, why: "it is there already" }, { hint }),
    ];
  }
  const { nets, module, diagnostics } = analyse(makeSource(file, spec.text), { net: spec.name });
  const { report, diagnostics: problems } = collect();
  const [net] = nets;
  const bound =
    net &&
    module &&
    bindWeights(
      {
        graph: net.graph,
        checkpoint,
        path,
        tables: tablesOf(module),
        allowNaN: true,
        others: () => otherGraphs(module, net.name),
      },
      report,
    );
  if (!bound) return [...diagnostics, ...problems];
  try {
    writeFileSync(file, spec.text);
  } catch (error) {
    return [makeDiagnostic("unwritable-output", undefined, { path: file, why: whyNot(error) })];
  }
  // Expectations count the net's own weights; a checkpoint may have more.
  return { name: spec.name, problems: [...diagnostics, ...problems] };
}
