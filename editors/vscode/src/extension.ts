/** Starts the language server when a .resnet text is opened: the one that is bundled, or that of a setting. */
import { commands, type ExtensionContext, workspace } from "vscode";
import {
  LanguageClient,
  type LanguageClientOptions,
  type ServerOptions,
  TransportKind,
} from "vscode-languageclient/node";

let client: LanguageClient | undefined;

export async function activate(context: ExtensionContext): Promise<void> {
  const restart = async () => {
    await client?.stop();
    client = new LanguageClient("resnet", "ResNet", serverOptions(context), clientOptions);
    await client.start();
  };
  context.subscriptions.push(
    commands.registerCommand("resnet.restartServer", restart),
    workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("resnet.server.path")) void restart();
    }),
  );
  await restart();
}

export const deactivate = (): Promise<void> | undefined => client?.stop();

// Whatever its scheme: texts of no file yet and the standard library have the same features.
const clientOptions: LanguageClientOptions = { documentSelector: [{ language: "resnet" }] };

function serverOptions(context: ExtensionContext): ServerOptions {
  const command = workspace.getConfiguration("resnet").get<string>("server.path", "").trim();
  if (command && workspace.isTrusted) return { command, args: ["lsp", "--stdio"] };
  return { module: context.asAbsolutePath("dist/server.mjs"), transport: TransportKind.stdio };
}
