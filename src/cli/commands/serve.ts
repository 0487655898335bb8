/** `resnetc serve`: a folder as a page that may have threads. */
import { existsSync, statSync } from "node:fs";
import type { AddressInfo } from "node:net";
import type { Arguments, Argv } from "yargs";
import { makeDiagnostic } from "../../base/diagnostic.ts";
import { UsageError } from "../../node/usage-error.ts";
import { startServer } from "../static-server.ts";
import { note, print, printDiagnostics } from "../terminal.ts";

export const builder = (yargs: Argv) =>
  yargs
    .positional("folder", { type: "string", default: ".", describe: "what is served" })
    .option("port", { alias: "p", type: "number", default: 8000, describe: "0: one that is free" })
    .option("host", { type: "string", default: "127.0.0.1", describe: "0.0.0.0 lets other machines in" })
    .option("quiet", { type: "boolean", default: false, describe: "do not tell of each file" })
    .example("$0 serve", "the current folder on http://127.0.0.1:8000, cross-origin isolated")
    .example("$0 serve dist --port 0", "another folder, on a free port");

type ServeArguments = Arguments<Awaited<ReturnType<typeof builder>["argv"]>>;

export async function handler({ folder, port, host, quiet }: ServeArguments): Promise<number> {
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new UsageError(`--port ${port} is not a number from 0 to 65535`);
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    printDiagnostics([
      makeDiagnostic("unreadable-file", undefined, { path: folder, why: "there is no such folder" }),
    ]);
    return 1;
  }
  const onAnswer = (status: number, address: string) => note(`${status} ${address}`);
  try {
    const server = await startServer({ folder, port, host, ...(quiet ? {} : { onAnswer }) });
    const { port: found } = server.address() as AddressInfo;
    const shown = host.includes(":") ? `[${host}]` : host;
    print(
      `http://${shown}:${found}  ${folder}, cross-origin isolated: networks have threads; Ctrl-C ends it`,
    );
    await new Promise<void>((resolve) => {
      process.once("SIGINT", resolve);
      process.once("SIGTERM", resolve);
    });
    server.closeAllConnections();
    server.close();
    return 0;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "EADDRINUSE" && code !== "EACCES" && code !== "EADDRNOTAVAIL") throw error;
    const why = {
      EADDRINUSE: "another program has it: --port 0 takes a free one",
      EACCES: "ports below 1024 are the system's",
      EADDRNOTAVAIL: "this machine has no such address",
    }[code];
    throw new UsageError(`${host}:${port} cannot be listened to: ${why}`);
  }
}
