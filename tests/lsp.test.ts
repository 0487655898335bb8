/** The language server as editors start it: every feature once over real standard input and output. */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  CodeActionRequest,
  CompletionRequest,
  DefinitionRequest,
  DidChangeWatchedFilesNotification,
  DidCloseTextDocumentNotification,
  DidSaveTextDocumentNotification,
  DocumentFormattingRequest,
  DocumentHighlightRequest,
  DocumentSymbolRequest,
  FoldingRangeRequest,
  HoverRequest,
  InlayHintRequest,
  PrepareRenameRequest,
  ReferencesRequest,
  RenameRequest,
  SelectionRangeRequest,
  SemanticTokensRequest,
  SignatureHelpRequest,
  TextDocumentContentRequest,
} from "vscode-languageserver-protocol";
import { stdText } from "../src/std/std.generated.ts";
import { binary, folder } from "./support/cli.ts";
import { readMarks } from "./support/cursor.ts";
import { type Client, startServer } from "./support/lsp-client.ts";
import { root } from "./support/nets.ts";

const home = path.join(folder, "workspace");
mkdirSync(path.join(home, "parts"), { recursive: true });
const library = path.join(home, "parts/library.resnet");
writeFileSync(library, "## Two of them.\nblock twice(width) {\n  conv(3x3, width) -> conv(3x3, width)\n}\n");
writeFileSync(path.join(home, "other.resnet"), 'use twice from "./parts/library"\nblock more { twice(3) }\n');
const uriOf = (name: string) => pathToFileURL(path.join(home, name)).href;
const main = uriOf("main.resnet");

const text = `use basic from std
use twice from "./parts/library"

## A net.
net small(n = 2) {
  input 8x8x3
  a: twice(4)
  b: basic(4) x n
  output b
  expect params 3
}
`;

/** The place of a mark, or before a text, as the protocol counts it. */
function place(of: string, within = text) {
  const offset = within.indexOf(of);
  assert.ok(offset >= 0, of);
  const before = within.slice(0, offset).split("\n");
  return { line: before.length - 1, character: before[before.length - 1].length };
}
const at = (of: string) => ({ textDocument: { uri: main }, position: place(of) });
const whole = { start: { line: 0, character: 0 }, end: { line: 99, character: 0 } };
const textDocument = { uri: main };

let client: Client;
const lsp = suite("lsp");

lsp.before(async () => {
  client = await startServer({ workspace: { didChangeWatchedFiles: { dynamicRegistration: true } } }, home);
  await client.open(main, text);
});

lsp.after(async () => {
  assert.is(await client.end(), 0);
  rmSync(home, { recursive: true, force: true });
});

lsp("says what it can do, and registers for files that change", async () => {
  const { serverInfo, capabilities } = client.initialized;
  assert.is(serverInfo?.name, "resnetc");
  for (const provider of [
    "completionProvider",
    "hoverProvider",
    "signatureHelpProvider",
    "definitionProvider",
    "referencesProvider",
    "documentHighlightProvider",
    "documentSymbolProvider",
    "codeActionProvider",
    "documentFormattingProvider",
    "renameProvider",
    "foldingRangeProvider",
    "selectionRangeProvider",
    "inlayHintProvider",
    "semanticTokensProvider",
  ] as const)
    assert.ok(capabilities[provider], provider);
  await client.diagnosticsOf(main, 1);
  assert.equal(client.registrations, ["workspace/didChangeWatchedFiles"]);
});

lsp("publishes diagnostics, after edits those of the new text", async () => {
  const [{ code, codeDescription, message, range, severity, source }, ...rest] = (
    await client.diagnosticsOf(main, 1)
  ).diagnostics;
  assert.equal(rest, []);
  assert.equal([code, severity, source], ["expectation-failed", 1, "resnetc"]);
  assert.match(readFileSync(new URL(codeDescription!.href), "utf8"), "# expectation-failed");
  assert.match(message as string, "expected params 3, the net has 860");
  assert.equal(range, { start: place("expect params"), end: { line: 9, character: 17 } });
  const insert = { start: place("3\n}"), end: place("3\n}") };
  await client.change(main, 2, [{ range: insert, text: "86" }]);
  await client.change(main, 3, [
    { range: { start: { line: 9, character: 18 }, end: { line: 9, character: 19 } }, text: "0" },
  ]);
  assert.equal((await client.diagnosticsOf(main, 3)).diagnostics, []);
  await client.change(main, 4, [{ text }]);
  assert.is((await client.diagnosticsOf(main, 4)).diagnostics.length, 1);
});

lsp("shows notes as related places", async () => {
  const uri = uriOf("related.resnet");
  await client.open(
    uri,
    "use basic, identity from std\nnet m {\n  input 8x8x3\n  a: basic(4, shortcut = identity)\n}\n",
  );
  const [{ relatedInformation = [] }] = (await client.diagnosticsOf(uri, 1)).diagnostics;
  const places = relatedInformation.map(({ location }) => location.uri.split("/").at(-1));
  assert.equal(places.sort(), ["related.resnet", "std.resnet"]);
});

lsp("completes, with the `use` that a name of std needs", async () => {
  const found = await client.connection.sendRequest(CompletionRequest.type, at("basic(4)"));
  assert.ok(Array.isArray(found));
  const item = found.find(({ label }) => label === "bottleneck")!;
  assert.equal(item.additionalTextEdits, [
    { range: { start: { line: 0, character: 9 }, end: { line: 0, character: 9 } }, newText: ", bottleneck" },
  ]);
  assert.equal(item.textEdit, {
    range: { start: place("basic(4)"), end: place("basic(4)") },
    newText: "bottleneck",
  });
  assert.ok(found.every(({ sortText }) => /^\d{5}$/.test(sortText ?? "")));
  const files = await client.connection.sendRequest(CompletionRequest.type, {
    textDocument,
    position: { ...place('"./parts/library'), character: place('"./parts/library').character + 1 },
  });
  const labels = (files as { label: string }[]).map(({ label }) => label);
  assert.equal(labels.sort(), ["./other", "./parts/library"]);
});

lsp("hovers, helps with signatures", async () => {
  const hover = await client.connection.sendRequest(HoverRequest.type, at("b: basic"));
  assert.match((hover!.contents as { value: string }).value, "8x8x4 → 8x8x4");
  assert.is(await client.connection.sendRequest(HoverRequest.type, at("\n## A net")), null);
  const help = await client.connection.sendRequest(SignatureHelpRequest.type, at("4) x n"));
  assert.match(help!.signatures[0].label, /^basic\(width: int/);
  assert.is(help!.activeParameter, 0);
});

lsp("goes to definitions, in files and in std, and finds references", async () => {
  const target = async (of: string) =>
    (await client.connection.sendRequest(DefinitionRequest.type, at(of))) as {
      uri: string;
      range: { start: object };
    };
  const twice = await target("twice(4)");
  assert.equal([twice.uri, twice.range.start], [pathToFileURL(library).href, { line: 1, character: 6 }]);
  const { uri, range } = await target("basic(4)");
  const std = readFileSync(new URL(uri), "utf8").split("\n");
  assert.match(std[(range.start as { line: number }).line], "block basic(");
  const params = { ...at("twice(4)"), context: { includeDeclaration: false } };
  const found = (await client.connection.sendRequest(ReferencesRequest.type, params)) ?? [];
  assert.equal(found.map((place) => place.uri.split("/").at(-1)).sort(), [
    "main.resnet",
    "main.resnet",
    "other.resnet",
    "other.resnet",
  ]);
  const marks = await client.connection.sendRequest(DocumentHighlightRequest.type, at("n = 2"));
  assert.equal(
    marks?.map(({ range: { start } }) => start),
    [place("n = 2"), place("n\n  output")],
  );
});

lsp("renames in every file, warns, and refuses", async () => {
  const range = await client.connection.sendRequest(PrepareRenameRequest.type, at("twice(4)"));
  assert.is((range as { placeholder: string }).placeholder, "twice");
  const { changes = {} } = (await client.connection.sendRequest(RenameRequest.type, {
    ...at("twice(4)"),
    newName: "pair",
  }))!;
  assert.equal(
    Object.entries(changes)
      .map(([uri, edits]) => `${uri.split("/").at(-1)} ${edits.length}`)
      .sort(),
    ["library.resnet 1", "main.resnet 2", "other.resnet 2"],
  );
  const refused = (request: Promise<unknown>) =>
    request.then(
      () => "done",
      (error: Error & { code: number }) => `${error.code} ${error.message}`,
    );
  const prepare = client.connection.sendRequest(PrepareRenameRequest.type, at("basic(4)"));
  assert.match(await refused(prepare), "-32803 `basic` is a name of the standard library");
  const rename = client.connection.sendRequest(RenameRequest.type, { ...at("a: twice"), newName: "b" });
  assert.match(await refused(rename), "has a label `b` already");
  let warning = "";
  client.connection.onNotification("window/showMessage", ({ message }: { message: string }) => {
    warning = message;
  });
  await client.connection.sendRequest(RenameRequest.type, { ...at("a: twice"), newName: "first" });
  assert.match(warning, "weights called `a.…` are called `first.…`");
});

lsp("tells the outline, folds, selections, tokens and hints", async () => {
  const symbols = await client.connection.sendRequest(DocumentSymbolRequest.type, { textDocument });
  assert.equal(
    symbols?.map((symbol) => [symbol.name, "children" in symbol && symbol.children?.map(({ name }) => name)]),
    [["small", ["a", "b"]]],
  );
  const folds = await client.connection.sendRequest(FoldingRangeRequest.type, { textDocument });
  assert.equal(
    folds?.map(({ startLine, endLine, kind }) => [startLine, endLine, kind]),
    [
      [0, 1, "imports"],
      [4, 9, "region"],
    ],
  );
  const [selection] = (await client.connection.sendRequest(SelectionRangeRequest.type, {
    textDocument,
    positions: [place("4) x n")],
  }))!;
  assert.equal(selection.range, { start: place("4) x n"), end: place(") x n") });
  assert.equal(selection.parent?.range, { start: place("basic(4)"), end: place(" x n") });
  const { data } = (await client.connection.sendRequest(SemanticTokensRequest.type, { textDocument }))!;
  assert.is(data.length % 5, 0);
  const { legend } = client.initialized.capabilities.semanticTokensProvider!;
  assert.equal([data.slice(0, 3), legend.tokenTypes[data[3]]], [[0, 0, 3], "keyword"]);
  const hints = await client.connection.sendRequest(InlayHintRequest.type, { textDocument, range: whole });
  assert.equal(
    hints?.map(({ label }) => label),
    ["8x8x3", "8x8x4", "8x8x4  608 params"],
  );
});

lsp("offers fixes and formats", async () => {
  const range = { start: place("params 3"), end: place("params 3") };
  const params = { textDocument, range, context: { diagnostics: [] } };
  const actions = await client.connection.sendRequest(CodeActionRequest.type, params);
  const [{ kind, edit, diagnostics }] = actions as {
    kind: string;
    edit: { changes: Record<string, unknown[]> };
    diagnostics: { code: string }[];
  }[];
  assert.equal([kind, diagnostics[0].code], ["quickfix", "expectation-failed"]);
  assert.equal(edit.changes[main], [
    { range: { start: place("3\n}"), end: place("\n}\n") }, newText: "860" },
  ]);
  const only = { ...params, context: { diagnostics: [], only: ["source.organizeImports"] } };
  assert.equal(await client.connection.sendRequest(CodeActionRequest.type, only), []);

  const uri = uriOf("unformatted.resnet");
  await client.open(uri, "net m {\r\n input 8x8x3\r\n}\r\n");
  const edits = await client.connection.sendRequest(DocumentFormattingRequest.type, {
    textDocument: { uri },
    options: { tabSize: 8, insertSpaces: false },
  });
  assert.equal(
    edits?.map(({ newText }) => newText),
    [" "],
  );
});

lsp("takes open texts for the files that are used, else those on disk, and sees them change", async () => {
  const used = pathToFileURL(library).href;
  const user = uriOf("user.resnet");
  const using = 'use wide from "./parts/library"\nlet a = wide\n';
  await client.open(user, using);
  const codes = async (version: number) =>
    (await client.diagnosticsOf(user, version)).diagnostics.map(({ code }) => code);
  assert.equal(await codes(1), ["unknown-export"]);
  await client.open(used, "let wide = 3\n");
  await client.change(user, 2, [{ text: `${using}\n` }]);
  assert.equal(await codes(2), [], "the open text");
  await client.connection.sendNotification(DidCloseTextDocumentNotification.type, {
    textDocument: { uri: used },
  });
  await client.change(user, 3, [{ text: using }]);
  assert.equal(await codes(3), ["unknown-export"], "the file again");
  const before = readFileSync(library, "utf8");
  writeFileSync(library, `${before}let wide = 3\n`);
  await client.connection.sendNotification(DidChangeWatchedFilesNotification.type, {
    changes: [{ uri: used, type: 2 }],
  });
  await client.change(user, 4, [{ text: `${using}\n` }]);
  assert.equal(await codes(4), [], "the changed file");
  writeFileSync(library, before);
  await client.connection.sendNotification(DidChangeWatchedFilesNotification.type, {
    changes: [{ uri: used, type: 2 }],
  });
});

lsp("shows mistakes of a used file at the row that uses it", async () => {
  writeFileSync(path.join(home, "broken.resnet"), "block b {\n  conv(3x3,, 4)\n}\n");
  const uri = uriOf("using.resnet");
  await client.open(uri, '\nuse b from "./broken"\n');
  const [{ range, relatedInformation }] = (await client.diagnosticsOf(uri, 1)).diagnostics;
  assert.is(range.start.line, 1);
  assert.match(relatedInformation![0].location.uri, /broken\.resnet$/);
});

lsp("survives requests that make no sense", async () => {
  const fails = (method: string, params: unknown) =>
    client.connection.sendRequest(method, params).then(
      () => "answered",
      (error: { code: number }) => String(error.code),
    );
  assert.is(await fails("textDocument/nothing", {}), "-32601");
  assert.match(await fails("textDocument/hover", { textDocument }), /^-32/);
  assert.match(await fails("textDocument/hover", null), /^-32/);
  assert.match(await fails("textDocument/rename", { textDocument, position: place("a: twice") }), /^-32/);
  for (const nonsense of ["{bad json", "[1, 2, 3]", "null", '{"jsonrpc":"2.0","id":"x"}'])
    client.process.stdin.write(`Content-Length: ${nonsense.length}\r\n\r\n${nonsense}`);
  await client.connection.sendNotification("textDocument/didOpen", {});
  const far = { textDocument, position: { line: 9999, character: 9999 } };
  assert.is(await client.connection.sendRequest(HoverRequest.type, far), null);
  const nowhere = { textDocument: { uri: uriOf("nothing.resnet") }, position: { line: 0, character: 0 } };
  assert.is(await client.connection.sendRequest(HoverRequest.type, nowhere), null);
  const untitled = { textDocument: { uri: "untitled:Untitled-1" }, position: { line: 0, character: 5 } };
  await client.open(untitled.textDocument.uri, "net ünnamed { input 8x8x3 }\n");
  assert.ok((await client.diagnosticsOf(untitled.textDocument.uri, 1)).diagnostics.length > 0);
  await client.connection.sendRequest(HoverRequest.type, untitled);
});

lsp("positions are UTF-16 units of the text as the editor has it", async () => {
  const marked = readMarks('\uFEFFnet m {\r\n  input 8x8x3 # 😀\r\n  let t = "😀"; here: ⟦rlu⟧\r\n}\r\n');
  const uri = uriOf("wide.resnet");
  await client.open(uri, marked.text);
  const [{ range }] = (await client.diagnosticsOf(uri, 1)).diagnostics;
  const lines = marked.text.split("\r\n");
  assert.is(lines[range.start.line].slice(range.start.character, range.end.character), "rlu");
});

lsp.run();

// ---- the process ---------------------------------------------------------------------------------------------

const life = suite("life of the server");

life("std is virtual for clients that ask servers for texts", async () => {
  const other = await startServer({ workspace: { textDocumentContent: {} } });
  await other.open("file:///m.resnet", "use basic from std\nblock b { basic(4) }\n");
  const params = { textDocument: { uri: "file:///m.resnet" }, position: { line: 0, character: 6 } };
  const { uri } = (await other.connection.sendRequest(DefinitionRequest.type, params)) as { uri: string };
  assert.is(uri, "resnet-std:/std.resnet");
  assert.is((await other.connection.sendRequest(TextDocumentContentRequest.type, { uri })).text, stdText);
  await other.open(uri, stdText);
  const line = stdText.split("\n").findIndex((row) => row.startsWith("block basic("));
  const hover = await other.connection.sendRequest(HoverRequest.type, {
    textDocument: { uri },
    position: { line, character: 7 },
  });
  assert.match((hover!.contents as { value: string }).value, "Two 3x3 convolutions");
  assert.equal((await other.diagnosticsOf(uri, 1)).diagnostics, []);
  assert.is(await other.end(), 0);
});

life("without word of changed files those on disk are read again on saving", async () => {
  const place = path.join(folder, "unwatched");
  mkdirSync(place, { recursive: true });
  writeFileSync(path.join(place, "used.resnet"), "let one = 1\n");
  const uri = pathToFileURL(path.join(place, "user.resnet")).href;
  const other = await startServer();
  await other.open(uri, 'use two from "./used"\nlet a = two\n');
  const codes = async (version: number) =>
    (await other.diagnosticsOf(uri, version)).diagnostics.map(({ code }) => code);
  assert.equal(await codes(1), ["unknown-export"]);
  writeFileSync(path.join(place, "used.resnet"), "let two = 2\n");
  await other.connection.sendNotification(DidSaveTextDocumentNotification.type, { textDocument: { uri } });
  await other.change(uri, 2, [{ text: 'use two from "./used"\nlet b = two\n' }]);
  assert.equal(await codes(2), []);
  assert.equal(other.registrations, []);
  assert.is(await other.end(), 0);
});

life("a label's new name asks for agreement where the client can do that", async () => {
  const other = await startServer({
    workspace: { workspaceEdit: { documentChanges: true, changeAnnotationSupport: {} } },
  });
  await other.open("file:///m.resnet", "net m { input 8x8x3\n a: relu\n}\n");
  const { documentChanges = [], changeAnnotations = {} } = (await other.connection.sendRequest(
    RenameRequest.type,
    {
      textDocument: { uri: "file:///m.resnet" },
      position: { line: 1, character: 1 },
      newName: "first",
    },
  ))!;
  const [annotation] = Object.values(changeAnnotations);
  assert.is(annotation.needsConfirmation, true);
  assert.match(annotation.description!, "`first.…`");
  assert.equal(
    "edits" in documentChanges[0] && documentChanges[0].edits.map((edit) => "annotationId" in edit),
    [true],
  );
  assert.is(await other.end(), 0);
});

const exitCode = (input: string | undefined) =>
  new Promise<number | null>((resolve) => {
    const child = spawn(process.execPath, [binary, "lsp", "--stdio"], {
      stdio: ["pipe", "ignore", "ignore"],
    });
    child.once("exit", resolve);
    child.stdin.end(input);
  });

life("no other command loads any of it", () => {
  const files = readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.startsWith("lsp"))
    .map((file) => [file, readFileSync(path.join(root, "src", file), "utf8")]);
  const loads = files.flatMap(([file, text]) =>
    [...text.matchAll(/^.*(?:"vscode-languageserver|\/lsp\/).*$/gm)].map(
      ([line]) => `${file}: ${line.trim()}`,
    ),
  );
  const lazily = 'await import("';
  assert.equal(
    loads.filter((line) => !line.startsWith("cli/commands/lsp.ts: ") || !line.includes(lazily)),
    [],
  );
  assert.is(loads.length, 2);
});

life("ends with its input, and with 1 where nobody said shutdown", async () => {
  assert.is(await exitCode(undefined), 1);
  const exit = '{"jsonrpc":"2.0","method":"exit"}';
  assert.is(await exitCode(`Content-Length: ${exit.length}\r\n\r\n${exit}`), 1);
  assert.is(await exitCode("no protocol at all\r\n\r\n"), 1);
});

life.run();
