/** The editor: CodeMirror with the colours, mistakes, completion and hovers of the language. */
import {
  autocompletion,
  type CompletionContext,
  type CompletionResult,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
  pickedCompletion,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import {
  bracketMatching,
  indentOnInput,
  indentUnit,
  StreamLanguage,
  syntaxHighlighting,
} from "@codemirror/language";
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { EditorState, type Extension } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  hoverTooltip,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";
import { resnetStreamParser } from "../../src/language/highlight/stream-parser.ts";
import type { Compiler } from "./compiler.ts";
import { markdown } from "./markdown.ts";
import type { Change, CompletionAnswer, Problem } from "./protocol.ts";

export interface EditorOptions {
  readonly parent: HTMLElement;
  readonly label: string;
  readonly text: string;
  readonly compiler: Compiler;
  readonly onChange: (text: string) => void;
}

export class Editor {
  readonly #view: EditorView;
  /** Of the text that was checked last. */
  #problems: readonly Problem[] = [];
  #checked = "";

  constructor({ parent, label, text, compiler, onChange }: EditorOptions) {
    const told = EditorView.updateListener.of((update) => {
      if (update.docChanged) onChange(update.state.doc.toString());
    });
    this.#view = new EditorView({
      parent,
      doc: text,
      extensions: [
        ...common,
        EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
        autocompletion({ override: [completer(compiler)] }),
        hovers(compiler),
        keymap.of([{ key: "Mod-.", run: ({ state }) => this.#mendAt(state.selection.main.head) }]),
        told,
      ],
    });
  }

  get text(): string {
    return this.#view.state.doc.toString();
  }

  replace(text: string): void {
    this.#view.dispatch({ changes: { from: 0, to: this.#view.state.doc.length, insert: text } });
  }

  /** Edits of a text, if it is still the one that stands here. */
  apply(changes: readonly Change[], of: string): void {
    if (this.text === of) this.#view.dispatch({ changes: [...changes] });
  }

  /** Shows what is wrong with a text, if it is still the one that stands here. */
  show(problems: readonly Problem[], of: string): void {
    if (this.text !== of) return;
    this.#problems = problems;
    this.#checked = of;
    const diagnostics = problems.map(
      ({ from, to, severity, message, hint, fixes }): Diagnostic => ({
        ...{ from, to, severity, message: hint ? `${message}: ${hint}` : message },
        actions: fixes.map(({ title, changes }) => ({ name: title, apply: () => this.apply(changes, of) })),
      }),
    );
    this.#view.dispatch(setDiagnostics(this.#view.state, diagnostics));
  }

  /** Does the first thing that can be done about a mistake in this row. */
  #mendAt(offset: number): boolean {
    const row = this.#view.state.doc.lineAt(offset);
    const inRow = ({ from, to }: Problem) => from <= row.to && row.from <= to;
    const fix = this.#problems.filter(inRow).flatMap(({ fixes }) => fixes)[0];
    if (!fix || this.text !== this.#checked) return false;
    this.apply(fix.changes, this.#checked);
    return true;
  }

  goTo(offset: number): void {
    this.#view.dispatch({ selection: { anchor: offset }, scrollIntoView: true });
    this.#view.focus();
  }
}

/** Tab leaves the editor, as everywhere in the page: what is indented is indented by Enter. */
const common: readonly Extension[] = [
  ...[lineNumbers(), history(), drawSelection(), indentOnInput(), bracketMatching(), closeBrackets()],
  ...[highlightActiveLine(), EditorView.lineWrapping, lintGutter(), indentUnit.of("  ")],
  EditorState.tabSize.of(2),
  StreamLanguage.define({ ...resnetStreamParser }),
  syntaxHighlighting(classHighlighter),
  keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap]),
];

const icons: Readonly<Record<string, string>> = {
  ...{ keyword: "keyword", value: "constant", argument: "property", part: "property", module: "namespace" },
  ...{ operation: "function", function: "function", block: "class", net: "class", table: "type" },
};

const completer =
  (compiler: Compiler) =>
  async (context: CompletionContext): Promise<CompletionResult | null> => {
    const { state, pos, explicit } = context;
    const before = state.sliceDoc(Math.max(0, pos - 1), pos);
    if (!explicit && !/[\w.(=">@]/.test(before)) return null;
    const found = await compiler.latest("complete", { text: state.doc.toString(), offset: pos });
    if (!found || found.length === 0 || context.aborted) return null;
    return {
      from: found[0].from,
      validFor: /^\w*$/,
      options: found.map((completion) => toOption(completion, pos)),
    };
  };

function toOption(
  { label, kind, insert, to, detail, documentation, changes, rank }: CompletionAnswer,
  at: number,
) {
  return {
    ...{ label, type: icons[kind] ?? "variable", boost: -rank },
    ...(detail === undefined ? {} : { detail }),
    ...(documentation === undefined ? {} : { info: () => markdown(documentation) }),
    apply: (
      view: EditorView,
      completion: Parameters<typeof pickedCompletion.of>[0],
      from: number,
      end: number,
    ) => {
      const own = { from, to: Math.max(end, end + to - at), insert };
      view.dispatch({
        changes: [own, ...changes],
        // Behind what was written; a `use` in front of it moves that.
        selection: { anchor: from + insert.length + grownBefore(changes, from) },
        annotations: pickedCompletion.of(completion),
      });
    },
  };
}

const grownBefore = (changes: readonly Change[], place: number): number =>
  changes
    .filter(({ to }) => to <= place)
    .reduce((sum, { from, to, insert }) => sum + insert.length - (to - from), 0);

const hovers = (compiler: Compiler): Extension =>
  hoverTooltip(async (view, offset) => {
    const found = await compiler.latest("hover", { text: view.state.doc.toString(), offset });
    if (!found) return null;
    const dom = markdown(found.markdown);
    return { pos: found.from, end: found.to, above: true, create: () => ({ dom }) };
  });
