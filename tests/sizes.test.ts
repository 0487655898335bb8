/** What pages pay: the budgets of .size-limit.json, which `npm run size` prints too. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { makeSizes } from "../scripts/sizes.ts";
import { root } from "./support/nets.ts";

test("what pages load stays within its budget", async () => {
  await makeSizes();
  const sizeLimit = path.join(root, "node_modules/size-limit/bin.js");
  const { stdout, stderr } = spawnSync(process.execPath, [sizeLimit, "--json"], {
    cwd: root,
    encoding: "utf8",
  });
  const results = JSON.parse(stdout || "[]") as {
    name: string;
    size: number;
    passed: boolean;
    sizeLimit: number;
  }[];
  assert.ok(results.length >= 7 && results.every(({ size }) => size > 1000), `${stdout}${stderr}`);
  assert.equal(
    results
      .filter(({ passed }) => !passed)
      .map(({ name, size, sizeLimit }) => `${name}: ${size} of ${sizeLimit}`),
    [],
  );
});

test.run();
