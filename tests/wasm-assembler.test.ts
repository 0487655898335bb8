/**
 * The WebAssembly assembler, judged by two that know nothing of it: wabt says what its bytes mean and whether they
 * are valid, Node runs them.
 */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { InternalError } from "../src/base/invariant.ts";
import {
  FunctionBuilder,
  type Label,
  type Local,
  type Signature,
} from "../src/codegen/wasm/assembler/function.ts";
import { type MemoryLimits, ModuleBuilder } from "../src/codegen/wasm/assembler/module.ts";
import * as values from "../src/codegen/wasm/assembler/values.ts";
import { assemble, disassemble, features, instructionsOf, rewrite } from "./support/wabt.ts";
import {
  freeInstructions,
  instructions,
  operandTypes,
  type Shown,
  statements,
} from "./support/wasm-cases.ts";

const { atomics, f32x4, i32, v128 } = values;
type Build = (f: FunctionBuilder, ...params: readonly Local<"i32">[]) => void;

const i32s = (count: number, result?: "i32"): Signature => ({
  params: Array(count).fill("i32"),
  ...(result ? { result } : {}),
});

/** The bytes, after wabt and the engine have found them valid, and wabt would have written the very same. */
function encode(module: ModuleBuilder, engineHasIt = true): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(module.encode());
  disassemble(bytes);
  if (engineHasIt) assert.ok(WebAssembly.validate(bytes), "the engine finds the module invalid");
  const theirs = rewrite(bytes);
  // Our names stand behind.
  assert.is(Buffer.compare(bytes.subarray(0, theirs.length), theirs), 0, "wabt writes other bytes");
  return bytes;
}

function instantiate(module: ModuleBuilder, memory = new WebAssembly.Memory({ initial: 1 })) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(encode(module)), { env: { memory } });
  return exports as Record<string, (...args: readonly number[]) => number>;
}

/** A function with i32 parameters only, exported under its name. */
function define(module: ModuleBuilder, name: string, signature: Signature, build: Build) {
  const ref = module.function(name, signature, (f) => build(f, ...(f.params as readonly Local<"i32">[])));
  module.export(name, ref);
  return ref;
}

/** One function, ready to run. */
function single(signature: Signature, build: Build, memory?: WebAssembly.Memory) {
  const module = new ModuleBuilder();
  define(module, "f", signature, build);
  return instantiate(module, memory).f;
}

const internal = (pattern: RegExp) => (error: unknown) =>
  error instanceof InternalError && pattern.test(error.message);

// ---- every instruction ----------------------------------------------------------------------------

/** What wabt reads in a function with the parameters of the cases. */
function linesOf(build: (f: FunctionBuilder) => void, engineHasIt = true): readonly string[] {
  const module = new ModuleBuilder();
  module.memory({ initial: 1, maximum: 1, shared: true });
  module.function("case", { params: operandTypes }, build);
  return instructionsOf(disassemble(encode(module, engineHasIt)), "case");
}

type Instruction = (...args: readonly unknown[]) => values.Value;

function checkInstruction(name: string, make: Instruction, { takes, also = [], as = name }: Shown): void {
  const used = { i: 0, f: 3, v: 6 };
  const operands = [...takes].map((letter) => used[letter as keyof typeof used]++);
  const lines = linesOf((f) => {
    const value = make(...operands.map((index) => f.params[index]), ...also);
    // The value's own idea of its type, for the validator to refute.
    f.set(f.local(value.type), value);
  }, !name.includes("relaxed"));
  const expected = typeof as === "string" ? [...operands.map((index) => `local.get ${index}`), as] : as;
  assert.equal(lines, [...expected, `local.set ${operandTypes.length}`], name);
}

const rowsOf = (row: string | Shown | readonly Shown[]): readonly Shown[] =>
  typeof row === "string" ? [{ takes: row }] : [row].flat();

test("every instruction is what its name says", () => {
  const exported = Object.entries(values).filter(
    ([name]) => name !== "typeCodes" && name !== "memoryArgument",
  );
  const groups = new Map<string, object>(exported.filter(([, value]) => typeof value === "object"));
  assert.equal([...groups.keys()].sort(), Object.keys(instructions).sort());
  for (const [group, members] of groups) {
    const rows = instructions[group as keyof typeof instructions];
    assert.equal(Object.keys(members).sort(), Object.keys(rows).sort());
    for (const [name, row] of Object.entries(rows)) {
      const make = (members as Record<string, Instruction>)[name];
      for (const shown of rowsOf(row)) checkInstruction(`${group}.${name}`, make, shown);
    }
  }
  const functions = new Map(exported.filter(([, value]) => typeof value === "function"));
  assert.equal([...functions.keys()].sort(), Object.keys(freeInstructions).sort());
  for (const [name, row] of Object.entries(freeInstructions)) {
    for (const shown of rowsOf(row)) checkInstruction(name, functions.get(name) as Instruction, shown);
  }
});

test("every statement is what its name says", () => {
  const methods = Object.getOwnPropertyNames(FunctionBuilder.prototype);
  assert.equal(
    methods.filter((name) => name !== "constructor" && name !== "encode").sort(),
    Object.keys(statements).sort(),
  );
  for (const [name, cases] of Object.entries(statements)) {
    for (const [build, expected] of cases) {
      const lines = linesOf((f) => {
        const [a, b, c] = f.params as readonly Local<"i32">[];
        build(f, { a, b, c, x: f.params[3] as Local<"f32">, v: f.params[6] as Local<"v128"> });
      });
      assert.equal(lines, expected, name);
    }
  }
});

test("relaxed instructions are valid where the engine has them, and wabt's are too", () => {
  const module = new ModuleBuilder();
  module.function("f", { params: ["v128"], result: "v128" }, (f) => {
    const v = f.params[0] as Local<"v128">;
    f.return(f32x4.relaxed_madd(v, v, v));
  });
  const bytes = encode(module, false);
  assert.match(disassemble(bytes), "f32x4.relaxed_madd");
  assert.throws(
    () => disassemble(bytes, { ...features, relaxed_simd: false }),
    /unexpected opcode: 0xfd 0x85 0x2/,
  );
  const theirs = assemble(`(module (func (param v128) (result v128)
    local.get 0 local.get 0 local.get 0 f32x4.relaxed_madd))`);
  assert.is(WebAssembly.validate(bytes), WebAssembly.validate(Uint8Array.from(theirs)));
});

// ---- numbers --------------------------------------------------------------------------------------

/** Both sides of where LEB128 takes another byte. */
const edges = [0, 6, 7, 13, 14, 20, 21, 27, 28].flatMap((power) => {
  const first = 2 ** power;
  return [first - 1, first, -first, -first - 1];
});
const numbers = [...edges, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 32 - 65, 2 ** 32 - 1];

test("constants are the same number on the other side", () => {
  for (const value of numbers) {
    const module = new ModuleBuilder();
    define(module, "f", i32s(0, "i32"), (f) => f.return(i32.const(value)));
    assert.is(instantiate(module).f(), value | 0);
  }
});

test("offsets are what they were", () => {
  const offsets = [...new Set(numbers.map((value) => value >>> 0))];
  const lines = linesOf((f) => {
    for (const offset of offsets) f.drop(i32.load(0, offset));
  });
  const shown = (offset: number) => (offset === 0 ? "i32.load" : `i32.load offset=${offset}`);
  assert.equal(
    lines,
    offsets.flatMap((offset) => ["i32.const 0", shown(offset), "drop"]),
  );
});

test("what is no i32 and no offset is refused", () => {
  for (const value of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32, -(2 ** 31) - 1]) {
    assert.throws(() => i32.add(value, 1), internal(/is no i32/));
  }
  for (const offset of [-4, 0.5, 2 ** 32]) {
    assert.throws(() => linesOf((f) => f.drop(v128.load(0, offset))), internal(/is no u32/));
  }
});

// ---- folding --------------------------------------------------------------------------------------

const binaries = [
  ...(["add", "sub", "mul", "div_s", "div_u", "rem_u", "and", "or", "xor", "shl", "shr_s", "shr_u"] as const),
  ...(["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"] as const),
  ...(["min_u", "max_u", "min_s", "max_s"] as const),
];

type Leaf = { readonly value: number; readonly known: boolean };
type Tree = Leaf | { readonly op: (typeof binaries)[number]; readonly operands: readonly [Tree, Tree] };

const { tree: arbitraryTree } = fc.letrec<{ tree: Tree; leaf: Leaf; node: Tree }>((tie) => ({
  tree: fc.oneof({ maxDepth: 4, depthSize: "medium" }, tie("leaf"), tie("node")),
  leaf: fc.record({
    value: fc.oneof(
      fc.constantFrom(0, 1, -1, 2, 31, 32, 33, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 32 - 1),
      fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 }),
    ),
    known: fc.boolean(),
  }),
  // The operations that fold more often than those that do not.
  node: fc.record({
    op: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...binaries.slice(0, 12)) },
      fc.constantFrom(...binaries),
    ),
    operands: fc.tuple(tie("tree"), tie("tree")),
  }),
}));

const leavesOf = (tree: Tree): readonly Leaf[] => ("op" in tree ? tree.operands.flatMap(leavesOf) : [tree]);

/** `leaf` is called for the leaves from left to right. */
function build(tree: Tree, leaf: (leaf: Leaf) => values.I32): values.I32 {
  if (!("op" in tree)) return leaf(tree);
  const [left, right] = tree.operands;
  return i32[tree.op](build(left, leaf), build(right, leaf));
}

const outcome = (compute: () => number): number | string => {
  try {
    return compute();
  } catch (error) {
    return (error as Error).message;
  }
};

test("folding constants computes what the machine computes", () => {
  const check = (tree: Tree) => {
    const leaves = leavesOf(tree);
    const module = new ModuleBuilder();
    for (const name of ["folded", "opaque"]) {
      define(module, name, i32s(leaves.length, "i32"), (f, ...params) => {
        let next = 0;
        f.return(
          i32.add(
            build(tree, ({ value, known }) => {
              const param = params[next++];
              return known && name === "folded" ? value : param;
            }),
          ),
        );
      });
    }
    const { folded, opaque } = instantiate(module);
    const args = leaves.map(({ value }) => value);
    assert.is(
      outcome(() => folded(...args)),
      outcome(() => opaque(...args)),
    );
  };
  fc.assert(fc.property(arbitraryTree, check), { numRuns: 500 });
});

test("known numbers are folded, neutral ones disappear", () => {
  const { params } = new FunctionBuilder("f", i32s(1));
  const x = params[0] as Local<"i32">;
  assert.is(i32.add(i32.mul(3, 5), 4, -1).constant, 18);
  assert.is(i32.shr_u(-1, 28).constant, 15);
  assert.is(i32.shr_s(-16, 2).constant, -4);
  assert.is(i32.sub(i32.shl(1, 31), 1).constant, 2 ** 31 - 1);
  assert.is(i32.div_s(-7, 2).constant, -3);
  assert.is(i32.div_u(-1, 1).constant, -1);
  assert.is(i32.div_u(-1, 16).constant, 2 ** 28 - 1);
  for (const same of [i32.add(x, 0), i32.add(0, x), i32.sub(x, 0), i32.mul(x, 1), i32.mul(1, x)]) {
    assert.is(same, x);
  }
  for (const same of [i32.div_s(x, 1), i32.div_u(x, 1), i32.shl(x, 0), i32.shr_s(x, 0), i32.shr_u(x, 0)])
    assert.is(same, x);
  for (const other of [i32.sub(0, x), i32.div_u(1, x), i32.shl(0, x)]) assert.is.not(other, x);
});

test("a division without a quotient is left for the machine to trap on", () => {
  const cases = [
    i32.div_u(0, 0),
    i32.div_u(7, 0),
    i32.div_s(0, 0),
    i32.div_s(-7, 0),
    i32.div_s(-(2 ** 31), -1),
  ];
  for (const division of cases) {
    assert.is(division.constant, undefined);
    assert.throws(
      single(i32s(0, "i32"), (f) => f.return(division)),
      /divide by zero|divide result unrepresentable/,
    );
  }
});

// ---- control --------------------------------------------------------------------------------------

test("for: none, one and many rounds, bounds unsigned, known or not", () => {
  const cases = [
    ...[
      [0, 0, 1],
      [5, 5, 1],
      [7, 3, 1],
      [0, 1, 1],
      [0, 1, 5],
      [0, 10, 1],
      [0, 10, 3],
      [0, 9, 3],
      [3, 200, 7],
    ],
    ...[
      [2 ** 31 - 2, 2 ** 31 + 2, 1],
      [2 ** 31 - 2, -(2 ** 31) + 2, 1],
      [-16, -1, 5],
      [2 ** 32 - 16, 2 ** 32 - 4, 4],
    ],
    ...[
      [-1, 5, 1],
      [-1, -1, 1],
      [-1, -5, 1],
      [2 ** 31, 2 ** 31 - 1, 1],
      [2 ** 32 - 1, 5, 1],
    ],
  ];
  for (const [start, end, step] of cases) {
    const expected: number[] = [];
    for (let counter = start >>> 0; counter < end >>> 0; counter += step) expected.push(counter);
    for (const known of [[], ["start"], ["end"], ["start", "end"]]) {
      const memory = new WebAssembly.Memory({ initial: 1 });
      const f = single(
        i32s(2, "i32"),
        (f, from, to) => {
          const rounds = f.let("i32", 0);
          const [first, bound] = [known.includes("start") ? start : from, known.includes("end") ? end : to];
          f.for(f.local("i32"), first, bound, step, () => {
            f.store(i32.shl(rounds, 2), f.params[0]);
            f.increment(rounds, 1);
          });
          f.return(rounds);
        },
        memory,
      );
      const rounds = f(start, end);
      assert.is(rounds, expected.length, `${start} to ${end}, known: ${known}`);
    }
  }
});

test("for: the counter's values, and what it is behind the loop", () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const f = single(
    i32s(2, "i32"),
    (f, start, end) => {
      const counter = f.local("i32");
      const place = f.let("i32", 0);
      f.for(counter, start, end, 3, () => {
        f.store(place, counter);
        f.increment(place, 4);
      });
      f.return(counter);
    },
    memory,
  );
  assert.is(f(2, 10), 11);
  assert.equal([...new Uint32Array(memory.buffer, 0, 4)], [2, 5, 8, 0]);
  assert.is(f(9, 4), 9);
});

test("branches leave as many blocks as they say", () => {
  const f = single(i32s(1, "i32"), (f, way) => {
    const sum = f.let("i32", 0);
    f.block((outer) => {
      f.block((middle) => {
        f.block((inner) => {
          f.branchIf(outer, i32.eq(way, 0));
          f.if(i32.eq(way, 1), () => f.branch(middle));
          f.if(
            i32.ne(way, 2),
            () => f.increment(sum, 1),
            () => f.branch(inner),
          );
          f.increment(sum, 1000);
        });
        f.increment(sum, 10);
      });
      f.increment(sum, 100);
    });
    f.return(sum);
  });
  assert.equal([f(0), f(1), f(2), f(3)], [0, 100, 110, 1111]);
});

test("loops go on and are left from inside", () => {
  const collatz = single(i32s(1, "i32"), (f, n) => {
    const steps = f.let("i32", 0);
    f.block((done) => {
      f.loop((again) => {
        f.branchIf(done, i32.eq(n, 1));
        f.increment(steps, 1);
        f.if(
          i32.and(n, 1),
          () => f.set(n, i32.add(i32.mul(n, 3), 1)),
          () => {
            f.set(n, i32.shr_u(n, 1));
            f.branch(again);
          },
        );
        f.branch(again);
      });
    });
    f.if(i32.gt_u(steps, 100), () => f.return(i32.const(-1)));
    f.return(steps);
  });
  assert.equal([collatz(1), collatz(6), collatz(27)], [0, 8, -1]);
});

test("a label is good inside its own block only", () => {
  const outside = internal(/f: a branch to a block that it is not in/);
  const f = new FunctionBuilder("f", i32s(0));
  let ended: Label | undefined;
  f.block((label) => {
    ended = label;
  });
  assert.throws(() => f.branch(ended!), outside);
  // Another block stands where the label's was.
  f.loop(() => {
    assert.throws(() => f.branch(ended!), outside);
    assert.throws(() => f.branchIf(ended!, i32.const(1)), outside);
  });
  new FunctionBuilder("g", i32s(0)).block((others) => {
    f.block(() => assert.throws(() => f.branch(others), outside));
  });
});

test("a function with an open block is not written", () => {
  const module = new ModuleBuilder();
  module.function("f", i32s(0), (f) => {
    const broken = () => {
      throw new Error("broken");
    };
    assert.throws(() => f.block(() => f.loop(broken)), "broken");
  });
  assert.throws(() => module.encode(), internal(/f: a block is open/));
});

// ---- locals ---------------------------------------------------------------------------------------

type Item = values.ValueType | readonly Item[];

const { scope: arbitraryScope } = fc.letrec<{ scope: readonly Item[]; item: Item }>((tie) => ({
  item: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom("i32" as const, "f32" as const, "v128" as const),
    tie("scope"),
  ),
  scope: fc.array(tie("item"), { maxLength: 6 }),
}));

test("scopes reuse locals, and never one in use", () => {
  const check = (program: readonly Item[]) => {
    const f = new FunctionBuilder("f", i32s(2));
    const types = new Map<number, values.ValueType>();
    const inUse = new Set<number>([0, 1]);
    const most = { i32: 0, f32: 0, v128: 0 };
    const run = (items: readonly Item[]) => {
      const mine: number[] = [];
      for (const item of items) {
        if (typeof item !== "string") f.scope(() => run(item));
        else {
          const { index, type } = f.local(item);
          assert.is(type, item);
          assert.is(types.get(index) ?? type, type);
          assert.not(inUse.has(index), `local ${index} twice`);
          types.set(index, type);
          inUse.add(index);
          mine.push(index);
          const now = [...inUse].filter((used) => types.get(used) === type).length;
          most[type] = Math.max(most[type], now);
        }
      }
      for (const index of mine) inUse.delete(index);
    };
    // Locals made outside any scope are never free again, so everything is inside of one.
    f.scope(() => run(program));
    for (const type of ["i32", "f32", "v128"] as const) {
      assert.is([...types.values()].filter((other) => other === type).length, most[type], type);
    }
    assert.equal(
      [...types.keys()].sort((a, b) => a - b),
      [...types.keys()].map((_, place) => place + 2),
    );
  };
  fc.assert(fc.property(arbitraryScope, check), { numRuns: 500 });
});

test("locals of mixed types hold their own values", () => {
  const module = new ModuleBuilder();
  define(module, "f", i32s(1, "i32"), (f, x) => {
    const outer = f.let("i32", i32.add(x, 1));
    f.scope(() => f.let("v128", values.i32x4.splat(100)));
    const vector = f.let("v128", values.i32x4.splat(x));
    const float = f.let("f32", values.f32.convert_i32_s(i32.mul(x, 2)));
    f.scope(() => {
      const inner = f.let("i32", 1000);
      f.increment(inner, 1);
    });
    const late = f.let("i32", 7);
    f.set(vector, values.i32x4.add(vector, values.i32x4.splat(late)));
    const sum = i32.add(outer, values.i32x4.extract_lane(vector, 2), late);
    f.return(i32.add(sum, values.i32x4.extract_lane(values.i32x4.trunc_sat_f32x4_s(f32x4.splat(float)), 0)));
  });
  assert.is(instantiate(module).f(50), 51 + 57 + 7 + 100);
  const shown = disassemble(module.encode());
  assert.match(shown, "(local i32 v128 f32 i32)");
});

// ---- modules --------------------------------------------------------------------------------------

test("functions call functions, also ones defined on the way", () => {
  const module = new ModuleBuilder();
  define(module, "outer", i32s(2, "i32"), (f, a, b) => {
    const minus = define(module, "minus", i32s(2, "i32"), (g, c, d) => g.return(i32.sub(c, d)));
    const note = module.function("note", i32s(1), (g) => g.store(8, g.params[0]));
    f.do(note.call("i32", a));
    f.return(minus.call("i32", i32.mul(a, 2), minus.call("i32", b, 1)));
  });
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { outer, minus } = instantiate(module, memory);
  assert.is(outer(10, 4), 17);
  assert.is(minus(10, 4), 6);
  assert.is(new Int32Array(memory.buffer)[2], 10);
});

test("a call with arguments too many or too few is refused", () => {
  const module = new ModuleBuilder();
  const ref = module.function("two", i32s(2, "i32"), (f) => f.return(f.params[0]));
  for (const args of [[], [1], [1, 2, 3]]) {
    assert.throws(
      () => module.function("f", i32s(0), (f) => f.drop(ref.call("i32", ...args))),
      internal(/two takes other arguments/),
    );
  }
});

test("functions are called by their number in the table", () => {
  const module = new ModuleBuilder();
  const keep = (name: string, value: (a: Local<"i32">, b: Local<"i32">) => values.Value<"i32">) =>
    define(module, name, i32s(2), (f, a, b) => f.store(0, value(a, b)));
  const add = keep("add", (a, b) => i32.add(a, b));
  const sub = keep("sub", (a, b) => i32.sub(a, b));
  const other = define(module, "other", i32s(1), (f, a) => f.store(0, i32.mul(a, 100)));
  const order = [sub, other, add].map((ref) => module.element(ref));
  assert.equal(order, [0, 1, 2]);
  define(module, "dispatch", i32s(3), (f, which, a, b) => f.do(module.callIndirect(i32s(2), which, [a, b])));
  define(module, "three", i32s(0), (f) => f.do(module.callIndirect(i32s(2), i32.const(2), [1, 2])));
  define(module, "alone", i32s(1), (f, a) => f.do(module.callIndirect(i32s(1), i32.const(1), [a])));
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { dispatch, three, alone } = instantiate(module, memory);
  const result = new Int32Array(memory.buffer, 0, 1);
  dispatch(0, 10, 4);
  assert.is(result[0], 6);
  dispatch(2, 10, 4);
  assert.is(result[0], 14);
  three();
  assert.is(result[0], 3);
  alone(5);
  assert.is(result[0], 500);
  assert.throws(() => dispatch(1, 0, 0), /signature mismatch/);
  assert.throws(() => dispatch(3, 0, 0), /out of bounds/);
  const shown = disassemble(module.encode());
  assert.match(shown, "(table 3 3 funcref)");
  assert.match(shown, "(elem (i32.const 0) func $sub $other $add)");
});

test("data are in memory, later ones over earlier", () => {
  const module = new ModuleBuilder();
  module.memory({ initial: 2 });
  const long = Uint8Array.from({ length: 5000 }, (_, i) => i * 7);
  module.data(0, Uint8Array.of(1, 2, 3));
  module.data(65536 - 4, long);
  module.data(65536, Uint8Array.of(200, 201));
  module.data(2 * 65536 - 1, Uint8Array.of(9));
  const memory = new WebAssembly.Memory({ initial: 2 });
  instantiate(module, memory);
  const expected = new Uint8Array(2 * 65536);
  expected.set([1, 2, 3]);
  expected.set(long, 65536 - 4);
  expected.set([200, 201], 65536);
  expected[2 * 65536 - 1] = 9;
  assert.ok(Buffer.from(memory.buffer).equals(expected));
});

test("functions keep their names for profilers and stack traces", () => {
  const module = new ModuleBuilder();
  module.function("silent", i32s(0), () => {});
  define(module, "divide", i32s(2, "i32"), (f, a, b) => f.return(i32.div_u(a, b)));
  const compiled = new WebAssembly.Module(encode(module));
  assert.is(WebAssembly.Module.customSections(compiled, "name").length, 1);
  const shown = disassemble(module.encode());
  assert.match(shown, "(func $silent (type 0)");
  assert.match(shown, '(export "divide" (func $divide))');
  let stack = "";
  try {
    instantiate(module).divide(1, 0);
  } catch (error) {
    stack = (error as Error).stack ?? "";
  }
  assert.match(stack, /at divide \(wasm:/);
});

test("exports have names of any letters", () => {
  const module = new ModuleBuilder();
  const ref = module.function("f", i32s(0, "i32"), (f) => f.return(i32.const(5)));
  const names = ["f", "größe → 大きさ 🦎", "", "x".repeat(200)];
  for (const name of names) module.export(name, ref);
  const compiled = new WebAssembly.Module(encode(module));
  assert.equal(
    WebAssembly.Module.exports(compiled),
    names.map((name) => ({ name, kind: "function" })),
  );
  assert.is(instantiate(module)[names[1]](), 5);
});

test("the memory comes from outside, with its limits", () => {
  const cases: [MemoryLimits | undefined, string][] = [
    [undefined, "1"],
    [{ initial: 0 }, "0"],
    [{ initial: 300 }, "300"],
    [{ initial: 3, maximum: 65536 }, "3 65536"],
    [{ initial: 3, maximum: 10, shared: false }, "3 10"],
    [{ initial: 3, maximum: 1000, shared: true }, "3 1000 shared"],
  ];
  for (const [limits, text] of cases) {
    const module = new ModuleBuilder();
    if (limits) module.memory(limits);
    const bytes = encode(module);
    assert.match(disassemble(bytes), `(import "env" "memory" (memory ${text}))`);
    assert.equal(WebAssembly.Module.imports(new WebAssembly.Module(bytes)), [
      { module: "env", name: "memory", kind: "memory" },
    ]);
  }
  const endless = new ModuleBuilder();
  endless.memory({ initial: 1, shared: true });
  assert.throws(() => endless.encode(), internal(/a shared memory has a maximum/));
});

test("shared memory: atomics work, another memory does not fit", () => {
  const module = new ModuleBuilder();
  module.memory({ initial: 1, maximum: 4, shared: true });
  define(module, "add", i32s(2, "i32"), (f, at, by) => f.return(atomics.add(at, by, 4)));
  define(module, "load", i32s(1, "i32"), (f, at) => f.return(atomics.load(at, 4)));
  define(module, "store", i32s(2), (f, at, value) => f.atomicStore(at, value, 4));
  define(module, "notify", i32s(2, "i32"), (f, at, count) => f.return(atomics.notify(at, count)));
  define(module, "wait", i32s(2, "i32"), (f, at, expected) => f.return(atomics.wait32(at, expected)));
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true });
  const { add, load, store, notify, wait } = instantiate(module, memory);
  store(8, 40);
  assert.is(add(8, 2), 40);
  assert.is(load(8), 42);
  assert.is(new Int32Array(memory.buffer)[3], 42);
  assert.is(notify(8, 1), 0);
  assert.is(wait(12, 41), 1);
  assert.throws(() => add(2, 1), /unaligned/);
  assert.throws(
    () => instantiate(module, new WebAssembly.Memory({ initial: 1, maximum: 4 })),
    (error: unknown) => error instanceof WebAssembly.LinkError,
  );
});

test("a module where every count takes two bytes", () => {
  const module = new ModuleBuilder();
  module.memory({ initial: 2 });
  const chain: ReturnType<typeof define>[] = [];
  for (let n = 0; n < 300; n++) {
    const ref = define(module, `number${n}`, i32s((n % 140) + 1, "i32"), (f, ...params) => {
      const locals = Array.from({ length: 200 }, (_, i) =>
        f.let("i32", i32.add(params[i % params.length], i)),
      );
      const mine = i32.add(params.at(-1)!, locals[150]);
      const before = chain.at(-1);
      if (!before) return f.return(mine);
      const args = before.builder.signature.params.map(() => n);
      f.return(i32.sub(before.call("i32", ...args), mine));
    });
    chain.push(ref);
    module.element(ref);
    module.data(
      300 * n,
      Uint8Array.from({ length: 300 }, () => n),
    );
  }
  const memory = new WebAssembly.Memory({ initial: 2 });
  const exported = instantiate(module, memory);
  const expected = (n: number, args: readonly number[]): number => {
    const mine = args[args.length - 1] + args[150 % args.length] + 150;
    return n === 0 ? mine : expected(n - 1, Array(((n - 1) % 140) + 1).fill(n)) - mine;
  };
  for (const n of [0, 1, 127, 128, 299]) {
    const args = Array.from({ length: (n % 140) + 1 }, (_, i) => 3 * i + 1);
    assert.is(exported[`number${n}`](...args), expected(n, args));
  }
  assert.is(new Uint8Array(memory.buffer)[300 * 299], 299 & 255);
  assert.equal(module.encode(), module.encode());
});

test.run();
