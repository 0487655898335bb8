/** The public API: text in, diagnostics, graphs and files out; pure, synchronous, without a file system. */
export type { Diagnostic, Note } from "./base/diagnostic.ts";
export { noPaint, type Paint, renderDiagnostic, renderGnu } from "./base/render-diagnostic.ts";
export { makeSource, type Position, positionAt, type Source, type Span } from "./base/source.ts";
export type { Arithmetic, Artifact, Card, Target } from "./codegen/target.ts";
export { targets } from "./codegen/targets.ts";
export {
  type AnalysedNet,
  type AnalyseOptions,
  type Analysis,
  analyse,
  type EmitOptions,
  type Emitted,
  emit,
} from "./compile.ts";
export type { Graph, Node } from "./ir/graph.ts";
export { interpret, type WeightSource } from "./ir/interpret.ts";
export { printGraph } from "./ir/print.ts";
export { type Counts, countGraph, depthOf, type Stage, stagesOf } from "./ir/stats.ts";
export type { Tensor, TensorType } from "./ir/tensor.ts";
export type { Verdict } from "./lower/expectations.ts";
export type { ReadModule } from "./lower/modules.ts";
export { type Formatted, format } from "./parser/format.ts";
export type { Pass, PassEvent } from "./passes/pass.ts";
export { zooNames, zooNet } from "./published/zoo.ts";
export { version } from "./version.generated.ts";
export {
  type Architecture,
  type OpenQuestion,
  recogniseArchitecture,
} from "./weights/architecture/index.ts";
export { type BindRequest, type BoundWeights, bindWeights } from "./weights/bind.ts";
export { type Checkpoint, type CheckpointFiles, openCheckpoint } from "./weights/checkpoint.ts";
export { heWeights } from "./weights/initialise.ts";
export type { NamesTable } from "./weights/names.ts";
