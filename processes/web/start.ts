import type { OpenedDevice } from '../../engine/backends/devices/findings.ts';
import { hasThreads } from '../../engine/backends/web/features.ts';
import type { DeviceId } from '../../shared/devices.ts';

/** The first message to the engine's worker: what it needs from the extension. */
export interface Start {
  /** ort-wasm-simd-threaded.wasm; for a GPU, the one with JSPI. */
  binary: ArrayBuffer;
  /** The text of ort-wasm-simd-threaded.mjs, if threads are used. */
  glue?: string;
  /** The processor if absent. */
  device?: OpenedDevice;
  /** The files of the embedded models: path → bytes. */
  sizes: Record<string, number>;
  /** Bytes that recorded features may take; a quarter of the memory if absent. */
  storeBudget?: number;
  /** The text of the engine's own script, from which it starts workers where they can share memory. */
  script?: string;
  /** For a worker of an engine: its threads, and how many workers there are. */
  member?: { threads: number; of: number };
}

/** The worker's answer. */
export type Started = { ready: true; keepsFiles: boolean } | { error: string };

/** What the worker requests through a port: a file of the embedded models. */
export interface ResourceRequest {
  id: number;
  place: string;
}
export type ResourceAnswer = { id: number } & ({ bytes: Uint8Array<ArrayBuffer> } | { error: string });

/** The files of dist/web that an engine on a device is made of. */
export function engineFiles(id: DeviceId): { script: string; binary: string; glue?: string } {
  if (id === 'webgpu') return { script: 'engine-gpu.js', binary: 'ort-wasm-simd-threaded.jspi.wasm' };
  return {
    script: 'engine.js',
    binary: 'ort-wasm-simd-threaded.wasm',
    ...(hasThreads() && { glue: 'ort-wasm-simd-threaded.mjs' }),
  };
}
