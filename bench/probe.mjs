/**
 * A process that loads one network and runs it, for what only a fresh process can tell: how long the first run takes,
 * and how much memory the process has at its peak. Plain JavaScript, so that no loader's memory is in the figures;
 * without a module in its arguments it measures Node itself.
 */
import { readFileSync } from "node:fs";

const { module, options, picture, runs } = JSON.parse(process.argv[2]);

const times = [];
if (module !== undefined) {
  const { load } = await import(module);
  const net = await load(options);
  const inputs = { [net.info.inputs[0].name]: new Float32Array(picture).fill(0.5) };
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    await net.run(inputs);
    times.push(performance.now() - start);
  }
}

/** Linux counts the peak of the process that this one was forked from into maxRSS; VmHWM is this program's own. */
function peakOfProcess() {
  try {
    return 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))[1]);
  } catch {
    return 1024 * process.resourceUsage().maxRSS;
  }
}

const peakBytes = peakOfProcess();
process.stdout.write(JSON.stringify({ times, peakBytes }), () => process.exit(0));
