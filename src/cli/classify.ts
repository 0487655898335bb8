/**
 * `resnetc run` on pictures: one after the other, or dealt out to jobs, threads that have the net each. Results are told in
 * the order of the pictures. Written as JSON lines they can be gone on with: what has a line is not classified again.
 */
import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { makeDiagnostic } from "../base/diagnostic.ts";
import { whyNot } from "../node/files.ts";
import type { Guess } from "../pictures/scores.ts";
import { type Classified, Classifier, type ViewArguments } from "./classifier.ts";
import { inOrder, startJobs } from "./jobs.ts";
import { RunError, type RunSubject, type SubjectArguments } from "./run-subject.ts";
import { paintFor, print, printDiagnostics, progress } from "./terminal.ts";

export interface ClassifyArguments extends SubjectArguments, ViewArguments {
  /** JSON lines, appended. */
  readonly out?: string | undefined;
}

/** The exit code: 1 if a picture could not be read; the others are classified all the same. */
export async function classify(
  subject: RunSubject,
  images: readonly string[],
  jobs: number,
  options: ClassifyArguments,
): Promise<number> {
  const { format, json, out } = options;
  const classifier = new Classifier(subject, options);
  const lines = out === undefined ? undefined : new JsonLines(out);
  const all = images.flatMap(picturesUnder);
  const files = lines ? all.filter((image) => !lines.done.has(image)) : all;
  const pool = await startJobs(Math.min(jobs, files.length), options);
  const ask = pool ? pool.classify : (image: string) => classifier.classify(image);
  let failed = 0;
  let told = 0;
  try {
    for await (const result of inOrder(files, pool?.size ?? 1, ask)) {
      if (files.length > 1) progress("classifying", ++told / files.length);
      if ("problems" in result) failed++;
      if (lines) lines.write(lineOf(subject.name, result));
      else if (json) print(lineOf(subject.name, result));
      else if ("problems" in result) printDiagnostics(result.problems, format);
      else showTop(result.image, result.top);
    }
  } finally {
    lines?.close();
    classifier.dispose();
    await pool?.end();
  }
  if (lines) showSummary(out!, { pictures: files.length, failed, before: all.length - files.length }, json);
  return failed > 0 ? 1 : 0;
}

/** A result as a line; a picture that could not be read is one with an error. */
function lineOf(net: string, result: Classified): string {
  if (!("problems" in result)) {
    const { image, views, top } = result;
    return JSON.stringify({ image, net, views, top });
  }
  const [{ code, message }] = result.problems;
  return JSON.stringify({ image: result.image, net, error: { code, message } });
}

/** A file of JSON lines that grows, each line whole. */
class JsonLines {
  /** The pictures that have a line. */
  readonly done: ReadonlySet<string>;
  readonly #file: number;
  readonly #path: string;
  readonly #isFile: boolean;
  #end: number;

  constructor(file: string) {
    this.#path = file;
    try {
      const isThere = statSync(file, { throwIfNoEntry: false });
      // A pipe or a device is written to, and has no lines.
      this.#isFile = isThere?.isFile() ?? true;
      const text = isThere?.isFile() ? readFileSync(file, "utf8") : "";
      // What was being written when the last run ended is written again.
      const whole = text.slice(0, text.lastIndexOf("\n") + 1);
      this.done = new Set(whole.split("\n").flatMap(imageOf));
      this.#file = openSync(file, isThere?.isFile() ? "r+" : "w");
      this.#end = Buffer.byteLength(whole);
      if (this.#isFile) ftruncateSync(this.#file, this.#end);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  write(line: string): void {
    try {
      this.#end += writeSync(this.#file, `${line}\n`, this.#isFile ? this.#end : null);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  #failed(error: unknown): RunError {
    return new RunError(
      makeDiagnostic("unwritable-output", undefined, { path: this.#path, why: whyNot(error) }),
    );
  }
}

/** The picture of a line; a line that is none of ours has none. */
function imageOf(line: string): string[] {
  try {
    const { image } = JSON.parse(line) as { image?: unknown };
    return typeof image === "string" ? [image] : [];
  } catch {
    return [];
  }
}

function showSummary(
  out: string,
  counts: { readonly pictures: number; readonly failed: number; readonly before: number },
  json: boolean,
): void {
  if (json) {
    print(JSON.stringify({ out, ...counts }));
    return;
  }
  const { pictures, failed, before } = counts;
  const more = [
    ...(failed > 0 ? [`${failed.toLocaleString("en")} could not be read`] : []),
    ...(before > 0 ? [`${before.toLocaleString("en")} had a line already`] : []),
  ];
  print(
    `${out}  ${pictures.toLocaleString("en")} picture${pictures === 1 ? "" : "s"}${more.map((text) => `, ${text}`).join("")}`,
  );
}

/** A folder's pictures in order of name; anything else as it is. */
function picturesUnder(name: string): string[] {
  if (!existsSync(name) || !statSync(name).isDirectory()) return [name];
  const found = readdirSync(name).filter((file) => /\.(png|jpe?g|webp|avif)$/i.test(file));
  return found.sort().map((file) => path.join(name, file));
}

function showTop(file: string, top: readonly Guess[]): void {
  print(paintFor(process.stdout)("bold", file));
  for (const { score, index, label } of top)
    print(`  ${(100 * score).toFixed(2).padStart(6)} %  ${label ?? `class ${index}`}`);
}
