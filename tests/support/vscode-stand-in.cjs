/**
 * Runs the extension in a stand-in of Visual Studio Code, as far as starting its language server needs one: whatever the
 * client asks for is there and does nothing, and what it registers is noted. Prints the notes as JSON.
 *
 *     node vscode-stand-in.cjs FOLDER-OF-THE-EXTENSION
 */
const Module = require("node:module");
const path = require("node:path");

const folder = process.argv[2];
const notes = [];
const disposable = { dispose() {} };
const nothing = () => disposable;
const note = (text) => () => {
  notes.push(text);
  return disposable;
};

/** A class, a function and a namespace at once. */
function anything() {
  const members = {};
  class Stub {
    event = nothing;
    fire() {}
    dispose() {}
  }
  return new Proxy(Stub, {
    get(target, key) {
      if (key in target || typeof key === "symbol") return target[key];
      if (key === "then") return undefined;
      if (/^onDid|^onWill/.test(key)) return nothing;
      members[key] ??= anything();
      return members[key];
    },
    set(_target, key, value) {
      members[key] = value;
      return true;
    },
    apply: anything,
  });
}

const vscode = anything();
Object.assign(vscode, { version: "1.91.0" });
Object.assign(vscode.workspace, {
  isTrusted: true,
  textDocuments: [],
  notebookDocuments: [],
  workspaceFolders: [],
  getConfiguration: () => ({ get: (_key, otherwise) => otherwise, inspect: () => undefined }),
  registerTextDocumentContentProvider: (scheme) => note(`texts of ${scheme}`)(),
  createFileSystemWatcher: (pattern) => note(`changes of ${pattern}`)(),
});
Object.assign(vscode.window, { visibleTextEditors: [] });
vscode.window.tabGroups.all = [];
vscode.window.createOutputChannel = () => {
  const say = (text) => process.stderr.write(`${text}\n`);
  const log = { append: say, appendLine: say, trace: say, debug: say, info: say, warn: say, error: say };
  return { name: "", ...log, onDidChangeLogLevel: nothing, ...disposable };
};
vscode.window.showErrorMessage = async (text) => note(`error: ${text}`)();
vscode.commands.registerCommand = (name) => note(name)();
vscode.extensions.all = [];
vscode.languages = new Proxy(
  {
    match: () => 1,
    createDiagnosticCollection: () => ({ set() {}, delete() {}, clear() {}, ...disposable }),
  },
  { get: (known, key) => known[key] ?? note(String(key)) },
);

const load = Module._load;
Module._load = (request, ...rest) => (request === "vscode" ? vscode : load(request, ...rest));

async function main() {
  const extension = require(path.join(folder, "dist/extension.cjs"));
  await extension.activate({ subscriptions: [], asAbsolutePath: (file) => path.join(folder, file) });
  // What the server registers for comes after its first answer.
  await new Promise((resolve) => setTimeout(resolve, 500));
  await extension.deactivate();
  process.stdout.write(JSON.stringify(notes));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
