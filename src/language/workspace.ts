/**
 * The files that features look at: those that are open, as they stand in the editor, and those behind `use` rows, as
 * the caller reads them. A change to a file renews what uses it, and nothing else.
 */
import type { Source } from "../base/source.ts";
import { stdName } from "../lower/modules.ts";
import { stdText } from "../std/std.generated.ts";
import { Document } from "./document.ts";

/** The caller's way to files that are not open; names are whatever it likes, paths or addresses. */
export interface Files {
  /** The name of the file behind `use … from "request"` in another. */
  resolve(request: string, from: string): string;
  read(name: string): string | { readonly why: string };
  /** Files that may use others, open or not. */
  list(): Iterable<string>;
}

export const noFiles: Files = {
  resolve: (request) => request,
  read: () => ({ why: "there are no files here" }),
  list: () => [],
};

interface Entry {
  readonly document: Document;
  readonly isOpen: boolean;
  /** The files it looked at, those that were not found included. */
  readonly uses: Set<string>;
}

export class Workspace {
  readonly #files: Files;
  readonly #entries = new Map<string, Entry>();

  constructor(files: Files = noFiles) {
    this.#files = files;
  }

  /** Takes a text as it is in the editor, in place of the file's. */
  open(name: string, text: string): Document {
    this.#entries.delete(name);
    this.#renewUsersOf(name);
    return this.#add(name, text, true);
  }

  /** From here on the file counts. */
  close(name: string): void {
    this.#entries.delete(name);
    this.#renewUsersOf(name);
  }

  /** A file changed outside the editor. */
  changed(name: string): void {
    if (!this.#entries.get(name)?.isOpen) this.close(name);
  }

  /** Any file may have changed: those that are not open are read anew. */
  forget(): void {
    for (const [name, { isOpen }] of [...this.#entries]) if (!isOpen) this.close(name);
  }

  /** Undefined where there is no such file. */
  document(name: string): Document | undefined {
    const found = this.#entries.get(name);
    if (found) return found.document;
    const text = name === stdName ? stdText : this.#files.read(name);
    return typeof text === "string" ? this.#add(name, text, false) : undefined;
  }

  /** Every text that has a word in it, of open documents and the caller's files: only these are parsed. */
  *documentsWith(word: string): Generator<Document> {
    const names = new Set([...this.#entries.keys(), ...this.#files.list()]);
    for (const name of names) {
      const found = this.document(name);
      if (found?.text.includes(word) && name !== stdName) yield found;
    }
  }

  #add(name: string, text: string, isOpen: boolean): Document {
    const uses = new Set<string>();
    const document = new Document(name, text, (request, from) => this.#source(request, from, uses));
    this.#entries.set(name, { document, isOpen, uses });
    return document;
  }

  #source(request: string, from: Source, uses: Set<string>): Source | { readonly why: string } {
    const name = this.#files.resolve(request, from.name);
    uses.add(name);
    const found = this.#entries.get(name);
    if (found) return found.document.source;
    const text = this.#files.read(name);
    return typeof text === "string" ? this.#add(name, text, false).source : text;
  }

  #renewUsersOf(name: string): void {
    for (const [user, { document, isOpen, uses }] of this.#entries) {
      if (uses.has(name)) this.#add(user, document.text, isOpen);
    }
  }
}
