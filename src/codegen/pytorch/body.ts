/** Writes the body of one module: what it holds, and what it does in the order in which data flows. */
import { invariant } from "../../base/invariant.ts";
import type { Node } from "../../ir/graph.ts";
import type { ParamAttrs } from "../../ir/ops/param.ts";
import { countUsesOf } from "./count-uses.ts";
import type { Scribe } from "./operations.ts";
import type { Item, Scopes } from "./scopes.ts";
import {
  type Body,
  identifier,
  isIdentifier,
  join,
  type Link,
  lengthOf,
  quote,
  slot,
  type Text,
  t,
} from "./text.ts";

/** Longer expressions get a variable. */
const widest = 64;
const deepest = 3;

/** A value that is not in a variable yet. */
interface Pending {
  readonly node: Node;
  readonly text: Text;
  readonly depth: number;
}

/** What a module holds under a name: a module or a weight, or more names. */
type Member = { readonly make: Text } | Map<string, Member>;

export class BodyWriter {
  readonly #scopes: Scopes;
  readonly #path: readonly string[];
  readonly #items: readonly Item[];
  readonly #inputs: readonly Node[];
  readonly #outputs: readonly Node[];
  readonly #members = new Map<string, Member>();
  readonly #variables = new Map<Node, string>();
  readonly #left: Map<Node, number>;
  readonly #forward: Text[] = [];
  readonly #taken = new Set<string>();
  #pending: Pending | undefined;
  #depth = 0;
  /** Variables whose values nothing reads any more. */
  #free: string[] = [];

  constructor(
    scopes: Scopes,
    path: readonly string[],
    items: readonly Item[],
    inputs: readonly Node[],
    outputs: readonly Node[],
  ) {
    this.#scopes = scopes;
    this.#path = path;
    this.#items = items;
    this.#inputs = inputs;
    this.#outputs = outputs;
    this.#left = countUsesOf(items, outputs);
  }

  write(names: readonly string[] = this.#inputs.map((_, i) => ["x", "y", "z"][i] ?? `x${i + 1}`)): {
    readonly body: Body;
    readonly wantsFlat: boolean;
  } {
    const chain = this.#path.length > 0 ? this.#chain() : undefined;
    if (chain)
      return { body: { arguments: ["x"], init: [], forward: [], chain }, wantsFlat: this.#startsFlat() };
    this.#inputs.forEach((node, i) => {
      this.#variables.set(node, names[i]);
      this.#taken.add(names[i]);
    });
    this.#collectMembers();
    for (const [i, item] of this.#items.entries()) this.#step(item, this.#items[i + 1]);
    this.#forward.push(t`return ${this.#result()}`);
    const init = this.#init();
    return { body: { arguments: names, init, forward: this.#forward }, wantsFlat: false };
  }

  #result(): Text {
    const values = this.#outputs.map((node) => this.#take(node));
    if (this.#path.length > 0 || values.length === 1) {
      const [only] = this.#outputs;
      const isVector = only.type.shape[1] === 1 && only.type.shape[2] === 1 && !this.#scopes.flat.has(only);
      if (this.#path.length === 0 && isVector) return t`torch.flatten(${values[0]}, 1)`;
      return join(values, ", ");
    }
    return t`{${join(
      values.map((value, i) => t`${quote(this.#scopes.outputNames[i])}: ${value}`),
      ", ",
    )}}`;
  }

  // ---- what it holds --------------------------------------------------------------------------------

  #collectMembers(): void {
    for (const { path, units, inner } of this.#items) {
      if (inner) {
        this.#hold(path, [{ of: inner.family, slots: inner.slots }]);
        continue;
      }
      const [{ saying, path: module, loose, node }] = units;
      if (module) this.#hold(path, saying.make!);
      else if (saying.fixed) this.#hold([this.#fixedName(node)], saying.fixed);
      for (const weight of loose) this.#holdWeight(weight);
    }
  }

  /** Fixed buffers are in no state dict, so their names are free. */
  #fixedName(node: Node): string {
    const word = identifier(
      node.name
        .split(".")
        .filter((part) => !/^\d+$/.test(part))
        .at(-1)!,
    );
    const used = new Set(this.#items.map(({ path }) => path[0]));
    let name = word;
    for (let i = 2; used.has(name) || this.#members.has(name); i++) name = `${word}_${i}`;
    this.#fixed.set(node, name);
    return name;
  }

  readonly #fixed = new Map<Node, string>();

  #holdWeight(weight: Node<ParamAttrs>): void {
    const { role, frozen } = weight.attrs;
    const name = this.#scopes.nameOf(weight).split(".").slice(this.#path.length);
    const start = role === "scale" || role === "var" ? "ones" : "zeros";
    const shape = weight.attrs.shape.map((side) => [slot("out", side)]);
    const isBuffer = frozen || role === "mean" || role === "var";
    const values = t`torch.${start}(${join(shape, ", ")})`;
    this.#hold(name, isBuffer ? t`nn.Buffer(${values})` : t`nn.Parameter(${values})`);
  }

  #hold(path: readonly string[], make: Text): void {
    let members = this.#members;
    for (const part of path.slice(0, -1)) {
      let inner = members.get(part);
      if (!(inner instanceof Map)) {
        invariant(!inner, `${path.join(".")} lies in a module of its own`);
        inner = new Map();
        members.set(part, inner);
      }
      members = inner;
    }
    const last = path[path.length - 1];
    if (!members.has(last)) members.set(last, { make });
  }

  #init(): Text[] {
    return [...this.#members].map(([name, member]) => {
      const make = this.#make(member);
      if (make[0] === "nn.Buffer(") return t`self.register_buffer(${quote(name)}, ${make.slice(1, -1)})`;
      if (!isIdentifier(name)) return t`self.add_module(${quote(name)}, ${make})`;
      return t`self.${name} = ${make}`;
    });
  }

  #make(member: Member): Text {
    if (!(member instanceof Map)) return member.make;
    const kind = kindOf(member);
    const inner = [...member].map(([name, each]) => [name, this.#make(each)] as const);
    if (kind === "list") {
      const ordered = inner.sort(([a], [b]) => Number(a) - Number(b)).map(([, make]) => make);
      return t`nn.ModuleList([${join(ordered, ", ")}])`;
    }
    if (kind === "dict") {
      const entries = inner.map(([name, make]) => t`${quote(name)}: ${make}`);
      return t`nn.ModuleDict({${join(entries, ", ")}})`;
    }
    return t`Group(${join(
      inner.map(([name, make]) => t`${name}=${make}`),
      ", ",
    )})`;
  }

  /** The expression for what is held under a path. */
  #self(path: readonly string[]): string {
    let text = "self";
    let members: Member | undefined = this.#members;
    path.forEach((part, depth) => {
      const kind = depth === 0 ? "module" : kindOf(members as Map<string, Member>);
      if (kind === "list") text += `[${part}]`;
      else if (kind === "dict") text += `[${quote(part)}]`;
      else text = isIdentifier(part) ? `${text}.${part}` : `getattr(${text}, ${quote(part)})`;
      members = members instanceof Map ? members.get(part) : undefined;
    });
    return text;
  }

  // ---- what it does ---------------------------------------------------------------------------------

  #step(item: Item, next: Item | undefined): void {
    this.#depth = 0;
    if (!this.#pending) this.#free = [];
    const text = item.inner ? this.#callOf(item) : item.units[0].saying.call(this.#scribe(item));
    invariant(!this.#pending, "a value that stands in no variable is read at once");
    const depth = this.#depth + 1;
    if (item.outputs.length > 1) {
      const names = item.outputs.map((node) => this.#name(node, item));
      this.#forward.push(t`${names.join(", ")} = ${text}`);
      return;
    }
    const [node] = item.outputs;
    const reads = this.#left.get(node) ?? 0;
    const isReadNext = next
      ? next.inputs.includes(node)
      : this.#outputs.length === 1 && this.#outputs[0] === node;
    const isMerge = /^(?:add|mul|affine|bias)$/.test(item.units[0].node.op.name) && !item.inner;
    const fits = lengthOf(text) < widest && depth <= deepest && !(isMerge && next && usesAsOperand(next));
    if (reads === 1 && isReadNext && (fits || !next) && this.#isLastHold(next, node)) {
      this.#pending = { node, text, depth };
      return;
    }
    this.#forward.push(t`${this.#name(node, item)} = ${text}`);
  }

  /** Whether the next step reads a value once. */
  #isLastHold(next: Item | undefined, node: Node): boolean {
    return !next || next.inputs.filter((from) => from === node).length === 1;
  }

  #callOf({ path, inputs, inner }: Item): Text {
    const values = inputs.map((from) => {
      if (!inner!.wantsFlat || this.#scopes.flat.has(from)) return this.#take(from);
      return t`torch.flatten(${this.#take(from)}, 1)`;
    });
    return t`${this.#self(path)}(${join(values, ", ")})`;
  }

  #scribe({ path, units }: Item): Scribe {
    const { flat, nameOf } = this.#scopes;
    const [{ node: own }] = units;
    const fixed = this.#fixed.get(own);
    return {
      map: (node) => (flat.has(node) ? t`${this.#take(node, true)}[:, :, None, None]` : this.#take(node)),
      flat: (node) => (flat.has(node) ? this.#take(node) : t`torch.flatten(${this.#take(node)}, 1)`),
      either: (node) => this.#take(node),
      isFlat: (node) => flat.has(node),
      self: this.#self(fixed ? [fixed] : path),
      param: (node) => {
        invariant(!(node as Node<ParamAttrs>).attrs.compute, `${node.name} is made by a pass`);
        return [this.#self(nameOf(node).split(".").slice(this.#path.length))];
      },
    };
  }

  /** The expression of a value; `isTight` where an operator follows. */
  #take(node: Node, isTight = false): Text {
    const left = (this.#left.get(node) ?? 1) - 1;
    this.#left.set(node, left);
    if (this.#pending?.node === node) {
      const { text, depth } = this.#pending;
      this.#pending = undefined;
      this.#depth = Math.max(this.#depth, depth);
      const isSum = / [+*] /.test(text.filter((piece) => typeof piece === "string").join(""));
      return isTight && isSum ? t`(${text})` : text;
    }
    const variable = this.#variables.get(node);
    invariant(variable, `${node.name} is read before it is made`);
    if (left === 0) this.#free.push(variable);
    return [variable];
  }

  /** A variable for a value: one that is free again, or a new one. */
  #name(node: Node, item: Item): string {
    const [again] = this.#free.splice(0, 1);
    const name = again ?? this.#fresh(node, item);
    this.#variables.set(node, name);
    return name;
  }

  #fresh(node: Node, { inner, path }: Item): string {
    const words = (parts: readonly string[]) => parts.filter((part) => !/^\d+$/.test(part));
    // Rows of the net have labels; inside of modules only submodules have names that all copies share.
    const label = this.#path.length === 0 ? words(node.name.split("."))[0] : inner && words(path).at(-1);
    const short = ["y", "z"].find((each) => !this.#taken.has(each));
    const isLabel = label !== undefined && isIdentifier(label) && label !== "x";
    const name = short && (this.#path.length > 0 || this.#items.length < 24) ? short : isLabel ? label : "y";
    let unique = name;
    for (let i = 2; this.#taken.has(unique); i++) unique = `${name}${i}`;
    this.#taken.add(unique);
    return unique;
  }

  // ---- chains ---------------------------------------------------------------------------------------

  #startsFlat(): boolean {
    const [{ units, inner }] = this.#items;
    if (inner) return inner.wantsFlat;
    return (
      this.#scopes.flat.has(units[0].node) && !units[0].inputs.every((from) => this.#scopes.flat.has(from))
    );
  }

  /** The body as a Sequential, if each step reads nothing but the one before. */
  #chain(): readonly Link[] | undefined {
    if (this.#inputs.length !== 1 || this.#outputs.length !== 1) return undefined;
    const links: Link[] = [];
    let [current] = this.#inputs;
    for (const [i, item] of this.#items.entries()) {
      const { inputs, outputs, inner, path, units } = item;
      const [{ saying, path: module, loose }] = units;
      if (inputs.length !== 1 || inputs[0] !== current || outputs.length !== 1 || path.length > 1)
        return undefined;
      if (!inner && units[0].inputs.length !== 1) return undefined;
      if (i > 0 && this.#left.get(current) !== 1) return undefined;
      if (loose.length > 0 && !inner) return undefined;
      const flatIn = this.#scopes.flat.has(current);
      const flattens = inner ? inner.wantsFlat : !flatIn && this.#scopes.flat.has(outputs[0]);
      if (flattens && i > 0 && !flatIn) links.push({ name: undefined, make: ["nn.Flatten(1)"] });
      if (!inner && flatIn && !this.#scopes.flat.has(outputs[0])) return undefined;
      const make: Text | undefined = inner
        ? [{ of: inner.family, slots: inner.slots }]
        : module
          ? saying.make
          : (saying.fixed ?? saying.link);
      if (!make || (!inner && !isBareCall(saying, module !== undefined))) return undefined;
      links.push({ name: inner || module ? path[0] : undefined, make });
      [current] = outputs;
    }
    if (current !== this.#outputs[0]) return undefined;
    return named(links);
  }
}

/** Whether what a module does is all that the operation does: a pad before a convolution is not. */
function isBareCall(saying: Item["units"][number]["saying"], hasModule: boolean): boolean {
  if (!hasModule && !saying.fixed) return saying.link !== undefined;
  const text = saying.call({
    ...{ map: () => ["x"], flat: () => ["x"], either: () => ["x"], isFlat: () => true },
    ...{ self: "m", param: () => ["p"] },
  });
  return text.join("") === "m(x)";
}

/**
 * Links with numbers stand at these, the others and what does nothing between them; undefined where they do not fit.
 * Names that are words stay, and the links without weights are called after what they are.
 */
function named(links: readonly Link[]): readonly Link[] | undefined {
  const names = links.flatMap(({ name }) => (name === undefined ? [] : [name]));
  if (names.length === 0 || new Set(names).size < names.length) return undefined;
  if (names.every((name) => /^\d+$/.test(name))) {
    const placed: Link[] = [];
    for (const link of links) {
      const at = link.name === undefined ? placed.length : Number(link.name);
      if (at < placed.length || at > placed.length + 3) return undefined;
      while (placed.length < at) placed.push({ name: String(placed.length), make: ["nn.Identity()"] });
      placed.push({ name: String(at), make: link.make });
    }
    return placed;
  }
  return undefined;
}

const usesAsOperand = ({ units, inner }: Item): boolean =>
  !inner && /^(?:add|mul|affine|bias|slice|softmax|globalAveragePool)$/.test(units[0].node.op.name);

function kindOf(members: Map<string, Member>): "list" | "dict" | "group" {
  const names = [...members.keys()];
  const numbers = names.filter((name) => /^\d+$/.test(name)).map(Number);
  if (numbers.length === names.length && Math.max(...numbers) === names.length - 1) return "list";
  return names.every(isIdentifier) ? "group" : "dict";
}
