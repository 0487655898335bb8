/** `npm run bench:language`: how long the compiler takes to start and to check texts, in medians. */
import { checks, timeStarts } from "./language-times.ts";
import { markdownTable } from "./markdown.ts";
import { summarise } from "./statistics.ts";

const rounds = 15;
const ms = (value: number): string => value.toFixed(0);

const starts = [...timeStarts(rounds)].map(([name, times]) => ({ name, ...summarise(times) }));
const [bare] = starts;
console.log(`Starts, ${rounds} in turns, ms by the clock:\n`);
console.log(
  markdownTable(
    ["start", "median", "least", "times Node's own"],
    starts.map(({ name, median, min }) => [name, ms(median), ms(min), (median / bare.median).toFixed(1)]),
  ),
);

/** Warm: what came before is compiled by now, as it is in an editor. */
function timeWarm(work: (edit: number) => void): readonly string[] {
  const times: number[] = [];
  for (let i = 0; i < 3 * rounds; i++) {
    const from = performance.now();
    work(i);
    times.push(performance.now() - from);
  }
  const { median, min } = summarise(times.slice(-rounds));
  return [ms(times[0]), ms(median), ms(min)];
}

console.log("\nChecks in one process, ms by the clock:\n");
console.log(
  markdownTable(
    ["check", "first", "median when warm", "least"],
    Object.entries(checks).map(([name, work]) => [name, ...timeWarm(work)]),
  ),
);
