/** Runs a contest where its plan says: in a Node process of its own, or in Chromium. */
import { fork } from "node:child_process";
import path from "node:path";
import { contestInChromium } from "./chromium-contest.ts";
import type { ContestPlan, ContestResult, Runtime } from "./contest.ts";
import { built, type NetName } from "./nets.ts";
import type { Message } from "./node-contest.ts";
import type { Folders } from "./node-contestants.ts";
import { bench, requirePeers, root } from "./paths.ts";

export function runContest(plan: ContestPlan): Promise<ContestResult> {
  const runtimes = new Set(plan.entries.map(({ runtime }) => runtime));
  if (runtimes.has("ort") || runtimes.has("litert")) requirePeers();
  const folders = foldersOf(plan, runtimes);
  const title = `${plan.net} in ${plan.where === "node" ? "Node" : "Chromium"}`;
  const onProgress = (text: string) => void process.stderr.write(`${title}: ${text}\n`);
  if (plan.where === "chromium") return contestInChromium(plan, folders, onProgress);
  return contestInNode(plan, folders, onProgress);
}

function foldersOf({ net, ours }: ContestPlan, runtimes: ReadonlySet<Runtime>): Folders {
  return {
    ...(runtimes.has("ours") || runtimes.has("relaxed") ? own(ourFolder(net, ours)) : {}),
    ...(runtimes.has("tfjs") ? { tfjs: built(net, "tfjs") } : {}),
    ...(runtimes.has("ort") ? { ort: built(net, "onnx") } : {}),
  };
}

const own = (folder: string): Folders => ({ ours: folder, relaxed: folder });

/** The folder of our build of a net. */
export const ourFolder = (net: NetName, ours: string | undefined): string =>
  ours === undefined ? built(net, "wasm") : path.resolve(ours, net);

function contestInNode(
  plan: ContestPlan,
  folders: Folders,
  onProgress: (text: string) => void,
): Promise<ContestResult> {
  return new Promise((resolve, reject) => {
    const child = fork(path.join(bench, "node-contest.ts"), [JSON.stringify({ plan, folders })], {
      cwd: root,
      execArgv: ["--import", "tsx"],
      // What runtimes print is no result.
      stdio: ["ignore", 2, 2, "ipc"],
    });
    child.on("message", (message: Message) => {
      if (message.kind === "progress") onProgress(message.text);
      else if (message.kind === "done") resolve(message.result);
      else reject(new Error(message.why));
    });
    child.on("error", reject);
    child.on("exit", (code, signal) => reject(new Error(`The contest ended early (${signal ?? code}).`)));
  });
}
