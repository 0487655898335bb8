/** Growing bytes and the variable-length integers of the WebAssembly binary format (core specification, chapter 5). */
import { invariant } from "../../../base/invariant.ts";

export class ByteWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  bytes(values: ArrayLike<number>): void {
    if (this.#length + values.length > this.#bytes.length) this.#grow(values.length);
    this.#bytes.set(values, this.#length);
    this.#length += values.length;
  }

  /** LEB128, unsigned. */
  u32(value: number): void {
    invariant(Number.isInteger(value) && value >= 0 && value < 2 ** 32, `${value} is no u32`);
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** LEB128, signed. */
  s32(value: number): void {
    let rest = value | 0;
    // The last byte is the one whose own sign bit says the rest.
    while (rest < -0x40 || rest > 0x3f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.byte(rest & 0x7f);
  }

  f32(value: number): void {
    const view = new DataView(new ArrayBuffer(4));
    view.setFloat32(0, value, true);
    this.bytes(new Uint8Array(view.buffer));
  }

  /** UTF-8 with its length before it. */
  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.u32(bytes.length);
    this.bytes(bytes);
  }

  /** What `write` writes, with its length before it. */
  sized(write: (out: ByteWriter) => void): void {
    const inner = new ByteWriter();
    write(inner);
    this.u32(inner.length);
    this.bytes(inner.result());
  }

  /** A view, valid until the next write. */
  result(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(atLeast: number): void {
    const bytes = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + atLeast));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
  }
}
