/**
 * What every instruction and statement of the assembler must look like in wabt's eyes. The keys are those of the
 * assembler: an instruction that is new there and not here is an error of tsc, and fails tests/wasm-assembler.test.ts.
 */
import type { FunctionBuilder, Local } from "../../src/codegen/wasm/assembler/function.ts";
import type * as values from "../../src/codegen/wasm/assembler/values.ts";
import { f32, f32x4, i32, i32x4 } from "../../src/codegen/wasm/assembler/values.ts";

/** Operands are parameters, three of each type: `i` is the next i32, `f` the next f32, `v` the next v128. */
export const operandTypes = [
  ...(["i32", "i32", "i32"] as const),
  ...(["f32", "f32", "f32"] as const),
  ...(["v128", "v128", "v128"] as const),
];

export interface Shown {
  readonly takes: string;
  /** Arguments behind the operands. */
  readonly also?: readonly unknown[];
  /** The instruction, if it is not the name; all lines, if it is not operands and one instruction. */
  readonly as?: string | readonly string[];
}

/** Just the operands, if the instruction is what the name says and has no immediates. */
type Row = string | Shown | readonly Shown[];

const get = (index: number) => `local.get ${index}`;
const choice = (comparison: string): Shown => ({
  takes: "ii",
  as: [get(0), get(1), get(0), get(1), comparison, "select"],
});
const at = (name: string, alignment = ""): Shown[] => [
  { takes: "i", as: `${name}${alignment}` },
  { takes: "i", also: [20], as: `${name} offset=20${alignment}` },
];
const bits = (lane: string) => `v128.const i32x4 ${Array(4).fill(lane).join(" ")}`;

type Groups = "i32" | "f32" | "v128" | "f32x4" | "i32x4" | "i16x8" | "i8x16" | "atomics";

export const instructions = {
  i32: {
    const: { takes: "", also: [-65], as: "i32.const -65" },
    add: [
      { takes: "ii" },
      { takes: "iii", as: [get(0), get(1), "i32.add", get(2), "i32.add"] },
      { takes: "i", also: [7], as: [get(0), "i32.const 7", "i32.add"] },
    ],
    sub: "ii",
    mul: "ii",
    div_s: "ii",
    div_u: "ii",
    rem_u: "ii",
    and: "ii",
    or: "ii",
    xor: "ii",
    shl: "ii",
    shr_s: "ii",
    shr_u: "ii",
    eqz: "i",
    eq: "ii",
    ne: "ii",
    lt_s: "ii",
    lt_u: "ii",
    gt_s: "ii",
    gt_u: "ii",
    le_s: "ii",
    le_u: "ii",
    ge_s: "ii",
    ge_u: "ii",
    load: at("i32.load"),
    load8_u: at("i32.load8_u"),
    load16_u: at("i32.load16_u"),
    reinterpret_f32: "f",
    min_u: choice("i32.lt_u"),
    max_u: choice("i32.gt_u"),
    min_s: choice("i32.lt_s"),
    max_s: choice("i32.gt_s"),
  },
  f32: {
    const: { takes: "", also: [-1.5], as: "f32.const -0x1.8p+0" },
    load: at("f32.load"),
    add: "ff",
    sub: "ff",
    mul: "ff",
    div: "ff",
    min: "ff",
    max: "ff",
    sqrt: "f",
    convert_i32_u: "i",
    convert_i32_s: "i",
  },
  v128: {
    load: at("v128.load", " align=4"),
    load32_splat: at("v128.load32_splat"),
    load32_zero: at("v128.load32_zero"),
    load64_zero: at("v128.load64_zero", " align=4"),
    load16x4_u: at("v128.load16x4_u", " align=2"),
    load8x8_u: at("v128.load8x8_u", " align=1"),
    not: "v",
    and: "vv",
    andnot: "vv",
    or: "vv",
    xor: "vv",
    bitselect: "vvv",
    any_true: "v",
  },
  f32x4: {
    const: { takes: "", also: [-1.5], as: bits("0xbfc00000") },
    splat: "f",
    extract_lane: { takes: "v", also: [3], as: "f32x4.extract_lane 3" },
    eq: "vv",
    ne: "vv",
    lt: "vv",
    gt: "vv",
    le: "vv",
    ge: "vv",
    ceil: "v",
    floor: "v",
    trunc: "v",
    nearest: "v",
    abs: "v",
    neg: "v",
    sqrt: "v",
    add: "vv",
    sub: "vv",
    mul: "vv",
    div: "vv",
    min: "vv",
    max: "vv",
    pmin: "vv",
    pmax: "vv",
    convert_i32x4_s: "v",
    convert_i32x4_u: "v",
    relaxed_madd: "vvv",
  },
  i32x4: {
    const: { takes: "", also: [-2], as: bits("0xfffffffe") },
    splat: "i",
    extract_lane: { takes: "v", also: [2], as: "i32x4.extract_lane 2" },
    eq: "vv",
    gt_s: "vv",
    shl: "vi",
    shr_s: "vi",
    shr_u: "vi",
    add: "vv",
    sub: "vv",
    mul: "vv",
    trunc_sat_f32x4_s: "v",
    extend_low_i16x8_u: "v",
    extend_high_i16x8_u: "v",
  },
  i16x8: { extend_low_i8x16_u: "v" },
  i8x16: {
    shuffle: {
      takes: "vv",
      also: [[31, 1, 30, 2, 29, 3, 28, 4, 27, 5, 26, 6, 25, 7, 24, 0]],
      as: "i8x16.shuffle 31 1 30 2 29 3 28 4 27 5 26 6 25 7 24 0",
    },
  },
  atomics: {
    load: at("i32.atomic.load"),
    add: [
      { takes: "ii", as: "i32.atomic.rmw.add" },
      { takes: "ii", also: [8], as: "i32.atomic.rmw.add offset=8" },
    ],
    cmpxchg: [
      { takes: "iii", as: "i32.atomic.rmw.cmpxchg" },
      { takes: "iii", also: [8], as: "i32.atomic.rmw.cmpxchg offset=8" },
    ],
    notify: [
      { takes: "ii", as: "memory.atomic.notify" },
      { takes: "ii", also: [8], as: "memory.atomic.notify offset=8" },
    ],
    wait32: [
      { takes: "ii", as: [get(0), get(1), "i64.const -1", "memory.atomic.wait32"] },
      { takes: "ii", also: [8], as: [get(0), get(1), "i64.const -1", "memory.atomic.wait32 offset=8"] },
    ],
  },
} satisfies { readonly [G in Groups]: Record<keyof (typeof values)[G], Row> };

/** Exported functions that are instructions too. */
export const freeInstructions = {
  select: [
    { takes: "iii", as: "select" },
    { takes: "ffi", as: "select" },
    { takes: "vvi", as: "select (result v128)" },
  ],
  shuffle32: {
    takes: "vv",
    also: [[7, 0, 5, 2]],
    as: "i8x16.shuffle 28 29 30 31 0 1 2 3 20 21 22 23 8 9 10 11",
  },
} satisfies Record<string, Row>;

export interface Parameters {
  readonly a: Local<"i32">;
  readonly b: Local<"i32">;
  readonly c: Local<"i32">;
  readonly x: Local<"f32">;
  readonly v: Local<"v128">;
}

type Statement = readonly [build: (f: FunctionBuilder, p: Parameters) => void, lines: readonly string[]];

const own = operandTypes.length;

type StatementName = Exclude<keyof FunctionBuilder, "name" | "signature" | "params" | "encode">;

export const statements: Readonly<Record<StatementName, readonly Statement[]>> = {
  local: [
    [(f) => f.drop(f.local("i32")), [get(own), "drop"]],
    [(f) => f.drop(f.local("f32")), [get(own), "drop"]],
    [(f) => f.drop(f.local("v128")), [get(own), "drop"]],
  ],
  let: [
    [(f, { a }) => f.let("i32", a), [get(0), `local.set ${own}`]],
    [(f) => f.let("i32", -1), ["i32.const -1", `local.set ${own}`]],
    [(f, { x }) => f.let("f32", x), [get(3), `local.set ${own}`]],
    [(f, { v }) => f.let("v128", v), [get(6), `local.set ${own}`]],
  ],
  scope: [[(f, { a }) => f.scope(() => f.set(a, 1)), ["i32.const 1", "local.set 0"]]],
  set: [
    [(f, { a, b }) => f.set(a, b), [get(1), "local.set 0"]],
    [(f, { a }) => f.set(a, 3), ["i32.const 3", "local.set 0"]],
    [(f, { x }) => f.set(x, f32.const(0.25)), ["f32.const 0x1p-2", "local.set 3"]],
    [(f, { v }) => f.set(v, i32x4.const(0)), [bits("0x00000000"), "local.set 6"]],
  ],
  increment: [
    [(f, { a, b }) => f.increment(a, b), [get(0), get(1), "i32.add", "local.set 0"]],
    [(f, { a }) => f.increment(a, 4), [get(0), "i32.const 4", "i32.add", "local.set 0"]],
    [(f, { a }) => f.increment(a, 0), []],
  ],
  store: [
    [(f, { a, b }) => f.store(a, b), [get(0), get(1), "i32.store"]],
    [(f, { a, x }) => f.store(a, x, 8), [get(0), get(3), "f32.store offset=8"]],
    [(f, { a, v }) => f.store(a, v, 16), [get(0), get(6), "v128.store offset=16 align=4"]],
    [(f, { b }) => f.store(12, b), ["i32.const 12", get(1), "i32.store"]],
  ],
  atomicStore: [
    [(f, { a, b }) => f.atomicStore(a, b), [get(0), get(1), "i32.atomic.store"]],
    [(f) => f.atomicStore(4, 1, 8), ["i32.const 4", "i32.const 1", "i32.atomic.store offset=8"]],
  ],
  fill: [
    [(f, { a, b }) => f.fill(a, 255, b), [get(0), "i32.const 255", get(1), "memory.fill"]],
    [(f) => f.fill(4, 0, 8), ["i32.const 4", "i32.const 0", "i32.const 8", "memory.fill"]],
  ],
  copy: [
    [(f, { a, b, c }) => f.copy(a, b, c), [get(0), get(1), get(2), "memory.copy"]],
    [(f) => f.copy(4, 0, 8), ["i32.const 4", "i32.const 0", "i32.const 8", "memory.copy"]],
  ],
  drop: [
    [(f, { a }) => f.drop(a), [get(0), "drop"]],
    [(f, { v }) => f.drop(f32x4.sqrt(v)), [get(6), "f32x4.sqrt", "drop"]],
  ],
  do: [[(f) => f.do({ write: (out) => out.byte(0x01) }), ["nop"]]],
  block: [[(f) => f.block((end) => f.branch(end)), ["block", "br 0", "end"]]],
  loop: [[(f) => f.loop((again) => f.branch(again)), ["loop", "br 0", "end"]]],
  branch: [
    [
      (f) => f.block((outer) => f.loop(() => f.block(() => f.branch(outer)))),
      ["block", "loop", "block", "br 2", "end", "end", "end"],
    ],
  ],
  branchIf: [
    [
      (f, { a }) => f.block((outer) => f.block(() => f.branchIf(outer, a))),
      ["block", "block", get(0), "br_if 1", "end", "end"],
    ],
    [(f, { b }) => f.loop((again) => f.branchIf(again, b)), ["loop", get(1), "br_if 0", "end"]],
  ],
  if: [
    [(f, { a, b }) => f.if(a, () => f.set(b, 1)), [get(0), "if", "i32.const 1", "local.set 1", "end"]],
    [
      (f, { a, b }) =>
        f.if(
          i32.eqz(a),
          () => f.set(b, 1),
          () => f.set(b, 2),
        ),
      [
        ...[get(0), "i32.eqz", "if", "i32.const 1", "local.set 1"],
        ...["else", "i32.const 2", "local.set 1", "end"],
      ],
    ],
    [
      (f, { a }) =>
        f.block((end) =>
          f.if(
            a,
            () => f.branch(end),
            () => f.branch(end),
          ),
        ),
      ["block", get(0), "if", "br 1", "else", "br 1", "end", "end"],
    ],
  ],
  for: [
    [
      (f, { a, b }) => f.for(a, 0, 8, 2, () => f.drop(b)),
      [
        ...["i32.const 0", "local.set 0", "loop", get(1), "drop"],
        ...[get(0), "i32.const 2", "i32.add", "local.set 0"],
        ...[get(0), "i32.const 8", "i32.lt_u", "br_if 0", "end"],
      ],
    ],
    [
      (f, { a, b, c }) => f.for(a, b, c, 1, () => {}),
      [
        ...[get(1), "local.set 0", "block", get(0), get(2), "i32.ge_u", "br_if 0", "loop"],
        ...[get(0), "i32.const 1", "i32.add", "local.set 0"],
        ...[get(0), get(2), "i32.lt_u", "br_if 0", "end", "end"],
      ],
    ],
  ],
  return: [
    [(f) => f.return(), ["return"]],
    [(f) => f.if(f.params[0] as Local<"i32">, () => f.return()), [get(0), "if", "return", "end"]],
  ],
  unreachable: [[(f) => f.unreachable(), ["unreachable"]]],
};
