/**
 * Whether a grammar is strong LL(k): at every choice, the next k tokens tell which way to go, whatever was read before.
 *
 * Chevrotain checks the alternatives of an OR and nothing else: an OPTION or MANY whose body can start like what
 * follows it is silently greedy. Here every decision counts. The productions become a plain context-free grammar,
 * FIRST_k and FOLLOW_k are least fixed points over sets of token strings, and the sets
 * FIRST_k(alternative . FOLLOW_k(rule)) of one decision must not meet. (Rosenkrantz and Stearns 1970, "Properties
 * of deterministic top-down grammars".)
 */
import {
  Alternation,
  type Alternative,
  type IProduction,
  NonTerminal,
  Option,
  Repetition,
  RepetitionMandatory,
  RepetitionMandatoryWithSeparator,
  RepetitionWithSeparator,
  type Rule,
  Terminal,
  type TokenType,
} from "chevrotain";

type Part = { readonly tokens: readonly string[] } | { readonly rule: string };
/** Alternatives, each a sequence. */
type Rules = Map<string, (readonly Part[])[]>;
/** Strings of at most k tokens, joined by spaces. */
type Strings = Set<string>;

export interface LookaheadReport {
  readonly decisions: number;
  /** "row, alternatives 1 and 2: Name Colon, ..." */
  readonly conflicts: readonly string[];
}

export function checkLookahead(
  productions: Readonly<Record<string, Rule>>,
  vocabulary: readonly TokenType[],
  k: number,
): LookaheadReport {
  const [start] = Object.keys(productions);
  const rules = reachable(flatten(productions, vocabulary), start);
  const first = firstSets(rules, k);
  const follow = followSets(rules, first, start, k);
  const conflicts: string[] = [];
  let decisions = 0;
  for (const [name, alternatives] of rules) {
    if (alternatives.length < 2) continue;
    decisions++;
    const sets = alternatives.map((parts) => join(firstOf(parts, first, k), follow.get(name)!, k));
    for (let i = 0; i < sets.length; i++) {
      for (let j = i + 1; j < sets.length; j++) {
        const both = [...sets[i]].filter((string) => sets[j].has(string)).sort();
        const some = both.slice(0, 4).join(", ");
        if (both.length > 0) conflicts.push(`${name}, alternatives ${i + 1} and ${j + 1}: ${some}`);
      }
    }
  }
  return { decisions, conflicts };
}

/** Productions as a context-free grammar: what Chevrotain nests becomes rules such as `row/option 3`. */
function flatten(productions: Readonly<Record<string, Rule>>, vocabulary: readonly TokenType[]): Rules {
  const rules: Rules = new Map();
  const fresh = (owner: string, kind: string): string => `${owner}/${kind} ${rules.size}`;
  const define = (name: string, alternatives: (readonly Part[])[]): Part => {
    rules.set(name, alternatives);
    return { rule: name };
  };
  const sequence = (definition: readonly IProduction[], owner: string): Part[] =>
    definition.flatMap((production) => parts(production, owner));
  /** `body { before body }`, as a rule that may also be nothing. */
  const repeat = (owner: string, kind: string, before: readonly Part[], body: readonly Part[]): Part => {
    const name = fresh(owner, kind);
    rules.set(name, []);
    return define(name, [[...before, ...body, { rule: name }], []]);
  };
  const parts = (production: IProduction, owner: string): Part[] => {
    if (production instanceof Terminal) return [{ tokens: tokensOf(production.terminalType, vocabulary) }];
    if (production instanceof NonTerminal) return [{ rule: production.nonTerminalName }];
    if (production instanceof Alternation) {
      const alternatives = (production.definition as Alternative[]).map(({ definition }) =>
        sequence(definition, owner),
      );
      return [define(fresh(owner, "or"), alternatives)];
    }
    const body = sequence((production as Option).definition, owner);
    if (production instanceof Option) return [define(fresh(owner, "option"), [body, []])];
    if (production instanceof Repetition) return [repeat(owner, "many", [], body)];
    if (production instanceof RepetitionMandatory) return [...body, repeat(owner, "many", [], body)];
    const isOptional = production instanceof RepetitionWithSeparator;
    if (isOptional || production instanceof RepetitionMandatoryWithSeparator) {
      const separator = { tokens: tokensOf(production.separator, vocabulary) };
      const all = [...body, repeat(owner, "separated", [separator], body)];
      return isOptional ? [define(fresh(owner, "option"), [all, []])] : all;
    }
    throw new Error(`a production of an unknown kind in ${owner}`);
  };
  for (const [name, { definition }] of Object.entries(productions))
    rules.set(name, [sequence(definition, name)]);
  return rules;
}

function reachable(rules: Rules, start: string): Rules {
  const found: Rules = new Map();
  const visit = (name: string) => {
    if (found.has(name)) return;
    const alternatives = rules.get(name)!;
    found.set(name, alternatives);
    for (const part of alternatives.flat()) if ("rule" in part) visit(part.rule);
  };
  visit(start);
  return found;
}

/** What a token type stands for: itself, or every concrete type of its category. */
function tokensOf(type: TokenType, vocabulary: readonly TokenType[]): string[] {
  const members = vocabulary.filter(({ CATEGORIES = [] }) => CATEGORIES.includes(type));
  return members.length === 0
    ? [type.name]
    : [...new Set(members.flatMap((member) => tokensOf(member, vocabulary)))];
}

/** The first k tokens of every concatenation. */
function join(left: Strings, right: Strings, k: number): Strings {
  const joined: Strings = new Set();
  for (const a of left) {
    const start = a === "" ? [] : a.split(" ");
    if (start.length >= k) joined.add(a);
    else {
      for (const b of right) joined.add([...start, ...(b === "" ? [] : b.split(" "))].slice(0, k).join(" "));
    }
  }
  return joined;
}

function firstOf(parts: readonly Part[], first: ReadonlyMap<string, Strings>, k: number): Strings {
  let strings: Strings = new Set([""]);
  for (const part of parts)
    strings = join(strings, "rule" in part ? first.get(part.rule)! : new Set(part.tokens), k);
  return strings;
}

function addAll(target: Strings, more: Strings): boolean {
  const before = target.size;
  for (const string of more) target.add(string);
  return target.size > before;
}

function firstSets(rules: Rules, k: number): ReadonlyMap<string, Strings> {
  const first = new Map([...rules.keys()].map((name): [string, Strings] => [name, new Set()]));
  for (let grew = true; grew; ) {
    grew = false;
    for (const [name, alternatives] of rules)
      for (const parts of alternatives) grew = addAll(first.get(name)!, firstOf(parts, first, k)) || grew;
  }
  return first;
}

function followSets(
  rules: Rules,
  first: ReadonlyMap<string, Strings>,
  start: string,
  k: number,
): ReadonlyMap<string, Strings> {
  const follow = new Map([...rules.keys()].map((name): [string, Strings] => [name, new Set()]));
  follow.get(start)!.add("EOF");
  for (let grew = true; grew; ) {
    grew = false;
    for (const [name, alternatives] of rules) {
      for (const parts of alternatives) {
        for (const [i, part] of parts.entries()) {
          if (!("rule" in part)) continue;
          const behind = join(firstOf(parts.slice(i + 1), first, k), follow.get(name)!, k);
          grew = addAll(follow.get(part.rule)!, behind) || grew;
        }
      }
    }
  }
  return follow;
}
