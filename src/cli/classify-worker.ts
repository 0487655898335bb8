/** A thread of `resnetc run --jobs`: opens the net as the command does, then says of each picture what it is. */
import { parentPort, workerData } from "node:worker_threads";
import { UsageError } from "../node/usage-error.ts";
import { Classifier } from "./classifier.ts";
import type { JobArguments, JobMessage } from "./jobs.ts";
import { openSubject, RunError } from "./run-subject.ts";
import { beQuiet } from "./terminal.ts";

const options = workerData as JobArguments;
const say = (message: JobMessage) => parentPort?.postMessage(message);

/** What the command would end with, said to it; anything else is an error of ours, and ends the thread. */
function tell(error: unknown): void {
  if (error instanceof RunError) say({ failed: error.diagnostic });
  else if (error instanceof UsageError) say({ usage: error.message });
  else throw error;
}

beQuiet();
const isWasm = options.target === undefined || options.target === "wasm";
const subject = await openSubject({ ...options, ...(isWasm ? { threads: "1" } : {}) });
if (!subject) throw new Error("the command opened the net, a job does not");
const classifier = new Classifier(subject, options);
parentPort?.on("message", (image: string) => {
  classifier.classify(image).then((result) => say({ result }), tell);
});
say({ ready: true });
