/** What is told when a checkpoint and a net do not fit: each kind once, in the checkpoint's own words. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Shape } from "../src/ir/tensor.ts";
import type { NamesTable } from "../src/weights/names.ts";
import {
  bind,
  changed,
  checkpointOf,
  counting,
  table,
  told,
  torchShapes,
} from "./support/small-checkpoint.ts";
import { NetBuilder } from "./support/small-net.ts";

test("missing tensors: one error, their names and ours, by stage", () => {
  const { "bn1.running_var": _a, "fc.bias": _b, ...rest } = torchShapes;
  const bound = bind(checkpointOf(rest));
  assert.is(bound.weights, undefined);
  assert.is(
    told(bound),
    "missing-weight: the checkpoint lacks 2 tensors of the net: `bn1.running_var` (here `stem.bn.var`), `fc.bias`",
  );
  assert.equal(
    bound.diagnostics[0].notes.map(({ message }) => message),
    ["`stem` lacks 1 of its 5", "`fc` lacks 1 of its 2"],
  );
});

test("a renamed head is recognised as such", () => {
  const renamed = {
    ...changed("fc.weight", undefined, changed("fc.bias", undefined)),
    "last.weight": [5, 16],
    "last.bias": [5],
  };
  const { weights, diagnostics } = bind(checkpointOf(renamed));
  assert.is(weights, undefined);
  assert.equal(
    diagnostics.map(({ code }) => code),
    ["missing-weight", "extra-weight"],
  );
  assert.match(
    diagnostics[0].hint ?? "",
    /`last\.weight` has the shape of `fc\.weight`: a line "fc\.\{\*\}" -> "last\.\{\*\}"/,
  );
});

test("misshapen tensors: in the checkpoint's own layout, with the reason where it is known", () => {
  const bound = bind(
    checkpointOf({ ...torchShapes, "fc.weight": [7, 16], "fc.bias": [7], "conv2.weight": [4, 6, 5, 5] }),
  );
  assert.is(bound.weights, undefined);
  assert.is(
    told(bound),
    [
      "weight-shape: tensor `conv2.weight` is [4, 6, 5, 5], `body.conv.weight` needs [4, 6, 3, 3]",
      "weight-shape: tensor `fc.weight` is [7, 16], `fc.weight` needs [5, 16]",
      "weight-shape: tensor `fc.bias` is [7], `fc.bias` needs [5]",
    ].join("\n"),
  );
  assert.is(bound.diagnostics[1].hint, "the checkpoint was trained for 7 outputs here, the net has 5");
});

test("of many misshapen tensors ten are shown", () => {
  const build = new NetBuilder();
  let x = build.input("input", 1, 4, 4, 3);
  for (let i = 0; i < 14; i++) x = build.conv(`c${i}`, x, 3);
  const shapes = Object.fromEntries(Array.from({ length: 14 }, (_, i) => [`c${i}.weight`, [3, 3, 5, 5]]));
  const { diagnostics } = bind(checkpointOf(shapes), { graph: build.graph("many", { x }), tables: [] });
  assert.is(diagnostics.length, 10);
  assert.equal(
    diagnostics[9].notes.map(({ message }) => message),
    ["and 4 more of another shape"],
  );
});

test("extra tensors: a warning, an error when strict; what torch leaves behind is not mentioned", () => {
  const more = { ...torchShapes, "aux.weight": [2], "aux.num_batches_tracked": [], "head.total_ops": [1] };
  const usual = bind(checkpointOf(more));
  assert.ok(usual.weights);
  assert.is(usual.diagnostics[0].severity, "warning");
  assert.is(
    told(usual),
    "extra-weight: the checkpoint has 1 tensor that the net has no place for: `aux.weight`",
  );
  const strict = bind(checkpointOf(more), { strict: true });
  assert.is(strict.weights, undefined);
  assert.is(strict.diagnostics[0].severity, "error");
});

test("NaN and infinite values are refused unless asked for", () => {
  const poisoned = (shape: Shape) => {
    const values = counting(shape);
    if (shape[0] === 5 && shape.length === 1) values.set([Number.NaN, Infinity, -Infinity]);
    return values;
  };
  const bound = bind(checkpointOf(torchShapes, poisoned));
  assert.is(bound.weights, undefined);
  assert.is(told(bound), "not-finite: tensor `fc.bias` has 3 values that are NaN or infinite");
  assert.match(bound.diagnostics[0].hint ?? "", /--allow-nan/);
  const allowed = bind(checkpointOf(torchShapes, poisoned), { allowNaN: true });
  assert.equal(allowed.diagnostics, []);
  assert.equal([...allowed.weights!.get("fc.bias")], [Number.NaN, Infinity, -Infinity, 3, 4]);
});

test("a tensor that two weights want is refused", () => {
  const greedy: NamesTable = {
    ...table,
    lines: [...table.lines, { from: "fc.{*}", to: "fc.{*}" }],
    leaves: new Map([...table.leaves, ["shift", "weight"]]),
  };
  const bound = bind(checkpointOf(torchShapes), { table: greedy });
  assert.is(bound.weights, undefined);
  assert.match(
    told(bound),
    /weight-used-twice: tensor `bn1\.weight` is wanted at more than one place: `stem\.bn\.scale`, `stem\.bn\.shift`/,
  );
});

test("under half of the tensors is another network", () => {
  const { weights, diagnostics } = bind(checkpointOf({ "conv1.weight": [6, 1, 3, 3], "blocks.0.norm": [4] }));
  assert.is(weights, undefined);
  assert.is(diagnostics.length, 1);
  assert.is(diagnostics[0].code, "checkpoint-does-not-fit");
  assert.match(diagnostics[0].notes[1].message, /the checkpoint has: `conv1\.weight`, `blocks\.0\.norm`/);
});

test.run();
