/**
 * The text of NAME.js: the tables of this network, its function, and the loader that all networks share. The
 * function is meant to be read: a line a call, variables named after the rows of the net, and every value is
 * disposed of right behind its last reader. tf.tidy is there for what throws midway; else it finds nothing.
 */
import { CodeWriter, propertyKey } from "../code-writer.ts";
import { heading } from "../loader/card.ts";
import { labelsText, type PictureUse } from "../loader/picture-methods.ts";
import type { Card, Kernels } from "../target.ts";
import { type Call, type Stored, variablesIn } from "./emitter.ts";
import { loaderText } from "./loader.ts";

export interface ModuleParts {
  readonly name: string;
  readonly card: Card;
  readonly calls: readonly Call[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly stored: readonly Stored[];
  readonly kernels: Kernels;
  /** What it does with pictures. */
  readonly use: PictureUse | undefined;
  readonly weightBytes: number;
  /** Of the weights file, four words. */
  readonly checksum: readonly number[];
}

/** A map that goes in or out, without the batch. */
export interface Port {
  readonly name: string;
  readonly variable: string;
  readonly shape: readonly number[];
}

export function moduleText(parts: ModuleParts): string {
  const { name, card, inputs, outputs, stored, kernels, weightBytes, checksum, use } = parts;
  const text = new CodeWriter();
  text.doc(
    ...heading(card),
    "",
    `Made by ${card.compiler}; TensorFlow.js 4.22 calls, weights in ${name}.weights.`,
  );
  text.line("");
  text.line(`const card = ${JSON.stringify(card, null, 2)};`, "");
  text.line("// What goes in and comes out: a picture is height x width x channels.");
  text.line(`const inputs = ${ports(inputs)};`, `const outputs = ${ports(outputs)};`, "");
  const build = { weightBytes, checksum: checksum.join() };
  text.line(`const build = ${JSON.stringify(build, null, 2)};`, "");
  text.line("// The tensors of the weights file: float32, one after the other.");
  text.block(
    "const tensors = [",
    () => {
      for (const { name, shape } of stored) text.line(`${JSON.stringify([name, shape])},`);
    },
    "];",
  );
  text.line("");
  const beside = JSON.stringify(`./${encodeURIComponent(name)}.weights`);
  text.line(`const weightsUrl = () => new URL(${beside}, import.meta.url);`);
  if (use) text.line(labelsText(name, use));
  text.line("");
  writeNetwork(parts, text);
  text.line("", loaderText(kernels, use).trim());
  return text.toString();
}

const ports = (list: readonly Port[]): string =>
  JSON.stringify(list.map(({ name, shape }) => ({ name, shape })));

function writeNetwork({ calls, inputs, outputs }: ModuleParts, text: CodeWriter): void {
  const deaths = lastReads(calls, new Set(outputs.map(({ variable }) => variable)));
  const names = ["tf", "w", ...inputs.map(({ variable }) => variable)];
  text.doc("The network. Its inputs stay with the caller, who also owns what it returns.");
  text.block(`function network(${names.join(", ")}) {`, () => {
    text.block(
      "return tf.tidy(() => {",
      () => {
        calls.forEach(({ variable, fn, args }, i) => {
          text.line(`const ${variable} = tf.${fn}(${args.join(", ")});`);
          for (const dead of deaths[i]) text.line(`${dead}.dispose();`);
        });
        text.line(`return { ${results(calls, outputs).join(", ")} };`);
      },
      "});",
    );
  });
}

/** For each call, the values that nothing needs behind it; inputs and weights are not ours to dispose of. */
function lastReads(calls: readonly Call[], kept: ReadonlySet<string>): readonly (readonly string[])[] {
  const made = new Set(calls.map(({ variable }) => variable));
  const last = new Map<string, number>();
  calls.forEach(({ variable, args }, i) => {
    // A value that nothing reads dies where it is made.
    last.set(variable, i);
    for (const arg of args) for (const read of variablesIn(arg, made)) last.set(read, i);
  });
  const deaths: string[][] = calls.map(() => []);
  for (const [variable, i] of last) if (!kept.has(variable)) deaths[i].push(variable);
  return deaths;
}

/** The entries of the returned object. Every output is a tensor of its own: the caller disposes of each. */
function results(calls: readonly Call[], outputs: readonly Port[]): string[] {
  const free = new Set(calls.map(({ variable }) => variable));
  return outputs.map(({ name, variable }) => {
    const value = free.delete(variable) ? variable : `tf.clone(${variable})`;
    return value === name ? name : `${propertyKey(name)}: ${value}`;
  });
}
