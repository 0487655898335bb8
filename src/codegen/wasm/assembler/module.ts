/**
 * A module: one imported memory, functions, a table of those that are called by number, data, names. Sections
 * stand in the order that the specification wants (5.5.2).
 */
import { invariant } from "../../../base/invariant.ts";
import { ByteWriter } from "./bytes.ts";
import { FunctionBuilder, type Signature } from "./function.ts";
import { type I32, i32, typeCodes, type Value, type ValueType } from "./values.ts";

export interface MemoryLimits {
  /** Pages of 64 KiB. */
  readonly initial: number;
  readonly maximum?: number;
  readonly shared?: boolean;
}

/** A function as its callers see it. */
export class FunctionRef {
  readonly index: number;
  readonly builder: FunctionBuilder;

  constructor(index: number, builder: FunctionBuilder) {
    this.index = index;
    this.builder = builder;
  }

  /** The call as a value, for functions with a result; as a statement (`f.do`) for those without. */
  call<T extends ValueType>(type: T, ...args: readonly (Value | number)[]): Value<T> {
    return { type, write: (out) => this.#write(out, args) };
  }

  #write(out: ByteWriter, args: readonly (Value | number)[]): void {
    invariant(
      args.length === this.builder.signature.params.length,
      `${this.builder.name} takes other arguments`,
    );
    for (const arg of args) (typeof arg === "number" ? i32.const(arg) : arg).write(out);
    out.byte(0x10);
    out.u32(this.index);
  }
}

export class ModuleBuilder {
  #memory: MemoryLimits = { initial: 1 };
  #functions: FunctionRef[] = [];
  #exports: { readonly name: string; readonly ref: FunctionRef }[] = [];
  #table: FunctionRef[] = [];
  /** A table without elements is one too. */
  #hasTable = false;
  #data: { readonly address: number; readonly bytes: Uint8Array }[] = [];
  #types: Signature[] = [];
  #memoryFlagOffset = 0;

  /** Where `encode` put the byte that says what the memory is: 1 a maximum, 3 shared with a maximum. */
  get memoryFlagOffset(): number {
    return this.#memoryFlagOffset;
  }

  /** The memory is imported as "env" "memory". */
  memory(limits: MemoryLimits): void {
    this.#memory = limits;
  }

  function(name: string, signature: Signature, build: (f: FunctionBuilder) => void): FunctionRef {
    const ref = new FunctionRef(this.#functions.length, new FunctionBuilder(name, signature));
    this.#functions.push(ref);
    build(ref.builder);
    return ref;
  }

  export(name: string, ref: FunctionRef): void {
    this.#exports.push({ name, ref });
  }

  /** Puts a function into the table; the number is what `callIndirect` takes. */
  element(ref: FunctionRef): number {
    this.#hasTable = true;
    return this.#table.push(ref) - 1;
  }

  /** A call of the table's function of that number: a statement. */
  callIndirect(signature: Signature, element: Value<"i32">, args: readonly I32[]) {
    this.#hasTable = true;
    const type = this.#typeOf(signature);
    return {
      write(out: ByteWriter): void {
        for (const arg of args) (typeof arg === "number" ? i32.const(arg) : arg).write(out);
        element.write(out);
        out.byte(0x11);
        out.u32(type);
        out.u32(0);
      },
    };
  }

  /** Bytes that are in memory once the module is instantiated. */
  data(address: number, bytes: Uint8Array): void {
    this.#data.push({ address, bytes });
  }

  encode(): Uint8Array {
    const out = new ByteWriter();
    out.bytes([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    const functionTypes = this.#functions.map(({ builder }) => this.#typeOf(builder.signature));
    section(out, 1, this.#types, writeType);
    const limits = encodeLimits(this.#memory);
    section(out, 2, [limits], writeMemoryImport);
    this.#memoryFlagOffset = out.length - limits.length;
    section(out, 3, functionTypes, (inner, type) => inner.u32(type));
    if (this.#hasTable) {
      section(out, 4, [this.#table.length], (inner, size) => {
        inner.bytes([0x70, 1]);
        inner.u32(size);
        inner.u32(size);
      });
    }
    section(out, 7, this.#exports, (inner, { name, ref }) => {
      inner.text(name);
      inner.byte(0);
      inner.u32(ref.index);
    });
    if (this.#table.length > 0) {
      section(out, 9, [this.#table], (inner, table) => {
        inner.bytes([0, 0x41, 0, 0x0b]);
        inner.u32(table.length);
        for (const { index } of table) inner.u32(index);
      });
    }
    section(out, 10, this.#functions, (inner, { builder }) => builder.encode(inner));
    section(out, 11, this.#data, writeData);
    this.#writeNames(out);
    return out.result().slice();
  }

  #typeOf({ params, result }: Signature): number {
    const key = (signature: Signature) => `${signature.params.join()}>${signature.result ?? ""}`;
    const wanted = key({ params, ...(result ? { result } : {}) });
    const found = this.#types.findIndex((type) => key(type) === wanted);
    return found >= 0 ? found : this.#types.push({ params, ...(result ? { result } : {}) }) - 1;
  }

  /** The custom section "name", which profilers and stack traces show. */
  #writeNames(out: ByteWriter): void {
    out.byte(0);
    out.sized((custom) => {
      custom.text("name");
      custom.byte(1);
      custom.sized((names) => {
        names.u32(this.#functions.length);
        for (const { index, builder } of this.#functions) {
          names.u32(index);
          names.text(builder.name);
        }
      });
    });
  }
}

/** Nothing, if there are no items. */
function section<T>(
  out: ByteWriter,
  id: number,
  items: readonly T[],
  write: (out: ByteWriter, item: T) => void,
): void {
  if (items.length === 0) return;
  out.byte(id);
  out.sized((inner) => {
    inner.u32(items.length);
    for (const item of items) write(inner, item);
  });
}

function writeType(out: ByteWriter, { params, result }: Signature): void {
  out.byte(0x60);
  out.u32(params.length);
  for (const param of params) out.byte(typeCodes[param]);
  out.u32(result ? 1 : 0);
  if (result) out.byte(typeCodes[result]);
}

function encodeLimits({ initial, maximum, shared }: MemoryLimits): Uint8Array {
  invariant(!shared || maximum !== undefined, "a shared memory has a maximum");
  const out = new ByteWriter();
  out.byte((maximum === undefined ? 0 : 1) | (shared ? 2 : 0));
  out.u32(initial);
  if (maximum !== undefined) out.u32(maximum);
  return out.result();
}

function writeMemoryImport(out: ByteWriter, limits: Uint8Array): void {
  out.text("env");
  out.text("memory");
  out.byte(2);
  out.bytes(limits);
}

function writeData(
  out: ByteWriter,
  { address, bytes }: { readonly address: number; readonly bytes: Uint8Array },
): void {
  out.byte(0);
  i32.const(address).write(out);
  out.byte(0x0b);
  out.u32(bytes.length);
  out.bytes(bytes);
}
