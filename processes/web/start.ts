import type { OpenedDevice } from '../../engine/backends/devices/findings.ts';
import { hasThreads, waitsForPromises } from '../../engine/backends/web/features.ts';
import type { DeviceId } from '../../shared/devices.ts';

/** The first message to the engine's worker: what it needs from the extension. */
export interface Start {
  /** The code of the device's runtime, which all workers share. */
  code: WebAssembly.Module;
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

/** ONNX Runtime's builds: without WebGPU; with it, where WebAssembly can wait for promises; with it elsewhere, which is larger and slower. */
type Runtime = 'wasm' | 'jspi' | 'asyncify';

const BINARIES: Record<Runtime, string> = {
  wasm: 'ort-wasm-simd-threaded.wasm',
  jspi: 'ort-wasm-simd-threaded.jspi.wasm',
  asyncify: 'ort-wasm-simd-threaded.asyncify.wasm',
};

/** The build for a device, by what this browser can do. */
export function runtimeFor(id: DeviceId): Runtime {
  if (id !== 'webgpu') return 'wasm';
  return waitsForPromises() ? 'jspi' : 'asyncify';
}

/** The files of dist/web that an engine on a device is made of. Its script is all of `scripts`, in this order. */
export function engineFiles(id: DeviceId): { scripts: readonly string[]; binary: string; glue?: string } {
  const runtime = runtimeFor(id);
  return {
    scripts: [`runtime-${runtime}.js`, 'engine.js'],
    binary: BINARIES[runtime],
    ...(runtime === 'wasm' && hasThreads() && { glue: 'ort-wasm-simd-threaded.mjs' }),
  };
}

/** @param text reads a file of dist/web */
export async function engineScript(id: DeviceId, text: (name: string) => Promise<string>): Promise<string> {
  return (await Promise.all(engineFiles(id).scripts.map(text))).join('\n');
}
