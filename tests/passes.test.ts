/**
 * Every pass on random networks and on its small cases: the same function after as before, to the bit where the
 * pass says so; a valid graph; nothing left to do; nothing more to do the second time.
 */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { verify } from "../src/ir/verify.ts";
import type { Pass } from "../src/passes/pass.ts";
import { allPasses, runPasses } from "../src/passes/pipeline.ts";
import { arbitraryModel, type Model } from "./support/arbitrary-model.ts";
import { passCases } from "./support/pass-cases.ts";
import {
  assertSameFunction,
  assertWeightsUntouched,
  bounds,
  modelOf,
  text,
} from "./support/same-function.ts";

function assertGoodPass(pass: Pass, { graph, ...rest }: Model): void {
  const after = pass.run(graph);
  assert.is(verify(after), undefined);
  assert.is(pass.ensures?.(after), undefined);
  assertWeightsUntouched(graph, after);
  assertSameFunction(graph, after, pass.numerics, { graph, ...rest });
  assert.is(text(pass.run(after)), text(after), "another run changes it again");
}

for (const pass of allPasses) {
  test(`${pass.name} on random networks`, () => {
    fc.assert(
      fc.property(arbitraryModel, (model) => assertGoodPass(pass, model)),
      bounds,
    );
  });

  // After the others there is what it meets in practice: epilogues, folded weights.
  test(`${pass.name} behind the other passes`, () => {
    const others = allPasses.filter((other) => other !== pass);
    fc.assert(
      fc.property(arbitraryModel, ({ graph, ...rest }) =>
        assertGoodPass(pass, { graph: runPasses(graph, others), ...rest }),
      ),
      { ...bounds, numRuns: Math.ceil(bounds.numRuns / 3) },
    );
  });

  for (const [name, build] of Object.entries(passCases[pass.name])) {
    test(`${pass.name}: ${name}`, () => assertGoodPass(pass, modelOf(build())));
  }
}

test("every pass fires often on random networks", () => {
  const fired = new Map<string, number>();
  const sample = fc.sample(arbitraryModel, { numRuns: 200, seed: 1 });
  for (const { graph } of sample) {
    runPasses(graph, allPasses, {
      onPass({ pass, before, after }) {
        if (text(before) !== text(after)) fired.set(pass.name, (fired.get(pass.name) ?? 0) + 1);
      },
    });
  }
  for (const { name } of allPasses) {
    assert.ok((fired.get(name) ?? 0) >= 15, `${name} fired on ${fired.get(name) ?? 0} networks of 200`);
  }
});

test.run();
