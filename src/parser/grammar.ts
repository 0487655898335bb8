/**
 * The grammar: 22 rules, strong LL(2), no actions. `grammar/README.md` explains the language.
 *
 * Operators are one flat rule; build-ast.ts climbs precedences, so a new operator never touches the grammar.
 * Error recovery is our own production `junk`, the last alternative of every row and its optional tail: MANY_SEP
 * does not resynchronise at separators, so without it one bad token would end a whole body. The tokens come
 * with balanced brackets (separators.ts), which recovery must not unbalance again. `strict` leaves `junk` and its like
 * (`stray`) out: the grammar as the reference prints it and as its LL(2) property is proved.
 */
import { CstParser, type IOrAlt, type TokenType } from "chevrotain";
import * as t from "./tokens.ts";

const untouchable = new Set<TokenType>([...t.brackets.keys(), ...t.brackets.values(), t.Separator]);

export interface ParserOptions {
  readonly strict?: boolean;
  /** Chevrotain's checks of the grammar itself, which tests ask for and no start has to wait for. */
  readonly validate?: boolean;
}

export class ResnetParser extends CstParser {
  /** Set where the text has leftovers, and by readers to false: it spares them the search for `junk`. */
  hasJunk = false;
  readonly #strict: boolean;

  constructor({ strict = false, validate = false }: ParserOptions = {}) {
    super(t.vocabulary, {
      recoveryEnabled: true,
      maxLookahead: 2,
      nodeLocationTracking: "onlyOffset",
      skipValidations: !validate,
    });
    this.#strict = strict;
    this.performSelfAnalysis();
  }

  protected override canTokenTypeBeInsertedInRecovery(type: TokenType): boolean {
    return !untouchable.has(type) && type !== t.Name;
  }

  /** Asked for the type that is wanted behind the token to delete, which is the next one. */
  protected override canTokenTypeBeDeletedInRecovery(type: TokenType): boolean {
    return !untouchable.has(type) && !untouchable.has(this.LA(1).tokenType);
  }

  /**
   * Where recovery goes on after an error: the first of these that the text has. Chevrotain (11.2, recoverable.ts) has
   * the outermost rule's first, among them `Any` of `junk`, for which every rule within would be left.
   */
  protected flattenFollowSet(): TokenType[] {
    const { flattenFollowSet } = CstParser.prototype as unknown as { flattenFollowSet(): TokenType[] };
    return flattenFollowSet.call(this).reverse();
  }

  readonly file = this.RULE("file", () => {
    this.OPTION(() => this.CONSUME(t.Edition));
    this.OPTION1(() => this.CONSUME(t.Separator));
    this.MANY_SEP({
      SEP: t.Separator,
      DEF: () => {
        const items = [
          { ALT: () => this.SUBRULE(this.use), IGNORE_AMBIGUITIES: true },
          { ALT: () => this.SUBRULE(this.binding), IGNORE_AMBIGUITIES: true },
          { ALT: () => this.SUBRULE(this.block), IGNORE_AMBIGUITIES: true },
          { ALT: () => this.SUBRULE(this.net), IGNORE_AMBIGUITIES: true },
          { ALT: () => this.SUBRULE(this.names), IGNORE_AMBIGUITIES: true },
        ];
        if (this.#strict) this.OR(items);
        else {
          this.OR1({ MAX_LOOKAHEAD: 1, DEF: [...items, { ALT: () => this.SUBRULE(this.junk) }] });
          this.OPTION2(() => this.SUBRULE1(this.junk));
        }
      },
    });
  });

  readonly use = this.RULE("use", () => {
    this.CONSUME(t.Use);
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.CONSUME(t.Name) });
    this.CONSUME(t.From);
    this.OR([
      { ALT: () => this.CONSUME1(t.Name, { LABEL: "module" }) },
      { ALT: () => this.CONSUME(t.Text, { LABEL: "module" }) },
      { ALT: () => this.CONSUME(t.BadText, { LABEL: "module" }) },
    ]);
  });

  readonly binding = this.RULE("binding", () => {
    this.CONSUME(t.Let);
    this.CONSUME(t.Name);
    this.CONSUME(t.Assign);
    this.SUBRULE(this.expr);
  });

  readonly block = this.RULE("block", () => {
    this.CONSUME(t.Block);
    this.CONSUME(t.Name);
    this.OPTION(() => this.SUBRULE(this.params));
    this.SUBRULE(this.body);
  });

  readonly net = this.RULE("net", () => {
    this.CONSUME(t.Net);
    this.CONSUME(t.Name);
    this.OPTION(() => this.SUBRULE(this.params));
    this.OPTION1(() => {
      this.CONSUME(t.Assign);
      this.SUBRULE(this.expr);
    });
    this.OPTION2(() => this.SUBRULE(this.body));
  });

  readonly params = this.RULE("params", () => {
    this.CONSUME(t.LeftParen);
    this.MANY_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.param) });
    // Else a mistake among parameters would cost the body behind them.
    if (!this.#strict) this.OPTION(() => this.SUBRULE(this.stray));
    this.CONSUME(t.RightParen);
  });

  readonly param = this.RULE("param", () => {
    this.CONSUME(t.Name);
    this.OPTION(() => {
      this.CONSUME(t.Colon);
      this.CONSUME1(t.Name, { LABEL: "type" });
    });
    this.OPTION1(() => {
      this.CONSUME(t.Assign);
      this.SUBRULE(this.expr);
    });
  });

  readonly body = this.RULE("body", () => {
    this.CONSUME(t.LeftBrace);
    this.SUBRULE(this.rows);
    this.CONSUME(t.RightBrace);
  });

  readonly rows = this.RULE("rows", () => {
    this.MANY_SEP({
      SEP: t.Separator,
      DEF: () => {
        if (this.#strict) this.SUBRULE(this.row);
        else {
          this.OR({
            MAX_LOOKAHEAD: 1,
            DEF: [
              { ALT: () => this.SUBRULE1(this.row), IGNORE_AMBIGUITIES: true },
              { ALT: () => this.SUBRULE(this.junk) },
            ],
          });
          this.OPTION(() => this.SUBRULE1(this.junk));
        }
      },
    });
  });

  readonly row = this.RULE("row", () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.binding) },
      {
        ALT: () => {
          this.CONSUME(t.Input);
          this.OPTION(() => {
            this.CONSUME(t.Name, { LABEL: "label" });
            this.CONSUME(t.Colon);
          });
          this.SUBRULE(this.expr);
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.Output);
          this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.ref) });
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.Default);
          this.AT_LEAST_ONE_SEP1({ SEP: t.Comma, DEF: () => this.SUBRULE1(this.expr) });
        },
      },
      { ALT: () => this.SUBRULE(this.expect) },
      {
        ALT: () => {
          this.OPTION1(() => {
            this.CONSUME1(t.Name, { LABEL: "label" });
            this.CONSUME1(t.Colon);
          });
          this.SUBRULE2(this.expr);
        },
      },
    ]);
  });

  readonly expect = this.RULE("expect", () => {
    this.CONSUME(t.Expect);
    this.SUBRULE(this.ref);
    this.OPTION(() => this.OR([{ ALT: () => this.CONSUME(t.Arrow) }, { ALT: () => this.CONSUME(t.CmpOp) }]));
    this.SUBRULE(this.expr);
  });

  readonly ref = this.RULE("ref", () => {
    this.OR([
      { ALT: () => this.CONSUME(t.Name, { LABEL: "part" }) },
      { ALT: () => this.CONSUME(t.Output, { LABEL: "part" }) },
    ]);
    this.MANY(() => {
      this.CONSUME(t.Dot);
      this.OR1([
        { ALT: () => this.CONSUME1(t.Name, { LABEL: "part" }) },
        { ALT: () => this.CONSUME(t.NumberToken, { LABEL: "part" }) },
      ]);
    });
  });

  readonly expr = this.RULE("expr", () => {
    this.SUBRULE(this.operand);
    this.MANY(() => {
      this.CONSUME(t.BinOp);
      this.SUBRULE1(this.operand);
    });
  });

  readonly operand = this.RULE("operand", () => {
    this.MANY(() =>
      this.OR([
        { ALT: () => this.CONSUME(t.Minus, { LABEL: "prefix" }) },
        { ALT: () => this.CONSUME(t.Not, { LABEL: "prefix" }) },
      ]),
    );
    this.SUBRULE(this.primary);
    this.MANY1(() =>
      this.OR1([
        { ALT: () => this.SUBRULE(this.args) },
        {
          ALT: () => {
            this.CONSUME(t.Dot);
            this.OR2([
              { ALT: () => this.CONSUME(t.Name, { LABEL: "member" }) },
              { ALT: () => this.CONSUME(t.NumberToken, { LABEL: "member" }) },
            ]);
          },
        },
      ]),
    );
  });

  /** Made once: of all rules this one runs most often. */
  #primaries: IOrAlt<unknown>[] | undefined;

  readonly primary = this.RULE("primary", () => {
    this.#primaries ??= [
      { ALT: () => this.CONSUME(t.NumberToken) },
      { ALT: () => this.CONSUME(t.BadNumber) },
      { ALT: () => this.CONSUME(t.Size) },
      { ALT: () => this.CONSUME(t.Text) },
      { ALT: () => this.CONSUME(t.BadText) },
      { ALT: () => this.CONSUME(t.True) },
      { ALT: () => this.CONSUME(t.False) },
      { ALT: () => this.CONSUME(t.None) },
      { ALT: () => this.CONSUME(t.In) },
      { ALT: () => this.CONSUME(t.Name) },
      {
        ALT: () => {
          this.CONSUME(t.LeftParen);
          this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.expr) });
          this.CONSUME(t.RightParen);
        },
      },
      { ALT: () => this.SUBRULE(this.group) },
      { ALT: () => this.SUBRULE(this.choice) },
    ];
    this.OR(this.#primaries);
  });

  readonly args = this.RULE("args", () => {
    this.CONSUME(t.LeftParen);
    this.MANY_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.arg) });
    this.CONSUME(t.RightParen);
  });

  readonly arg = this.RULE("arg", () => {
    this.OPTION(() => {
      this.CONSUME(t.Name);
      this.CONSUME(t.Assign);
    });
    this.SUBRULE(this.expr);
  });

  readonly group = this.RULE("group", () => {
    this.CONSUME(t.LeftBracket);
    this.SUBRULE(this.rows);
    this.CONSUME(t.RightBracket);
  });

  readonly choice = this.RULE("choice", () => {
    this.CONSUME(t.If);
    this.SUBRULE(this.expr);
    this.SUBRULE(this.group, { LABEL: "then" });
    this.OPTION(() => {
      this.CONSUME(t.Else);
      this.OR([
        { ALT: () => this.SUBRULE(this.choice, { LABEL: "otherwise" }) },
        { ALT: () => this.SUBRULE1(this.group, { LABEL: "otherwise" }) },
      ]);
    });
  });

  readonly names = this.RULE("names", () => {
    this.CONSUME(t.Names);
    this.CONSUME(t.Name);
    this.CONSUME(t.LeftBrace);
    this.MANY_SEP({
      SEP: t.Separator,
      DEF: () => {
        if (this.#strict) this.SUBRULE(this.line);
        else {
          this.OR({
            MAX_LOOKAHEAD: 1,
            DEF: [
              { ALT: () => this.SUBRULE1(this.line), IGNORE_AMBIGUITIES: true },
              { ALT: () => this.SUBRULE(this.junk) },
            ],
          });
          this.OPTION(() => this.SUBRULE1(this.junk));
        }
      },
    });
    this.CONSUME(t.RightBrace);
  });

  readonly line = this.RULE("line", () => {
    this.SUBRULE(this.pattern);
    this.CONSUME(t.Arrow);
    this.SUBRULE1(this.pattern);
  });

  readonly pattern = this.RULE("pattern", () => {
    this.OR([{ ALT: () => this.CONSUME(t.Text) }, { ALT: () => this.CONSUME(t.Name) }]);
  });

  /** What is left of a row that went wrong, brackets balanced, so that no error leaves its row. */
  readonly junk = this.RULE("junk", () => {
    this.ACTION(() => {
      this.hasJunk = true;
    });
    this.AT_LEAST_ONE(() =>
      this.OR([
        { ALT: () => this.CONSUME(t.Any) },
        {
          ALT: () => {
            this.CONSUME(t.LeftBracket);
            this.SUBRULE(this.inside);
            this.CONSUME(t.RightBracket);
          },
        },
        {
          ALT: () => {
            this.CONSUME(t.LeftBrace);
            this.SUBRULE1(this.inside);
            this.CONSUME(t.RightBrace);
          },
        },
      ]),
    );
  });

  /** The same of parameters, up to the parenthesis that closes them. */
  readonly stray = this.RULE("stray", () => {
    this.ACTION(() => {
      this.hasJunk = true;
    });
    this.AT_LEAST_ONE(() =>
      this.OR([
        { ALT: () => this.CONSUME(t.Inner) },
        { ALT: () => this.CONSUME(t.Separator) },
        {
          ALT: () => {
            this.CONSUME(t.LeftParen);
            this.OPTION(() => this.SUBRULE(this.stray));
            this.CONSUME(t.RightParen);
          },
        },
        {
          ALT: () => {
            this.CONSUME(t.LeftBracket);
            this.SUBRULE(this.inside);
            this.CONSUME(t.RightBracket);
          },
        },
      ]),
    );
  });

  readonly inside = this.RULE("inside", () => {
    this.MANY(() =>
      this.OR([{ ALT: () => this.CONSUME(t.Separator) }, { ALT: () => this.SUBRULE(this.junk) }]),
    );
  });
}
