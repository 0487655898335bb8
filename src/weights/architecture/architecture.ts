/** What is told of a checkpoint whose architecture was recognised from the names and shapes of its tensors alone. */

export interface Architecture {
  /** "ResNet-50-D", in the words of the field. */
  readonly title: string;
  /** Whose names the tensors have: "torchvision", "timm". */
  readonly convention: string;
  /** What stands before all of these names. */
  readonly prefix: string;
  /** What the shapes say, a line each. */
  readonly facts: readonly string[];
  /** What they leave open. */
  readonly open: readonly OpenQuestion[];
  /** A .resnet file that loads the checkpoint, or what the language has no word for. */
  readonly spec: Spec | { readonly lacking: string };
}

/** Networks of different functions have tensors of the same shapes; one of them is assumed. */
export interface OpenQuestion {
  readonly what: string;
  readonly assumed: string;
  /** What it may be instead. */
  readonly others: readonly string[];
  readonly why: string;
}

export interface Spec {
  /** Of the net in it. */
  readonly name: string;
  readonly text: string;
}

export const isSpec = (spec: Architecture["spec"]): spec is Spec => "text" in spec;
