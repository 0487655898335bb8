/** The text of NAME.py around its classes. */
import { count } from "../../base/show-number.ts";
import type { Preprocess } from "../../ir/ops/input.ts";
import type { Card } from "../target.ts";
import { type Classes, indent } from "./classes.ts";
import { helpers } from "./helpers.ts";
import type { Body } from "./text.ts";
import type { Unit } from "./units.ts";

interface Parts {
  readonly title: string;
  readonly name: string;
  readonly card: Card;
  readonly body: Body;
  readonly classes: Classes;
  readonly units: readonly Unit[];
  readonly table: string | undefined;
  /** NAME.safetensors is written, too. */
  readonly hasWeights: boolean;
}

export function moduleText({ title, name, card, body, classes, units, table, hasWeights }: Parts): string {
  const inner = classes.texts();
  const doc = classDoc(card);
  const own = classes.classText({ name: title, parameters: [], body, doc });
  const hook = reshapes(units, table) ? `\n\n${indent(loadHook, 1)}` : "";
  const code = [...inner, own + hook].join("\n\n\n");
  const used = Object.entries(helpers).flatMap(([word, text]) =>
    new RegExp(`\\b${word}\\(`).test(code) ? [text] : [],
  );
  const prepare = card.inputs.flatMap(({ preprocess, shape }) =>
    preprocess ? [{ preprocess, shape }] : [],
  )[0];
  const sections = [...used, code, ...(prepare ? [transformText(prepare.preprocess, prepare.shape)] : [])];
  const text = sections.join("\n\n\n");
  const needsF = /\bF\./.test(text);
  const head = [
    `"""${docLine(card)}`,
    "",
    `Written by ${card.compiler} from the net ${card.name}. ${namesLine(table)}`,
    ...(hasWeights
      ? [
          "",
          `    net = ${title}()`,
          `    net.load_state_dict(safetensors.torch.load_file("${name}.safetensors"))`,
        ]
      : []),
    '"""',
    "",
    "import torch",
    ...(needsF ? ["import torch.nn.functional as F"] : []),
    "from torch import nn",
  ];
  return `${head.join("\n")}\n\n\n${text}\n`;
}

const safe = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll('"""', "'''");

const docLine = ({ summary, name }: Card): string => safe(summary.split("\n")[0] || name);

const namesLine = (table: string | undefined): string =>
  table
    ? `The names in its state dict are those of ${table}.`
    : "The names in its state dict are those of the rows.";

function classDoc(card: Card): string {
  const size = (shape: readonly number[]) => `${shape[3]} x ${shape[1]} x ${shape[2]}`;
  const facts = [
    `${count(card.params)} parameters, ${count(card.macs)} multiply-adds`,
    `in: ${card.inputs.map(({ name, shape }) => `${name} ${size(shape)}`).join(", ")}`,
    `out: ${card.outputs.map(({ name, shape }) => `${name} ${size(shape)}`).join(", ")}`,
  ];
  const summary = safe(card.summary || card.name).trimEnd();
  return `"""${summary}\n\n${facts.join("\n")}\n"""`;
}

/** What torchvision calls the preparation of a picture. */
function transformText(
  { mean, std, range, order, resize, labels, filter }: Preprocess,
  [, height, width]: readonly number[],
): string {
  const size = `(${height}, ${width})`;
  const how = filter === "bicubic" ? ", interpolation=transforms.InterpolationMode.BICUBIC" : "";
  const steps = [
    ...(resize
      ? [`transforms.Resize(${resize}${how})`, `transforms.CenterCrop(${size})`]
      : [`transforms.Resize(${size}${how})`]),
    "transforms.ToTensor()",
    ...(order === "bgr" ? ["transforms.Lambda(lambda picture: picture.flip(0))"] : []),
    ...(range === 1 ? [] : [`transforms.Lambda(lambda picture: ${range} * picture)`]),
    `transforms.Normalize([${mean.join(", ")}], [${std.join(", ")}])`,
  ];
  const about = labels ? ` The classes are those of ${labels}.` : "";
  return [
    "def preprocess():",
    `    """From a PIL image to what the network takes.${about}"""`,
    "    from torchvision import transforms",
    "",
    "    return transforms.Compose([",
    ...steps.map((step) => `        ${step},`),
    "    ])",
  ].join("\n");
}

/**
 * Whether a checkpoint may store a weight in another shape: a dense layer over 1x1 as a convolution, a vector with sides
 * of 1. A single classifier such as `fc` is a matrix in torchvision and timm.
 */
function reshapes(units: readonly Unit[], table: string | undefined): boolean {
  const dense = units.filter(({ saying: { make } }) => make?.[0] === "nn.Linear(");
  const isPlain = dense.length <= 1 && dense.every(({ path }) => path?.length === 1);
  if (table === undefined) return false;
  return !(isPlain && /^(?:torchvision|timm)/.test(table)) || units.some(({ loose }) => loose.length > 0);
}

const loadHook = `def _load_from_state_dict(self, state_dict, prefix, *args):
    """Kernels of 1x1 and matrices are the same numbers, and so are vectors with sides of 1."""
    for name, value in self.state_dict().items():
        stored = state_dict.get(prefix + name)
        if stored is not None and stored.squeeze().shape == value.squeeze().shape:
            state_dict[prefix + name] = stored.reshape(value.shape)
    super()._load_from_state_dict(state_dict, prefix, *args)`;
