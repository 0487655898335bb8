/** The list of targets. */
import { onnx } from "./onnx/target.ts";
import { svg } from "./svg/target.ts";
import type { Target } from "./target.ts";
import { tfjs } from "./tfjs/target.ts";
import { wasm } from "./wasm/target.ts";

export const targets: readonly Target[] = [wasm, tfjs, onnx, svg];
