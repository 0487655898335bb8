/**
 * The process that a contest in Node runs in: its arguments come as JSON, its result goes to the parent as a
 * message. One contest a process, because onnxruntime-web keeps its number of threads for ever.
 */
import { type ContestPlan, type ContestResult, compete } from "./contest.ts";
import { type Folders, openInNode } from "./node-contestants.ts";

/** What the child tells its parent. */
export type Message =
  | { readonly kind: "progress"; readonly text: string }
  | { readonly kind: "failed"; readonly why: string }
  | { readonly kind: "done"; readonly result: ContestResult };

const tell = (message: Message): Promise<void> =>
  new Promise((resolve) => process.send!(message, () => resolve()));

async function contest(plan: ContestPlan, folders: Folders): Promise<Message> {
  const onProgress = (text: string) => void tell({ kind: "progress", text });
  try {
    const contestants = [];
    for (const entry of plan.entries) contestants.push(await openInNode(entry, plan.net, folders));
    const times = await compete(contestants, plan.rounds, onProgress);
    return { kind: "done", result: { times, platform: `Node ${process.versions.node}` } };
  } catch (error) {
    return { kind: "failed", why: error instanceof Error ? error.message : String(error) };
  }
}

// A parent that is gone wants no figures.
process.on("disconnect", () => process.exit(1));
const { plan, folders } = JSON.parse(process.argv[2]) as { plan: ContestPlan; folders: Folders };
await tell(await contest(plan, folders));
// Runtimes leave workers behind that would keep the process alive.
process.exit(0);
