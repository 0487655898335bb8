/** The language features as a server: what comes in as places in addresses goes to src/language, and back. */
import {
  type ClientCapabilities,
  CodeActionKind,
  type Connection,
  DidChangeWatchedFilesNotification,
  DocumentHighlightKind,
  type FoldingRange,
  FoldingRangeKind,
  type InitializeParams,
  type InitializeResult,
  InlayHintKind,
  LSPErrorCodes,
  MessageType,
  type Position,
  ResponseError,
  type SelectionRange,
  SemanticTokensBuilder,
  ShowMessageNotification,
  TextDocumentContentRequest,
  TextDocumentSyncKind,
  TextDocuments,
  type WorkspaceEdit,
} from "vscode-languageserver/node";
import { TextDocument } from "vscode-languageserver-textdocument";
import type { Source, Span } from "../base/source.ts";
import { codeActions } from "../language/code-actions.ts";
import { complete } from "../language/complete.ts";
import type { Document } from "../language/document.ts";
import { foldingRanges, selectionRanges } from "../language/folding.ts";
import { format } from "../language/format.ts";
import { hover } from "../language/hover.ts";
import { inlayHints } from "../language/inlay-hints.ts";
import { definition, highlights, references } from "../language/references.ts";
import { isRefused, prepareRename, type Renaming, rename } from "../language/rename.ts";
import { semanticTokens, tokenModifiers, tokenTypes } from "../language/semantic-tokens.ts";
import { signatureHelp } from "../language/signature-help.ts";
import { symbols } from "../language/symbols.ts";
import { Workspace } from "../language/workspace.ts";
import { stdText } from "../std/std.generated.ts";
import { version } from "../version.generated.ts";
import * as to from "./convert.ts";
import { DiskFiles, virtualScheme } from "./files.ts";

/** How long after the last change a text is checked, in milliseconds: typing should not wait for nets. */
const pause = 150;

export function serve(connection: Connection): void {
  new Server(connection).listen();
}

class Server {
  readonly #connection: Connection;
  readonly #texts = new TextDocuments(TextDocument);
  #client: ClientCapabilities = {};
  #files = new DiskFiles([], false);
  #workspace = new Workspace(this.#files);
  /** What was last published of each open text. */
  readonly #published = new Map<string, Document>();
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  listen(): void {
    const connection = this.#connection;
    connection.onInitialize((params) => this.#initialize(params));
    connection.onInitialized(() => this.#watch());
    this.#onTexts();
    this.#onQuestions();
    this.#onChanges();
    this.#texts.listen(connection);
    connection.listen();
  }

  #initialize({ capabilities, workspaceFolders, rootUri }: InitializeParams): InitializeResult {
    this.#client = capabilities;
    const isStdVirtual = capabilities.workspace?.textDocumentContent !== undefined;
    const uris = workspaceFolders?.map(({ uri }) => uri) ?? (rootUri ? [rootUri] : []);
    const folders = uris.filter((uri) => uri.startsWith("file:")).map((uri) => this.#files.nameOf(uri));
    this.#files = new DiskFiles(folders, isStdVirtual);
    this.#workspace = new Workspace(this.#files);
    return {
      serverInfo: { name: "resnetc", version },
      capabilities: {
        positionEncoding: "utf-16",
        textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: true },
        completionProvider: { triggerCharacters: [".", "(", "=", ">", '"'] },
        hoverProvider: true,
        signatureHelpProvider: { triggerCharacters: ["(", ","] },
        definitionProvider: true,
        referencesProvider: true,
        documentHighlightProvider: true,
        documentSymbolProvider: true,
        codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix] },
        documentFormattingProvider: true,
        renameProvider: { prepareProvider: true },
        foldingRangeProvider: true,
        selectionRangeProvider: true,
        inlayHintProvider: true,
        semanticTokensProvider: {
          legend: { tokenTypes: [...tokenTypes], tokenModifiers: [...tokenModifiers] },
          full: true,
        },
        ...(isStdVirtual ? { workspace: { textDocumentContent: { schemes: [virtualScheme] } } } : {}),
      },
    };
  }

  get #isTold(): boolean {
    return this.#client.workspace?.didChangeWatchedFiles?.dynamicRegistration === true;
  }

  #watch(): void {
    if (!this.#isTold) return;
    const watchers = [{ globPattern: "**/*.resnet" }];
    this.#connection.client.register(DidChangeWatchedFilesNotification.type, { watchers }).catch((error) => {
      this.#connection.console.warn(`files that change on disk are not noticed: ${error.message}`);
    });
  }

  // ---- texts ------------------------------------------------------------------------------------------

  #onTexts(): void {
    this.#texts.onDidChangeContent(({ document }) => {
      this.#workspace.open(this.#files.nameOf(document.uri), document.getText());
      this.#checkSoon();
    });
    this.#texts.onDidClose(({ document }) => {
      this.#workspace.close(this.#files.nameOf(document.uri));
      this.#published.delete(document.uri);
      void this.#connection.sendDiagnostics({ uri: document.uri, diagnostics: [] });
      this.#checkSoon();
    });
    this.#texts.onDidSave(() => {
      // A client that does not tell of files has perhaps saved another one, too.
      if (this.#isTold) return;
      this.#files.forget();
      this.#workspace.forget();
      this.#checkSoon();
    });
    this.#connection.onDidChangeWatchedFiles(({ changes }) => {
      this.#files.forget();
      for (const { uri } of changes) this.#workspace.changed(this.#files.nameOf(uri));
      this.#checkSoon();
    });
    this.#connection.onRequest(TextDocumentContentRequest.type, () => ({ text: stdText }));
  }

  #checkSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#check(), pause);
  }

  /** Tells of every open text what is wrong with it, where that may have changed. */
  #check(): void {
    for (const text of this.#texts.all()) {
      const document = this.#document(text.uri);
      if (!document || this.#published.get(text.uri) === document) continue;
      this.#published.set(text.uri, document);
      try {
        const diagnostics = document.diagnostics.map((diagnostic) =>
          to.toDiagnostic(diagnostic, document.source, placeOfUse(document, diagnostic.span), this.#uriOf),
        );
        void this.#connection.sendDiagnostics({ uri: text.uri, version: text.version, diagnostics });
      } catch (error) {
        this.#connection.console.error(`a bug in resnetc ${version}: ${(error as Error).stack}`);
      }
    }
  }

  // ---- questions --------------------------------------------------------------------------------------

  #onQuestions(): void {
    const connection = this.#connection;
    connection.onCompletion(({ textDocument, position }) =>
      this.#at(textDocument.uri, position, (document, offset) =>
        complete(document, offset, (from) => this.#files.requestsFrom(from)).map(to.toCompletionItem),
      ),
    );
    connection.onHover(({ textDocument, position }) =>
      this.#at(textDocument.uri, position, (document, offset) => {
        const found = hover(document, offset);
        return found && { range: to.toRange(found.span), contents: to.toMarkdown(found.markdown) };
      }),
    );
    connection.onSignatureHelp(({ textDocument, position }) =>
      this.#at(textDocument.uri, position, (document, offset) => {
        const found = signatureHelp(document, offset);
        if (!found) return null;
        const { signature, documentation, parameters, active } = found;
        const labels = parameters.map((label) => ({ label }));
        const shown = { label: signature, documentation: to.toMarkdown(documentation), parameters: labels };
        return { signatures: [shown], activeSignature: 0, activeParameter: active ?? parameters.length };
      }),
    );
    connection.onDefinition(({ textDocument, position }) =>
      this.#at(textDocument.uri, position, (document, offset) => {
        const found = definition(document, offset);
        return found && to.toLocation(found.target, this.#uriOf);
      }),
    );
    connection.onReferences(({ textDocument, position, context }) =>
      this.#at(textDocument.uri, position, (document, offset) =>
        references(this.#workspace, document, offset)
          .filter(({ isDeclaration }) => context.includeDeclaration || !isDeclaration)
          .map(({ span }) => to.toLocation(span, this.#uriOf)),
      ),
    );
    connection.onDocumentHighlight(({ textDocument, position }) =>
      this.#at(textDocument.uri, position, (document, offset) =>
        highlights(document, offset).map(({ span, isDeclaration }) => ({
          range: to.toRange(span),
          kind: isDeclaration ? DocumentHighlightKind.Write : DocumentHighlightKind.Read,
        })),
      ),
    );
    connection.onDocumentSymbol(({ textDocument }) =>
      this.#in(textDocument.uri, (document) => symbols(document).map(to.toSymbol)),
    );
    connection.onFoldingRanges(({ textDocument }) =>
      this.#in(textDocument.uri, (document) => foldingRanges(document).map(toFoldingRange)),
    );
    connection.onSelectionRanges(({ textDocument, positions }) =>
      this.#in(textDocument.uri, (document) =>
        positions.map((position) => {
          const offset = to.toOffset(document.source, position);
          return nested(selectionRanges(document, offset), document.source, offset);
        }),
      ),
    );
    connection.languages.inlayHint.on(({ textDocument, range }) =>
      this.#in(textDocument.uri, (document) => {
        const { source } = document;
        const [start, end] = [to.toOffset(source, range.start), to.toOffset(source, range.end)];
        return inlayHints(document, start, end).map(({ offset, label, tooltip }) => ({
          position: to.toPosition(source, offset),
          label,
          kind: InlayHintKind.Type,
          tooltip: to.toMarkdown(tooltip),
          paddingLeft: true,
        }));
      }),
    );
    connection.languages.semanticTokens.on(({ textDocument }) => {
      const builder = new SemanticTokensBuilder();
      const document = this.#document(textDocument.uri);
      for (const { span, type, modifiers } of document ? semanticTokens(document) : []) {
        const { line, character } = to.toPosition(span.source, span.start);
        const bits = modifiers.reduce((sum, modifier) => sum | (1 << tokenModifiers.indexOf(modifier)), 0);
        builder.push(line, character, span.end - span.start, tokenTypes.indexOf(type), bits);
      }
      return builder.build();
    });
  }

  // ---- changes ----------------------------------------------------------------------------------------

  #onChanges(): void {
    const connection = this.#connection;
    connection.onDocumentFormatting(({ textDocument }) =>
      this.#in(textDocument.uri, (document) => format(document).map(to.toTextEdit)),
    );
    connection.onCodeAction(({ textDocument, range, context }) =>
      this.#in(textDocument.uri, (document) => {
        if (context.only && !context.only.some((kind) => CodeActionKind.QuickFix.startsWith(kind))) return [];
        const { source } = document;
        const [start, end] = [to.toOffset(source, range.start), to.toOffset(source, range.end)];
        return codeActions(document, start, end).map(({ title, diagnostic, edits, isPreferred }) => ({
          title,
          kind: CodeActionKind.QuickFix,
          diagnostics: [
            to.toDiagnostic(diagnostic, source, placeOfUse(document, diagnostic.span), this.#uriOf),
          ],
          isPreferred,
          edit: this.#workspaceEdit(new Map([[source.name, edits]])),
        }));
      }),
    );
    connection.onPrepareRename(({ textDocument, position }) =>
      this.#at(textDocument.uri, position, (document, offset) => {
        const found = prepareRename(document, offset);
        if (isRefused(found)) throw refusal(found.why);
        return { range: to.toRange(found.span), placeholder: found.name };
      }),
    );
    connection.onRenameRequest(({ textDocument, position, newName }) =>
      this.#at(textDocument.uri, position, (document, offset) => {
        const found = rename(this.#workspace, document, offset, newName);
        if (isRefused(found)) throw refusal(found.why);
        const { edits, warning } = found;
        const canAnnotate = this.#client.workspace?.workspaceEdit?.changeAnnotationSupport !== undefined;
        if (warning && !canAnnotate) this.#warn(warning);
        return this.#workspaceEdit(edits, canAnnotate ? warning : undefined);
      }),
    );
  }

  /** As a notification: a client need not answer. */
  #warn(message: string): void {
    const params = { type: MessageType.Warning, message };
    void this.#connection.sendNotification(ShowMessageNotification.method, params);
  }

  /** A warning is shown to the user, who has to agree, where the client can do that. */
  #workspaceEdit(edits: Renaming["edits"], warning?: string): WorkspaceEdit {
    const files = [...edits].map(
      ([name, changes]) => [this.#uriOf(name), changes.map(to.toTextEdit)] as const,
    );
    if (!this.#client.workspace?.workspaceEdit?.documentChanges)
      return { changes: Object.fromEntries(files) };
    const documentChanges = files.map(([uri, changes]) => ({
      textDocument: { uri, version: this.#texts.get(uri)?.version ?? null },
      edits: warning ? changes.map((change) => ({ ...change, annotationId: "warning" })) : changes,
    }));
    if (!warning) return { documentChanges };
    const annotation = { label: "names of weights change", description: warning, needsConfirmation: true };
    return { documentChanges, changeAnnotations: { warning: annotation } };
  }

  readonly #uriOf = (name: string): string => this.#files.uriOf(name);

  #document(uri: string): Document | undefined {
    return this.#workspace.document(this.#files.nameOf(uri));
  }

  #in<T>(uri: string, answer: (document: Document) => T): T | null {
    const document = this.#document(uri);
    return document ? answer(document) : null;
  }

  #at<T>(uri: string, position: Position, answer: (document: Document, offset: number) => T): T | null {
    return this.#in(uri, (document) => answer(document, to.toOffset(document.source, position)));
  }
}

const refusal = (why: string) => new ResponseError(LSPErrorCodes.RequestFailed, why);

/** Where a mistake of another file shows in this one: at the row that uses it, else at the start. */
function placeOfUse({ source, module }: Document, span: Span | undefined): Span {
  const use = [...(module?.imports ?? [])].find(([, { source: used }]) => used === span?.source)?.[0];
  return use?.module.span ?? { source, start: 0, end: 0 };
}

const foldingKinds = {
  comment: FoldingRangeKind.Comment,
  imports: FoldingRangeKind.Imports,
  region: FoldingRangeKind.Region,
} as const;

function toFoldingRange({
  startLine,
  endLine,
  kind,
}: ReturnType<typeof foldingRanges>[number]): FoldingRange {
  return { startLine: startLine - 1, endLine: endLine - 1, kind: foldingKinds[kind] };
}

/** Spans from small to large as the protocol nests them. */
function nested(spans: readonly Span[], source: Source, offset: number): SelectionRange {
  const at = { source, start: offset, end: offset };
  return (spans.length > 0 ? spans : [at]).reduceRight<SelectionRange | undefined>(
    (parent, span) => ({ range: to.toRange(span), ...(parent ? { parent } : {}) }),
    undefined,
  )!;
}
