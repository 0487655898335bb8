/**
 * The counts of published networks as SOURCE:MODEL, for `check --against`, `info` and failed expectations. A line of the
 * generated text is
 *
 *     timm:resnet50 25557032 224x224x3=4089184256|224x224x3 conv1=9536/118013952 conv2=215808/667942912 ...
 *
 * name, parameters, multiply-adds by the input's size, and where a spec could be compiled to exactly these counts what each
 * stage of it has: parameters / multiply-adds. It is read when it is first asked for.
 */
import { type Graph, isOp } from "../ir/graph.ts";
import { ops } from "../ir/ops/index.ts";
import { catalogueText } from "./catalogue.generated.ts";

export interface PublishedNetwork {
  readonly name: string;
  /** Trainable ones, as torch counts. */
  readonly params: number;
  /** Multiply-adds of convolution and dense layers by the size of the input: "224x224x3". */
  readonly macs: ReadonlyMap<string, number>;
  /** Undefined where only the whole is known. */
  readonly stages: PublishedStages | undefined;
}

export interface PublishedStages {
  /** The input that the multiply-adds are of. */
  readonly size: string;
  readonly stages: readonly PublishedStage[];
}

export interface PublishedStage {
  readonly name: string;
  readonly params: number;
  readonly macs: number;
}

let networks: ReadonlyMap<string, PublishedNetwork> | undefined;

/** All that are known, by name, in alphabetical order. */
export function publishedNetworks(): ReadonlyMap<string, PublishedNetwork> {
  networks ??= new Map(
    catalogueText
      .split("\n")
      .map(readLine)
      .map((network) => [network.name, network]),
  );
  return networks;
}

function readLine(line: string): PublishedNetwork {
  const [counts, stages] = line.split("|");
  const [name, params, ...macs] = counts.split(" ");
  return {
    name,
    params: Number(params),
    macs: new Map(macs.map(readPair)),
    stages: stages === undefined ? undefined : readStages(stages),
  };
}

function readPair(text: string): [string, number] {
  const [size, count] = text.split("=");
  return [size, Number(count)];
}

function readStages(text: string): PublishedStages {
  const [size, ...stages] = text.split(" ");
  return {
    size,
    stages: stages.map((stage) => {
      const [, name, params, macs] = /^(.*)=(\d+)\/(\d+)$/.exec(stage)!;
      return { name, params: Number(params), macs: Number(macs) };
    }),
  };
}

/** "224x224x3": the first input of a graph, without the batch. */
export function sizeOf(graph: Graph): string {
  const input = graph.nodes.find((node) => isOp(node, ops.input));
  return input ? input.type.shape.slice(1).join("x") : "";
}
