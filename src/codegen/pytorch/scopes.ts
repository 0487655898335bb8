/**
 * From steps to nested bodies. What stands under one name of the state dict becomes a module of its own where the rest of
 * the network can be computed before and after it; where it cannot, its members are used by the module around it.
 */
import { invariant } from "../../base/invariant.ts";
import type { Node, Output } from "../../ir/graph.ts";
import { BodyWriter } from "./body.ts";
import { type Body, bodyKey, type Family, isInstance, type Slot, slotsOf, textsOf } from "./text.ts";
import type { Unit } from "./units.ts";

/** A step of a body: an operation, or a module with all that it does. */
export interface Item {
  /** Of a module: its name in the whole network. */
  readonly key: string;
  /** From the body's module to the step's; empty for an operation without weights. */
  readonly path: readonly string[];
  readonly units: readonly Unit[];
  readonly inputs: readonly Node[];
  readonly outputs: readonly Node[];
  /** Of a module: what it does. */
  readonly inner?: Inner;
}

export interface Inner {
  readonly family: Family;
  readonly slots: readonly Slot[];
  /** Whether its first step reads a matrix. */
  readonly wantsFlat: boolean;
}

/** How the steps under one name are run: once a call, all at once, or by the module around it. */
type Mode = "calls" | "whole" | "open";

export class Scopes {
  readonly families: Family[] = [];
  readonly #byKey = new Map<string, Family>();
  /** Of every value: the steps that read it. */
  readonly #readers = new Map<Node, Unit[]>();
  readonly #outputs: ReadonlySet<Node>;
  readonly #order = new Map<Unit, number>();
  readonly nameOf: (param: Node) => string;
  readonly #blocks: (path: readonly string[], units: readonly Unit[]) => string | undefined;
  /** Values that are matrices. */
  readonly flat = new Set<Node>();
  readonly outputNames: readonly string[];

  constructor(
    units: readonly Unit[],
    outputs: readonly Output[],
    nameOf: (param: Node) => string,
    blocks: (path: readonly string[], units: readonly Unit[]) => string | undefined,
  ) {
    this.nameOf = nameOf;
    this.#blocks = blocks;
    this.#outputs = new Set(outputs.map(({ node }) => node));
    this.outputNames = outputs.map(({ name }) => name);
    units.forEach((unit, i) => {
      this.#order.set(unit, i);
      for (const from of unit.inputs) {
        const readers = this.#readers.get(from);
        if (readers) readers.push(unit);
        else this.#readers.set(from, [unit]);
      }
      const isDense = unit.saying.make !== undefined && unit.saying.isFlat && unit.saying.leaves!.size > 0;
      const follows = unit.inputs.length > 0 && unit.inputs.every((from) => this.flat.has(from));
      const makes = isDense && /^nn\.Linear/.test(String(unit.saying.make![0]));
      if (makes || (unit.saying.isFlat && follows)) this.flat.add(unit.node);
    });
  }

  /** The items of a module in an order in which they can run. */
  itemsOf(path: readonly string[], units: readonly Unit[]): readonly Item[] {
    const modes = new Map<string, Mode>();
    for (;;) {
      const items = this.#collect(path, path.length, units, modes);
      const sorted = this.#sort(items);
      if ("order" in sorted) return sorted.order;
      // What hangs together in a circle is taken apart, the outermost first.
      for (const key of new Set(sorted.circle)) {
        const mode = modes.get(key) ?? "calls";
        modes.set(key, mode === "calls" && this.#callsIn(key, units) > 1 ? "whole" : "open");
      }
      invariant(sorted.circle.length > 0, "operations come after what they read");
    }
  }

  #callsIn(key: string, units: readonly Unit[]): number {
    const inside = units.filter(({ scope, path }) => `${(path ?? scope).join(".")}.`.startsWith(`${key}.`));
    return new Set(inside.map(({ call }) => call)).size;
  }

  #collect(root: readonly string[], depth: number, units: readonly Unit[], modes: Map<string, Mode>): Item[] {
    const items: Item[] = [];
    const children = new Map<string, Unit[]>();
    for (const unit of units) {
      if (unit.scope.length === depth) {
        items.push({
          key: "",
          path: (unit.path ?? unit.scope).slice(root.length),
          units: [unit],
          inputs: unit.inputs,
          outputs: [unit.node],
        });
        continue;
      }
      const key = unit.scope.slice(0, depth + 1).join(".");
      const inside = children.get(key);
      if (inside) inside.push(unit);
      else children.set(key, [unit]);
    }
    for (const [key, inside] of children) {
      const path = key.split(".");
      const mode = modes.get(key) ?? "calls";
      const made = mode === "open" ? undefined : this.#modules(root, path, inside, mode, modes);
      if (made) items.push(...made);
      else {
        modes.set(key, "open");
        items.push(...this.#collect(root, depth + 1, inside, modes));
      }
    }
    return items;
  }

  /** One item a call of the module `path`; undefined where it is none. */
  #modules(
    root: readonly string[],
    path: readonly string[],
    units: readonly Unit[],
    mode: Mode,
    modes: Map<string, Mode>,
  ): Item[] | undefined {
    const calls = new Map<string, Unit[]>();
    for (const unit of units) {
      const call = mode === "calls" ? unit.call : "";
      calls.set(call, [...(calls.get(call) ?? []), unit]);
    }
    const items = [...calls.values()].map((own): Item | undefined => {
      const inputs = this.#inputsOf(own);
      const outputs = this.#outputsOf(own);
      if (inputs.length === 0 || !this.#isConvex(own)) return undefined;
      const body = this.bodyOf(path, own, inputs, outputs);
      // What has numbers for names is a list: the module around it picks from it.
      if (!body.body.chain && body.body.init.some(([first]) => first === "self.add_module("))
        return undefined;
      const { family, slots } = this.familyOf(body.body, this.#nameFor(path, own, body.body));
      const inner = { family, slots, wantsFlat: body.wantsFlat };
      return { key: path.join("."), path: path.slice(root.length), units: own, inputs, outputs, inner };
    });
    const [first, ...rest] = items;
    if (items.some((item) => !item)) return this.#retry(root, path, units, mode, modes);
    const same = rest.every(
      (item) =>
        item!.inner!.family === first!.inner!.family &&
        item!.inner!.slots.every(({ value }, i) => value === first!.inner!.slots[i].value),
    );
    return same ? (items as Item[]) : this.#retry(root, path, units, mode, modes);
  }

  #retry(
    root: readonly string[],
    path: readonly string[],
    units: readonly Unit[],
    mode: Mode,
    modes: Map<string, Mode>,
  ): Item[] | undefined {
    if (mode !== "calls" || new Set(units.map(({ call }) => call)).size < 2) return undefined;
    modes.set(path.join("."), "whole");
    return this.#modules(root, path, units, "whole", modes);
  }

  bodyOf(
    path: readonly string[],
    units: readonly Unit[],
    inputs: readonly Node[],
    outputs: readonly Node[],
  ): { readonly body: Body; readonly wantsFlat: boolean } {
    return new BodyWriter(this, path, this.itemsOf(path, units), inputs, outputs).write();
  }

  familyOf(
    body: Body,
    name: readonly string[],
  ): { readonly family: Family; readonly slots: readonly Slot[] } {
    const key = bodyKey(body);
    const slots = textsOf(body).flatMap(slotsOf);
    let family = this.#byKey.get(key);
    if (!family) {
      family = { id: this.families.length, body, names: [] };
      this.families.push(family);
      this.#byKey.set(key, family);
    }
    for (const each of name) if (!family.names.includes(each)) family.names.push(each);
    return { family, slots };
  }

  /** The block that it is written as, else the last word of its name. */
  #nameFor(path: readonly string[], units: readonly Unit[], { init, forward }: Body): readonly string[] {
    // What only hands on to a module inside of it is not the block, but around it.
    const isAround = init.length === 1 && init[0].some(isInstance) && forward.length === 1;
    const block = isAround ? undefined : this.#blocks(path, units);
    const word = [...path].reverse().find((part) => !/^\d+$/.test(part)) ?? "block";
    return block ? [`!${block}`] : [word];
  }

  #inputsOf(units: readonly Unit[]): readonly Node[] {
    const own = new Set(units.map(({ node }) => node));
    return [...new Set(units.flatMap(({ inputs }) => inputs.filter((from) => !own.has(from))))];
  }

  #outputsOf(units: readonly Unit[]): readonly Node[] {
    const own = new Set(units);
    const isRead = ({ node }: Unit) =>
      this.#outputs.has(node) || (this.#readers.get(node) ?? []).some((reader) => !own.has(reader));
    return units.filter(isRead).map(({ node }) => node);
  }

  /** Whether no way leads out and back in. */
  #isConvex(units: readonly Unit[]): boolean {
    const own = new Set(units);
    const last = Math.max(...units.map((unit) => this.#order.get(unit)!));
    const seen = new Set<Unit>();
    const open = units.flatMap(({ node }) => this.#readers.get(node) ?? []).filter((unit) => !own.has(unit));
    for (let unit = open.pop(); unit; unit = open.pop()) {
      if (seen.has(unit) || this.#order.get(unit)! > last) continue;
      seen.add(unit);
      for (const reader of this.#readers.get(unit.node) ?? []) {
        if (own.has(reader)) return false;
        open.push(reader);
      }
    }
    return true;
  }

  /** The items, each after what it reads, otherwise as they are written; or the modules of a circle. */
  #sort(
    items: readonly Item[],
  ): { readonly order: readonly Item[] } | { readonly circle: readonly string[] } {
    const maker = new Map<Node, Item>();
    for (const item of items) for (const node of item.outputs) maker.set(node, item);
    const first = (item: Item) => Math.min(...item.units.map((unit) => this.#order.get(unit)!));
    const waiting = [...items].sort((a, b) => first(a) - first(b));
    const done = new Set<Item>();
    const order: Item[] = [];
    while (waiting.length > 0) {
      const next = waiting.findIndex((item) =>
        item.inputs.every((from) => !maker.has(from) || done.has(maker.get(from)!)),
      );
      if (next < 0) {
        const circle = waiting.flatMap(({ inner, key }) => (inner ? [key] : []));
        return { circle };
      }
      const [item] = waiting.splice(next, 1);
      done.add(item);
      order.push(item);
    }
    return { order };
  }
}
