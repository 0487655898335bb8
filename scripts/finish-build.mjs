/** After tsc: the binary may be executed. */
import { chmodSync } from "node:fs";

chmodSync(new URL("../build/cli/main.js", import.meta.url), 0o755);
