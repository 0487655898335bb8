/** The protocol buffers that benchmarks and tests write: the ONNX target's. */
export { bytes, type Chunks, float, int, join, message, sizeOf, text } from "../src/codegen/onnx/protobuf.ts";
