/**
 * The page's side of a compile worker. Questions are answered in turn; of those that follow every key (`latest`) at most one
 * waits, and a newer one takes its place, so that typing waits for nothing. A worker that a text keeps busy is replaced.
 */
import type { Answer, Kind, Questions } from "./protocol.ts";

/** How long a question may hold up a newer one of its kind, in milliseconds. */
const patience = 4000;

interface Waiting {
  resolve(answer: never): void;
  reject(error: Error): void;
}

interface Turn {
  readonly since: number;
  /** Asks the newest, once this one is answered. */
  next: (() => void) | undefined;
  drop: (() => void) | undefined;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export class Compiler {
  #worker = this.#start();
  #next = 0;
  readonly #waiting = new Map<number, Waiting>();
  readonly #turns = new Map<Kind, Turn>();

  /** `transfer`: buffers that the page gives away. */
  ask<K extends Kind>(
    kind: K,
    ask: Questions[K]["ask"],
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<Questions[K]["answer"]> {
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, kind, ask }, [...transfer]);
    });
  }

  /** Undefined where a newer question of the kind came meanwhile. */
  latest<K extends Kind>(kind: K, ask: Questions[K]["ask"]): Promise<Questions[K]["answer"] | undefined> {
    const turn = this.#turns.get(kind);
    if (!turn) return this.#take(kind, ask);
    turn.drop?.();
    const left = patience - (performance.now() - turn.since);
    turn.timer ??= setTimeout(() => this.#restart(), Math.max(0, left));
    return new Promise((resolve, reject) => {
      turn.drop = () => resolve(undefined);
      turn.next = () => void this.#take(kind, ask).then(resolve, reject);
    });
  }

  async #take<K extends Kind>(
    kind: K,
    ask: Questions[K]["ask"],
  ): Promise<Questions[K]["answer"] | undefined> {
    const turn: Turn = { since: performance.now(), next: undefined, drop: undefined, timer: undefined };
    this.#turns.set(kind, turn);
    try {
      const answer = await this.ask(kind, ask);
      return turn.next ? undefined : answer;
    } catch (error) {
      if (turn.next) return undefined;
      throw error;
    } finally {
      clearTimeout(turn.timer);
      this.#turns.delete(kind);
      turn.next?.();
    }
  }

  #start(): Worker {
    const worker = new Worker(new URL("./worker/compile-worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if ("error" in data) waiting?.reject(new Error(data.error));
      else waiting?.resolve(data.answer as never);
    };
    worker.onerror = ({ message }) =>
      this.#fail(new Error(`The compiler's worker stopped: ${message ?? "it could not be loaded"}.`));
    return worker;
  }

  #restart(): void {
    this.#worker.terminate();
    this.#worker = this.#start();
    this.#fail(new Error("The text took too long and was given up."));
  }

  #fail(error: Error): void {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of all) reject(error);
  }
}
