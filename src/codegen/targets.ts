/** The list of targets. */
import { graphModel } from "./graph-model/target.ts";
import { onnx } from "./onnx/target.ts";
import { pytorch } from "./pytorch/target.ts";
import { svg } from "./svg/target.ts";
import type { Target } from "./target.ts";
import { tfjs } from "./tfjs/target.ts";
import { wasm } from "./wasm/target.ts";

export const targets: readonly Target[] = [wasm, tfjs, graphModel, onnx, pytorch, svg];
