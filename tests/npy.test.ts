/** NumPy arrays: what is written is read, NumPy's own headers, and what is refused with why. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import type { Tensor } from "../src/ir/tensor.ts";
import { readNpy, writeNpy } from "../src/run/npy.ts";

/** A file with this header, as NumPy pads it. */
function npy(dict: string, data: readonly number[], version = 1): Uint8Array {
  const size = version === 1 ? 2 : 4;
  const length = Math.ceil((8 + size + dict.length + 1) / 64) * 64 - 8 - size;
  const lengthBytes = [length & 255, length >> 8, 0, 0].slice(0, size);
  const text = new TextEncoder().encode(`${dict.padEnd(length - 1)}\n`);
  return Uint8Array.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, ...lengthBytes, ...text, ...data]);
}

const header = (descr: string, shape: string, fortran = "False") =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;

function mustRead(bytes: Uint8Array): Tensor {
  const { report, diagnostics } = collect();
  const tensor = readNpy(bytes, "a.npy", report);
  if (!tensor) throw new Error(diagnostics.map(({ message }) => message).join("; "));
  return tensor;
}

function refusal(bytes: Uint8Array): string {
  const { report, diagnostics } = collect();
  assert.is(readNpy(bytes, "a.npy", report), undefined);
  assert.equal(
    diagnostics.map(({ code }) => code),
    ["bad-array"],
  );
  return diagnostics[0].message;
}

test("what is written is read: types, ranks, values", () => {
  for (const shape of [[], [3], [0, 2], [2, 3], [1, 2, 2, 3]]) {
    const count = shape.reduce((product, side) => product * side, 1);
    const values = Array.from({ length: count }, (_, i) => i / 7 - 1);
    for (const Type of [Float32Array, Float64Array]) {
      const data = new Type(values);
      const tensor = mustRead(writeNpy({ shape, data }));
      assert.equal(tensor.shape, shape);
      assert.instance(tensor.data, Type);
      assert.equal([...tensor.data], [...data]);
    }
  }
});

test("the bytes are NumPy's", () => {
  // numpy.save of numpy.array([1, 2], dtype=numpy.float32), NumPy 1.24
  const bytes = writeNpy({ shape: [2], data: Float32Array.of(1, 2) });
  const text = `\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }${" ".repeat(60)}\n`;
  assert.is(String.fromCharCode(...bytes.subarray(0, 128)), text);
  assert.equal([...bytes.subarray(128)], [0, 0, 0x80, 0x3f, 0, 0, 0, 0x40]);
});

test("versions 1 to 3, every type, any alignment", () => {
  for (const version of [1, 2, 3]) {
    assert.equal([...mustRead(npy(header("|u1", "(2, 2)"), [1, 2, 3, 255], version)).data], [1, 2, 3, 255]);
  }
  const value = (descr: string, ...data: number[]) => mustRead(npy(header(descr, "()"), data)).data[0];
  assert.is(value("<f2", 0, 0x3c), 1);
  assert.is(value("<f8", 0, 0, 0, 0, 0, 0, 0xf0, 0xbf), -1);
  assert.is(value("|i1", 255), -1);
  assert.is(value("|b1", 1), 1);
  assert.is(value(">u1", 7), 7, "one byte has no order");
  assert.is(value("<i2", 254, 255), -2);
  assert.is(value("<u2", 254, 255), 65534);
  assert.is(value("<i4", 254, 255, 255, 255), -2);
  assert.is(value("<i8", 254, 255, 255, 255, 255, 255, 255, 255), -2);
  assert.is(value("<u8", 0, 0, 0, 0, 1, 0, 0, 0), 2 ** 32);
  const bytes = writeNpy({ shape: [1], data: Float32Array.of(0.1) });
  for (const shift of [1, 2, 3]) {
    const moved = new Uint8Array(bytes.length + shift);
    moved.set(bytes, shift);
    assert.equal([...mustRead(moved.subarray(shift)).data], [Math.fround(0.1)]);
  }
});

test("one dimension in Fortran order is in any order", () => {
  assert.equal([...mustRead(npy(header("|u1", "(3,)", "True"), [1, 2, 3])).data], [1, 2, 3]);
});

test("an array whose first index runs fastest is turned", () => {
  // numpy.asfortranarray(numpy.arange(6, dtype="u1").reshape(2, 3)), saved
  const { shape, data } = mustRead(npy(header("|u1", "(2, 3)", "True"), [0, 3, 1, 4, 2, 5]));
  assert.equal(shape, [2, 3]);
  assert.equal([...data], [0, 1, 2, 3, 4, 5]);
});

test("what cannot be read is refused with why", () => {
  assert.match(refusal(new Uint8Array()), /it is no NumPy array: it is empty/);
  assert.match(refusal(new TextEncoder().encode("<html>")), /a web page/);
  assert.match(refusal(npy(header(">f4", "(1,)"), [0, 0, 0, 0])), /highest byte first/);
  assert.match(
    refusal(npy(header("<c8", "(1,)"), [0, 0, 0, 0])),
    /`c8`, which are no numbers that resnetc reads/,
  );
  assert.match(
    refusal(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", [])),
    /record or an object array/,
  );
  assert.match(refusal(npy(header("|O", "(1,)"), [])), /Python objects/);
  assert.match(refusal(npy("{'descr': '<f4'}", [])), /does not say its shape and order/);
  assert.match(
    refusal(npy(header("<f4", "(3,)"), [0, 0, 0, 0])),
    /\[3\] takes 12 bytes, the file has 4: it was cut short/,
  );
  assert.match(refusal(npy(header("<f4", "(9999999, 9999999)"), [])), /takes .* bytes, the file has 0/);
  assert.match(refusal(npy(header("<f4", "(99999999, 99999999)"), [])), /more elements than can be counted/);
  assert.match(refusal(npy(header("<f4", "(99999999999999999999,)"), [])), /no whole numbers/);
  assert.match(refusal(npy(header("<f4", "(1,)"), [0, 0, 0, 0], 9)), /version 9/);
  const good = writeNpy({ shape: [2], data: Float32Array.of(1, 2) });
  for (let length = 0; length < good.length; length++) refusal(good.subarray(0, length));
});

test("changed bytes never throw", () => {
  const good = writeNpy({ shape: [2, 3], data: Float64Array.of(1, 2, 3, 4, 5, 6) });
  const property = fc.property(fc.nat(good.length - 1), fc.nat(255), (at, value) => {
    const damaged = Uint8Array.from(good);
    damaged[at] = value;
    const { report, diagnostics } = collect();
    const tensor = readNpy(damaged, "a.npy", report);
    assert.is(diagnostics.length, tensor ? 0 : 1);
  });
  fc.assert(property, { numRuns: 3000 });
});

test.run();
