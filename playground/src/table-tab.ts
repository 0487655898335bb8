/** What each stage makes and costs, and what the text expects of it. */
import { find, make, table } from "./dom.ts";
import type { Subject, View } from "./view.ts";

export class TableTab implements View {
  show({ shown }: Subject): void {
    const { name, doc, stages, params, state, macs, depth, verdicts } = shown;
    const rows = stages.map((stage) => [
      stage.name,
      stage.shape,
      grouped(stage.params),
      grouped(stage.macs),
      grouped(stage.field),
    ]);
    const total = ["sum", "", grouped(params), grouped(macs), ""];
    find("#table").replaceChildren(
      ...(doc ? [make("p", {}, doc)] : []),
      make(
        "div",
        { class: "wide", tabindex: 0, role: "region", "aria-label": "Table of the stages" },
        table(
          `${name}: ${depth} layers deep, ${grouped(state)} values of state`,
          ["stage", "output", "parameters", "multiply-adds", "sees"],
          [...rows, total],
        ),
      ),
      make("h2", {}, "What the text expects"),
      verdicts.length === 0
        ? make("p", {}, "Nothing: `expect params 25.6M` in the net would be checked here.")
        : make("ul", { class: "verdicts" }, ...verdicts.map(verdictOf)),
    );
  }
}

const grouped = (value: number): string => value.toLocaleString("en");

function verdictOf({ what, wanted, found, holds }: Subject["shown"]["verdicts"][number]): HTMLElement {
  const words = holds ? `${what} ${wanted} holds` : `${what} ${wanted} fails: it is ${found}`;
  return make("li", { class: holds ? "holds" : "fails" }, words);
}
