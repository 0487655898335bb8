/**
 * Bounds on what people wait for. `npm run bench:language` prints the times; here is more room, and starts are counted in
 * other starts, so that a slow machine is no failure and a compiler that loads too much is.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { checks, timeStarts } from "../bench/language-times.ts";
import { fastestMs } from "./support/cpu-time.ts";

test("the command line starts in a few times what Node itself takes, and a check in a few times that", () => {
  const least = new Map([...timeStarts(5)].map(([name, times]) => [name, Math.min(...times)]));
  // Node 24 starts in half the time of Node 20, and runs the same code no faster.
  const most: readonly (readonly [name: string, times: number, of: string])[] = [
    ["resnetc --version", 5, "node -e 0"],
    ["resnetc --help", 2, "resnetc --version"],
    ["resnetc check examples/resnet50.resnet", 4.5, "resnetc --version"],
  ];
  for (const [name, factor, other] of most) {
    const took = least.get(name)! / least.get(other)!;
    assert.ok(took < factor, `${name} takes ${took.toFixed(1)} times as long as ${other}`);
  }
});

for (const [name, work] of Object.entries(checks)) {
  const most = name.startsWith("ResNet") ? 300 : 90;
  test(`${name}: checked in ${most} ms`, () => {
    let edit = 0;
    const least = fastestMs(15, () => work(edit++));
    assert.ok(least < most, `${least.toFixed(0)} ms of the processor`);
  });
}

test.run();
