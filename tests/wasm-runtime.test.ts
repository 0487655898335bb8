/** The functions of the emitted module that walk through a program, alone and with other threads. */
import { setTimeout as delay } from "node:timers/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { atomics, i32 } from "../src/codegen/wasm/assembler/values.ts";
import { hexOf, checksum as words } from "../src/codegen/wasm/checksum.ts";
import { encodeImage, firstAddress, type Image } from "../src/codegen/wasm/image.ts";
import type { Kernel } from "../src/codegen/wasm/kernels/kernel.ts";
import { control, lineBytes } from "../src/codegen/wasm/runtime.ts";
import { fastestMs } from "./support/cpu-time.ts";
import { emptyImage, makeToy, toyStep } from "./support/toy-image.ts";
import { disassemble } from "./support/wabt.ts";
import { loadWeights, type StartedModule, startModule } from "./support/wasm-threads.ts";
import { watchdog } from "./support/watchdog.ts";

watchdog(100);

const cleanups: (() => Promise<void>)[] = [];

/** A module with so many threads; they are stopped when the test is over. */
async function start(image: Image, threads: number, options?: { mayWait: boolean }): Promise<StartedModule> {
  const module = startModule(image, threads, options);
  cleanups.push(module.stop);
  for (let i = 1; i < threads; i++) await module.hire();
  return module;
}

test.after.each(async () => {
  for (const stop of cleanups.splice(0)) await stop();
});

/** Adds one to the word of each unit it is called for, and counts the calls in the first word of the scratch memory. */
const countUnits = (units: number): Kernel => ({
  name: `count ${units}`,
  units,
  scratchBytes: 100,
  emit(f, { output, from, to, scratch }) {
    const unit = f.local("i32");
    f.store(scratch, i32.add(i32.load(scratch), 1));
    f.for(unit, from, to, 1, () => {
      const place = f.let("i32", i32.add(output, i32.shl(unit, 2)));
      f.store(place, i32.add(i32.load(place), 1));
    });
  },
});

/** Adds the units of its range to the first word of the scratch memory, and one to the second. */
const sumUnits = (units: number): Kernel => ({
  name: `sum ${units}`,
  units,
  scratchBytes: 8,
  emit(f, { from, to, scratch }) {
    f.if(i32.ge_u(from, to), () => f.unreachable());
    f.store(scratch, i32.add(i32.load(scratch), i32.sub(to, from)));
    f.store(scratch, i32.add(i32.load(scratch, 4), 1), 4);
  },
});

const picture = (floats: number) => Float32Array.from({ length: floats }, (_, i) => ((i * 37) % 11) - 5);

/** Runs a toy and gives what is in its output. */
function runToy(module: StartedModule, { inputs, outputs }: Image, given: Float32Array): Float32Array {
  const floats = new Float32Array(module.memory.buffer);
  floats.set(given, inputs[0].address / 4);
  floats.fill(Number.NaN, outputs[0].address / 4, outputs[0].address / 4 + given.length);
  module.exports.execute(...module.run);
  return floats.slice(outputs[0].address / 4, outputs[0].address / 4 + given.length);
}

test("the module is valid, on memory that is shared and on memory that is not", () => {
  const { wasm, memoryFlagOffset } = encodeImage(makeToy().image);
  assert.match(disassemble(wasm), /\(import "env" "memory" \(memory 1 65536\)\)/);
  assert.is(wasm[memoryFlagOffset], 1);
  const shared = wasm.slice();
  shared[memoryFlagOffset] = 3;
  assert.match(disassemble(shared), /\(import "env" "memory" \(memory 1 65536 shared\)\)/);
});

test("kernels of one name are one function", () => {
  const text = disassemble(encodeImage(makeToy({ mixes: 7 }).image).wasm);
  assert.is(text.match(/\(func \$mix_240 /g)?.length, 1);
  assert.match(text, /\(elem \(i32.const 0\) func( \$\S+){6}\)/);
});

for (const threads of [1, 2, 3, 4, 5, 6, 7, 8]) {
  test(`${threads} threads: every unit is done once, in eight pieces a thread`, async () => {
    const sizes = [1, 2, 3, 7, 8, 9, 100, 1001];
    const places = sizes.map((_, i) => firstAddress + 4096 * i);
    const image: Image = {
      ...emptyImage,
      run: sizes.map((units, i) => toyStep(`count ${units}`, countUnits(units), { output: places[i] })),
      fixedBytes: firstAddress + 4096 * (sizes.length + 1),
      scratchBytes: 100,
    };
    const module = await start(image, threads);
    for (let runs = 1; runs <= 20; runs++) {
      module.exports.execute(...module.run);
      sizes.forEach((units, i) => {
        const counts = module.words.subarray(places[i] / 4, places[i] / 4 + units + 1);
        assert.equal([...counts], [...Array(units).fill(runs), 0], `${units} units, run ${runs}`);
      });
    }
    const calls = Array.from({ length: threads }, (_, t) => module.words[module.scratchOf(t)]);
    const parts = sizes.flatMap((units) => {
      const starts = Array.from({ length: threads + 1 }, (_, t) => Math.ceil((units * t) / threads));
      return starts.slice(1).map((end, t) => end - starts[t]);
    });
    const wanted = parts.map((part) => part && Math.ceil(part / Math.ceil(part / 8)));
    const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
    assert.is(sum(calls), 20 * sum(wanted));
  });
}

test("while sampling, an eighth is done, and the next run is whole again", async () => {
  const image: Image = {
    ...emptyImage,
    run: [
      toyStep("count", countUnits(1000), { output: firstAddress }),
      toyStep("count", countUnits(1000), { output: firstAddress }),
      toyStep("one", countUnits(1), { output: firstAddress + 4096 }),
    ],
    fixedBytes: firstAddress + 8192,
    scratchBytes: 4,
  };
  const module = await start(image, 2);
  const counts = module.words.subarray(firstAddress / 4, firstAddress / 4 + 1000);
  module.words[control.sampling / 4] = 1;
  module.exports.execute(...module.run);
  // Each of the two threads has 500 units, in pieces of 63.
  const sampled = Array.from(counts, (_, i) => ((i % 500) % 63 < 8 ? 2 : 0));
  assert.is(counts.join(" "), sampled.join(" "));
  assert.is(module.words[firstAddress / 4 + 1024], 1);
  module.words[control.sampling / 4] = 0;
  counts.fill(0);
  module.exports.execute(...module.run);
  assert.equal([...counts], Array(1000).fill(2));
});

test("ranges of large steps do not overflow", async () => {
  for (const units of [2 ** 31, 2 ** 32 - 1]) {
    const image: Image = {
      ...emptyImage,
      run: [toyStep("sum", sumUnits(units), {})],
      scratchBytes: 8,
    };
    const module = await start(image, 3);
    module.exports.execute(...module.run);
    const sums = [0, 1, 2].map((t) => module.words.slice(module.scratchOf(t), module.scratchOf(t) + 2));
    assert.is(sums.reduce((sum, [units]) => sum + units, 0) >>> 0, units);
    assert.is(
      sums.reduce((sum, [, calls]) => sum + calls, 0),
      24,
    );
  }
});

test("a thread that is through takes pieces of one that is slow", async () => {
  const module = await start(makeSlow(16), 2);
  module.exports.execute(...module.run);
  const done = [0, 1].map((t) => module.words[module.scratchOf(t)]);
  assert.is(done[0] + done[1], 16);
  assert.ok(Math.max(...done) > 8, `${done.join(" and ")} of 16`);
});

for (const mayWait of [true, false]) {
  test(`hundreds of runs give the same bits on 1 to 8 threads, ${mayWait ? "waiting" : "as the main thread of a page"}`, async () => {
    const { image, weights, expected } = makeToy();
    const given = picture(240);
    const wanted = expected(given);
    for (let threads = 1; threads <= 8; threads++) {
      const module = await start(image, threads, { mayWait });
      loadWeights(module, weights);
      const runs = threads <= 2 ? 500 : 100;
      for (let i = 0; i < runs; i++) {
        assert.equal(runToy(module, image, given), wanted, `${threads} threads, run ${i}`);
      }
      await module.stop();
    }
  });
}

/** A step of which one thread, mostly the main one, does its units at once; the others take their time for each. */
function makeSlow(units: number): Image {
  const kernel: Kernel = {
    name: "slow",
    units,
    scratchBytes: 4,
    emit(f, { output, scratch }) {
      const place = f.let("i32", i32.load(output));
      f.store(scratch, i32.add(i32.load(scratch), 1));
      f.if(i32.ne(place, scratch), () => {
        const i = f.local("i32");
        f.for(i, 0, 40_000_000, 1, () => f.store(output, i, 64));
      });
    },
  };
  // The fast one is the one that does a step of one unit.
  const mark: Kernel = {
    name: "mark",
    units: 1,
    emit: (f, { output, scratch }) => f.store(output, scratch),
  };
  return {
    ...emptyImage,
    run: [toyStep("mark", mark, { output: firstAddress }), toyStep("slow", kernel, { output: firstAddress })],
    fixedBytes: firstAddress + 128,
    scratchBytes: 4,
  };
}

test("threads fall asleep between jobs, and wake for the next", async () => {
  const { image, weights, expected } = makeToy({ mixes: 3 });
  const given = picture(240);
  const module = await start(image, 4);
  loadWeights(module, weights);
  for (let i = 0; i < 20; i++) {
    const sleepers = () => Atomics.load(module.words, control.sleepers / 4);
    while (sleepers() < 3) await delay(1);
    assert.equal(runToy(module, image, given), expected(given));
  }
});

test("all threads are woken", async () => {
  const module = await start(makeToy({ floats: 24_000 }).image, 4);
  const sleepers = () => Atomics.load(module.words, control.sleepers / 4);
  while (sleepers() < 3) await delay(1);
  // Toys leave what they compute in the scratch memory.
  const scratch = [0, 1, 2, 3].map((t) => module.scratchOf(t));
  for (const place of scratch) module.words[place] = -1;
  const idle = () => scratch.filter((place) => module.words[place] === -1).length;
  for (let i = 0; i < 200 && idle() > 0; i++) module.exports.execute(...module.run);
  assert.is(idle(), 0);
});

test("a thread that waits for the end of a step sleeps too", async () => {
  // Unit 0 takes until unit 1 has begun, on another thread; unit 1 takes long.
  const kernel: Kernel = {
    name: "one waits",
    units: 2,
    emit(f, { output, from }) {
      f.if(
        from,
        () => {
          f.atomicStore(output, 1);
          const i = f.local("i32");
          f.for(i, 0, 100_000_000, 1, () => f.store(output, i, 64));
        },
        () => f.loop((again) => f.branchIf(again, i32.eqz(atomics.load(output)))),
      );
    },
  };
  const image: Image = {
    ...emptyImage,
    run: [toyStep("one waits", kernel, { output: firstAddress })],
    fixedBytes: firstAddress + 128,
  };
  const module = await start(image, 2);
  const before = process.cpuUsage();
  const startedAt = performance.now();
  module.exports.execute(...module.run);
  const wall = 1000 * (performance.now() - startedAt);
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 1.6 * wall, `${(user + system) / wall} processors busy while one had work`);
});

test("threads may join while others run", async () => {
  const { image, weights, expected } = makeToy({ mixes: 50 });
  const given = picture(240);
  const wanted = expected(given);
  const module = startModule(image, 5);
  cleanups.push(module.stop);
  loadWeights(module, weights);
  let joined = 0;
  for (let thread = 1; thread < 5; thread++) {
    module.hire().then(() => joined++);
    for (let i = 0; joined < thread || i < 20; i++) {
      assert.equal(runToy(module, image, given), wanted);
      await delay(0);
    }
  }
  assert.is(module.words[control.joined / 4], 4);
});

test("the count of steps may overflow, and threads may join long after it began", async () => {
  const { image, weights, expected } = makeToy();
  const given = picture(240);
  for (const count of [2 ** 22, 2 ** 23, 2 ** 24 - 10, 2 ** 29, 2 ** 30 - 10]) {
    const module = startModule(image, 3);
    cleanups.push(module.stop);
    loadWeights(module, weights);
    // As if it had run until now, on one thread.
    module.words[control.phase / 4] = 2 * count;
    module.words[module.scratchOf(0) - lineBytes / 4] = count << 8;
    for (let i = 0; i < 5; i++) assert.equal(runToy(module, image, given), expected(given), `from ${count}`);
    await module.hire();
    await module.hire();
    for (let i = 0; i < 5; i++) assert.equal(runToy(module, image, given), expected(given), `from ${count}`);
  }
});

test("jobs without steps are none", async () => {
  const { image, weights, expected } = makeToy();
  const module = await start(image, 3);
  loadWeights(module, weights);
  for (let i = 0; i < 100; i++) module.exports.execute(5, 5);
  assert.equal(runToy(module, image, picture(240)), expected(picture(240)));
});

// ---- checksum -----------------------------------------------------------------------------------

const checksum = (chunks: readonly Uint8Array[]) => hexOf(words(chunks));

const noise = (length: number, seed = 1) => {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 24;
  });
};

/** What the module makes of the chunks. */
function digest(chunks: readonly Uint8Array[]): string {
  const size = chunks.reduce((most, { length }) => Math.max(most, length), 0);
  const { exports, memory } = startModule({ ...makeToy().image, fixedBytes: firstAddress + size }, 1);
  const bytes = new Uint8Array(memory.buffer);
  for (const chunk of chunks) {
    bytes.set(chunk, firstAddress);
    exports.checksum(firstAddress, chunk.length);
  }
  exports.digest(chunks.reduce((sum, { length }) => sum + length, 0));
  return hexOf([...new Uint32Array(memory.buffer, control.checksum, 4)]);
}

test("the module's checksum is the emitter's", () => {
  const files: readonly (readonly number[])[] = [
    [],
    [16],
    [32, 48],
    [64],
    [80, 16, 16, 128, 0, 112],
    [4096, 1008],
  ];
  for (const sizes of files) {
    const chunks = sizes.map((size, i) => noise(size, i + 1));
    assert.is(digest(chunks), checksum(chunks), `chunks of ${sizes.join(", ")}`);
  }
});

test("the checksum does not change from one version to the next", () => {
  assert.is(checksum([]), "0".repeat(32));
  assert.is(checksum([noise(1000 * 16)]), "804bd759029500ab8181a1f026a547e1");
});

test("the checksum sees what is different", () => {
  const whole = noise(64 * 9 + 48);
  const changed = (change: (bytes: Uint8Array) => void) => {
    const bytes = whole.slice();
    change(bytes);
    return checksum([bytes]);
  };
  const sums = [
    checksum([whole]),
    ...Array.from({ length: 50 }, (_, i) => changed((bytes) => (bytes[i * 12] ^= 1 << (i % 8)))),
    // Vectors, blocks and words that changed places.
    changed((bytes) => bytes.set([...whole.slice(16, 32), ...whole.slice(0, 16)])),
    changed((bytes) => bytes.set([...whole.slice(64, 128), ...whole.slice(0, 64)])),
    changed((bytes) => bytes.set([...whole.slice(4, 8), ...whole.slice(0, 4)])),
    checksum([whole.slice(0, 16), whole.slice(16)]),
    checksum([whole.slice(16)]),
    checksum([new Uint8Array(0)]),
    checksum([new Uint8Array(16)]),
    checksum([new Uint8Array(32)]),
  ];
  assert.is(new Set(sums).size, sums.length);
});

test("a hundred megabytes take a fraction of a second", () => {
  const bytes = new Uint8Array(32e6);
  const ms = fastestMs(3, () => checksum([bytes])) * (100 / 32);
  assert.ok(ms < 300, `${ms.toFixed(0)} ms`);
});

test.run();
