/**
 * A text with what was learned of it, each thing when it is first asked for. A document never changes: an edit makes
 * another one, so everything here holds for as long as the object lives.
 */
import type { IToken } from "chevrotain";
import type { Diagnostic, Edit } from "../base/diagnostic.ts";
import type { Source } from "../base/source.ts";
import { type AnalysedNet, type Analysis, analyseLoaded, type Loaded, load } from "../compile.ts";
import type { Module, ReadModule } from "../lower/modules.ts";
import type { RowEvent } from "../lower/row-event.ts";
import type { NetItem } from "../parser/ast.ts";
import { limits } from "../parser/parse.ts";
import * as t from "../parser/tokens.ts";
import { type Binding, bind } from "./bind.ts";
import type { LabelRow } from "./scopes.ts";

export class Document {
  /** Offsets are those of the text that the document was made from. */
  readonly source: Source;
  /** The text as it was handed in. */
  readonly text: string;
  /** How its lines end, for what is added to it. */
  readonly lineBreak: "\n" | "\r\n";
  readonly #read: ReadModule;
  #tokens: readonly IToken[] | undefined;
  #loaded: Loaded | undefined;
  #binding: Binding | undefined;
  #whole: Analysed | undefined;
  readonly #alone = new Map<string, Analysed>();

  constructor(name: string, text: string, read: ReadModule) {
    this.text = text;
    this.source = sourceInPlace(name, text);
    this.lineBreak = text.includes("\r\n") ? "\r\n" : "\n";
    this.#read = read;
  }

  /** Tokens and comments in the order of the text; line breaks are tokens too. */
  get tokens(): readonly IToken[] {
    this.#tokens ??= tokensOf(this.source.text);
    return this.#tokens;
  }

  /** Undefined where a text is no program at all: too long, of a later edition. */
  get module(): Module | undefined {
    return this.#load().module;
  }

  /** Edits as this text wants them: behind a byte-order mark, with its own line breaks. */
  place(edits: readonly Edit[]): readonly Edit[] {
    const first = this.text.startsWith("\uFEFF") ? 1 : 0;
    return edits.map(({ span: { source, start, end }, text }) => ({
      span: { source, start: Math.max(first, start), end: Math.max(first, end) },
      text: text.replaceAll("\n", this.lineBreak),
    }));
  }

  /** Another file as this one would use it. */
  moduleAt(request: string): Module | undefined {
    const found = this.#read(request, this.source);
    return "text" in found ? load(found, this.#read).module : undefined;
  }

  /** What its names mean. */
  get binding(): Binding | undefined {
    const { module } = this;
    if (module) this.#binding ??= bind(module);
    return this.#binding;
  }

  get diagnostics(): readonly Diagnostic[] {
    return this.#analyse().analysis.diagnostics;
  }

  /** Undefined where the net fails. */
  net(name: string): AnalysedNet | undefined {
    return this.#withNet(name).analysis.nets.find((net) => net.name === name);
  }

  /** The rows that ran when a net was built, by the row: in blocks only what happened first. */
  rowsOf(net: NetItem): ReadonlyMap<LabelRow, RowEvent> {
    return this.#withNet(net.name.text).rows.get(net) ?? new Map();
  }

  /** What happened in a row: of a net as that net runs it, of a block in the first net of this file that does. */
  eventOf(row: LabelRow): RowEvent | undefined {
    const home = this.module?.file.items.find(
      ({ span }) => span.start <= row.span.start && row.span.end <= span.end,
    );
    const own =
      home?.kind === "net" && row.span.source === this.source ? this.rowsOf(home).get(row) : undefined;
    if (own) return own;
    for (const events of this.#analyse().rows.values()) {
      const event = events.get(row);
      if (event) return event;
    }
    return undefined;
  }

  #load(): Loaded {
    this.#loaded ??= load(this.source, this.#read);
    return this.#loaded;
  }

  /** Every net of the file. */
  #analyse(): Analysed {
    this.#whole ??= analyse(this.#load(), "*");
    return this.#whole;
  }

  /** One net at least: the others may be large, and who types in one waits for it alone. */
  #withNet(name: string): Analysed {
    if (this.#whole) return this.#whole;
    const alone = this.#alone.get(name) ?? analyse(this.#load(), name);
    this.#alone.set(name, alone);
    return alone;
  }
}

interface Analysed {
  readonly analysis: Analysis;
  readonly rows: ReadonlyMap<NetItem, ReadonlyMap<LabelRow, RowEvent>>;
}

function analyse(loaded: Loaded, net: string): Analysed {
  const rows = new Map<NetItem, Map<LabelRow, RowEvent>>();
  const onRow = (event: RowEvent) => {
    const item = event.net.item as NetItem;
    const events = rows.get(item) ?? new Map<LabelRow, RowEvent>();
    rows.set(item, events);
    if (!events.has(event.row)) events.set(event.row, event);
  };
  return { analysis: analyseLoaded(loaded, { net, onRow }), rows };
}

/** A source whose offsets are those of the text it was made from: what makeSource drops becomes a space here. */
function sourceInPlace(name: string, text: string): Source {
  const mended = text
    .replace(/^\uFEFF/, " ")
    .replaceAll("\r\n", " \n")
    .replaceAll("\r", "\n");
  return { name, text: mended };
}

function tokensOf(text: string): readonly IToken[] {
  if (text.length > limits.characters) return [];
  const { tokens, groups } = t.lexer.tokenize(text);
  return [...tokens, ...(groups.comments ?? [])].sort((a, b) => a.startOffset - b.startOffset);
}
