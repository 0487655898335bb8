/**
 * Colours and indents texts in CodeMirror 6: `StreamLanguage.define(resnetStreamParser)`. Only the shape is
 * CodeMirror's, so that nothing here depends on it, nor on the compiler: rules are generated from the lexer's.
 */
import { rules } from "./rules.generated.ts";

/** As much of CodeMirror's StringStream as is used. */
export interface Stream {
  sol(): boolean;
  eatSpace(): boolean;
  match(pattern: RegExp): boolean | RegExpMatchArray | null;
  next(): unknown;
  current(): string;
}

export interface StreamState {
  /** Whether the word before, on this line, declares the name behind it. */
  declares: boolean;
  /** How many brackets are open. */
  depth: number;
}

export const resnetStreamParser = {
  name: "resnet",
  startState: (): StreamState => ({ declares: false, depth: 0 }),

  /** The tag of the next piece of the line, by the names of @lezer/highlight; null for white space. */
  token(stream: Stream, state: StreamState): string | null {
    if (stream.sol()) state.declares = false;
    if (stream.eatSpace()) return null;
    for (const { tag, pattern, context } of rules) {
      if (context === "declared" && !state.declares) continue;
      if (!stream.match(pattern)) continue;
      state.declares = context === "declares";
      if (tag === "bracket") state.depth += /[([{]/.test(stream.current()) ? 1 : state.depth > 0 ? -1 : 0;
      return tag;
    }
    stream.next();
    return null;
  },

  /** Columns in front of a line: a level for each open bracket. */
  indent: ({ depth }: StreamState, textAfter: string, { unit }: { readonly unit: number }): number =>
    unit * Math.max(0, depth - (/^\s*[)\]}]/.test(textAfter) ? 1 : 0)),

  languageData: {
    commentTokens: { line: "#" },
    closeBrackets: { brackets: ["(", "[", "{", '"'] },
    indentOnInput: /^\s*[)\]}]$/,
  },
};
