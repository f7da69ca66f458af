import type { BuildOptions } from 'esbuild';

export const browserOptions: BuildOptions;
export const gpuOptions: BuildOptions;
export const browserExtension: BuildOptions;
export const runtimeFiles: readonly string[];
export function resourceSizes(folder: string): Record<string, number>;
