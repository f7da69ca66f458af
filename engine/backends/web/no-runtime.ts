/**
 * Stands in for the ONNX Runtime that transformers would bring: only its tokenizers are used, and a second runtime is 27 MB.
 */
export const env = { wasm: {}, webgpu: {}, versions: {} };
export const InferenceSession = undefined;
export class Tensor {}
