/** What the files of runnable targets say about the network: NAME.json, and the first lines of the others. */
import type { Card } from "../target.ts";

/** The name, and what the net's doc comment says. */
export const heading = ({ name, summary }: Card): string[] => (summary ? [`${name}: ${summary}`] : [name]);

/** NAME.json: the card, facts about the files, then tables, an entry a line. */
export function cardText(
  card: Card,
  facts: Readonly<Record<string, unknown>>,
  tables: Readonly<Record<string, readonly unknown[]>>,
): string {
  const head = JSON.stringify({ ...card, ...facts }, null, 2).slice(0, -2);
  const texts = Object.entries(tables).map(([name, entries]) => {
    const rows = entries.map((entry) => `    ${JSON.stringify(entry)}`);
    return `  ${JSON.stringify(name)}: ${rows.length > 0 ? `[\n${rows.join(",\n")}\n  ]` : "[]"}`;
  });
  return `${[head, ...texts].join(",\n")}\n}\n`;
}
