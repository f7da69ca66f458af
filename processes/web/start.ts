/** The first message to the engine's worker: what it needs from the extension. */
export interface Start {
  /** ort-wasm-simd-threaded.wasm. */
  binary: ArrayBuffer;
  /** Address of the folder of the embedded models, with a slash at its end. */
  models: string;
  /** Its files: path → bytes. */
  sizes: Record<string, number>;
  /** Bytes that recorded features may take; a quarter of the memory if absent. */
  storeBudget?: number;
}

/** The worker's answer. */
export type Started = { ready: true; keepsFiles: boolean } | { error: string };
