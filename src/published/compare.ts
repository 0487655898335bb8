/** Which published networks have a net's counts, and which is nearest to it. */
import type { Graph } from "../ir/graph.ts";
import { countGraph, type Stage, stagesOf } from "../ir/stats.ts";
import { type PublishedNetwork, type PublishedStage, publishedNetworks, sizeOf } from "./catalogue.ts";
import { distance, type Pair, pairStages } from "./stages.ts";

/** Names of published networks, the widest known sources first. */
export interface SameCounts {
  /** As many parameters, and multiply-adds on a picture of this size. */
  readonly both: readonly string[];
  /** As many parameters; other multiply-adds, or none that are known for this size. */
  readonly paramsOnly: readonly string[];
}

const sources = ["torchvision", "timm", "keras", "caffe", "paper"];
const rank = (name: string): number => sources.indexOf(name.split(":")[0]);

/** Networks in the order in which they are named: the plain ones of a source, which are known by stage, before their kin. */
function inOrder(networks: Iterable<PublishedNetwork>): readonly PublishedNetwork[] {
  return [...networks].sort(
    (a, b) =>
      rank(a.name) - rank(b.name) || Number(!a.stages) - Number(!b.stages) || a.name.length - b.name.length,
  );
}

export function sameCounts(graph: Graph): SameCounts {
  const { params, macs } = countGraph(graph);
  const size = sizeOf(graph);
  const same = withParams(params);
  const both = same.filter((network) => network.macs.get(size) === macs);
  return {
    both: both.map(({ name }) => name),
    paramsOnly: same.filter((network) => !both.includes(network)).map(({ name }) => name),
  };
}

export const withParams = (params: number): readonly PublishedNetwork[] =>
  inOrder([...publishedNetworks().values()].filter((network) => network.params === params));

/** Networks that take so many multiply-adds on an input of this size. */
export const withMacs = (macs: number, size: string): readonly PublishedNetwork[] =>
  inOrder([...publishedNetworks().values()].filter((network) => network.macs.get(size) === macs));

export interface Beside {
  readonly network: PublishedNetwork;
  readonly pairs: readonly Pair<Stage, PublishedStage>[];
}

/** A net's stages beside a network's; undefined where its stages are not known. */
export function besideStages(graph: Graph, network: PublishedNetwork): Beside | undefined {
  return network.stages && { network, pairs: pairStages(stagesOf(graph), network.stages.stages) };
}

/** Further apart than this share of its parameters a network is no relative. */
const farthest = 0.5;

/**
 * The network whose stages are nearest: among those that have as many parameters as were wanted or, if none of these has a
 * stage in common, about as many, else among all.
 */
export function nearestByStage(graph: Graph, wanted: number): Beside | undefined {
  const all = inOrder(publishedNetworks().values()).flatMap((network) => besideStages(graph, network) ?? []);
  const related = all.filter(({ pairs }) =>
    pairs.some(([a, b]) => a !== undefined && a.params === b?.params),
  );
  const within = (share: number) =>
    related.filter(({ network }) => Math.abs(network.params - wanted) <= share * wanted);
  const meant = [within(0), within(1 / 1000), related].find((networks) => networks.length > 0) ?? [];
  const [first] = meant.toSorted((a, b) => distance(a.pairs) - distance(b.pairs));
  return first && distance(first.pairs) <= farthest * first.network.params ? first : undefined;
}
