/** Pickles that would run code in Python, or eat memory: refused by name and place, with nothing done. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openBytes, refusal } from "./support/checkpoints.ts";
import * as p from "./support/pickle-assembler.ts";

/** Opens a pickle in both containers and gives what was refused. */
function refused(body: p.Code): { readonly name: string; readonly offset: number; readonly message: string } {
  const found = [p.torchZip(p.pickle(2, body), {}), p.legacyFile(p.pickle(2, body), {})].map((bytes) => {
    const { checkpoint, diagnostics } = openBytes({ "evil.pt": bytes });
    assert.is(checkpoint, undefined);
    assert.is(diagnostics.length, 1);
    const [{ code, message }] = diagnostics;
    assert.is(code, "refused-global", message);
    assert.match(message, /Nothing was run/);
    const [, name, offset] = /wants to call `(.*)` \(at byte (\d+)\)/.exec(message)!;
    // The offset is where the instruction that names the global stands in the file.
    return { name, offset: Number(offset), message, opcode: bytes[Number(offset)] };
  });
  assert.is(found[0].name, found[1].name);
  assert.is(found[0].opcode, found[1].opcode);
  assert.ok(
    [0x63, 0x93, 0x69, 0x82, 0x83, 0x84].includes(found[0].opcode),
    `byte ${found[0].opcode} names no global`,
  );
  return found[0];
}

for (const [module, name, danger] of [
  ["os", "system", /run any program/],
  ["posix", "system", /run any program/],
  ["nt", "system", /run any program/],
  ["subprocess", "Popen", /run any program/],
  ["builtins", "eval", /run any Python code/],
  ["__builtin__", "exec", /run any Python code/],
  ["builtins", "getattr", /run any Python code/],
  ["builtins", "__import__", /run any Python code/],
  ["runpy", "_run_code", /run any Python code/],
  ["shutil", "rmtree", /read and write files/],
  ["socket", "create_connection", /network/],
  ["torch.storage", "_load_from_bytes", /another pickle/],
  ["torch.hub", "load", /no plain tensor/],
  ["torchvision.models.resnet", "ResNet", /whole model/],
  ["__main__", "Net", /code of its own module/],
  ["collections", "OrderedDict.__init__", /code of its own module/],
  ["torch._utils", "constructor", /no plain tensor/],
] as const) {
  test(`${module}.${name} by GLOBAL, STACK_GLOBAL, INST and REDUCE`, () => {
    const argument = p.text("touch /tmp/resnetc-was-here");
    const bodies = [
      p.global(module, name),
      p.stackGlobal(module, name),
      p.inst(module, name, argument),
      p.reduce(p.global(module, name), argument),
      p.dict(p.text("state_dict"), p.reduce(p.stackGlobal(module, name), argument)),
      p.build(p.global(module, name), p.dict(p.text("x"), p.int(1))),
      p.join([0x28], p.global(module, name), argument, [0x6f]),
    ];
    for (const body of bodies) {
      const { name: shown, message } = refused(body);
      assert.is(shown, `${module}.${name}`);
      assert.match(message, danger);
    }
  });
}

test("the offset is that of the naming instruction", () => {
  const body = p.join(p.int(1), p.global("os", "system"));
  const bytes = p.legacyFile(p.pickle(2, body), {});
  const at = Buffer.from(bytes).indexOf("cos\nsystem\n");
  assert.match(refusal(bytes), new RegExp(`at byte ${at}\\)`));
});

test("names from the table of objects are no globals", () => {
  for (const name of ["constructor", "__proto__", "hasOwnProperty", "toString"]) {
    assert.is(refused(p.global("torch", name)).name, `torch.${name}`);
    assert.is(refused(p.global(name, name)).name, `${name}.${name}`);
  }
});

test("Python's extension registry is refused", () => {
  assert.is(refused([0x82, 7]).name, "extension 7");
  assert.is(refused([0x83, 7, 1]).name, "extension 263");
  assert.is(refused([0x84, 7, 0, 0, 1]).name, "extension 16777223");
});

test("state for an allowed function is refused", () => {
  const body = p.build(p.global("torch._utils", "_rebuild_tensor_v2"), p.dict(p.text("__code__"), p.int(1)));
  assert.match(refusal(p.torchZip(p.pickle(2, body), {})), /state for callable at byte/);
});

test("calling what is no function is refused", () => {
  const body = p.reduce(p.text("os.system"), p.text("ls"));
  assert.match(refusal(p.torchZip(p.pickle(2, body), {})), /a call of text/);
});

test("rebuilding through a function of the file's choice stays on the list", () => {
  const inner = p.global("os", "system");
  assert.is(refused(p.reduce(p.global("torch._tensor", "_rebuild_from_type_v2"), inner)).name, "os.system");
  assert.is(
    refused(p.reduce(p.global("copyreg", "_reconstructor"), inner, p.none, p.none)).name,
    "os.system",
  );
  assert.is(refused(p.reduce(p.global("collections", "defaultdict"), inner)).name, "os.system");
});

test("rebuilding by rebuilding, with itself as arguments, does not recurse", () => {
  // l = [rebuild, None, l]
  const rebuild = p.global("torch._tensor", "_rebuild_from_type_v2");
  const itself = p.join([0x5d, 0x71, 0, 0x28], rebuild, p.none, [0x68, 0, 0x65, 0x30]);
  const body = p.join(itself, p.reduce(rebuild, rebuild, p.none, [0x68, 0]));
  assert.match(refusal(p.torchZip(p.pickle(2, body), {})), /rebuilds a tensor by rebuilding a tensor/);
});

test("a place to remember that is no number", () => {
  for (const line of ["gx\n", "px\n", "g-1\n", "g1e3\n", "g\n", "p 1\n"]) {
    const body = p.join(p.int(1), [...new TextEncoder().encode(line)]);
    assert.match(
      refusal(p.torchZip(p.pickle(0, body), {})),
      /a place to remember that is no number at byte 7/,
    );
  }
});

test("copying a long text again and again is stopped", () => {
  const long = p.join(p.text("x".repeat(100_000)), [0x71, 0]);
  const call = p.join(p.global("_codecs", "encode"), [0x28, 0x68, 0], p.text("latin1"), [0x74, 0x52]);
  const body = p.join(long, ...Array.from({ length: 200 }, () => call));
  assert.match(refusal(p.torchZip(p.pickle(2, body), {})), /copies more than the file has bytes/);
});

test("a million lists by one byte each are stopped", () => {
  const bytes = new Uint8Array(3_000_100).fill(0x7d);
  bytes.set(p.pickle(2, [0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]));
  assert.match(refusal(bytes), /too many lists/);
});

test("numbers, texts and frames that claim more than there is are cut short", () => {
  for (const body of [
    [0x8b, 255, 255, 255, 127],
    [0x58, 255, 255, 255, 255],
    [0x8e, 0, 0, 0, 0, 0, 1, 0, 0],
    [0x8a, 200],
  ]) {
    assert.match(refusal(p.torchZip(p.pickle(2, body), {})), /cut short|a number of/);
  }
});

test.run();
