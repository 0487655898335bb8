/**
 * One function: typed locals, structured statements, code written as it is built. Labels are values, so a
 * branch cannot leave what it is not in.
 */
import { invariant } from "../../../base/invariant.ts";
import { ByteWriter } from "./bytes.ts";
import { type I32, i32, memoryArgument, typeCodes, type Value, type ValueType } from "./values.ts";

/** A variable of a function; as a value it is what it holds when it is read. */
export interface Local<T extends ValueType = ValueType> extends Value<T> {
  readonly index: number;
}

export interface Signature {
  readonly params: readonly ValueType[];
  readonly result?: ValueType;
}

/** An open block or loop, and how deep it is: 0 is the outermost. */
export interface Label {
  readonly depth: number;
}

export class FunctionBuilder {
  readonly name: string;
  readonly signature: Signature;
  readonly params: readonly Local[];
  #code = new ByteWriter();
  #types: ValueType[] = [];
  #free: Record<ValueType, Local[]> = { i32: [], f32: [], v128: [] };
  #scopes: Local[][] = [];
  #open: Label[] = [];

  constructor(name: string, signature: Signature) {
    this.name = name;
    this.signature = signature;
    this.params = signature.params.map((type, index) => this.#localAt(type, index));
  }

  /** A local of whatever value it last had: set it before it is read. */
  local<T extends ValueType>(type: T): Local<T> {
    const reused = this.#free[type].pop() as Local<T> | undefined;
    const local = reused ?? this.#localAt(type, this.signature.params.length + this.#types.push(type) - 1);
    this.#scopes.at(-1)?.push(local);
    return local;
  }

  /** A new local that starts with a value. */
  let<T extends ValueType>(type: T, value: Value<T> | (T extends "i32" ? number : never)): Local<T> {
    const local = this.local(type);
    this.set(local, value);
    return local;
  }

  /** Locals made inside are free for others behind it. */
  scope(body: () => void): void {
    this.#scopes.push([]);
    body();
    for (const local of this.#scopes.pop()!) this.#free[local.type].push(local);
  }

  set<T extends ValueType>(local: Local<T>, value: Value<T> | (T extends "i32" ? number : never)): void {
    this.#write(typeof value === "number" ? i32.const(value) : (value as Value));
    this.#code.byte(0x21);
    this.#code.u32(local.index);
  }

  increment(local: Local<"i32">, by: I32): void {
    if (by !== 0) this.set(local, i32.add(local, by));
  }

  /** Stores a v128, f32 or i32 of four-byte alignment. */
  store(address: I32, value: Value, offset = 0): void {
    this.#write(typeof address === "number" ? i32.const(address) : address);
    this.#write(value);
    if (value.type === "v128") {
      this.#code.byte(0xfd);
      this.#code.u32(11);
    } else this.#code.byte(value.type === "f32" ? 0x38 : 0x36);
    memoryArgument(this.#code, 2, offset);
  }

  /** i32.atomic.store. */
  atomicStore(address: I32, value: I32, offset = 0): void {
    for (const operand of [address, value])
      this.#write(typeof operand === "number" ? i32.const(operand) : operand);
    this.#code.bytes([0xfe, 0x17]);
    memoryArgument(this.#code, 2, offset);
  }

  /** memory.fill: `size` bytes of `byte`. */
  fill(address: I32, byte: number, size: I32): void {
    for (const operand of [address, byte, size])
      this.#write(typeof operand === "number" ? i32.const(operand) : operand);
    this.#code.bytes([0xfc, 11, 0]);
  }

  /** memory.copy: the ranges may overlap. */
  copy(to: I32, from: I32, size: I32): void {
    for (const operand of [to, from, size])
      this.#write(typeof operand === "number" ? i32.const(operand) : operand);
    this.#code.bytes([0xfc, 10, 0, 0]);
  }

  /** Evaluates for its effect. */
  drop(value: Value): void {
    this.#write(value);
    this.#code.byte(0x1a);
  }

  /** A statement made by hand: a call without a result. */
  do(statement: { readonly write: (out: ByteWriter) => void }): void {
    statement.write(this.#code);
  }

  // ---- control ------------------------------------------------------------------------------------

  /** A branch to the label leaves the block. */
  block(body: (end: Label) => void): void {
    this.#nest(0x02, body);
  }

  /** A branch to the label starts the body again; falling out of it ends the loop. */
  loop(body: (again: Label) => void): void {
    this.#nest(0x03, body);
  }

  branch(label: Label): void {
    this.#code.byte(0x0c);
    this.#code.u32(this.#distance(label));
  }

  branchIf(label: Label, condition: Value<"i32">): void {
    this.#write(condition);
    this.#code.byte(0x0d);
    this.#code.u32(this.#distance(label));
  }

  if(condition: Value<"i32">, then: () => void, otherwise?: () => void): void {
    this.#write(condition);
    this.#nest(0x04, () => {
      then();
      if (!otherwise) return;
      this.#code.byte(0x05);
      otherwise();
    });
  }

  /**
   * Runs the body with `counter` = start, start + step, … while it is below `end`, unsigned. `counter` is
   * compared behind the body, so with numbers known to run at least once there is no check before it.
   */
  for(counter: Local<"i32">, start: I32, end: I32, step: number, body: () => void): void {
    this.set(counter, start);
    const runsOnce = typeof start === "number" && typeof end === "number" && start >>> 0 < end >>> 0;
    const repeat = () =>
      this.loop((again) => {
        body();
        this.increment(counter, step);
        this.branchIf(again, i32.lt_u(counter, end));
      });
    if (runsOnce) repeat();
    else
      this.block((done) => {
        this.branchIf(done, i32.ge_u(counter, end));
        repeat();
      });
  }

  /** `return`, with the value for a function that has a result. */
  return(value?: Value): void {
    if (value) this.#write(value);
    this.#code.byte(0x0f);
  }

  /** Traps. */
  unreachable(): void {
    this.#code.byte(0x00);
  }

  // ---- out ----------------------------------------------------------------------------------------

  /** The entry of the code section: runs of locals of one type, then the instructions. */
  encode(out: ByteWriter): void {
    invariant(this.#open.length === 0, `${this.name}: a block is open`);
    const runs: [ValueType, number][] = [];
    for (const type of this.#types) {
      const last = runs.at(-1);
      if (last?.[0] === type) last[1]++;
      else runs.push([type, 1]);
    }
    out.sized((body) => {
      body.u32(runs.length);
      for (const [type, count] of runs) {
        body.u32(count);
        body.byte(typeCodes[type]);
      }
      body.bytes(this.#code.result());
      body.byte(0x0b);
    });
  }

  #localAt<T extends ValueType>(type: T, index: number): Local<T> {
    return {
      type,
      index,
      write(out) {
        out.byte(0x20);
        out.u32(index);
      },
    };
  }

  #write(value: Value): void {
    value.write(this.#code);
  }

  #nest(opcode: number, body: (label: Label) => void): void {
    this.#code.byte(opcode);
    this.#code.byte(0x40);
    const label = { depth: this.#open.length };
    this.#open.push(label);
    body(label);
    this.#open.pop();
    this.#code.byte(0x0b);
  }

  #distance(label: Label): number {
    invariant(this.#open[label.depth] === label, `${this.name}: a branch to a block that it is not in`);
    return this.#open.length - 1 - label.depth;
  }
}
