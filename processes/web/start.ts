/** The first message to the engine's worker: what it needs from the extension. */
export interface Start {
  /** ort-wasm-simd-threaded.wasm. */
  binary: ArrayBuffer;
  /** The text of ort-wasm-simd-threaded.mjs, if threads are used. */
  glue?: string;
  /** The files of the embedded models: path → bytes. */
  sizes: Record<string, number>;
  /** Bytes that recorded features may take; a quarter of the memory if absent. */
  storeBudget?: number;
}

/** The worker's answer. */
export type Started = { ready: true; keepsFiles: boolean } | { error: string };

/** What the worker requests through a port: a file of the embedded models. */
export interface ResourceRequest {
  id: number;
  place: string;
}
export type ResourceAnswer = { id: number } & ({ bytes: Uint8Array<ArrayBuffer> } | { error: string });
