/**
 * The wire format of protocol buffers, read without a schema: a message is a row of fields, each a key
 * (number * 8 + wire type) and a value.
 *
 *     0 varint   7 bits a byte, low ones first, the last byte below 128; at most 10 bytes, a 64-bit integer
 *     1 fixed64  8 bytes        5 fixed32  4 bytes
 *     2 bytes    a varint, then as many bytes: texts, messages, packed numbers
 *
 * `Message` walks over fields without making objects of them, so that a hundred million numbers cost nothing
 * but time; bytes come back as views. A message that another holds is read from such a view, as deep as the
 * reader's own code goes and `maxDepth` at most.
 */
import { ensure, Unreadable } from "./unreadable.ts";

/** ONNX needs five. */
const maxDepth = 16;

const maxField = 2 ** 29 - 1;

export class Message {
  /** The number of the current field, and how its value is stored. */
  field = 0;
  wire = 0;
  /** What `varint` found: a 64-bit integer in two's complement. */
  low = 0;
  high = 0;
  readonly #bytes: Uint8Array;
  readonly #what: string;
  readonly #start: number;
  readonly #depth: number;
  #at = 0;
  /** Where the value of the current field starts and ends. */
  #from = 0;

  /** `what` is what messages call it ("its graph"), `start` where it stands in the file. */
  constructor(bytes: Uint8Array, what: string, start = 0, depth = 0) {
    ensure(depth <= maxDepth, `its messages are nested deeper than ${maxDepth}`);
    this.#bytes = bytes;
    this.#what = what;
    this.#start = start;
    this.#depth = depth;
  }

  /** The same message from its first field on. */
  again(): Message {
    return new Message(this.#bytes, this.#what, this.#start, this.#depth);
  }

  /** Goes to the next field; false behind the last. */
  next(): boolean {
    if (this.#at >= this.#bytes.length) return false;
    const at = this.#at;
    this.#varint();
    const key = this.high * 2 ** 32 + this.low;
    this.field = Math.floor(key / 8);
    this.wire = this.low & 7;
    if (this.field < 1 || this.field > maxField) this.#fail(at, `it has no field ${this.field}`);
    this.#from = this.#at;
    this.#skip(at);
    return true;
  }

  #skip(at: number): void {
    switch (this.wire) {
      case 0:
        this.#varint();
        break;
      case 1:
        this.#advance(8);
        break;
      case 2:
        this.#varint();
        this.#from = this.#at;
        this.#advance(this.high * 2 ** 32 + this.low);
        break;
      case 5:
        this.#advance(4);
        break;
      default:
        this.#fail(at, `wire type ${this.wire}, 0, 1, 2 and 5 are read`);
    }
  }

  #advance(count: number): void {
    const end = this.#at + count;
    if (end > this.#bytes.length) {
      const [place, size] = [this.#start + end, this.#start + this.#bytes.length];
      throw new Unreadable(
        `a field of ${this.#what} ends at byte ${place}, but ${this.#what} at ${size}: it was cut short`,
      );
    }
    this.#at = end;
  }

  /** An integer at the current place, into `low` and `high`, which are both unsigned. */
  #varint(): void {
    const bytes = this.#bytes;
    let low = 0;
    let high = 0;
    for (let i = 0; i < 10; i++) {
      const at = this.#at + i;
      if (at >= bytes.length) {
        throw new Unreadable(
          `${this.#what} ends at byte ${this.#start + at}, inside a number: it was cut short`,
        );
      }
      const part = bytes[at] & 127;
      if (i < 4) low |= part << (7 * i);
      else if (i === 4) {
        low |= part << 28;
        high = part >> 4;
      } else if (i < 9) high |= part << (7 * i - 32);
      else high |= part << 31;
      if (bytes[at] < 128) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        this.#at = at + 1;
        return;
      }
    }
    this.#fail(this.#at, "a number of more than 10 bytes");
  }

  // Messages are made where they are needed: this is the inner loop of reading numbers.
  #fail(at: number, why: string): never {
    throw new Unreadable(`${this.#what} is damaged at byte ${this.#start + at}: ${why}`);
  }

  /** The current field as a signed integer: exact up to 2^53, as close as a double is beyond. */
  int(): number {
    this.#want(0);
    return (this.high | 0) * 2 ** 32 + this.low;
  }

  /** The current field as a float. */
  float(): number {
    this.#want(5);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#from, 4).getFloat32(0, true);
  }

  /** The value of the current field, a view: the bytes of wire type 2, those of the number otherwise. */
  value(): Uint8Array {
    return this.#bytes.subarray(this.#from, this.#at);
  }

  bytes(): Uint8Array {
    this.#want(2);
    return this.value();
  }

  text(): string {
    return new TextDecoder().decode(this.bytes());
  }

  /** The message in the current field. */
  message(what: string): Message {
    return new Message(this.bytes(), what, this.#start + this.#from, this.#depth + 1);
  }

  /** Calls `take` for each integer that the field has, packed or not; it finds it in `low` and `high`. */
  integers(take: (low: number, high: number) => void): void {
    if (this.wire === 0) {
      take(this.low, this.high);
      return;
    }
    const packed = this.message(this.#what);
    while (packed.#at < packed.#bytes.length) {
      packed.#varint();
      take(packed.low, packed.high);
    }
  }

  #want(wire: number): void {
    if (this.wire === wire) return;
    this.#fail(this.#from, `field ${this.field} has wire type ${this.wire} where ${wire} belongs`);
  }
}
