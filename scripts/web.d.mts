import type { BuildOptions } from 'esbuild';

export const browserOptions: BuildOptions;
export const browserExtension: BuildOptions;
export const WASM: string;
export const wasmFile: string;
export function resourceSizes(folder: string): Record<string, number>;
