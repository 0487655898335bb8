/** A page of one file: the picture, and what redraws it when a stage is unfolded or another colouring chosen. */

import { type Colouring, colourings, colouringWords, type Times } from "./colours.ts";
import { escapeXml } from "./escape-xml.ts";
import { pageScript, pageStyle } from "./page.generated.ts";
import { drawPicture, type Heading, totalsOf, type View } from "./picture.ts";
import type { Step } from "./steps.ts";

/** What the page's script is given: steps whose sources are places in the list. */
export interface PageData extends Heading {
  readonly steps: readonly (Omit<Step, "sources"> & { readonly sources: readonly number[] })[];
  readonly unfold: readonly string[] | "all";
  readonly colour: Colouring;
  readonly times?: readonly (readonly [string, number])[];
}

export function drawPage(steps: readonly Step[], heading: Heading, view: View = {}): string {
  const { unfold = new Set(), colour = "map", times } = view;
  const places = new Map(steps.map((step, i) => [step, i]));
  const data: PageData = {
    ...heading,
    steps: steps.map((step) => ({ ...step, sources: step.sources.map((source) => places.get(source)!) })),
    unfold: unfold === "all" ? "all" : [...unfold],
    colour,
    ...(times ? { times: [...times] } : {}),
  };
  const title = escapeXml(heading.title);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${pageStyle}</style>
</head>
<body>
<form>
<label>Colour by <select>${options(colour, times)}</select></label>
<button type="button" id="all" aria-pressed="${unfold === "all"}">Show every block</button>
</form>
<main>${drawPicture(steps, heading, view)}</main>
<output aria-live="polite"></output>
<details><summary>As a table</summary>
${stageTable(steps)}
</details>
<script type="application/json">${JSON.stringify(data).replaceAll("<", "\\u003c")}</script>
<script>${pageScript}</script>
</body>
</html>
`;
}

const options = (chosen: Colouring, times: Times | undefined): string =>
  colourings
    .filter((colouring) => colouring !== "ms" || times)
    .map((colouring) => {
      const mark = colouring === chosen ? " selected" : "";
      return `<option value="${colouring}"${mark}>${colouringWords[colouring]}</option>`;
    })
    .join("");

function stageTable(steps: readonly Step[]): string {
  const rows = [...totalsOf(steps)].map(
    ([name, { params, macs, shape }]) =>
      `<tr><th scope="row">${escapeXml(name)}</th><td>${shape}</td><td>${params.toLocaleString("en")}</td><td>${macs.toLocaleString("en")}</td></tr>`,
  );
  const heads = ["stage", "output", "parameters", "multiply-adds"].map(
    (head) => `<th scope="col">${head}</th>`,
  );
  return `<table><thead><tr>${heads.join("")}</tr></thead>\n<tbody>${rows.join("\n")}</tbody></table>`;
}
