/** The graph itself: builder, verifier and printer. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import { makeSource, type Span } from "../src/base/source.ts";
import { GraphBuilder } from "../src/ir/build.ts";
import type { Graph, Node } from "../src/ir/graph.ts";
import { ops } from "../src/ir/ops/index.ts";
import { printGraph, printNode } from "../src/ir/print.ts";
import { f32 } from "../src/ir/tensor.ts";
import { verify } from "../src/ir/verify.ts";
import { golden } from "./support/golden.ts";
import { showcase } from "./support/sample-graphs.ts";

const names = (nodes: readonly Node[]): readonly string[] => nodes.map(({ name }) => name);

// ---- builder ------------------------------------------------------------------------------------

const building = suite("GraphBuilder");

const source = makeSource("net.resnet", "one two three");
const span = (start: number, end: number): Span => ({ source, start, end });

building("infers types and keeps names apart", () => {
  const { report, failed } = collect();
  const builder = new GraphBuilder(report);
  const x = builder.add(ops.input, "x", [], { shape: [1, 4, 6, 3] })!;
  const first = builder.add(ops.resize, "up", [x], { height: 8, width: 12, method: "nearest" }, span(0, 3))!;
  const second = builder.add(ops.resize, "up", [first], { height: 24, width: 36, method: "bilinear" })!;
  const third = builder.add(ops.activation, "up", [second], { fn: "relu" })!;
  assert.equal(first.type, f32(1, 8, 12, 3));
  assert.equal(first.span, span(0, 3));
  assert.equal(second.type, f32(1, 24, 36, 3));
  assert.equal(names([x, first, second, third]), ["x", "up", "up_2", "up_3"]);
  assert.equal(builder.graph("net", [{ name: "y", node: third }]).nodes, [x, first, second, third]);
  assert.not(failed());
});

building("reports what a shape rule objects to, with the places that made the operands", () => {
  const { report, diagnostics } = collect();
  const builder = new GraphBuilder(report);
  const left = builder.add(ops.input, "a", [], { shape: [1, 4, 4, 3] }, span(0, 3))!;
  const right = builder.add(ops.input, "b", [], { shape: [1, 4, 4, 5] }, span(4, 7))!;
  assert.is(builder.add(ops.add, "sum", [left, right], null, span(8, 13)), undefined);
  assert.is(diagnostics.length, 1);
  const [{ code, notes, hint, span: place }] = diagnostics;
  assert.is(code, "shape-mismatch");
  assert.equal(place, span(8, 13));
  assert.match(hint!, /project/);
  assert.equal(notes, [
    { message: "4x4x3 is made here", span: span(0, 3) },
    { message: "4x4x5 is made here", span: span(4, 7) },
  ]);
  assert.equal(names(builder.nodes), ["a", "b"]);
});

building("reports maps too large to index", () => {
  const { report, diagnostics } = collect();
  const builder = new GraphBuilder(report);
  const x = builder.add(ops.input, "x", [], { shape: [1, 32768, 32768, 1] })!;
  assert.ok(x);
  assert.is(
    builder.add(ops.resize, "up", [x], { height: 65536, width: 65536, method: "nearest" }),
    undefined,
  );
  assert.equal(
    diagnostics.map(({ code }) => code),
    ["tensor-too-large"],
  );
});

building.run();

// ---- verify -------------------------------------------------------------------------------------

const verifying = suite("verify");

const x: Node = {
  name: "x",
  op: ops.input,
  inputs: [],
  attrs: { shape: [1, 2, 2, 3] },
  type: f32(1, 2, 2, 3),
};
const y: Node = { name: "y", op: ops.activation, inputs: [x], attrs: { fn: "relu" }, type: f32(1, 2, 2, 3) };
const graphOf = (nodes: readonly Node[], outputs: Graph["outputs"]): Graph => ({
  name: "net",
  nodes,
  outputs,
});

verifying("has nothing to say about a good graph", () => {
  assert.is(verify(graphOf([x, y], [{ name: "out", node: y }])), undefined);
});

const broken: Readonly<Record<string, readonly [Graph, string]>> = {
  "two nodes of one name": [
    graphOf([x, { ...y, name: "x" }], [{ name: "out", node: x }]),
    "two nodes are called x",
  ],
  "a node before its input": [
    graphOf([y, x], [{ name: "out", node: y }]),
    "y reads x, which does not stand before it",
  ],
  "an input that is not in the graph": [
    graphOf([x, { ...y, inputs: [{ ...x }] }], [{ name: "out", node: x }]),
    "y reads x, which does not stand before it",
  ],
  "what the shape rule refuses": [
    graphOf(
      [x, { ...y, op: ops.lrn, attrs: { size: 2, alpha: 1, beta: 1, k: 1 } }],
      [{ name: "out", node: x }],
    ),
    'y does not type: out-of-range {"what":"`size` of `lrn`","wanted":"odd","value":"2"}',
  ],
  "another type than the rule's": [
    graphOf([x, { ...y, type: f32(1, 2, 2, 4) }], [{ name: "out", node: y }]),
    "y says 1x2x2x4 but its rule gives 1x2x2x3",
  ],
  "no output": [graphOf([x, y], []), "the graph has no output"],
  "an output from elsewhere": [
    graphOf([x, y], [{ name: "out", node: { ...y } }]),
    "output out is not in the graph",
  ],
  "two outputs of one name": [
    graphOf(
      [x, y],
      [
        { name: "out", node: x },
        { name: "out", node: y },
      ],
    ),
    "two outputs are called out",
  ],
};

for (const [title, [graph, sentence]] of Object.entries(broken)) {
  verifying(title, () => {
    const found = verify(graph);
    assert.is(found, sentence);
  });
}

verifying.run();

// ---- print --------------------------------------------------------------------------------------

const printing = suite("printGraph");

printing("without weights", () => golden("ir", "showcase", printGraph(showcase())));
printing("with weights", () => golden("ir", "showcase-params", printGraph(showcase(), { params: true })));

printing("one node, with the weights that a computed weight is made of", () => {
  const from: Node = {
    name: "w",
    op: ops.param,
    inputs: [],
    attrs: { role: "weight", shape: [2] },
    type: f32(2),
  };
  const attrs = { role: "bias", shape: [2], compute: () => new Float64Array(2) } as const;
  const node: Node = { name: "w.folded", op: ops.param, inputs: [from], attrs, type: f32(2) };
  assert.is(printNode(node), "%w.folded = param computed bias %w : f32[2]");
});

printing.run();
