/** NumPy archives: NumPy's own files, what is refused and why, and archives that lie about their sizes. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { crc32, deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { writeNpy } from "../src/run/npy.ts";
import { mustOpen, openBytes, refusal, valuesOf } from "./support/checkpoints.ts";

const fixture = (name: string): Uint8Array =>
  readFileSync(fileURLToPath(new URL(`fixtures/checkpoints/${name}`, import.meta.url)));

// ---- archives ---------------------------------------------------------------------------------------

interface Claims {
  readonly size?: number;
  readonly packed?: number;
  readonly sum?: number;
  readonly offset?: number;
}

interface Item {
  readonly name: string;
  readonly data: Uint8Array;
  /** Deflated when false is not said. */
  readonly stored?: boolean;
  /** What the directory says instead of the truth. */
  readonly claims?: Claims;
  readonly method?: number;
}

/** A zip archive, by Node's own deflate and sums. */
function zip(...items: readonly Item[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const { name, data, stored = false, claims = {}, method = stored ? 0 : 8 } of items) {
    const packed = stored ? data : new Uint8Array(deflateRawSync(data));
    const nameBytes = new TextEncoder().encode(name);
    const common = [
      0,
      method,
      0,
      claims.sum ?? checksum(data),
      claims.packed ?? packed.length,
      claims.size ?? data.length,
    ];
    const local = record([0x04034b50, 4], [20, 2], ...fields(common), [nameBytes.length, 2], [0, 2]);
    const entry = record(
      ...([[0x02014b50, 4], [20, 2], [20, 2], ...fields(common), [nameBytes.length, 2]] as const),
      ...([
        [0, 2],
        [0, 2],
        [0, 2],
        [0, 2],
        [0, 4],
        [claims.offset ?? at, 4],
      ] as const),
    );
    parts.push(local, nameBytes, packed);
    directory.push(entry, nameBytes);
    at += local.length + nameBytes.length + packed.length;
  }
  const length = directory.reduce((sum, part) => sum + part.length, 0);
  const count = items.length;
  const end = record([0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2], [length, 4], [at, 4], [0, 2]);
  return new Uint8Array(Buffer.concat([...parts, ...directory, end]));
}

type Number = readonly [value: number, bytes: 2 | 4];

/** Flags, method, time, sum and sizes: the same in both headers. */
const fields = ([flags, method, time, sum, packed, size]: readonly number[]): Number[] => [
  [flags, 2],
  [method, 2],
  [time, 4],
  [sum, 4],
  [packed, 4],
  [size, 4],
];

function record(...numbers: readonly Number[]): Uint8Array {
  const bytes = numbers.flatMap(([value, size]) =>
    Array.from({ length: size }, (_, i) => (value >>> (8 * i)) & 255),
  );
  return Uint8Array.from(bytes);
}

/** Node 20.15 and newer have it. */
const checksum = (data: Uint8Array): number => crc32(data);

const array = (...values: number[]): Uint8Array =>
  writeNpy({ shape: [values.length], data: Float32Array.from(values) });

// ---- NumPy's own files ------------------------------------------------------------------------------

const counting = Array.from({ length: 24 }, (_, i) => i);

for (const name of ["stored.npz", "deflated.npz"]) {
  test(`${name}: what NumPy wrote is read`, () => {
    const checkpoint = mustOpen(fixture(name), name);
    assert.is(checkpoint.format, "npz");
    assert.is(checkpoint.layout, "tensorflow");
    const kernel = "resnet/root_block/standardized_conv2d/kernel";
    assert.equal(
      [...checkpoint.tensors.values()].map(
        ({ name, shape, dtype }) => `${name} ${dtype} [${shape.join(", ")}]`,
      ),
      [
        `${kernel} f32 [1, 2, 3, 4]`,
        "fortran f32 [2, 3, 4]",
        "zeros f32 [64, 64]",
        "scalar f64 []",
        "empty f32 [0, 3]",
        "half f16 [6]",
        "bools bool [3]",
        "i1 i8 [2]",
        "i2 i16 [2]",
        "i4 i32 [2]",
        "i8 i64 [2]",
        "u1 u8 [2]",
        "u2 u16 [2]",
        "u4 u32 [2]",
        "u8 u64 [2]",
      ],
    );
    const values = (tensor: string) => valuesOf(checkpoint, tensor);
    assert.equal(
      values(kernel),
      counting.map((value) => value / 8),
    );
    assert.equal(values("fortran"), counting);
    assert.equal(values("zeros"), Array(4096).fill(0));
    assert.equal(values("scalar"), [1 / 3]);
    assert.equal(values("empty"), []);
    assert.equal(values("half"), [1, 2 ** -24, 65504, Infinity, -Infinity, 0.0999755859375]);
    assert.equal(values("bools"), [1, 0, 1]);
    assert.equal(values("i1"), [-128, 127]);
    assert.equal(values("i2"), [-32768, 5]);
    assert.equal(values("i4"), [-(2 ** 31), 5]);
    assert.equal(values("i8"), [-1, 2 ** 40]);
    assert.equal(values("u1"), [0, 255]);
    assert.equal(values("u2"), [0, 65535]);
    assert.equal(values("u4"), [0, 2 ** 32 - 1]);
    assert.equal(values("u8"), [0, 2 ** 40]);
  });
}

test("Fortran order really is in the file", () => {
  const text = new TextDecoder("latin1").decode(fixture("stored.npz"));
  assert.is(text.split("'fortran_order': True").length, 2);
});

// ---- what is refused --------------------------------------------------------------------------------

function npy(dict: string, data: readonly number[] = []): Uint8Array {
  const text = new TextEncoder().encode(`${dict}\n`);
  return Uint8Array.from([
    0x93,
    ...new TextEncoder().encode("NUMPY"),
    1,
    0,
    text.length,
    0,
    ...text,
    ...data,
  ]);
}

const header = (descr: string, shape = "(1,)") =>
  `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }`;

test("arrays that are no plain little-endian numbers are refused by name", () => {
  const found = (data: Uint8Array) =>
    refusal(zip({ name: "good.npy", data: array(1) }, { name: "a/b.npy", data }));
  assert.match(
    found(npy(header("'>f4'"), [0, 0, 0, 0])),
    /`a\/b` in it: its numbers have the highest byte first/,
  );
  assert.match(found(npy(header("'|O'"))), /`a\/b` in it: its elements are Python objects/);
  assert.match(found(npy(header("[('x', '<f4'), ('y', '<f4')]"))), /`a\/b` in it: .*a record/);
  assert.match(found(npy(header("'<U10'"))), /its elements are `U10`/);
  assert.match(found(npy(header("'<f4'", "(3,)"), [0, 0, 0, 0])), /\[3\] takes 12 bytes, the file has 4/);
  assert.match(found(npy(header("'<f4'", `(${"1, ".repeat(65)})`), [0, 0, 0, 0])), /65 sides/);
  assert.match(found(new TextEncoder().encode("text")), /`a\/b` in it: it is no NumPy array: it is text/);
});

test("compressed entries must be what the directory says", () => {
  const good = array(1, 2, 3, 4);
  const found = (claims: Claims, more: Partial<Item> = {}) =>
    refusal(zip({ name: "a.npy", data: good, claims, ...more }));
  const size = good.length;
  assert.match(found({ size: size - 1 }), `\`a.npy\` in it should inflate to ${size - 1} bytes, it has more`);
  assert.match(
    found({ size: size + 1 }),
    `\`a.npy\` in it should inflate to ${size + 1} bytes, it has ${size}`,
  );
  assert.match(found({ sum: 1 }), /`a\.npy` in it is damaged: its sum is not the one that the directory has/);
  assert.match(found({ sum: 1 }, { stored: true }), /`a\.npy` in it is damaged: its sum/);
  assert.match(found({ packed: 20 }), /`a\.npy` in it is damaged: its compressed bytes do not inflate/);
  assert.match(found({}, { method: 12 }), /`a\.npy` in it is compressed by method 12, not deflate/);
  // Whatever a wrong bit makes of the rest, the sum tells; 35 is where the data starts.
  const whole = zip({ name: "a.npy", data: good });
  // The last byte has bits that nothing reads.
  const end = 35 + deflateRawSync(good).length - 1;
  for (let at = 35; at < end; at++) {
    const torn = Uint8Array.from(whole);
    torn[at] ^= 4;
    assert.match(refusal(torn), /`a\.npy` in it (is damaged|should inflate)/);
  }
});

/** Opens under a watch on what is allocated: the most bytes of a typed array that was made by its size. */
function largestArray(work: () => void): number {
  const { Uint8Array: original } = globalThis;
  let largest = 0;
  globalThis.Uint8Array = new Proxy(original, {
    construct(target, args: [number]) {
      if (typeof args[0] === "number") largest = Math.max(largest, args[0]);
      return Reflect.construct(target, args);
    },
  });
  try {
    work();
  } finally {
    globalThis.Uint8Array = original;
  }
  return largest;
}

test("zip bombs are refused before memory is taken", () => {
  const zeros = (bytes: number) => new Uint8Array(bytes);
  const bombs: Readonly<Record<string, readonly [Uint8Array, RegExp]>> = {
    "a size that deflate cannot reach": [
      zip({ name: "a.npy", data: array(1), claims: { size: 2 ** 23 } }),
      /says that its \d+ bytes inflate to 8388608, which they cannot/,
    ],
    "an honest bomb": [
      zip({ name: "a.npy", data: zeros(2 ** 25) }),
      /its entries claim to inflate to 33554432 bytes, for \d+ no more than \d+ are taken/,
    ],
    "a bomb in many parts": [
      zip(...Array.from({ length: 20 }, (_, i) => ({ name: `${i}.npy`, data: zeros(2 ** 20) }))),
      /its entries claim to inflate to 20971520 bytes/,
    ],
    "entries that share their bytes": [
      zip(
        ...Array.from({ length: 40 }, (_, i) => ({
          name: `${i}.npy`,
          data: array(1),
          claims: { offset: 0, packed: 1000 },
        })),
      ),
      /its entries overlap/,
    ],
  };
  // Proof that the watch sees: what is fine is allocated.
  assert.ok(
    largestArray(() => mustOpen(zip({ name: "a.npy", data: array(...Array(5000).fill(7)) }))) > 20_000,
  );
  for (const [name, [bytes, why]] of Object.entries(bombs)) {
    let message = "";
    const largest = largestArray(() => {
      message = refusal(bytes);
    });
    assert.match(message, why, name);
    assert.ok(largest < 10_000, `${name} took ${largest} bytes`);
  }
});

test("torch's reader still refuses compressed entries", () => {
  const data = new TextEncoder().encode("x");
  assert.match(
    refusal(zip({ name: "a/data.pkl", data })),
    /`a\/data\.pkl` in it is compressed \(method 8\), which torch\.save never does/,
  );
});

test("names are the entries' without .npy", () => {
  assert.match(refusal(zip({ name: ".npy", data: array(1) })), /an array of it has no name/);
  const checkpoint = mustOpen(
    zip({ name: "__proto__.npy", data: array(5) }, { name: "x.npy.npy", data: array(6), stored: true }),
  );
  assert.equal(valuesOf(checkpoint, "__proto__"), [5]);
  assert.equal(valuesOf(checkpoint, "x.npy"), [6]);
});

// ---- damage -----------------------------------------------------------------------------------------

function survives(bytes: Uint8Array): boolean {
  const { checkpoint, diagnostics } = openBytes({ "a.npz": bytes });
  assert.is(diagnostics.length, checkpoint ? 0 : 1);
  for (const tensor of checkpoint?.tensors.values() ?? []) tensor.read();
  return checkpoint !== undefined;
}

test("cut archives are refused, changed ones give a checkpoint or one diagnostic", () => {
  const deflated = new Uint8Array(fixture("deflated.npz"));
  assert.ok(survives(deflated));
  for (let length = 0; length < deflated.length; length++) {
    assert.not(survives(deflated.subarray(0, length)), `${length} of ${deflated.length} bytes were accepted`);
  }
  const change = fc.tuple(fc.nat(deflated.length - 1), fc.nat(255));
  const property = fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
    const damaged = Uint8Array.from(deflated);
    for (const [at, value] of changes) damaged[at] = value;
    survives(damaged);
  });
  fc.assert(property, { numRuns: 2000 });
});

test.run();
