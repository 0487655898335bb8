/**
 * The functions of the emitted module that are the same for every network: they read the program and call its
 * kernels, on one thread or several, and sum up what was loaded.
 *
 * Every thread is an instance of the module on the same memory. The main thread posts a job, which is a range of
 * steps. The units of a step are dealt out in as many parts as there are threads, parts in pieces; a thread does
 * pieces of its own part, then of others, then waits for the step to be over. A step is over when all its units are
 * done, whoever did them: a thread that the system has put aside holds nobody up unless it is in a piece. Waiting
 * spins for some ten microseconds, then sleeps. On memory that is not shared, the same code runs as one thread.
 */
import type { FunctionBuilder, Local } from "./assembler/function.ts";
import type { FunctionRef, ModuleBuilder } from "./assembler/module.ts";
import { atomics, type I32, i32, i32x4, select, type Value, v128 } from "./assembler/values.ts";
import { checksumBlock, checksumPrimes, checksumRotations } from "./checksum.ts";
import { stepSignature } from "./kernels/kernel.ts";
import { stepBytes } from "./program.ts";

/** The addresses of words that the threads share. What is written often has a cache line of its own. */
export const control = {
  /**
   * Twice the count of steps that were begun (30 bits of it), plus 1 while there is one to do. What a step is follows from the words
   * of its job, which do not change while there is one to do. Negative: the end, because all are to stop or one
   * has failed.
   */
  phase: 0,
  /** Threads that sleep until the phase changes. */
  sleepers: 64,
  /** Units of the step that are done. */
  done: 128,
  /** The job: its steps, in how many parts they are dealt out, and the count of its first step. */
  first: 192,
  last: 196,
  parts: 200,
  base: 204,
  /** Threads that have joined the main one. */
  joined: 256,
  /** 1 where the main thread may sleep; the one of a page may not. */
  mayWait: 320,
  /** Not 0: only an eighth of each piece is done, to show the engine what it will have to do. */
  sampling: 324,
  /** Four accumulators; `digest` leaves the result in the first. */
  checksum: 384,
} as const;

export const controlBytes = 1024;

/** A cache line at the start of each thread's memory, for the count of its part's pieces that are taken. */
export const lineBytes = 64;

/**
 * Pieces of a part, each a call of the kernel: so that slow processors do not hold up fast ones, and because an
 * engine takes its optimised code when a function is called.
 */
const pieces = 8;

/** 20 to 50 microseconds: less than it takes to fall asleep and be woken, more than most threads differ by. */
const spins = 30_000;

export interface RuntimeLayout {
  /** Where the steps are. */
  readonly program: number;
  /** Thread t has `scratchBytes` from `scratch` + t `scratchBytes`: its line, then what kernels use. */
  readonly scratch: number;
  readonly scratchBytes: number;
}

/** Exports `execute`, `join`, `work`, `checksum` and `digest`. */
export function addRuntime(module: ModuleBuilder, layout: RuntimeLayout): void {
  const lineOf = (thread: I32) => i32.add(layout.scratch, i32.mul(thread, layout.scratchBytes));
  const wait = addWait(module);
  const takePieces = addTakePieces(module, lineOf);
  const work = addWork(module, wait, takePieces, layout.program);
  module.export("execute", addExecute(module, work, lineOf));
  module.export("join", addJoin(module));
  module.export("work", work);
  module.export("checksum", addChecksum(module));
  module.export("digest", addDigest(module));
}

// ---- threads ------------------------------------------------------------------------------------

type LineOf = (thread: I32) => Value<"i32">;

/** wait(phase, mayWait): returns when the phase is another. */
function addWait(module: ModuleBuilder): FunctionRef {
  return module.function("wait", { params: ["i32", "i32"] }, (f) => {
    const [phase, mayWait] = f.params as Local<"i32">[];
    const spun = f.let("i32", 0);
    f.loop((again) => {
      f.if(i32.ne(atomics.load(control.phase), phase), () => f.return());
      f.increment(spun, 1);
      f.branchIf(again, i32.lt_u(spun, spins));
      f.if(mayWait, () => {
        // Who changes the phase looks for sleepers behind that: it sees this one, or this one does not fall asleep.
        f.drop(atomics.add(control.sleepers, 1));
        f.drop(atomics.wait32(control.phase, phase));
        f.drop(atomics.add(control.sleepers, -1));
      });
      f.branch(again);
    });
  });
}

function setPhase(f: FunctionBuilder, phase: I32): void {
  f.atomicStore(control.phase, phase);
  f.if(atomics.load(control.sleepers), () => f.drop(atomics.notify(control.phase, -1)));
}

/** The phase behind the step of this one. */
const phaseBehind = (phase: Value<"i32">, isMore: Value<"i32">): Value<"i32"> =>
  i32.or(i32.and(i32.add(phase, 1), 0x7ffffffe), isMore);

/**
 * What a line counts, with the step it belongs to, which is the lower 24 bits of the step's count: a line that is
 * behind has none taken of this step, one that is ahead has more than there are.
 */
const tagOf = (phase: Value<"i32">): Value<"i32"> => i32.shl(i32.shr_u(phase, 1), 8);

/**
 * takePieces(thread, phase, step, owner, parts): does pieces of the owner's part until all are taken, and gives
 * the number of units done. Of an older phase, nothing is left to take.
 */
function addTakePieces(module: ModuleBuilder, lineOf: LineOf): FunctionRef {
  return module.function("takePieces", { params: Array(5).fill("i32"), result: "i32" }, (f) => {
    const [thread, phase, step, owner, parts] = f.params as Local<"i32">[];
    const scratch = f.let("i32", i32.add(lineOf(thread), lineBytes));
    const line = f.let("i32", lineOf(owner));
    const tag = f.let("i32", tagOf(phase));
    const units = f.let("i32", i32.load(step, 4));
    // The first of n parts has ceil(units / n): it is the main thread's, which is there first.
    const start = (part: I32) =>
      i32.add(
        i32.mul(i32.div_u(units, parts), part),
        i32.div_u(i32.add(i32.mul(i32.rem_u(units, parts), part), i32.sub(parts, 1)), parts),
      );
    const from = f.let("i32", start(owner));
    const size = f.let("i32", i32.sub(start(i32.add(owner, 1)), from));
    const ceilDiv = (value: I32, by: number) => i32.div_u(i32.add(value, by - 1), i32.const(by));
    const piece = f.let("i32", ceilDiv(size, pieces));
    const done = f.let("i32", 0);
    const [found, taken] = [f.local("i32"), f.local("i32")];
    f.loop((again) => {
      f.set(found, atomics.load(line));
      f.set(taken, i32.max_s(i32.sub(found, tag), i32.const(0)));
      f.if(i32.ge_u(taken, pieces), () => f.return(done));
      f.if(i32.ge_u(i32.mul(taken, piece), size), () => f.return(done));
      const more = i32.add(tag, taken, 1);
      f.branchIf(again, i32.ne(atomics.cmpxchg(line, found, more), found));
      const offset = f.let("i32", i32.mul(taken, piece));
      const length = f.let("i32", i32.min_u(piece, i32.sub(size, offset)));
      const begin = f.let("i32", i32.add(from, offset));
      const addresses = [8, 12, 16, 20, 24, 28].map((place) => i32.load(step, place));
      const end = i32.add(begin, select(ceilDiv(length, 8), length, i32.load(control.sampling)));
      const args = [...addresses, begin, end, scratch];
      f.do(module.callIndirect(stepSignature, i32.load(step), args));
      f.increment(done, length);
      f.branch(again);
    });
    f.unreachable();
  });
}

/** work(thread): the life of a thread, until the end; the main one returns when a job is done. */
function addWork(
  module: ModuleBuilder,
  wait: FunctionRef,
  takePieces: FunctionRef,
  program: number,
): FunctionRef {
  return module.function("work", { params: ["i32"] }, (f) => {
    const [thread] = f.params as Local<"i32">[];
    const [phase, index, last, parts, step] = Array.from({ length: 5 }, () => f.local("i32"));
    const [owner, turns, done] = Array.from({ length: 3 }, () => f.local("i32"));
    const mayWait = i32.or(thread, i32.load(control.mayWait));
    f.loop((again) => {
      f.set(phase, atomics.load(control.phase));
      f.if(i32.lt_s(phase, 0), () => f.return());
      f.if(i32.eqz(i32.and(phase, 1)), () => {
        f.if(i32.eqz(thread), () => f.return());
        f.do(wait.call("i32", phase, mayWait));
        f.branch(again);
      });
      const begun = i32.and(i32.sub(i32.shr_u(phase, 1), atomics.load(control.base)), 0x3fffffff);
      f.set(index, i32.add(atomics.load(control.first), begun));
      f.set(parts, atomics.load(control.parts));
      f.set(last, atomics.load(control.last));
      // Another phase by now: what was read may be of another job. All of it is atomic, so that it keeps its order.
      f.branchIf(again, i32.ne(atomics.load(control.phase), phase));
      f.set(step, i32.add(program, i32.mul(index, stepBytes)));
      f.set(owner, i32.rem_u(thread, parts));
      f.set(turns, parts);
      f.set(done, 0);
      f.loop((next) => {
        f.increment(done, takePieces.call("i32", thread, phase, step, owner, parts));
        f.increment(owner, 1);
        f.if(i32.eq(owner, parts), () => f.set(owner, 0));
        f.increment(turns, -1);
        f.branchIf(next, turns);
      });
      f.if(done, () => {
        f.set(done, i32.add(atomics.add(control.done, done), done));
        f.if(i32.eq(done, i32.load(step, 4)), () => {
          f.atomicStore(control.done, 0);
          setPhase(f, phaseBehind(phase, i32.lt_u(i32.add(index, 1), last)));
          f.branch(again);
        });
      });
      f.do(wait.call("i32", phase, mayWait));
      f.branch(again);
    });
  });
}

/** execute(first, last): does the steps on all threads there are. For the main thread. */
function addExecute(module: ModuleBuilder, work: FunctionRef, lineOf: LineOf): FunctionRef {
  return module.function("execute", { params: ["i32", "i32"] }, (f) => {
    const [first, last] = f.params as Local<"i32">[];
    f.if(i32.ge_u(first, last), () => f.return());
    const phase = f.let("i32", atomics.load(control.phase));
    const parts = f.let("i32", i32.add(atomics.load(control.joined), 1));
    // Lines of new threads must not be so far behind that they look ahead.
    const line = f.local("i32");
    f.for(line, i32.load(control.parts), parts, 1, () => f.store(lineOf(line), tagOf(phase)));
    f.atomicStore(control.first, first);
    f.atomicStore(control.last, last);
    f.atomicStore(control.parts, parts);
    f.atomicStore(control.base, i32.shr_u(phase, 1));
    setPhase(f, i32.or(phase, 1));
    f.do(work.call("i32", 0));
    f.if(i32.lt_s(atomics.load(control.phase), 0), () => f.unreachable());
  });
}

/** join(): the number of a further thread, which now may work. */
function addJoin(module: ModuleBuilder): FunctionRef {
  return module.function("join", { params: [], result: "i32" }, (f) => {
    f.return(i32.add(atomics.add(control.joined, 1), 1));
  });
}

// ---- checksum -----------------------------------------------------------------------------------

const [prime1, prime2, prime3] = checksumPrimes;

const rotate = (value: ReturnType<typeof i32x4.splat>, by: number) =>
  v128.or(i32x4.shl(value, by), i32x4.shr_u(value, 32 - by));

/** checksum(address, bytes): takes up memory; `bytes` is a multiple of 16. See checksum.ts. */
function addChecksum(module: ModuleBuilder): FunctionRef {
  return module.function("checksum", { params: ["i32", "i32"] }, (f) => {
    const [address, bytes] = f.params as Local<"i32">[];
    const primes = [prime1, prime2].map((prime) => f.let("v128", i32x4.const(prime)));
    const places = [0, 16, 32, 48];
    const sums = places.map((offset) => f.let("v128", v128.load(control.checksum, offset)));
    const end = f.let("i32", i32.add(address, bytes));
    const take = (i: number) => {
      const taken = i32x4.add(sums[i], i32x4.mul(v128.load(address, places[i]), primes[1]));
      const held = f.let("v128", taken);
      f.set(sums[i], i32x4.mul(rotate(held, checksumBlock.rotation), primes[0]));
    };
    f.block((done) => {
      f.loop((again) => {
        f.branchIf(done, i32.lt_u(i32.sub(end, address), checksumBlock.bytes));
        for (const i of places.keys()) f.scope(() => take(i));
        f.increment(address, checksumBlock.bytes);
        f.branch(again);
      });
    });
    for (const i of [0, 1, 2]) f.if(i32.gt_u(i32.sub(end, address), places[i]), () => f.scope(() => take(i)));
    sums.forEach((sum, i) => {
      f.store(control.checksum, sum, places[i]);
    });
  });
}

/** digest(bytes): folds the accumulators into 128 bits, with the length of everything taken up. */
function addDigest(module: ModuleBuilder): FunctionRef {
  return module.function("digest", { params: ["i32"] }, (f) => {
    const [bytes] = f.params as Local<"i32">[];
    const sum = f.let("v128", i32x4.splat(bytes));
    checksumRotations.forEach((rotation, i) => {
      const part = f.let("v128", v128.load(control.checksum, 16 * i));
      f.set(sum, i32x4.add(sum, rotate(part, rotation)));
    });
    const mix = (shift: number, prime: number) =>
      f.set(sum, i32x4.mul(v128.xor(sum, i32x4.shr_u(sum, shift)), i32x4.const(prime)));
    mix(15, prime2);
    mix(13, prime3);
    f.set(sum, v128.xor(sum, i32x4.shr_u(sum, 16)));
    f.store(control.checksum, sum);
  });
}
