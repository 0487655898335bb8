/** A client of the real server: the compiled command as an editor starts it, over standard input and output. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { pathToFileURL } from "node:url";
import {
  type ClientCapabilities,
  createProtocolConnection,
  DidChangeTextDocumentNotification,
  DidOpenTextDocumentNotification,
  ExitNotification,
  InitializedNotification,
  InitializeRequest,
  type InitializeResult,
  type ProtocolConnection,
  PublishDiagnosticsNotification,
  type PublishDiagnosticsParams,
  RegistrationRequest,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-languageserver-protocol/node";
import { binary } from "./cli.ts";

export interface Client {
  readonly connection: ProtocolConnection;
  readonly process: ChildProcessWithoutNullStreams;
  readonly initialized: InitializeResult;
  /** What the server has registered for since. */
  readonly registrations: readonly string[];
  open(uri: string, text: string): Promise<void>;
  /** Replaces what stands between two offsets of line and character. */
  change(uri: string, version: number, changes: readonly Change[]): Promise<void>;
  /** The next diagnostics of a text, of this version at least. */
  diagnosticsOf(uri: string, version: number): Promise<PublishDiagnosticsParams>;
  /** Shuts down and gives the exit code. */
  end(): Promise<number | null>;
}

export interface Change {
  readonly range?: { readonly start: Place; readonly end: Place };
  readonly text: string;
}
interface Place {
  readonly line: number;
  readonly character: number;
}

export async function startServer(capabilities: ClientCapabilities = {}, folder?: string): Promise<Client> {
  const child = spawn(process.execPath, [binary, "lsp", "--stdio"], { stdio: ["pipe", "pipe", "pipe"] });
  const connection = createProtocolConnection(
    new StreamMessageReader(child.stdout),
    new StreamMessageWriter(child.stdin),
  );
  child.stderr.pipe(process.stderr);
  // Whoever waits for an answer of a server that died would wait for ever.
  child.once("exit", () => connection.dispose());
  const published: PublishDiagnosticsParams[] = [];
  const waiting: (() => void)[] = [];
  connection.onNotification(PublishDiagnosticsNotification.type, (params) => {
    published.push(params);
    for (const wake of waiting.splice(0)) wake();
  });
  const registrations: string[] = [];
  connection.onRequest(RegistrationRequest.type, ({ registrations: asked }) => {
    registrations.push(...asked.map(({ method }) => method));
  });
  connection.listen();
  const uri = folder === undefined ? null : pathToFileURL(folder).href;
  const initialized = await connection.sendRequest(InitializeRequest.type, {
    processId: process.pid,
    rootUri: uri,
    workspaceFolders: uri === null ? null : [{ uri, name: "test" }],
    capabilities,
  });
  await connection.sendNotification(InitializedNotification.type, {});
  return {
    connection,
    process: child,
    initialized,
    registrations,
    open: (uri, text) =>
      connection.sendNotification(DidOpenTextDocumentNotification.type, {
        textDocument: { uri, languageId: "resnet", version: 1, text },
      }),
    change: (uri, version, contentChanges) =>
      connection.sendNotification(DidChangeTextDocumentNotification.type, {
        textDocument: { uri, version },
        contentChanges: [...contentChanges] as never,
      }),
    async diagnosticsOf(uri, version) {
      for (;;) {
        const found = published.find((params) => params.uri === uri && (params.version ?? 0) >= version);
        if (found) return found;
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    async end() {
      const code = new Promise<number | null>((resolve) => child.once("exit", resolve));
      await connection.sendRequest(ShutdownRequest.type);
      await connection.sendNotification(ExitNotification.type);
      return code;
    },
  };
}
