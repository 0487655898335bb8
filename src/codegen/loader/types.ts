/** The parts of NAME.d.ts that runnable targets share: inputs and outputs by name, and what `info` is. */
import { type CodeWriter, propertyKey } from "../code-writer.ts";

/** A map that goes in or out. */
export interface Port {
  readonly name: string;
  /** Without the batch. */
  readonly shape: readonly number[];
}

export function writePorts(name: string, ports: readonly Port[], text: CodeWriter): void {
  text.block(`export interface ${name}<T = Float32Array> {`, () => {
    for (const { name, shape } of ports) {
      text.doc(`[batch, ${shape.join(", ")}]`);
      text.line(`readonly ${propertyKey(name)}: T;`);
    }
  });
}

/** The interface Info: the card, and fields of the target's own. */
export const infoText = (
  andMore: string,
  ...fields: readonly string[]
): string => `/** What NAME.json says about the network, ${andMore}. */
export interface Info {
  readonly name: string;
  readonly summary: string;
  readonly inputs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly preprocess?: {
      readonly mean: readonly number[];
      readonly std: readonly number[];
      readonly range: number;
      readonly order: "rgb" | "bgr";
      readonly resize: number;
      readonly labels: string;
    };
  }[];
  readonly outputs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    /** The result of a softmax; logits otherwise. */
    readonly probabilities?: true;
  }[];
  readonly params: number;
  readonly state: number;
  readonly macs: number;
  readonly depth: number;
  readonly weights: string;
  readonly compiler: string;
  ${fields.join("\n  ")}
}`;
