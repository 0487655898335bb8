/** Threads that classify pictures side by side, each with the net on one thread of its own. */
import { Worker } from "node:worker_threads";
import type { Diagnostic } from "../base/diagnostic.ts";
import { packageFile } from "../node/package-files.ts";
import { UsageError } from "../node/usage-error.ts";
import type { Classified, ViewArguments } from "./classifier.ts";
import { RunError, type SubjectArguments } from "./run-subject.ts";

/** What a thread is started with: the options of the command, as data. */
export type JobArguments = SubjectArguments & ViewArguments;

/** What a thread says: that it is ready, what a picture is, or why it ends. */
export type JobMessage =
  | { readonly ready: true }
  | { readonly result: Classified }
  | { readonly failed: Diagnostic }
  | { readonly usage: string };

export interface Jobs {
  readonly size: number;
  readonly classify: (image: string) => Promise<Classified>;
  end(): Promise<void>;
}

/** Undefined where one thread is enough: then the command's own does it. */
export async function startJobs(count: number, options: JobArguments): Promise<Jobs | undefined> {
  if (count < 2) return undefined;
  // In one piece and without functions, as yargs' object is not.
  const workerData = JSON.parse(JSON.stringify({ ...options, threads: undefined })) as JobArguments;
  const workers = await Promise.all(Array.from({ length: count }, () => Job.start(workerData)));
  const idle = [...workers];
  const waiting: ((job: Job) => void)[] = [];
  return {
    size: count,
    async classify(image) {
      const job = idle.pop() ?? (await new Promise<Job>((resolve) => waiting.push(resolve)));
      try {
        return await job.classify(image);
      } finally {
        const next = waiting.shift();
        if (next) next(job);
        else idle.push(job);
      }
    },
    end: async () => {
      await Promise.all(workers.map((worker) => worker.end()));
    },
  };
}

class Job {
  readonly #worker: Worker;
  #settle: { readonly resolve: (message: JobMessage) => void; readonly reject: (error: unknown) => void };

  private constructor(worker: Worker) {
    this.#worker = worker;
    this.#settle = { resolve: () => {}, reject: () => {} };
    worker.on("message", (message: JobMessage) => this.#settle.resolve(message));
    worker.on("error", (error) => this.#settle.reject(error));
  }

  static async start(workerData: JobArguments): Promise<Job> {
    const worker = new Worker(packageFile("build/cli/classify-worker.js"), { workerData });
    const job = new Job(worker);
    await job.#next();
    return job;
  }

  async classify(image: string): Promise<Classified> {
    const next = this.#next();
    this.#worker.postMessage(image);
    const message = await next;
    if (!("result" in message)) throw new Error("a job that is ready gives results");
    return message.result;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  async #next(): Promise<JobMessage> {
    const message = await new Promise<JobMessage>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    if ("failed" in message) throw new RunError(message.failed);
    if ("usage" in message) throw new UsageError(message.usage);
    return message;
  }
}

/** The answers in the order of the questions, `ahead` of which are being answered at any time. */
export async function* inOrder<Question, Answer>(
  questions: readonly Question[],
  ahead: number,
  ask: (question: Question) => Promise<Answer>,
): AsyncGenerator<Answer> {
  // Some more than are answered at once: one that takes long does not keep the others from going on.
  const most = ahead < 2 ? 1 : 4 * ahead;
  const asked: Promise<Answer>[] = [];
  for (const question of questions) {
    const answer = ask(question);
    // Its time to be told comes later; until then nobody else listens.
    answer.catch(() => {});
    asked.push(answer);
    if (asked.length >= most) yield await asked.shift()!;
  }
  while (asked.length > 0) yield await asked.shift()!;
}
