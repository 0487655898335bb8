/** The language server of this repository as a program of its own, bundled into the extension. */
import { createConnection, ProposedFeatures } from "vscode-languageserver/node";
import { serve } from "../../../src/lsp/server.ts";

serve(createConnection(ProposedFeatures.all, process.stdin, process.stdout));
