/**
 * A plan as text: what it is made of and what it will cost, a line a step, a line a buffer. Addresses count from
 * the start of the arena, so that a change of one convolution's weights leaves the other lines alone.
 */
import { invariant } from "../../../base/invariant.ts";
import type { Kernel } from "../kernels/kernel.ts";
import type { Buffer } from "./buffers.ts";
import type { Plan, PlannedStep } from "./plan.ts";
import { floatsOf } from "./weights.ts";

export function printPlan(plan: Plan): string {
  const { name, steps, pieces, buffers, bytes, predictedMs } = plan;
  const numbers = new Map(buffers.map((buffer, i) => [buffer, `b${i}`]));
  const byAddress = new Map(pieces.map((piece) => [piece.address, piece]));
  const arena = Math.min(...buffers.map(({ address }) => address));
  const { stored, weights, scratch, staging } = bytes;
  const sizes = [
    `${grouped(stored)} weights file`,
    `${grouped(weights)} in memory`,
    `${grouped(bytes.arena)} arena`,
    `${grouped(scratch)} scratch a thread`,
    `${grouped(staging)} staging`,
  ];
  const lines = [
    `plan ${name}: ${steps.length} steps, predicted ${predictedMs.toFixed(3)} ms on one thread`,
    `bytes: ${sizes.join(", ")}`,
    "",
    ...aligned(stepColumns, [
      ["step", "part", "ms", "units", "buffers", "weights", "algorithm"],
      ...steps.map((step, i) => [
        String(i),
        step.label,
        step.predictedMs.toFixed(3),
        unitsOf(step.kernel),
        buffersOf(step, (address) => numbers.get(holderOf(buffers, address, i))!),
        step.weights === 0 ? "" : inShort(4 * floatsOf(byAddress.get(step.weights)!)),
        inWords(step.kernel.name),
      ]),
    ]),
    "",
    ...aligned(bufferColumns, [
      ["buffer", "holds", "at", "bytes", "steps"],
      ...buffers.map((buffer) => [
        numbers.get(buffer)!,
        buffer.label,
        grouped(buffer.address - arena),
        grouped(4 * buffer.floats),
        lifeOf(buffer, steps.length),
      ]),
    ]),
  ];
  return `${lines.join("\n")}\n`;
}

// ---- steps --------------------------------------------------------------------------------------

/** A map's size, then what is special about its strides, as printLayout writes it. */
const map = String.raw`\d+x\d+x\d+(?:@\d+)?(?:\+\d+)?`;
const residual = new RegExp(`^\\+${map}$`);
const strides = /(\d+x\d+x\d+)(?:@\d+)?(?:\+\d+)?/g;

/**
 * What the name of a kernel says, less what the line says elsewhere or what follows from the rest. A name that is
 * not one of those that this knows is shown as it is, but for strides.
 */
function inWords(name: string): string {
  const [family, ...words] = name.split(" ");
  const said = words.flatMap((word, i) => {
    if (residual.test(word)) return "+residual";
    // Channels in and panels of channels out, behind the maps that have them too.
    if (family === "winograd" && /^\d+(x\d+)?$/.test(word) && words[i - 1] !== "block") return [];
    const panels = /^\d+x(\d+)x(\d+)$/.exec(word);
    if (family === "conv" && panels) return `${many(Number(panels[1]), "panels")} of ${panels[2]}`;
    if (word === "by" || words[i - 1] === "by") return [];
    return word.replace(strides, "$1");
  });
  return [family, ...said].join(" ");
}

/** What threads divide, with its name where the kernel's name tells. */
function unitsOf({ name, units }: Kernel): string {
  const told = / by (\w+)/.exec(name)?.[1];
  const ofWinograd = / product /.test(name) ? "panels" : "tiles";
  const what = told ?? (name.startsWith("winograd ") ? ofWinograd : undefined);
  return what ? many(units, what) : String(units);
}

/** "1 panel", "2 panels". */
const many = (count: number, words: string): string => `${count} ${count === 1 ? words.slice(0, -1) : words}`;

/** "b3 > b4", with "+ b1" for a second operand. */
function buffersOf({ input, residual, output }: PlannedStep, numberOf: (address: number) => string): string {
  const second = residual === 0 ? "" : ` + ${numberOf(residual)}`;
  return `${numberOf(input)}${second} > ${numberOf(output)}`;
}

/** The buffer that has the address at that step: buffers whose lives do not meet share addresses. */
function holderOf(buffers: readonly Buffer[], address: number, step: number): Buffer {
  const holder = buffers.find(
    (buffer) =>
      buffer.first <= step &&
      step <= buffer.last &&
      buffer.address <= address &&
      address < buffer.address + 4 * buffer.floats,
  );
  invariant(holder, `step ${step} uses ${address}, which is in no buffer`);
  return holder;
}

/** "in..4": from before the first step; "9..out": to the end. */
function lifeOf({ first, last }: Buffer, steps: number): string {
  return `${first < 0 ? "in" : first}..${last >= steps ? "out" : Math.max(last, 0)}`;
}

// ---- columns ------------------------------------------------------------------------------------

type Align = "left" | "right";

const stepColumns: readonly Align[] = ["right", "left", "right", "left", "left", "right", "left"];
const bufferColumns: readonly Align[] = ["left", "left", "right", "right", "left"];

function aligned(columns: readonly Align[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const cell = (text: string, i: number) =>
    columns[i] === "left" ? text.padEnd(widths[i]) : text.padStart(widths[i]);
  return rows.map((row) => row.map(cell).join("  ").trimEnd());
}

const grouped = (value: number): string => value.toLocaleString("en");

const inShort = (size: number): string =>
  size < 1e6 ? `${(size / 1e3).toFixed(1)} KB` : `${(size / 1e6).toFixed(2)} MB`;
