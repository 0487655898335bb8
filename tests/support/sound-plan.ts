/** What every plan owes, whatever it computes: memory that nobody else needs, weights that all arrive. */
import * as assert from "uvu/assert";
import type { Buffer } from "../../src/codegen/wasm/plan/buffers.ts";
import type { Plan } from "../../src/codegen/wasm/plan/plan.ts";
import { storedPanelBytes } from "../../src/codegen/wasm/plan/precision.ts";
import { floatsOf } from "../../src/codegen/wasm/plan/weights.ts";

export function assertSound(plan: Plan): void {
  assertBuffers(plan);
  assertSteps(plan);
  assertWeights(plan);
}

const endOf = ({ address, floats }: Buffer): number => address + 4 * floats;

/** Buffers that share memory live at different times; zeros around maps are shared only where they lie alike. */
function assertBuffers({ buffers, image }: Plan): void {
  const sorted = [...buffers].sort((a, b) => a.address - b.address);
  for (const [i, buffer] of sorted.entries()) {
    const { label, address, geometry } = buffer;
    assert.is(address % 64, 0, label);
    assert.ok(endOf(buffer) <= image.fixedBytes, label);
    for (let k = i + 1; k < sorted.length && sorted[k].address < endOf(buffer); k++) {
      const other = sorted[k];
      const both = `${label} (${buffer.first}..${buffer.last}) and ${other.label} (${other.first}..${other.last})`;
      assert.ok(buffer.last < other.first || other.last < buffer.first, `${both} live together`);
      assert.is(other.geometry, geometry, both);
      if (geometry !== undefined) assert.is(other.address, address, both);
    }
  }
}

/** Steps read what was written before, in buffers that are theirs at that time. */
function assertSteps({ buffers, image, steps }: Plan): void {
  const holder = (address: number, step: number) => {
    const found = buffers.filter((buffer) => {
      const isAlive = buffer.first <= step && step <= buffer.last;
      return isAlive && buffer.address <= address && address < endOf(buffer);
    });
    assert.is(found.length, 1, `step ${step} and ${address}`);
    return found[0];
  };
  const written = new Set(image.inputs.map(({ address }) => holder(address, -1)));
  for (const [i, { label, kernel, input, residual, output }] of steps.entries()) {
    assert.ok(kernel.units > 0, label);
    assert.ok((kernel.scratchBytes ?? 0) <= image.scratchBytes, label);
    const operands = [input, ...(residual === 0 ? [] : [residual])].map((address) => holder(address, i));
    for (const operand of operands) assert.ok(written.has(operand), `${label} reads ${operand.label}`);
    const target = holder(output, i);
    assert.not(operands.includes(target), `${label} overwrites ${target.label}`);
    written.add(target);
  }
  for (const { name, address } of image.outputs)
    assert.ok(written.has(holder(address, steps.length)), `the output ${name}`);
}

/** The file is cut into chunks without gaps; they fill every weight once, below the arena. */
function assertWeights({ arena, bytes, image, pieces, steps }: Plan): void {
  const places = pieces.map((piece) => [piece.address, piece.address + 4 * floatsOf(piece)] as const);
  const sorted = [...places].sort((a, b) => a[0] - b[0]);
  for (const [i, [start, end]] of sorted.entries()) {
    assert.is(start % 64, 0);
    assert.ok(end <= (sorted[i + 1]?.[0] ?? arena), "weights overlap");
  }
  const known = new Set([0, ...places.map(([start]) => start)]);
  for (const { label, weights, bias, extra } of steps)
    for (const address of [weights, bias, extra]) assert.ok(known.has(address), label);

  const isWeight = (address: number) => places.some(([start, end]) => start <= address && address < end);
  const filled: (readonly [number, number])[] = [];
  let total = 0;
  for (const chunk of image.chunks) {
    assert.ok(chunk.bytes > 0 && chunk.bytes % 16 === 0);
    total += chunk.bytes;
    assert.ok(chunk.address + chunk.bytes <= arena);
    const last = chunk.prepare.at(-1);
    if (!last) {
      filled.push([chunk.address, chunk.address + chunk.bytes]);
      continue;
    }
    assert.not(isWeight(chunk.address), "staged upon weights");
    let at = chunk.address;
    for (const { label, kernel, input, output } of chunk.prepare) {
      assert.is(input, at, label);
      assert.ok((kernel.scratchBytes ?? 0) <= image.scratchBytes, label);
      assert.ok(isWeight(output) || output >= chunk.address + chunk.bytes, `${label} overwrites its input`);
      at = output;
    }
    const piece = pieces.find((_, i) => places[i][0] <= at && at < places[i][1])!;
    const { stored, panels, width, precision, prepare } = piece;
    const panelFloats = stored / panels;
    const { units } = last.kernel;
    const size = units * storedPanelBytes(precision, { width, panelFloats });
    assert.is(chunk.bytes, Math.ceil(size / 16) * 16, last.label);
    filled.push([at, at + 4 * units * (prepare?.preparedOfPanel ?? panelFloats)]);
  }
  assert.is(total, bytes.stored);
  filled.sort((a, b) => a[0] - b[0]);
  for (const [start, end] of places) {
    let at = start;
    for (const [from, to] of filled) if (from === at && to <= end + 12) at = to;
    assert.ok(at >= end && at < end + 16, `weights from ${start} to ${end} are filled up to ${at}`);
  }
}
