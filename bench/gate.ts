/**
 * `npm run bench:gate`: measures what bench/floors.ts promises and ends with 1 when something misses its floor. What
 * misses narrowly is measured again, and what misses by the clock, where others on the machine count too; the best
 * counts and all are shown.
 */
import { parseArgs } from "node:util";
import { type Floor, floors } from "./floors.ts";
import { fixed, markdownTable } from "./markdown.ts";
import { type Measure, type MeasureOptions, measureAll, workOf } from "./measures.ts";
import { best, type Verdict, verdictOn } from "./verdict.ts";

const usage = `npm run bench:gate -- [--only PATTERN] [--rounds N] [--ours DIR]

  --only PATTERN  the rows whose title matches this regular expression
  --rounds N      runs of each contestant in a contest (15)
  --ours DIR      our builds, a folder for each net; without it they are made`;

/** A row of the table with what was measured for it. */
interface Row extends Floor {
  readonly values: number[];
  /** Why the last attempt measured nothing. */
  failure?: string;
}

const attempts = 3;

async function main(): Promise<number> {
  const { values: given } = parseArgs({
    options: {
      only: { type: "string", default: "" },
      rounds: { type: "string", default: "15" },
      ours: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (given.help) {
    console.log(usage);
    return 0;
  }
  const pattern = new RegExp(given.only, "i");
  const rows: Row[] = floors
    .filter(({ title }) => pattern.test(title))
    .map((floor) => ({ ...floor, values: [] }));
  if (rows.length === 0) throw new Error(`No row matches ${given.only}.`);
  await fill(rows, { rounds: Number(given.rounds), ours: given.ours });
  return report(rows);
}

/** Measures group by group, again where a floor is missed narrowly or by the clock. */
async function fill(rows: readonly Row[], options: MeasureOptions): Promise<void> {
  for (const work of new Set(rows.map(({ measure }) => workOf(measure)))) {
    let open = rows.filter(({ measure }) => workOf(measure) === work);
    for (let attempt = 0; attempt < attempts && open.length > 0; attempt++) {
      await measureOnce(open, options);
      open = open.filter((row) => {
        const verdict = verdictOf(row);
        return verdict === "near" || (verdict === "miss" && isByClock(row.measure));
      });
    }
  }
}

/** Several threads, and pages, are timed by the clock. */
const isByClock = (measure: Measure): boolean =>
  measure.kind === "scaling" ||
  (measure.kind === "speed" && (measure.threads > 1 || measure.where === "chromium"));

async function measureOnce(rows: readonly Row[], options: MeasureOptions): Promise<void> {
  try {
    const values = await measureAll(
      rows.map(({ measure }) => measure),
      options,
    );
    rows.forEach((row, i) => {
      row.values.push(values[i]);
      process.stderr.write(`${row.title}: ${fixed(values[i])} (${row.sense} ${row.floor})\n`);
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    for (const row of rows) row.failure = why;
    process.stderr.write(`${why}\n`);
  }
}

const verdictOf = (row: Row): Verdict => (row.values.length > 0 ? verdictOn(row.values, row) : "miss");

function report(rows: readonly Row[]): number {
  const head = ["what", "floor", "aim", "measured", "verdict"];
  const cells = rows.map((row) => [
    row.title,
    `${row.sense} ${row.floor}`,
    row.aim === undefined ? "" : String(row.aim),
    row.values.map(fixed).join(", ") || "-",
    wordFor(verdictOf(row)),
  ]);
  console.log(markdownTable(head, cells));
  const missed = rows.filter((row) => wordFor(verdictOf(row)) === "MISS");
  if (missed.length === 0) {
    console.log(`\nAll ${rows.length} floors hold.`);
    return 0;
  }
  console.log(`\n${missed.length} of ${rows.length} floors are missed:\n`);
  for (const row of missed) console.log(`- ${row.title}: ${whatMissed(row)}`);
  return 1;
}

const wordFor = (verdict: Verdict): string =>
  ({ aim: "aim", pass: "ok", near: "MISS", miss: "MISS" })[verdict];

const whatMissed = ({ failure, values, sense, floor }: Row): string =>
  values.length > 0 ? `${fixed(best(values, sense))}, ${sense} ${floor}` : `not measured: ${failure}`;

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
