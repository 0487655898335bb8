/** `resnetc weights` on checkpoints whose architecture is recognised: told, written, and run. */
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { writeSafetensors } from "../src/weights/write-safetensors.ts";
import { folder, oneLine, resnetc, write } from "./support/cli.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

const checkpoint = "models/cifar/resnet20-12fca82f.th";

if (requireShared(checkpoint)) {
  copyFileSync(sharedPath(checkpoint), path.join(folder, "resnet20.th"));
  copyFileSync(sharedPath("models/photos/chelsea_32.png"), path.join(folder, "cat.png"));
  const here = { cwd: folder };

  test("weights tells the architecture, what is open, and how to go on", () => {
    const { code, out } = resnetc(["weights", "resnet20.th"], here);
    assert.is(code, 0);
    assert.match(out, "ResNet-20 for CIFAR, names of akamaster's CIFAR nets behind `module.`, f32");
    assert.match(out, /stages: 3 x 16, 3 x 32, 3 x 64; basic blocks/);
    assert.match(out, /where a shortcut puts its zeros: half in front, half behind/);
    assert.match(out, /--write resnet20_for_cifar\.resnet/);
    const { architecture, list } = JSON.parse(resnetc(["weights", "resnet20.th", "--json"], here).out);
    assert.is(architecture.title, "ResNet-20 for CIFAR");
    assert.is(list.length, 97);
  });

  test("--write makes the net that loads it, which runs", () => {
    const { code, out, err } = resnetc(["weights", "resnet20.th", "--write", "own.resnet"], here);
    assert.is(code, 0, err);
    assert.match(out, /own\.resnet is the net `resnet20_for_cifar`, which resnet20\.th fits/);
    assert.is(resnetc(["fmt", "--check", "own.resnet"], here).code, 0);
    const ran = resnetc(["run", "own.resnet", "--weights", "resnet20.th", "cat.png"], here);
    assert.match(ran.out, /^cat\.png\n\s+100\.00 % {2}cat\n/, ran.err);
  });

  test("--write leaves what is there as it is", () => {
    const file = write("there.resnet", "# mine\n");
    const { code, err } = resnetc(["weights", "resnet20.th", "--write", file], here);
    assert.is(code, 1);
    assert.match(oneLine(err), /unwritable-output: cannot write .*: it is there already/);
    assert.is(readFileSync(file, "utf8"), "# mine\n");
    assert.is(resnetc(["weights", "resnet20.th", "own.resnet", "--write", "x.resnet"], here).code, 2);
  });

  test("--save writes the weights under another table's names, which load again", () => {
    const net = ["own.resnet", "--save", "out.safetensors"];
    const { code, out, err } = resnetc(["weights", "resnet20.th", ...net, "--as", "cifar"], here);
    assert.is(code, 0, err);
    assert.match(out, "written: out.safetensors");
    const { list } = JSON.parse(resnetc(["weights", "out.safetensors", "--json"], here).out);
    assert.ok(list.some(({ name }: { name: string }) => name === "layer1.0.conv1.weight"));
    const ran = resnetc(["run", "own.resnet", "--weights", "out.safetensors", "cat.png"], here);
    assert.match(ran.out, /100\.00 % {2}cat/, ran.err);
    assert.is(resnetc(["weights", "resnet20.th", ...net, "--as", "nothing"], here).code, 1);
    assert.is(resnetc(["weights", "resnet20.th", "--save", "x.safetensors"], here).code, 2);
    assert.is(resnetc(["weights", "resnet20.th", "own.resnet", "--as", "cifar"], here).code, 2);
  });

  test("what does not fit a net is told with what it seems to be", () => {
    const net = write("tiny.resnet", "net tiny { input 8x8x3; conv1: conv(3x3, 4) -> bn; fc: dense(10) }\n");
    const { code, err } = resnetc(["weights", "resnet20.th", net], here);
    assert.is(code, 1);
    assert.match(err.replaceAll(/\s+/g, " "), "the checkpoint seems to be of ResNet-20 for CIFAR");
  });
}

test("an unknown architecture is told, and nothing is written", () => {
  const bytes = writeSafetensors([{ name: "a.weight", shape: [2], data: Float32Array.of(1, 2) }]);
  const file = write("odd.safetensors", bytes);
  const { code, out } = resnetc(["weights", file]);
  assert.is(code, 0);
  assert.match(out, /The architecture is none that is known here/);
  const written = path.join(folder, "odd.resnet");
  const refused = resnetc(["weights", file, "--write", written]);
  assert.is(refused.code, 1);
  assert.match(refused.err, /unknown-architecture/);
  assert.not(existsSync(written));
});

test.run();
