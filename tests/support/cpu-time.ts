/**
 * Time for tests with limits: of the processor, not of the wall, and the best of several runs, since the machines
 * that run tests are shared and what others do on them is no fault of ours.
 */

/** Milliseconds of processor time that this process has taken so far. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The least of `runs` runs. */
export function fastestMs(runs: number, work: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < runs; i++) {
    const start = cpuMs();
    work();
    least = Math.min(least, cpuMs() - start);
  }
  return least;
}
