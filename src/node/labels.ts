/** The names of a net's classes, from a text file or from JSON as others write it. */
import { type Diagnostic, makeDiagnostic } from "../base/diagnostic.ts";
import { type Card, givesClasses } from "../codegen/target.ts";
import { labelSets } from "../std/labels.generated.ts";
import { isBytes, readBytes } from "./files.ts";
import { UsageError } from "./usage-error.ts";

/** A name for each class of the net, nothing where none are given, or what is wrong with the file. */
export function readLabels(
  path: string | undefined,
  { name, outputs }: Pick<Card, "name" | "outputs">,
): readonly string[] | undefined | Diagnostic {
  if (path === undefined) return undefined;
  if (!givesClasses({ outputs })) {
    throw new UsageError(
      `--labels: ${name} gives ${outputs.map((output) => output.name).join(", ")}, not classes`,
    );
  }
  const classes = outputs[0].shape[3];
  const bytes = readBytes(path);
  if (!isBytes(bytes)) return bytes;
  const found = labelsIn(new TextDecoder().decode(bytes));
  const why =
    typeof found === "string" ? found : `it has ${found.length} labels, ${name} gives ${classes} classes`;
  if (typeof found === "string" || found.length !== classes)
    return makeDiagnostic("unreadable-file", undefined, { path, why });
  return found;
}

export const areLabels = (
  found: readonly string[] | undefined | Diagnostic,
): found is readonly string[] | undefined => found === undefined || Array.isArray(found);

/** What to say where the input names labels that are not those of the classes, as of a net that was trained further. */
export function unfitLabels({ name, inputs, outputs }: Card): string | undefined {
  const set = inputs[0]?.preprocess?.labels ?? "";
  const count = labelSets[set]?.length;
  const classes = outputs[0].shape[3];
  if (count === undefined || !givesClasses({ outputs }) || count === classes) return undefined;
  return `no labels: ${set} has ${count}, ${name} gives ${classes} classes; --labels FILE names them`;
}

/** The labels, or what is wrong with the text. */
function labelsIn(text: string): readonly string[] | string {
  if (!/^\s*[[{]/.test(text)) {
    const lines = text
      .replace(/^\uFEFF/, "")
      .trimEnd()
      .split(/\r?\n/);
    const empty = lines.findIndex((line) => line.trim() === "");
    return empty < 0 ? lines.map((line) => line.trim()) : `line ${empty + 1} is empty`;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `it is no JSON: ${(error as Error).message}`;
  }
  const list: readonly unknown[] = Array.isArray(value) ? value : byIndex(Object(value));
  const names = list.filter((label) => typeof label === "string");
  return list.length > 0 && names.length === list.length
    ? names
    : "it is neither a list of names nor has it id2label";
}

/** `{ "id2label": { "0": "cat", … } }`, or the inner object alone. */
function byIndex(object: Readonly<Record<string, unknown>>): readonly unknown[] {
  const table = Object(object.id2label ?? object) as Readonly<Record<string, unknown>>;
  return Object.keys(table).map((_, i) => table[i]);
}
