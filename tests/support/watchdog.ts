/** Ends this process, with a word why, if it is still there after so many seconds: a main thread that hangs cannot. */
import { Worker } from "node:worker_threads";

export function watchdog(seconds: number): void {
  const text = `setTimeout(() => {
    require("node:fs").writeSync(2, "The tests hang: ended after ${seconds} s.\\n");
    process.kill(process.pid, "SIGKILL");
  }, ${1000 * seconds});`;
  new Worker(text, { eval: true, execArgv: [] }).unref();
}
