/** The wasm target's generated module in Node: loading, running, and every way either goes wrong. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { runWasm, startWasm } from "../src/run/wasm.ts";
import { messageOf } from "./support/message-of.ts";
import { makeToy, unlucky } from "./support/toy-image.ts";
import { contentsOf, importToy, type LoadedToy } from "./support/toy-net.ts";
import { watchdog } from "./support/watchdog.ts";

watchdog(100);

const toy = makeToy();
const floats = 240;
const { load } = await importToy(toy);
const weights = contentsOf(toy, ".weights");
const wasm = contentsOf(toy, ".wasm");
const files = { wasm, weights };
const picture = (seed = 0) => Float32Array.from({ length: floats }, (_, i) => ((i * 37 + seed) % 11) - 5);

/** Loads, works, and disposes of the network whatever happens. */
async function withNet<T>(
  options: Parameters<typeof load>[0],
  work: (net: LoadedToy) => T | Promise<T>,
): Promise<T> {
  const net = await load({ ...files, ...options });
  try {
    return await work(net);
  } finally {
    net.dispose();
  }
}

/** Changes a property for a while. */
async function withPatch<T extends object>(
  target: T,
  name: keyof T,
  value: unknown,
  work: () => Promise<void>,
): Promise<void> {
  const before = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, { value, configurable: true, writable: true });
  try {
    await work();
  } finally {
    if (before) Object.defineProperty(target, name, before);
    else delete target[name];
  }
}

// ---- running ------------------------------------------------------------------------------------

for (const threads of [1, 2, 3, 4, 5, 6, 7, 8]) {
  test(`${threads} threads: pictures and batches give the same bits`, () =>
    withNet({ threads }, ({ run, info }) => {
      assert.equal(info.threads, { used: threads, why: "as asked for" });
      for (let round = 0; round < 50; round++) {
        const { all, half } = run({ input: picture(round) });
        assert.equal(all, toy.expected(picture(round)));
        assert.equal(half, all.slice(0, floats / 2));
      }
      const batch = Float32Array.from([0, 1, 2].flatMap((seed) => [...picture(seed)]));
      const { all, half } = run({ input: batch });
      for (const seed of [0, 1, 2]) {
        const expected = toy.expected(picture(seed));
        assert.equal(all.slice(seed * floats, (seed + 1) * floats), expected);
        assert.equal(
          half.slice((seed * floats) / 2, ((seed + 1) * floats) / 2),
          expected.slice(0, floats / 2),
        );
      }
    }));
}

test("results go into arrays that are given", () =>
  withNet({ threads: 2 }, ({ run }) => {
    const input = Float32Array.from([...picture(3), ...picture(4)]);
    const given = { all: new Float32Array(2 * floats), half: new Float32Array(floats), more: 1 };
    assert.is(run({ input }, given), given);
    assert.equal(given.all.slice(floats), toy.expected(picture(4)));
    assert.equal(given.half.slice(0, floats / 2), toy.expected(picture(3)).slice(0, floats / 2));
  }));

test("with arrays given, runs take no memory", () =>
  withNet({ threads: 2 }, ({ run, info }) => {
    const [input, given] = [picture(), { all: new Float32Array(floats), half: new Float32Array(floats / 2) }];
    const arrays = () => process.memoryUsage().arrayBuffers;
    const before = [arrays(), info.bytes.memory];
    for (let i = 0; i < 1000; i++) run({ input }, given);
    assert.equal([arrays(), info.bytes.memory], before);
  }));

test("what it says about itself", () =>
  withNet({}, ({ info }) => {
    assert.is(info.name, "toy");
    const processors = availableParallelism();
    const more = processors > 8 ? ", of which auto takes 8" : "";
    assert.equal(
      info.threads,
      processors > 1
        ? { used: Math.min(processors, 8), why: `processors: ${processors}${more}` }
        : { used: 1, why: "processors: 1" },
    );
    assert.is(info.bytes.weights, weights.length);
    assert.is(info.bytes.memory, 65536);
    assert.throws(() => Object.assign(info, { name: "other" }), /read only/);
    assert.throws(() => Object.assign(info.threads, { used: 9 }), /read only/);
  }));

test("warming up and measuring leave the results as they are", () =>
  withNet({ threads: 2 }, async ({ run, warmUp, profile }) => {
    await warmUp();
    const times = profile({ input: picture() }, 3);
    assert.is(times.length, toy.image.run.length);
    assert.ok(times.every((ms) => ms >= 0 && ms < 1000));
    assert.equal(run({ input: picture() }).all, toy.expected(picture()));
  }));

test("wrong inputs and outputs are told by name", () =>
  withNet({ threads: 1 }, async ({ run }) => {
    const input = picture();
    const all = new Float32Array(floats);
    const cases: readonly (readonly [unknown, unknown, string])[] = [
      [undefined, undefined, "The inputs must be an object with input, not undefined."],
      [{}, undefined, 'The input "input" is missing.'],
      [{ input, b: input }, undefined, 'There is no input "b"; this network takes input.'],
      [{ input: [1] }, undefined, 'The input "input" must be a Float32Array, not Array.'],
      [
        { input: new Float32Array(7) },
        undefined,
        `The input "input" takes 240 values a picture (2 x 30 x 4), this has 7.`,
      ],
      [{ input }, null, 'The output "all" must be a Float32Array, not undefined.'],
      [{ input }, { all }, 'The output "half" must be a Float32Array, not undefined.'],
      [{ input }, { all, half: [] }, 'The output "half" must be a Float32Array, not Array.'],
      [{ input }, { all, half: all }, 'The output "half" has 120 values for a batch of 1, this has 240.'],
    ];
    for (const [given, results, message] of cases)
      assert.is(await messageOf(() => run(given, results)), message);
  }));

test("a network that was disposed of says so", async () => {
  for (const threads of [1, 3]) {
    const net = await load({ ...files, threads });
    net.dispose();
    net.dispose();
    const given = { input: picture() };
    for (const use of [() => net.run(given), () => net.warmUp(), () => net.profile(given)])
      assert.is(await messageOf(use), "This network was disposed of.");
    assert.is(net.info.threads.used, threads);
  }
});

test("a network whose kernel fails ends, whichever thread it was", async () => {
  for (const threads of [1, 4]) {
    for (const place of [0, floats - 1]) {
      for (let round = 0; round < 5; round++) {
        const net = await load({ ...files, threads });
        const input = picture();
        assert.equal(net.run({ input }).all, toy.expected(input));
        input[place] = unlucky;
        assert.is(
          await messageOf(() => net.run({ input })),
          "The network failed and was disposed of: unreachable.",
        );
        assert.is(await messageOf(() => net.run({ input })), "This network was disposed of.");
      }
    }
  }
});

test("the same without a disk: for the command line", async () => {
  const shape = [2, 2, 30, 4];
  const inputs = { input: { shape, data: Float32Array.from([...picture(1), ...picture(2)]) } };
  for (const threads of ["auto", 1, 3] as const) {
    const { all, half } = await runWasm({ artifacts: toy.artifacts, threads, inputs });
    assert.equal(
      [all.shape, half.shape],
      [
        [2, 1, 1, floats],
        [2, 1, 1, floats / 2],
      ],
    );
    assert.equal(all.data.slice(floats), toy.expected(picture(2)));
  }
  const net = await startWasm({ artifacts: toy.artifacts, threads: 2 });
  const times = net.profile(inputs, 2);
  assert.equal(
    times.map(({ label }) => label),
    toy.image.run.map(({ label }) => label),
  );
  net.dispose();
});

// ---- threads ------------------------------------------------------------------------------------

test("a wrong number of threads is told", async () => {
  for (const [threads, shown] of [
    [0, "0"],
    [-1, "-1"],
    [1.5, "1.5"],
    [65, "65"],
    ["many", '"many"'],
    [null, "null"],
  ] as const) {
    assert.is(
      await messageOf(() => load({ ...files, threads })),
      `threads must be "auto" or a number from 1 to 64, this is ${shown}.`,
    );
  }
});

/** Loads with three threads, of which there will be one, and gives the reason. */
async function whyAlone(loadHere = load): Promise<string> {
  const net = await loadHere({ ...files, threads: 3 });
  assert.is(net.info.threads.used, 1);
  assert.equal(net.run({ input: picture() }).all, toy.expected(picture()));
  net.dispose();
  return net.info.threads.why;
}

test("without shared memory there is one thread, and the reason", async () => {
  await withPatch(globalThis as { crossOriginIsolated?: boolean }, "crossOriginIsolated", false, async () => {
    assert.is(await whyAlone(), "the page is not cross-origin isolated");
  });
  await withPatch(globalThis, "SharedArrayBuffer", undefined, async () => {
    assert.is(await whyAlone(), "there is no shared memory here");
  });
});

/** Refuses memory: of one kind, or any. */
const stingy = (refuses: (descriptor: WebAssembly.MemoryDescriptor) => boolean | undefined) => {
  const { Memory } = WebAssembly;
  return class extends Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      if (refuses(descriptor)) throw new RangeError("could not allocate memory");
      super(descriptor);
    }
  };
};

test("memory that cannot be had is told in megabytes; shared memory is given up first", async () => {
  const refused = "1 MB of memory, which cannot be had here: could not allocate memory";
  await withPatch(
    WebAssembly,
    "Memory",
    stingy(({ shared }) => shared),
    async () => {
      assert.is(await whyAlone(), `3 threads would need ${refused}`);
    },
  );
  await withPatch(
    WebAssembly,
    "Memory",
    stingy(() => true),
    async () => {
      for (const threads of [1, 3])
        assert.is(await messageOf(() => load({ ...files, threads })), `This network needs ${refused}.`);
    },
  );
});

test("an engine without SIMD is told", () =>
  withPatch(
    WebAssembly,
    "validate",
    () => false,
    async () => {
      assert.is(
        await messageOf(() => load(files)),
        "This engine has no WebAssembly SIMD, which the network needs.",
      );
    },
  ));

/** Does the work in a module that gets this class for node:worker_threads. */
function withWorker(Worker: unknown, work: (loadHere: typeof load) => Promise<void>): Promise<void> {
  const { getBuiltinModule } = process;
  const patched = (name: string) =>
    name === "node:worker_threads" ? { Worker } : getBuiltinModule(name as "node:os");
  return withPatch(process, "getBuiltinModule", patched, async () => work((await importToy(toy)).load));
}

test("threads that do not start are not waited for", async () => {
  const forbidden = class {
    constructor() {
      throw new Error("workers are not allowed");
    }
  };
  await withWorker(forbidden, async (loadHere) => {
    assert.is(await whyAlone(loadHere), "2 of 3 did not start: workers are not allowed");
  });
  const dying = class {
    on(event: string, listener: (error: Error) => void) {
      if (event === "error") setTimeout(() => listener(new Error("out of memory")), 5);
      return this;
    }
    unref() {}
    terminate() {}
  };
  await withWorker(dying, async (loadHere) => {
    assert.is(await whyAlone(loadHere), "2 of 3 did not start: out of memory");
  });
  const silent = class {
    on() {
      return this;
    }
    unref() {}
    terminate() {}
  };
  await withWorker(silent, async (loadHere) => {
    assert.is(await whyAlone(loadHere), "2 of 3 did not start: no answer");
  });
});

// ---- files --------------------------------------------------------------------------------------

const page = "<!DOCTYPE html><html><body>Not found</body></html>";
const cutOff = "the file is cut off or belongs to another build.";
const tooLong = "they belong to another build.";

test("bytes that do not fit are told", async () => {
  const flipped = (bytes: Uint8Array, at: number) => {
    const changed = bytes.slice();
    changed[at] ^= 4;
    return changed;
  };
  const other = makeToy({ seed: 1 });
  const otherProgram = contentsOf(makeToy({ floats: floats + 8 }), ".wasm");
  assert.is(otherProgram.length, wasm.length);
  const damaged = "The weights are damaged or belong to another build: their checksum is wrong.";
  const cases: readonly (readonly [Parameters<typeof load>[0], string | RegExp])[] = [
    [{ weights: weights.subarray(0, 100) }, `The weights have 100 bytes instead of 1920: ${cutOff}`],
    [{ weights: weights.subarray(0, 1900) }, `The weights have 1900 bytes instead of 1920: ${cutOff}`],
    [{ weights: new ArrayBuffer(0) }, `The weights have 0 bytes instead of 1920: ${cutOff}`],
    [
      { weights: new Uint8Array(1924) },
      `The weights have more than the 1920 bytes of this network: ${tooLong}`,
    ],
    [
      { weights: new TextEncoder().encode(page) },
      "The weights are an HTML page: the server answers with a page instead of the file.",
    ],
    [{ weights: "toy.weights" }, 'The weights must be bytes or a URL, this is "toy.weights".'],
    [{ weights: 7 }, "The weights must be bytes or a URL, this is 7."],
    [{ weights: flipped(weights, 0) }, damaged],
    [{ weights: flipped(weights, 1919) }, damaged],
    [{ weights: contentsOf(other, ".weights") }, damaged],
    [{ wasm: wasm.subarray(0, 100) }, `The kernels have 100 bytes instead of ${wasm.length}: ${cutOff}`],
    [
      { wasm: new TextEncoder().encode(page.padEnd(wasm.length + 1)) },
      "The kernels are an HTML page: the server answers with a page instead of the file.",
    ],
    [{ wasm: "toy.wasm" }, 'The kernels must be bytes or a URL, this is "toy.wasm".'],
    [{ wasm: flipped(wasm, 5) }, /^The kernels cannot be compiled: WebAssembly\.compile\(\): .*\.$/],
    [{ wasm: otherProgram }, "The kernels belong to another build."],
  ];
  for (const [options, message] of cases) {
    for (const threads of [1, 2]) {
      const told = await messageOf(() => load({ ...files, ...options, threads }));
      if (typeof message === "string") assert.is(told, message);
      else assert.match(told, message);
    }
  }
  // The same kernels serve other weights of the same network.
  await (await importToy(other))
    .load({ wasm, weights: contentsOf(other, ".weights") })
    .then((net) => net.dispose());
});

test("bytes may be a view into something larger, at any place", () => {
  const shifted = new Uint8Array(weights.length + 9);
  shifted.set(weights, 5);
  const view = shifted.subarray(5, 5 + weights.length);
  return withNet({ weights: view, wasm: new Uint8Array(wasm).buffer }, ({ run }) => {
    assert.equal(run({ input: picture() }).all, toy.expected(picture()));
  });
});

test("files on a disk: read in pieces, and told when they are wrong", async () => {
  const folder = mkdtempSync(join(tmpdir(), "resnetc-test-"));
  try {
    const size = 1 << 21;
    const large = makeToy({ floats: size, mixes: 1 });
    for (const { path, contents } of large.artifacts) writeFileSync(join(folder, path), contents);
    const at = (name: string) => pathToFileURL(join(folder, name));
    const { load: loadLarge } = await importToy(large);
    const urls = { weights: at("toy.weights"), wasm: at("toy.wasm").href };
    for (const threads of [1, 2]) {
      const steps: number[] = [];
      const onProgress = ({ loaded, total }: { loaded: number; total: number }) => {
        assert.is(total, 8 * size);
        steps.push(loaded);
      };
      const net = await loadLarge({ ...urls, threads, onProgress });
      // Chunks of four, eight and four megabytes, four at a time.
      assert.equal(
        steps,
        [1, 2, 3, 4].map((i) => i * 2 * size),
      );
      const input = Float32Array.from({ length: size }, (_, i) => i % 5);
      assert.equal(net.run({ input }).all.subarray(0, 1000), large.expected(input).subarray(0, 1000));
      net.dispose();
    }
    writeFileSync(join(folder, "short"), contentsOf(large, ".weights").subarray(0, 5_000_000));
    assert.is(
      await messageOf(() => loadLarge({ ...urls, weights: at("short") })),
      `The weights ${at("short")} have 5000000 bytes instead of ${8 * size}: ${cutOff}`,
    );
    for (const [name, what] of [
      ["wasm", "kernels"],
      ["weights", "weights"],
    ]) {
      const told = await messageOf(() => loadLarge({ ...urls, [name]: at("missing") }));
      assert.match(told, new RegExp(`^The ${what} file:.*missing cannot be read: ENOENT.*\\.$`));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("files over HTTP: progress, and each way it goes wrong", async () => {
  const answers: Record<string, RequestListener> = {
    "/toy.wasm": (_, response) => response.setHeader("content-type", "application/wasm").end(wasm),
    "/plain.wasm": (_, response) => response.setHeader("content-type", "text/plain").end(wasm),
    "/odd.wasm": (_, response) => response.setHeader("content-type", "application/wasm; x=y").end(wasm),
    "/untyped.wasm": (_, response) => response.end(wasm),
    "/bad.wasm": (_, response) =>
      response.setHeader("content-type", "application/wasm").end(wasm.subarray(0, 200)),
    "/torn.wasm": (_, response) => {
      response.writeHead(200, { "content-type": "application/wasm", "content-length": wasm.length });
      response.write(wasm.subarray(0, 200));
      setTimeout(() => response.destroy(), 30);
    },
    "/fine": (_, response) => response.end(weights),
    "/slow": (_, response) => {
      response.write(weights.subarray(0, 1001));
      setTimeout(() => response.end(weights.subarray(1001)), 30);
    },
    "/missing": (_, response) => response.writeHead(404).end("no"),
    "/page": (_, response) => response.end(`<!doctype html>${" ".repeat(9999)}`),
    "/short": (_, response) => response.end(weights.subarray(0, 400)),
    "/long": (_, response) => response.end(Buffer.concat([weights, weights])),
    "/never": (_, response) => response.write(weights.subarray(0, 400)),
  };
  const server = createServer((request, response) => answers[request.url ?? ""](request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const at = (path: string) => `${origin}${path}`;
  try {
    for (const kernels of ["/toy.wasm", "/plain.wasm", "/odd.wasm", "/untyped.wasm"]) {
      for (const path of ["/fine", "/slow"]) {
        for (const threads of [1, 2]) {
          const steps: number[] = [];
          const onProgress = ({ loaded, total }: { loaded: number; total: number }) => {
            assert.is(total, weights.length);
            steps.push(loaded);
          };
          const options = { wasm: at(kernels), weights: new URL(at(path)), threads, onProgress };
          await withNet(options, ({ run }) => {
            assert.equal(run({ input: picture() }).all, toy.expected(picture()));
          });
          assert.equal(
            steps,
            [...steps].sort((a, b) => a - b),
          );
          assert.is(steps.at(-1), weights.length);
          if (path === "/slow") assert.ok(steps.includes(1001), "progress is told as it is made");
        }
      }
    }
    const short = `have 400 bytes instead of ${weights.length}: ${cutOff}`;
    const html = "are an HTML page: the server answers with a page instead of the file.";
    const wrong: Record<string, string> = {
      "/missing": `The weights ${at("/missing")} cannot be fetched: HTTP 404.`,
      "/page": `The weights ${at("/page")} ${html}`,
      "/short": `The weights ${at("/short")} ${short}`,
      "/long": `The weights ${at("/long")} have more than the 1920 bytes of this network: ${tooLong}`,
    };
    for (const [path, message] of Object.entries(wrong)) {
      for (const threads of [1, 2])
        assert.is(await messageOf(() => load({ wasm, weights: at(path), threads })), message);
    }
    const wrongKernels: Record<string, RegExp> = {
      "/missing": /^The kernels http:\S* cannot be fetched: HTTP 404\.$/,
      "/page": /^The kernels http:\S* are an HTML page: /,
      "/short": /^The kernels http:\S* have 400 bytes instead of \d+: the file is cut off /,
      "/bad.wasm": /^The kernels http:\S* cannot be compiled: WebAssembly.compileStreaming\(\): .*\.$/,
      "/torn.wasm": /^The kernels http:\S* cannot be fetched: terminated\.$/,
    };
    for (const [path, message] of Object.entries(wrongKernels))
      assert.match(await messageOf(() => load({ wasm: at(path), weights, threads: 1 })), message);

    for (const threads of [1, 2]) {
      const giving = new AbortController();
      const onProgress = () => giving.abort(new Error("the user left"));
      const options = { wasm, weights: at("/never"), threads, onProgress, signal: giving.signal };
      assert.is(await messageOf(() => load(options)), "the user left");
      assert.is(await messageOf(() => load({ ...options, onProgress: () => {} })), "the user left");
    }
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  const refused = await messageOf(() => load({ wasm, weights: at("/fine") }));
  assert.is(refused, `The weights ${at("/fine")} cannot be fetched: fetch failed.`);
});

test.run();
