/** `npm run bench:precision`: what weights in fewer bits change, in Markdown, for docs/precision.md. */
import { percent } from "../src/base/show-number.ts";
import { cifarEffect, faceEffect, fewerBits } from "../tests/support/precision.ts";
import { markdownTable } from "./markdown.ts";

const megabytes = (mb: number): string => `${mb.toPrecision(3)} MB`;

const cifar: string[][] = [];
for (const name of ["resnet20", "resnet56"] as const) {
  for (const precision of fewerBits) {
    const { mb, pictures, largest, sameTop } = await cifarEffect(name, precision);
    cifar.push([name, precision, megabytes(mb), percent(largest), `${sameTop} of ${pictures}`]);
  }
}
console.log(
  `${markdownTable(["net", "weights", "file", "largest difference of a logit, of their range", "same class"], cifar)}\n`,
);

const faces: string[][] = [];
for (const precision of fewerBits) {
  const { mb, pairs, distance, sameDecision, value } = await faceEffect(precision);
  faces.push([
    ...["dlib_face", precision, megabytes(mb), value.toPrecision(2), distance.toPrecision(2)],
    `${sameDecision} of ${pairs}`,
  ]);
}
console.log(
  markdownTable(
    ["net", "weights", "file", "largest difference of a value", "of a distance", "same decision at 0.6"],
    faces,
  ),
);
