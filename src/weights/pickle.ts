/**
 * Reads Python pickles, protocols 0 to 5, without Python's danger: a pickle is a program for a small stack
 * machine, and in Python that program may call any function. Here a global is looked up by the host, which
 * knows a short list of harmless ones and refuses the rest by name, before anything is done with them.
 *
 * Everything an instruction makes takes at most as much memory as the instruction has bytes; calls that copy
 * draw on a budget. So neither a text of a gigabyte nor a billion laughs costs more than the file's size.
 */
import { operations } from "./pickle-opcodes.ts";
import {
  type Budget,
  isKind,
  kindOf,
  type PyDict,
  type PyList,
  type PySet,
  type PyTuple,
  tuple,
  type Value,
} from "./pickle-values.ts";
import { Unreadable } from "./unreadable.ts";

export interface PickleHost {
  /** What a global stands for; throws RefusedGlobal. `offset` is where it is named, in the bytes given. */
  global(module: string, name: string, offset: number): Value;
  /** Refuses a number of Python's extension registry, which stands for a global that is not named. */
  extension(code: number, offset: number): never;
  /** What a persistent id stands for: in torch's files, a storage. */
  persistent(id: Value): Value;
}

export interface Unpickled {
  readonly value: Value;
  /** The offset behind the STOP. */
  readonly end: number;
}

/** The first pickle in `bytes` at `start`. */
export function unpickle(bytes: Uint8Array, host: PickleHost, start = 0): Unpickled {
  const machine = new Machine(bytes, host, start);
  for (;;) {
    machine.opcodeAt = machine.at;
    const opcode = machine.u8();
    if (opcode === 0x2e) break;
    const operation = operations.get(opcode);
    if (!operation) {
      throw new Unreadable(
        `byte ${machine.opcodeAt} of its pickle is no instruction (0x${opcode.toString(16)})`,
      );
    }
    operation(machine);
  }
  return { value: machine.pop(), end: machine.at };
}

/** How much calls may copy beyond the file's own size; a checkpoint of torch.save copies next to nothing. */
const freeUnits = 1_000_000;
/** Python has no such limits; real files stay below a hundred thousand of each. */
const maxStack = 4_000_000;
const maxContainers = 500_000;
/** Engines end somewhat above: V8 at 2^29 letters. */
const maxText = 2 ** 28;

/** A byte order mark is a letter of a name like any other. */
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

export class Machine implements Budget {
  readonly bytes: Uint8Array;
  readonly host: PickleHost;
  readonly #memo = new Map<number, Value>();
  at: number;
  opcodeAt: number;
  #stack: Value[] = [];
  readonly #marks: number[] = [];
  readonly #view: DataView;
  #units: number;
  #containers = 0;

  constructor(bytes: Uint8Array, host: PickleHost, start: number) {
    this.bytes = bytes;
    this.host = host;
    this.at = start;
    this.opcodeAt = start;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#units = bytes.length + freeUnits;
  }

  spend(units: number): void {
    this.#units -= units;
    if (this.#units < 0) throw new Unreadable("its pickle copies more than the file has bytes");
  }

  /** Stops with a reason that says where. */
  fail(what: string): never {
    throw new Unreadable(`${what} at byte ${this.opcodeAt} of its pickle`);
  }

  // ---- bytes --------------------------------------------------------------------------------------

  take = (count: number): Uint8Array => this.bytes.subarray(this.#skip(count), this.at);
  u8 = (): number => this.bytes[this.#skip(1)];
  u16 = (): number => this.#view.getUint16(this.#skip(2), true);
  u32 = (): number => this.#view.getUint32(this.#skip(4), true);
  i32 = (): number => this.#view.getInt32(this.#skip(4), true);
  u64 = (): number => this.u32() + this.u32() * 2 ** 32;
  f64 = (): number => this.#view.getFloat64(this.#skip(8), false);

  /** The text up to the next newline, as protocol 0 writes its arguments. */
  line(): string {
    const end = this.bytes.indexOf(10, this.at);
    if (end < 0) this.fail("a line without an end");
    return this.text(end + 1 - this.at).slice(0, -1);
  }

  /** A text in UTF-8. */
  text(count: number): string {
    this.checkText(count);
    return utf8.decode(this.take(count));
  }

  checkText(count: number): void {
    if (count > maxText && this.at + count <= this.bytes.length) this.fail(`a text of ${count} bytes`);
  }

  /** Goes on by so many bytes, and gives the offset of the first of them. */
  #skip(count: number): number {
    const start = this.at;
    const end = start + count;
    if (end > this.bytes.length) {
      throw new Unreadable(
        `its pickle wants bytes up to ${end}, there are ${this.bytes.length}: it was cut short`,
      );
    }
    this.at = end;
    return start;
  }

  // ---- stack --------------------------------------------------------------------------------------

  push(value: Value): void {
    if (this.#stack.length >= maxStack) this.fail("too many values");
    this.#stack.push(value);
  }

  pop(): Value {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) this.fail("nothing to take");
    return this.#stack.pop()!;
  }

  top(): Value {
    const value = this.pop();
    this.#stack.push(value);
    return value;
  }

  mark(): void {
    if (this.#marks.length >= maxStack) this.fail("too many marks");
    this.#marks.push(this.#stack.length);
  }

  /** Whether POP would meet a mark. */
  atMark = (): boolean => this.#marks.length > 0 && this.#marks.at(-1) === this.#stack.length;

  /** What stands above the last mark. */
  popMark(): Value[] {
    const mark = this.#marks.pop();
    if (mark === undefined) this.fail("no mark");
    return this.#stack.splice(mark);
  }

  // ---- meaning ------------------------------------------------------------------------------------

  /** Pushes a new list, tuple, dict or set: an instruction of one byte that costs hundreds in memory. */
  make(container: PyList | PyTuple | PyDict | PySet): void {
    if (++this.#containers > maxContainers) this.fail("too many lists");
    this.push(container);
  }

  /** Without a key, the next free one, as MEMOIZE counts. */
  remember(key = this.#memo.size): void {
    if (this.#memo.size >= maxContainers) this.fail("too many values to remember");
    this.#memo.set(key, this.top());
  }

  recall(key: number): void {
    const value = this.#memo.get(key);
    if (value === undefined) this.fail(`nothing is remembered as ${key}`);
    this.push(value);
  }

  call(callee: Value, args: Value): void {
    if (!isKind(callee, "callable")) this.fail(`a call of ${kindOf(callee)}`);
    if (!isKind(args, "tuple")) this.fail(`a call with ${kindOf(args)}`);
    // An object costs as much as a list.
    if (++this.#containers > maxContainers) this.fail("too many objects");
    this.push(callee.call(args.items, this));
  }

  /** INST and OBJ: a class and its arguments stand above the mark. */
  construct(callee: Value, args: readonly Value[]): void {
    this.call(callee, tuple(args));
  }

  build(): void {
    const state = this.pop();
    const target = this.top();
    if (isKind(target, "object")) target.setState?.(state);
    // An OrderedDict's state is its attributes (`_metadata`): of no interest. A function has no state to set.
    else if (!isKind(target, "dict")) this.fail(`state for ${kindOf(target)}`);
  }
}
