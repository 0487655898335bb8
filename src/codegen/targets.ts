/** The list of targets. */
import type { Target } from "./target.ts";
import { tfjs } from "./tfjs/target.ts";

export const targets: readonly Target[] = [tfjs];
