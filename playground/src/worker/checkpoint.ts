/** Checkpoints from the reader's disk: what they are, and whether they fit the net in the editor. Nothing leaves the page. */
import { collect, type Diagnostic } from "../../../src/base/diagnostic.ts";
import type { AnalysedNet } from "../../../src/compile.ts";
import { standardLibrary } from "../../../src/lower/modules.ts";
import { isSpec, recogniseArchitecture } from "../../../src/weights/architecture/index.ts";
import { type BoundWeights, bindWeights } from "../../../src/weights/bind.ts";
import { type Checkpoint, openCheckpoint } from "../../../src/weights/checkpoint.ts";
import { hdf5Missing } from "../../../src/weights/hdf5.ts";
import { type NamesTable, torchNames } from "../../../src/weights/names.ts";
import type { CheckpointAnswer, CheckpointAsk, Fit, Spec } from "../protocol.ts";
import { documentOf, netOf } from "./documents.ts";

interface Opened {
  readonly checkpoint: Checkpoint;
  readonly path: string;
}

/** The one that was opened last. */
let opened: Opened | undefined;

export function checkpoint({ files, ...spec }: CheckpointAsk): CheckpointAnswer {
  const [{ name: path }] = files;
  const byName = new Map(files.map(({ name, bytes }) => [name, new Uint8Array(bytes)]));
  const { report, diagnostics } = collect();
  const read = (file: string) =>
    byName.get(file) ?? "a page reads the files that are chosen, and this is none: choose both together";
  opened = undefined;
  const found = openCheckpoint(path, { read }, report);
  if (!found)
    return { title: undefined, lines: told(diagnostics), spec: undefined, fit: { fits: false, lines: [] } };
  opened = { checkpoint: found, path };
  const what = recogniseArchitecture(found, path);
  const types = [...new Set([...found.tensors.values()].map(({ dtype }) => dtype))].join(", ");
  const count = `${found.tensors.size} tensors, ${types}, format ${found.format}`;
  if (!what)
    return {
      ...{ title: `${path}: weights of no architecture that is known here`, lines: [count], spec: undefined },
      fit: fit(spec),
    };
  const open = what.open.flatMap(({ what: question, assumed, others, why }) => [
    `${question}: ${assumed} is assumed, it may be ${others.join(" or ")}; ${why}`,
  ]);
  const lacking = isSpec(what.spec) ? [] : [`the language has no word for ${what.spec.lacking}`];
  return {
    title: `${what.title}, names of ${what.convention}`,
    lines: [...what.facts, ...open, ...lacking, count],
    spec: isSpec(what.spec) ? what.spec.text : undefined,
    fit: fit(spec),
  };
}

export function fit(spec: Spec): Fit {
  const net = netOf(spec);
  if (!net) return { fits: false, lines: ["the text in the editor has mistakes"] };
  const { bound, lines } = bind(net, spec);
  return { fits: bound !== undefined, lines };
}

/** Weights for the net, or why there are none. */
export function bind(
  net: AnalysedNet,
  { text }: Spec,
): { readonly bound: (BoundWeights & { readonly from: string }) | undefined; readonly lines: string[] } {
  if (!opened) return { bound: undefined, lines: ["no checkpoint was loaded"] };
  const { report, diagnostics } = collect();
  const bound = bindWeights({ graph: net.graph, ...opened, tables: tablesOf(text) }, report);
  const lines = [...(bound?.notes ?? []), ...told(diagnostics)];
  return { bound: bound && { ...bound, from: opened.path }, lines };
}

/** Those of the file, of the standard library, and what the pytorch target calls weights. */
function tablesOf(text: string): readonly NamesTable[] {
  const own = [...(documentOf(text).module?.tables.values() ?? [])];
  const library = [...standardLibrary().tables.values()];
  return [...own, ...library.filter(({ name }) => !own.some((table) => table.name === name)), torchNames];
}

/** What a page can do about it is another thing than on the command line. */
const noHdf5 = "it is an HDF5 file (Keras), which this page does not read; `resnetc weights FILE` does";

const told = (diagnostics: readonly Diagnostic[]): string[] =>
  diagnostics.flatMap(({ severity, message, hint, notes }) => [
    `${severity}: ${message.replace(hdf5Missing, noHdf5)}${hint ? `: ${hint}` : ""}`,
    ...notes.map((note) => note.message),
  ]);
