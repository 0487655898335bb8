/**
 * What programs have made of tfjs' weights: once for each tensor's numbers and form, freed with the tensor. Layers
 * of several sizes that share a filter share what is made of it.
 *
 * Making it pays for filters that are used again. Some are not: those of training, or what attention multiplies.
 * Where filters die after one use, further ones of the same layer must come back before anything is made of them.
 */
import type { Block, Host } from "./host.ts";
import type { DataId } from "./tfjs.ts";

interface Entry {
  readonly blocks: Map<string, Block>;
  /** Told when the tensor goes, how often it was used. */
  readonly loss: Loss;
  uses: number;
}

/** How filters of a layer have fared. */
export interface Loss {
  /** In a row, after one use. */
  dead: number;
}

const tolerated = 2;

export class PackedWeights {
  readonly #host: Host;
  readonly #entries = new Map<DataId, Entry>();
  #seen = new WeakSet<DataId>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** Whether to make something of a filter that is about to be used. */
  isWorthIt(dataId: DataId, loss: Loss): boolean {
    const entry = this.#entries.get(dataId);
    if (entry) {
      if (++entry.uses === 2) entry.loss.dead = 0;
      return true;
    }
    if (loss.dead >= tolerated && !this.#seen.has(dataId)) {
      this.#seen.add(dataId);
      return false;
    }
    this.#entries.set(dataId, { blocks: new Map(), loss, uses: 1 });
    return true;
  }

  /** The address of what `make` has put there, now or earlier. */
  get(dataId: DataId, form: string, bytes: number, make: (address: number) => void): number {
    let entry = this.#entries.get(dataId);
    if (!entry) {
      entry = { blocks: new Map(), loss: { dead: 0 }, uses: 1 };
      this.#entries.set(dataId, entry);
    }
    const found = entry.blocks.get(form);
    if (found) return found.address;
    const block = this.#host.allocate(bytes);
    try {
      make(block.address);
    } catch (error) {
      block.free();
      throw error;
    }
    entry.blocks.set(form, block);
    return block.address;
  }

  /** The tensor is gone. */
  forget(dataId: DataId): void {
    const entry = this.#entries.get(dataId);
    if (!entry) return;
    this.#entries.delete(dataId);
    for (const block of entry.blocks.values()) block.free();
    if (entry.uses === 1) entry.loss.dead++;
  }

  free(): void {
    for (const { blocks } of this.#entries.values()) for (const block of blocks.values()) block.free();
    this.#entries.clear();
    this.#seen = new WeakSet();
  }
}
