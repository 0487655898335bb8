/** How the wasm target's weights arrive: in several files, cut off on the way, or as a cache has kept them too long. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { runWasm } from "../src/run/wasm.ts";
import { messageOf } from "./support/message-of.ts";
import { makeToy } from "./support/toy-image.ts";
import { contentsOf, importToy } from "./support/toy-net.ts";
import { watchdog } from "./support/watchdog.ts";

watchdog(100);

const floats = 240;
const size = 8 * floats;
const toy = makeToy();
const other = makeToy({ seed: 1 });
const parted = makeToy({ shardBytes: 700 });
const [weights, wasm] = [contentsOf(toy, ".weights"), contentsOf(toy, ".wasm")];
const { load } = await importToy(toy);
const { load: loadParted } = await importToy(parted);
const input = Float32Array.from({ length: floats }, (_, i) => ((i * 37) % 11) - 5);
type Options = NonNullable<Parameters<typeof load>[0]>;

/** The result is right, whichever way the files came. */
async function loads(options: Options, how = load): Promise<void> {
  const net = await how({ wasm, threads: 1, ...options });
  assert.equal(net.run({ input }).all, toy.expected(input));
  net.dispose();
}

type Answer = (request: IncomingMessage, response: ServerResponse, times: number) => void;

/** A server of the one path's answer; gives its address and the headers that came. */
async function answering(
  answer: Answer,
  work: (at: (path?: string) => string, asked: IncomingMessage[]) => Promise<void>,
): Promise<void> {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => answer(request, response, asked.push(request)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await work((path = "/toy.weights") => `http://127.0.0.1:${port}${path}`, asked);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Sends a part of what was asked for, then cuts the line; all of it when there is no `most`. */
function send(
  response: ServerResponse,
  bytes: Uint8Array,
  from: number,
  status: number,
  most?: number,
): void {
  const rest = bytes.subarray(from);
  response.writeHead(status, { "content-length": rest.length });
  if (most === undefined) {
    response.end(rest);
    return;
  }
  response.flushHeaders();
  if (most > 0) response.write(rest.subarray(0, most));
  setTimeout(() => response.destroy(), 20);
}

const startOf = ({ headers }: IncomingMessage): number =>
  Number(/bytes=(\d+)-/.exec(headers.range ?? "")?.[1] ?? 0);

/** Timers that do not wait; gives the waits that were asked for. */
async function hurrying(work: () => Promise<void>): Promise<number[]> {
  const { setTimeout: slow } = globalThis;
  const waits: number[] = [];
  globalThis.setTimeout = ((run: () => void, ms = 0, ...more: unknown[]) => {
    const isOurs = [300, 600, 1200, 2400, 4800].includes(ms);
    if (isOurs) waits.push(ms);
    return slow(run, isOurs ? 1 : ms, ...more);
  }) as typeof slow;
  try {
    await work();
  } finally {
    globalThis.setTimeout = slow;
  }
  return waits;
}

// ---- cut off ------------------------------------------------------------------------------------

test("a download that is cut off goes on where it was cut", () =>
  answering(
    (request, response, times) => {
      const from = startOf(request);
      send(response, weights, from, from > 0 ? 206 : 200, times < 4 ? 500 : undefined);
    },
    async (at, asked) => {
      const steps: number[] = [];
      const waits = await hurrying(() =>
        loads({ weights: at(), onProgress: ({ loaded }) => steps.push(loaded) }),
      );
      assert.equal(
        asked.map(({ headers }) => headers.range),
        [undefined, "bytes=500-", "bytes=1000-", "bytes=1500-"],
      );
      assert.equal(waits, [300, 600, 1200]);
      // Chunks of 480, 960 and 480 bytes end in between.
      assert.equal(steps, [480, 500, 1000, 1440, 1500, 1920]);
    },
  ));

test("a server that knows no ranges is asked for all of it, and what is known is left out", () =>
  answering(
    (_, response, times) => send(response, weights, 0, 200, [1100, 300, 1500][times - 1]),
    async (at, asked) => {
      await hurrying(() => loads({ weights: at() }));
      assert.is(asked.length, 4);
    },
  ));

test("a download that is cut off again and again ends with a sentence", async () => {
  for (const [answer, why] of [
    [
      (request, response) => send(response, weights, startOf(request), 200, startOf(request) === 0 ? 400 : 0),
      "terminated",
    ],
    [
      (request, response, times) =>
        times === 1 ? send(response, weights, startOf(request), 200, 400) : response.writeHead(503).end(),
      "HTTP 503",
    ],
  ] as const satisfies readonly (readonly [Answer, string])[]) {
    await answering(answer, async (at, asked) => {
      const waits = await hurrying(async () => {
        assert.is(
          await messageOf(() => loads({ weights: at() })),
          `The weights ${at()} cannot be fetched: ${why}; 5 more tries, from byte 400 on, failed too.`,
        );
      });
      assert.is(asked.length, 6);
      assert.equal(waits, [300, 600, 1200, 2400, 4800]);
    });
  }
});

test("tries that come far do not count", async () => {
  const large = makeToy({ floats: 2 ** 20, mixes: 1 });
  const bytes = contentsOf(large, ".weights");
  const { load: loadLarge } = await importToy(large);
  // Eight megabytes, cut seven times.
  await answering(
    (request, response) => {
      const from = startOf(request);
      send(response, bytes, from, from > 0 ? 206 : 200, bytes.length - from > 1.2e6 ? 1.2e6 : undefined);
    },
    async (at, asked) => {
      const waits = await hurrying(async () => {
        const net = await loadLarge({ wasm: contentsOf(large, ".wasm"), weights: at(), threads: 1 });
        net.dispose();
      });
      assert.is(asked.length, 7);
      assert.ok(waits.length === 6 && Math.max(...waits) <= 600, waits.join());
    },
  );
});

test("who gives up while it waits is told at once", () =>
  answering(
    (_, response) => send(response, weights, 0, 200, 400),
    async (at, asked) => {
      const giving = new AbortController();
      const start = performance.now();
      setTimeout(() => giving.abort(new Error("the user left")), 150);
      assert.is(await messageOf(() => loads({ weights: at(), signal: giving.signal })), "the user left");
      assert.ok(performance.now() - start < 290, "it waited");
      assert.is(asked.length, 1);
    },
  ));

test("what was given up is not asked for any more", () =>
  answering(
    ({ url }, response) => {
      // The second part is cut off at once, while the first one says that nothing fits.
      if (url === "/2") send(response, weights, 0, 200, 0);
      else {
        response.write("<!doctype ");
        setTimeout(() => response.end("html>"), 100);
      }
    },
    async (at, asked) => {
      const weights = ["/1", "/2", "/3"].map(at);
      assert.match(await messageOf(() => loads({ weights }, loadParted)), /HTML page/);
      const before = asked.length;
      await new Promise((resolve) => setTimeout(resolve, 700));
      assert.is(asked.length, before);
    },
  ));

// ---- another build ------------------------------------------------------------------------------

test("what a cache has kept of another build is asked for again, past caches", async () => {
  const kernels = contentsOf(makeToy({ floats: floats + 8 }), ".wasm");
  for (const file of ["weights", "wasm"]) {
    const [right, stale] = file === "wasm" ? [wasm, kernels] : [weights, contentsOf(other, ".weights")];
    await answering(
      ({ headers }, response) => response.end(headers["cache-control"] === "no-cache" ? right : stale),
      async (at, asked) => {
        await loads({ weights, [file]: at() });
        assert.is(asked.length, 2, file);
      },
    );
    await answering(
      (_, response) => response.end(stale),
      async (at, asked) => {
        const error = await load({ weights, wasm, [file]: at() }).then(
          () => undefined,
          (error) => error,
        );
        assert.match(error.message, /belong to another build/);
        assert.is(error.code, "other-build");
        assert.is(asked.length, 2, "once more, and no more");
      },
    );
  }
});

test("a file that changed while it was cut off is told by its checksum, and fetched again", () =>
  answering(
    (request, response, times) => {
      const from = startOf(request);
      send(
        response,
        times === 1 ? contentsOf(other, ".weights") : weights,
        from,
        from > 0 ? 206 : 200,
        times === 1 ? 500 : undefined,
      );
    },
    async (at, asked) => {
      await hurrying(() => loads({ weights: at() }));
      assert.equal(
        asked.map(({ headers }) => headers.range),
        [undefined, "bytes=500-", undefined],
      );
    },
  ));

// ---- several files ------------------------------------------------------------------------------

const parts = parted.artifacts.filter(({ path }) => path.endsWith(".weights"));
const bytesOf = (i: number) => parts[i].contents as Uint8Array;

test("weights are cut into files of a size, which the module names in full", () => {
  assert.equal(
    parts.map(({ path, contents }) => [path, contents.length]),
    [
      ["toy-00001-of-00003.weights", 700],
      ["toy-00002-of-00003.weights", 700],
      ["toy-00003-of-00003.weights", 520],
    ],
  );
  assert.equal(Buffer.concat(parts.map(({ contents }) => contents as Uint8Array)), Buffer.from(weights));
  const text = new TextDecoder().decode(contentsOf(parted, ".js"));
  for (const { path } of parts) assert.ok(text.includes(`new URL("./${path}", import.meta.url)`), path);
  const card = JSON.parse(new TextDecoder().decode(contentsOf(parted, ".json")));
  assert.equal(
    card.parts,
    parts.map(({ path }) => path),
  );
  assert.is(card.file, undefined);
  // Weights that are smaller than a file should be stay one.
  assert.equal(
    makeToy({ shardBytes: size }).artifacts.map(({ path }) => path),
    toy.artifacts.map(({ path }) => path),
  );
});

test("files come in turn, from a list, a disk or beside the module", async () => {
  await loads({ weights: parts.map(({ contents }) => contents) }, loadParted);
  await loads({ weights: [weights] }, loadParted);
  await loads({ weights }, loadParted);
  await loads({ weights: [weights.subarray(0, 9), weights.subarray(9)] });
  const { all } = await runWasm({
    artifacts: parted.artifacts,
    threads: 2,
    inputs: { input: { shape: [1, 2, 30, 4], data: input } },
  });
  assert.equal(all.data, toy.expected(input));
  const folder = mkdtempSync(join(tmpdir(), "resnetc-test-"));
  try {
    for (const { path, contents } of parted.artifacts) writeFileSync(join(folder, path), contents);
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    const beside = await import(pathToFileURL(join(folder, "toy.js")).href);
    const net = await beside.load({ threads: 1 });
    assert.equal(net.run({ input }).all, toy.expected(input));
    net.dispose();
    rmSync(join(folder, parts[1].path));
    assert.match(
      await messageOf(() => beside.load({ threads: 1 })),
      /^The weights file:\S*toy-00002-of-00003\.weights cannot be read: ENOENT.*\.$/,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("files that are fetched: two more on their way than the one that is read, and progress over all", async () => {
  const many = makeToy({ shardBytes: 100 });
  const pieces = many.artifacts.filter(({ path }) => path.endsWith(".weights"));
  const { load: loadMany } = await importToy(many);
  let [open, most] = [0, 0];
  await answering(
    ({ url }, response) => {
      most = Math.max(most, ++open);
      const found = pieces.find(({ path }) => `/${path}` === url)!;
      setTimeout(() => {
        open--;
        response.end(found.contents);
      }, 5);
    },
    async (at, asked) => {
      const steps: number[] = [];
      const onProgress = ({ loaded, total }: { loaded: number; total: number }) => {
        assert.is(total, size);
        steps.push(loaded);
      };
      await loads({ weights: pieces.map(({ path }) => at(`/${path}`)), onProgress }, loadMany);
      assert.is(steps.at(-1), size);
      assert.equal(
        steps,
        [...new Set(steps)].sort((a, b) => a - b),
      );
      assert.is(asked.length, 20);
      assert.ok(most > 1 && most <= 3, String(most));
    },
  );
});

test("what is wrong with one of several files is told by its name", async () => {
  const wrong: Record<string, readonly [answer: string | Uint8Array | number, sentence: RegExp]> = {
    missing: [404, /^The weights http:\S*-00002-\S* cannot be fetched: HTTP 404\.$/],
    short: [bytesOf(1).subarray(1), /^The weights http:\S*-00002-\S* have 699 bytes instead of 700: /],
    long: [bytesOf(0).subarray(0, 1), /^The weights http:\S*-00002-\S* have 1 bytes instead of 700: /],
    page: ["<!doctype html>", /^The weights http:\S*-00002-\S* are an HTML page: /],
    damaged: [
      bytesOf(1).map((byte, i) => byte ^ Number(i === 699)),
      /^The weights http:\S*-00001-\S* and 2 more are damaged or belong to another build: /,
    ],
  };
  for (const [name, [answer, sentence]] of Object.entries(wrong)) {
    await answering(
      ({ url }, response) => {
        const i = parts.findIndex(({ path }) => `/${path}` === url);
        if (i !== 1) response.end(bytesOf(i));
        else if (typeof answer === "number") response.writeHead(answer).end();
        else response.end(answer);
      },
      async (at) => {
        const urls = parts.map(({ path }) => at(`/${path}`));
        assert.match(await messageOf(() => loads({ weights: urls }, loadParted)), sentence, name);
      },
    );
  }
});

test.run();
