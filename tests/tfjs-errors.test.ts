import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { interpret } from "../src/ir/interpret.ts";
import { ops } from "../src/ir/ops/index.ts";
import { buildNet, importNet, type NetModule, writeNet } from "./support/built-net.ts";
import { assertClose } from "./support/close-to.ts";
import { messageOf } from "./support/message-of.ts";
import { randomTensor } from "./support/random.ts";
import { NetBuilder, smallNet } from "./support/small-net.ts";

tf.env().set("PROD", true); // No greeting of the cpu backend among the results.

const root = fileURLToPath(new URL("..", import.meta.url));
const built = buildNet(smallNet());
const weights = built.bytes(".weights");
const picture = (batch: number) => randomTensor(5, [batch, 32, 32, 3]);
const countTensors = () => tf.engine().state.numTensors;

test("wrong inputs are told by name", async () => {
  const builder = new NetBuilder();
  const a = builder.input("a", 1, 2, 3, 1);
  const b = builder.input("b", 1, 2, 3, 1);
  const two = buildNet(builder.graph("two", { sum: builder.add(ops.add, "sum", [a, b], null) }));
  const net = await (await importNet(two)).load({ tf, backend: "cpu", weights: two.bytes(".weights") });
  const six = new Float32Array(6);
  const cases: readonly (readonly [unknown, string])[] = [
    [undefined, "The inputs must be an object with a, b, not undefined."],
    [{ a: six }, 'The input "b" is missing.'],
    [{ a: six, b: six, c: six }, 'There is no input "c"; this network takes a, b.'],
    [{ a: six, b: [1, 2, 3, 4, 5, 6] }, 'The input "b" must be a Float32Array, not Array.'],
    [{ a: six, b: null }, 'The input "b" must be a Float32Array, not null.'],
    [{ a: six, b: new Float32Array(7) }, 'The input "b" takes 6 values a picture (2 x 3 x 1), this has 7.'],
    [{ a: six, b: new Float32Array(0) }, 'The input "b" takes 6 values a picture (2 x 3 x 1), this has 0.'],
    [{ a: six, b: new Float32Array(12) }, 'The input "a" has 1 pictures, but "b" has 2.'],
  ];
  for (const [given, message] of cases) assert.is(await messageOf(() => net.run(given)), message);

  const fine = tf.zeros([1, 2, 3, 1]);
  const gone = tf.zeros([1, 2, 3, 1]);
  gone.dispose();
  const flat = tf.zeros([6]);
  const whole = tf.zeros([1, 2, 3, 1], "int32");
  const turned = tf.zeros([1, 1, 2, 3]);
  const pair = tf.zeros([2, 2, 3, 1]);
  const none = tf.zeros([0, 2, 3, 1]);
  const wanted = 'The input "b" must be float32 [batch, 2, 3, 1], this is';
  const tensors: readonly (readonly [unknown, string])[] = [
    [{ a: fine }, 'The input "b" is missing.'],
    [{ a: fine, b: six }, 'The input "b" must be a tensor, not Float32Array.'],
    [{ a: fine, b: gone }, 'The input "b" was disposed of.'],
    [{ a: fine, b: flat }, `${wanted} float32 [6].`],
    [{ a: fine, b: whole }, `${wanted} int32 [1, 2, 3, 1].`],
    [{ a: fine, b: turned }, `${wanted} float32 [1, 1, 2, 3].`],
    [{ a: fine, b: none }, `${wanted} float32 [0, 2, 3, 1].`],
    [{ a: fine, b: pair }, 'The input "a" has 1 pictures, but "b" has 2.'],
  ];
  const before = countTensors();
  for (const [given, message] of tensors) assert.is(await messageOf(() => net.execute(given)), message);
  assert.is(countTensors(), before);
  tf.dispose([fine, flat, whole, turned, pair, none]);
  net.dispose();
});

test("a network that was disposed of says so", async () => {
  const net = await (await importNet(built)).load({ tf, backend: "cpu", weights });
  net.dispose();
  const { data } = picture(1);
  const uses = [() => net.run({ input: data }), () => net.execute({}), () => net.warmUp()];
  for (const use of uses) assert.is(await messageOf(use), "This network was disposed of.");
});

test("a backend that is not there is told", async () => {
  const { load } = await importNet(built);
  const before = countTensors();
  const cases: readonly (readonly [Parameters<NetModule["load"]>[0], string])[] = [
    [
      { tf, backend: "metal", weights },
      'There is no backend "metal"; there are wasm, cpu, webgl, webgpu, auto.',
    ],
    [
      { tf, backend: "toString", weights },
      'There is no backend "toString"; there are wasm, cpu, webgl, webgpu, auto.',
    ],
    [
      { tf, backend: "webgpu", weights },
      'The backend "webgpu" needs the package @tensorflow/tfjs-backend-webgpu, which cannot be loaded.',
    ],
    [{ weights }, "The package @tensorflow/tfjs-core cannot be loaded; install it or pass load({ tf })."],
  ];
  for (const [options, message] of cases) assert.is(await messageOf(() => load(options)), message);
  const { folder, remove } = writeNet(built);
  try {
    // Here the package is found, but registers nothing outside of a browser.
    const module = (await import(pathToFileURL(join(folder, "smallnet.js")).href)) as NetModule;
    assert.is(
      await messageOf(() => module.load({ tf, backend: "webgl" })),
      'The backend "webgl" is not available here.',
    );
  } finally {
    remove();
  }
  tf.registerBackend("webgpu", () => Promise.reject(new Error("no adapter")), 0);
  try {
    const message = await messageOf(() => load({ tf, backend: "webgpu", weights }));
    assert.is(message, 'The backend "webgpu" does not start here: no adapter.');
  } finally {
    tf.removeBackend("webgpu");
    await tf.setBackend("cpu");
  }
  assert.is(countTensors(), before);
});

test("weights that do not fit are told", async () => {
  const { load } = await importNet(built);
  const { length } = weights;
  const page = new TextEncoder().encode("<!DOCTYPE html><html><body>Not found</body></html>");
  const cutOff = "the file is cut off or belongs to another build.";
  const cases: readonly (readonly [unknown, string])[] = [
    [weights.subarray(0, 100), `The weights have 100 bytes instead of ${length}: ${cutOff}`],
    [new ArrayBuffer(0), `The weights have 0 bytes instead of ${length}: ${cutOff}`],
    [
      new Uint8Array(length + 4),
      `The weights have more than the ${length} bytes of this network: they belong to another build.`,
    ],
    [
      weights.map((byte, i) => (i === 99 ? byte ^ 1 : byte)),
      "The weights are damaged or belong to another build: their checksum is wrong.",
    ],
    [page, "The weights are an HTML page: the server answers with a page instead of the file."],
    ["smallnet.weights", 'The weights must be bytes or a URL, this is "smallnet.weights".'],
    [7, "The weights must be bytes or a URL, this is 7."],
  ];
  for (const [given, message] of cases) {
    assert.is(await messageOf(() => load({ tf, backend: "cpu", weights: given })), message);
  }
  const missing = pathToFileURL(join(root, "no-such.weights"));
  assert.match(
    await messageOf(() => load({ tf, backend: "cpu", weights: missing })),
    /^The weights file:.*no-such\.weights cannot be read: ENOENT.*\.$/,
  );
  // Not aligned, and a view into something larger.
  const shifted = new Uint8Array(length + 9);
  shifted.set(weights, 5);
  const net = await load({ tf, backend: "cpu", weights: shifted.subarray(5, 5 + length) });
  const { shape, data } = picture(1);
  const expected = interpret(built.graph, { input: { shape, data } }, built.weights);
  assertClose({ data: net.run({ input: data }).logits }, expected.logits, 1e-5);
  net.dispose();
});

test("a signal gives up loading", async () => {
  const { load } = await importNet(built);
  const before = countTensors();
  const reason = new Error("no longer wanted");
  for (const when of ["before", "meanwhile"]) {
    const controller = new AbortController();
    if (when === "before") controller.abort(reason);
    const loading = load({ tf, backend: "cpu", weights, signal: controller.signal });
    controller.abort(reason);
    assert.is(await messageOf(() => loading), reason.message);
  }
  assert.is(countTensors(), before);
});

test("weights over HTTP: progress, and each way it goes wrong", async () => {
  const { load } = await importNet(built);
  const { length } = weights;
  const answers: Record<string, RequestListener> = {
    "/fine": (_, response) => response.end(weights),
    "/slow": (_, response) => {
      response.write(weights.subarray(0, 1001));
      setTimeout(() => response.end(weights.subarray(1001)), 30);
    },
    "/missing": (_, response) => response.writeHead(404).end("no"),
    "/page": (_, response) => response.end(`<!doctype html>${" ".repeat(length)}`),
    "/short": (_, response) => response.end(weights.subarray(0, 400)),
    "/long": (_, response) => response.end(Buffer.concat([weights, weights])),
    // Once: a cache on the way has the file of another build.
    "/stale": (_, response) =>
      response.end(asked("/stale") === 1 ? weights.map((byte) => byte ^ 1) : weights),
    "/damaged": (_, response) => response.end(weights.map((byte, i) => (i === 99 ? byte ^ 1 : byte))),
    "/torn": ({ headers: { range } }, response) => {
      if (range === "bytes=400-") return response.writeHead(206).end(weights.subarray(400));
      response.writeHead(200, { "content-length": length });
      response.write(weights.subarray(0, 400));
      return setTimeout(() => response.destroy(), 30);
    },
  };
  const counts: Record<string, number> = {};
  const asked = (path: string) => {
    counts[path] = (counts[path] ?? 0) + 1;
    return counts[path];
  };
  const server = createServer((request, response) => answers[request.url ?? ""](request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const loadFrom = (path: string) => load({ tf, backend: "cpu", weights: `${origin}${path}` });
  try {
    for (const path of ["/fine", "/slow", "/torn"]) {
      const steps: number[] = [];
      const onProgress = ({ loaded, total }: { loaded: number; total: number }) => {
        assert.is(total, length);
        steps.push(loaded);
      };
      const net = await load({ tf, backend: "cpu", weights: new URL(path, origin), onProgress });
      assert.equal(
        steps,
        [...steps].sort((a, b) => a - b),
      );
      assert.is(steps.at(-1), length);
      assert.ok(path === "/fine" || steps.length > 1, "progress is told only at the end");
      const { data } = picture(1);
      assert.is(net.run({ input: data }).logits.length, 10);
      net.dispose();
    }
    (await loadFrom("/stale")).dispose();
    assert.is(counts["/stale"], 2);
    const messages: Record<string, string | RegExp> = {
      "/missing": `The weights ${origin}/missing cannot be fetched: HTTP 404.`,
      "/page": `The weights ${origin}/page are an HTML page: the server answers with a page instead of the file.`,
      "/short": `The weights ${origin}/short have 400 bytes instead of ${length}: the file is cut off or belongs to another build.`,
      "/long": `The weights ${origin}/long have more than the ${length} bytes of this network: they belong to another build.`,
      "/damaged": `The weights ${origin}/damaged are damaged or belong to another build: their checksum is wrong.`,
    };
    for (const [path, message] of Object.entries(messages)) {
      assert.is(await messageOf(() => loadFrom(path)), message);
    }
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  assert.is(
    await messageOf(() => loadFrom("/fine")),
    `The weights ${origin}/fine cannot be fetched: fetch failed.`,
  );
});

test.run();
