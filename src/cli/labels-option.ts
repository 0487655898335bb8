/** `--labels`: the names of a net's classes. */
import type { Argv } from "yargs";

export interface LabelsArguments {
  readonly labels?: string | undefined;
}

export const labelsOption = <T>(yargs: Argv<T>) =>
  yargs.option("labels", {
    type: "string",
    describe:
      "the names of the classes: a text file, a name a line, or JSON, a list or a config.json with id2label (default: those that the input says)",
  });
