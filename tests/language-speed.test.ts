/**
 * Bounds on what people wait for. `npm run bench:language` prints the times; here is three times as much room, and
 * starts are counted in starts of Node, so that a slow machine is no failure and a compiler that loads too much is.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { checks, timeStarts } from "../bench/language-times.ts";
import { fastestMs } from "./support/cpu-time.ts";

test("the command line starts in a few times what Node itself takes", () => {
  const least = new Map([...timeStarts(5)].map(([name, times]) => [name, Math.min(...times)]));
  const bare = least.get("node -e 0")!;
  const most = {
    "resnetc --version": 3.5,
    "resnetc --help": 4,
    "resnetc check examples/resnet50.resnet": 6.5,
  };
  for (const [name, factor] of Object.entries(most)) {
    const took = least.get(name)! / bare;
    assert.ok(took < factor, `${name} takes ${took.toFixed(1)} times as long as Node's start`);
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
